"""What the settings file says of the doors reaches them."""

from __future__ import annotations

import ssl
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from config.settings import SettingsError, load
from gateway.errors import SettingsRefused
from gateway.passing import loop_marker
from gateway.service.from_settings.doors import mllp_settings, smtp_settings
from tests.faults.client_certificates import HospitalAuthority
from tests.unit.smtp.smtp_door_kit import AUTHORITY

SETTINGS = """
[gateway]
domain = "huitaine.test"
[smtp]
starttls_port = 0
implicit_tls_port = 0
certificate_port = 0
certificate = "server.pem"
client_ca = "CA of the hospital.pem"
client_crl = "clients.crl"
proxies = ["192.0.2.7", "2001:db8::/64"]
max_connections = 7
max_connections_per_network = 6
max_connections_per_minute = 5
grace_seconds = 4.0
min_bytes_per_second = 3
max_errors = 2
max_junk = 9
max_guesses = 8
[mllp]
tls_port = 0
certificate = "server.pem"
client_ca = "CA of the hospital.pem"
client_crl = "clients.crl"
[sources.dpi]
senders = ["@hospital.test"]
certificate_subject = "dpi"
certificate_names = ["DNS:dpi.hospital.test", "URI:urn:dpi"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    authority = HospitalAuthority(tmp_path)
    assert authority.ca.exists()
    authority.write_list(tmp_path / "clients.crl")
    AUTHORITY.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    (tmp_path / "huitaine.toml").write_text(SETTINGS)
    return tmp_path


def test_each_listener_is_made_as_the_file_says(folder: Path):
    wanted = smtp_settings(load(folder / "huitaine.toml"))
    assert wanted is not None
    starttls, implicit, certificate = wanted.listeners
    assert [one.name for one in wanted.listeners] == ["starttls", "implicit", "certificate"]
    assert [one.implicit_tls for one in wanted.listeners] == [False, True, True]
    assert [one.demand_certificate for one in wanted.listeners] == [False, False, True]
    assert {one.proxies for one in wanted.listeners} == {(ip_network("192.0.2.7"), ip_network("2001:db8::/64"))}
    assert starttls.tls is not None
    assert implicit.tls is not None
    assert certificate.tls is not None
    modes = [one.tls.verify_mode for one in wanted.listeners if one.tls]
    assert modes == [ssl.CERT_OPTIONAL, ssl.CERT_OPTIONAL, ssl.CERT_REQUIRED]
    assert all(one.tls.verify_flags & ssl.VERIFY_CRL_CHECK_CHAIN for one in wanted.listeners if one.tls)
    assert wanted.loop_marker == loop_marker("huitaine.test")
    (source,) = wanted.sources
    assert source.certificate_names == {"commonName=dpi", "DNS:dpi.hospital.test", "URI:urn:dpi"}


def test_the_limits_of_the_file_are_those_of_the_door(folder: Path):
    wanted = smtp_settings(load(folder / "huitaine.toml"))
    assert wanted is not None
    limits = wanted.limits
    assert (limits.max_connections, limits.max_connections_per_address, limits.max_connections_per_minute) == (7, 6, 5)
    assert (limits.grace, limits.bytes_per_second) == (timedelta(seconds=4), 3)
    assert (limits.max_errors, limits.max_junk, limits.max_guesses) == (2, 9, 8)


def test_the_hl7_door_looks_at_the_same_lists(folder: Path):
    wanted = mllp_settings(load(folder / "huitaine.toml"))
    assert wanted is not None
    (listener,) = [one for one in wanted.listeners if one.tls]
    assert listener.tls is not None
    assert listener.tls.verify_flags & ssl.VERIFY_CRL_CHECK_CHAIN
    assert listener.tls.verify_mode is ssl.CERT_REQUIRED


def test_a_certificate_port_without_an_authority_is_refused(folder: Path):
    path = folder / "huitaine.toml"
    path.write_text(SETTINGS.replace('client_ca = "CA of the hospital.pem"\n', ""))
    with pytest.raises(SettingsRefused):
        smtp_settings(load(path))


@pytest.mark.parametrize("name", ["dpi.hospital.test", "CN=dpi", "DNS:"])
def test_a_certificate_name_of_no_kind_is_refused(folder: Path, name: str):
    path = folder / "huitaine.toml"
    path.write_text(SETTINGS.replace("URI:urn:dpi", name))
    with pytest.raises(SettingsError):
        load(path)
