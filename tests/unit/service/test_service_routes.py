"""Out of the settings: who takes the mail of a domain, and what the directory's trouble becomes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from config.settings import Settings, load
from directory import Directory, DirectoryError, update_white_list
from gateway.errors import SettingsRefused, StorageUnavailable, TransientFailure
from gateway.moments import utc_now
from gateway.service.from_settings.routes import ListedOperators, _name_server, routes
from gateway.service.road.addressing import AddressingDesk
from gateway.service.road.trouble import directory_trouble
from gateway.smtp.courier import HandOverFailure, MxRoutes, RoutesByDomain, StaticRoutes
from gateway.smtp.courier.found import NameServer
from tests.peers.authority import Authority
from tests.unit.addressing.world import document, letter, named
from tests.unit.directory import signing

OPERATOR = 'CN=MSS.exemple.fr,OU=1750000000,O="CH  EXEMPLE",ST=Paris (75),C=FR'
SECOND = "CN=bus.mssante.fr,OU=1750000001,OU=318751275100020,O=X,C=FR"
NO_UNIT = "CN=sans-ou.mssante.fr,O=X,C=FR"

Loading = Callable[[str], Settings]


@pytest.fixture
def loaded(tmp_path: Path) -> Loading:
    def settings(text: str) -> Settings:
        (tmp_path / "huitaine.toml").write_text(text)
        return load(tmp_path / "huitaine.toml")

    return settings


@pytest.fixture
def directory(tmp_path: Path):
    opened = Directory.open(tmp_path)
    yield opened
    opened.close()


def listed(folder: Path, domains: dict[str, str]) -> None:
    issuer = signing.authority()
    content = signing.sign(signing.list_xml(domains), signing.signer_of(issuer))
    update_white_list(folder, content, authorities=issuer.pem, common_name=signing.SIGNER, clock=lambda: signing.NOW)


def test_each_operator_of_a_domain_is_a_pair_of_name_and_unit(tmp_path: Path, directory: Directory):
    listed(tmp_path, {"exemple.mssante.fr": OPERATOR, "bus.mssante.fr": SECOND, "sans-ou.mssante.fr": NO_UNIT})
    operators = ListedOperators(directory.white_list)
    assert operators.subjects("Exemple.mssante.fr") == {("mss.exemple.fr", "1750000000")}
    assert operators.subjects("bus.mssante.fr") == {
        ("bus.mssante.fr", "1750000001"),
        ("bus.mssante.fr", "318751275100020"),
    }
    assert operators.subjects("sans-ou.mssante.fr") == {("sans-ou.mssante.fr", "")}
    assert operators.subjects("elsewhere.test") == frozenset()


def test_without_a_list_nobody_is_refused_for_ever(directory: Directory):
    with pytest.raises(HandOverFailure) as caught:
        ListedOperators(directory.white_list).subjects("exemple.mssante.fr")
    assert isinstance(caught.value, TransientFailure)


def test_the_operator_is_the_default_and_mx_is_said(loaded: Loading, directory: Directory, authority: Authority):
    assert isinstance(routes(loaded(""), directory, utc_now), StaticRoutes)
    mx = f'[courier]\ndeliver = "mx"\n[courier.mx]\nca = "{authority.roots}"\nnameservers = ["127.0.0.1:5353"]\n'
    ours = f'certificate = "{authority.client.certificate}"\nkey = "{authority.client.key}"\n'
    chosen = routes(loaded(mx + ours), directory, utc_now)
    assert isinstance(chosen, RoutesByDomain)
    assert isinstance(chosen._otherwise, MxRoutes)


@pytest.mark.parametrize("missing", ["ca", "certificate"])
def test_mx_without_authority_or_certificate_is_refused_at_the_start(
    missing: str, loaded: Loading, directory: Directory, authority: Authority
):
    have = {"ca": authority.roots, "certificate": authority.client.certificate, "key": authority.client.key}
    have.pop(missing)
    keys = "".join(f'{name} = "{path}"\n' for name, path in have.items())
    with pytest.raises(SettingsRefused, match="Settings refused") as caught:
        routes(loaded(f'[courier]\ndeliver = "mx"\n[courier.mx]\n{keys}'), directory, utc_now)
    assert "[courier.mx]" in caught.value.detail


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("192.0.2.1", NameServer(address="192.0.2.1")),
        ("192.0.2.1:5353", NameServer(address="192.0.2.1", port=5353)),
        ("2001:db8::1", NameServer(address="2001:db8::1")),
        ("[2001:db8::1]", NameServer(address="2001:db8::1")),
        ("[2001:db8::1]:5353", NameServer(address="2001:db8::1", port=5353)),
    ],
)
def test_a_name_server_is_an_address_with_or_without_port(text: str, server: NameServer):
    assert _name_server(text) == server


def test_a_port_that_is_no_number_is_refused():
    with pytest.raises(SettingsRefused):
        _name_server("192.0.2.1:dns")


@pytest.mark.parametrize("error", [DirectoryError("schema", "of another version"), sqlite3.OperationalError("disk")])
def test_a_directory_that_cannot_be_read_makes_a_letter_wait(error: Exception):
    class Broken:
        def address(self, parsed: object) -> None:
            raise error

    with pytest.raises(StorageUnavailable):
        AddressingDesk(Broken(), {}).address(letter(document(named())))  # type: ignore[arg-type]


def test_an_error_of_our_own_is_not_hidden_as_trouble_of_the_directory():
    with pytest.raises(KeyError), directory_trouble():
        raise KeyError
