"""Our OpenPGP key in gpg-agent, as on a card: gpg seals with it, and the addressee's gpg and PySequoia open."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from pysequoia.packet import PacketPile, Tag

from config.settings import load
from gateway.crypto.keyring import Keyring
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.crypto.openpgp_agent import AgentSecret, AgentSigner
from gateway.crypto.openpgp_open import OpenPgpSecret
from gateway.crypto.seal import Sealer
from gateway.errors import KeyStoreRefused, NoProtection, TokenUnavailable
from gateway.letter import OpenPgp
from gateway.service.from_settings.keystores import gateway_keys, openpgp_signer
from gateway.service.upkeep.installing import install
from tests.peers.agent_home import Home, agent_home

pytestmark = pytest.mark.peer
HOSPITAL = "sortie.chirurgie@hopital-essai.mssante.fr"
GP = "dr.essai@medecin-essai.mssante.fr"


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with agent_home(HOSPITAL) as made:
        yield made


def locked(home: Home) -> None:
    """The agent forgets every password it was told."""
    subprocess.run(["gpgconf", "--homedir", str(home.path), "--kill", "gpg-agent"], check=True, capture_output=True)


@pytest.fixture
def signer(home: Home) -> AgentSigner:
    return AgentSigner(home.path, home.fingerprint, "123456")


def test_a_letter_sealed_by_the_agents_key_opens_and_verifies(
    signer, compose, gp_pgp, authority, entity, now, hospital
):
    sealer = Sealer(identity=hospital, openpgp=signer, clock=lambda: now)
    letter = sealer.seal(compose(OpenPgp(key=OpenPgpSigner(gp_pgp).public_key))).content
    keys = OpeningKeys(openpgp=(OpenPgpSecret(gp_pgp),), correspondents=(signer.public_key,))
    opened = open_mail(letter, keys, at=now, trust_roots=authority.roots)
    assert opened.entity == entity
    assert opened.authenticated
    assert letter.count(b"\n") == letter.count(b"\r\n")


def test_the_agents_key_says_whose_it_is_and_nothing_else(home):
    """What was signed for somebody else and sealed to us anew is told by it (CR-17)."""
    secret = AgentSecret(home.path, home.fingerprint, "123456")
    assert secret.mailboxes() == (HOSPITAL,)
    assert repr(secret) == "AgentSecret(hidden)"


def test_the_armor_of_python_gnupg_has_the_line_ends_of_mail(signer, gp_pgp, entity, now):
    armor = signer.seal(entity, OpenPgpSigner(gp_pgp).public_key, fingerprint="", address=GP, at=now)
    assert armor.count(b"\n") == armor.count(b"\r\n") > 3
    again = signer.seal(entity, OpenPgpSigner(gp_pgp).public_key, fingerprint="", address=GP, at=now)
    assert again != armor


def test_an_addressees_key_that_may_not_is_refused_before_gpg_is_asked(signer, gp_pgp, entity, now):
    public = OpenPgpSigner(gp_pgp).public_key
    with pytest.raises(NoProtection) as refused:
        signer.seal(entity, public, fingerprint="", address="autre@essai.example", at=now)
    assert refused.value.detail == "address-mismatch"


def test_what_gpg_cannot_import_is_refused(signer, gp_pgp, entity, now, monkeypatch):
    monkeypatch.setattr(signer._gpg, "import_keys", lambda _: SimpleNamespace(count=0))
    with pytest.raises(NoProtection) as refused:
        signer.seal(entity, OpenPgpSigner(gp_pgp).public_key, fingerprint="", address=GP, at=now)
    assert refused.value.detail == "openpgp-refused"


@pytest.mark.parametrize("password", ["wrong", None])
def test_a_wrong_pin_means_that_the_letter_waits(home, gp_pgp, entity, now, password):
    locked(home)
    signer = AgentSigner(home.path, home.fingerprint, password)
    with pytest.raises(TokenUnavailable) as waits:
        signer.seal(entity, OpenPgpSigner(gp_pgp).public_key, fingerprint="", address=GP, at=now)
    assert not waits.value.permanent
    assert entity not in str(waits.value.detail).encode()


def test_a_home_without_that_secret_key_is_refused_at_start(home, signer):
    for wrong in ("0" * 40, HOSPITAL, ""):
        with pytest.raises(KeyStoreRefused) as refused:
            AgentSigner(home.path, wrong)
        assert "no secret key" in refused.value.detail
    assert repr(signer) == "AgentSigner(hidden)"


def test_a_keyring_tells_which_keys_are_certainly_whose_they_say(home, gp_pgp):
    ring = Keyring(home.path)
    (gp_fingerprint,) = ring.add(OpenPgpSigner(gp_pgp).public_key)
    valid = {key.fingerprint: key.valid_user_ids for key in ring.list()}
    assert valid == {home.fingerprint: (f"Hopital <{HOSPITAL}>",), gp_fingerprint: ()}


# formats follow the certificate's features (CR-14) --------------------------------------------------------------------


def formats(message: bytes) -> set[tuple[int, int]]:
    """Versions of the session key packet and of the protected data."""
    packets = list(PacketPile.from_bytes(message))
    pkesk = next(packet.body[0] for packet in packets if packet.tag == Tag.PKESK)
    return {(pkesk, next(packet.body[0] for packet in packets if packet.tag == Tag.SEIP))}


def test_gpgs_own_certificate_gets_what_gpg_2_2_reads_and_a_new_ones_more(home, hospital_pgp, gp_pgp, entity, now):
    ours, theirs = OpenPgpSigner(hospital_pgp), Keyring(home.path).export(home.fingerprint)
    to_gpg = ours.seal(entity, theirs, fingerprint="", address=HOSPITAL, at=now)
    assert formats(to_gpg) == {(3, 1)}
    to_new = ours.seal(entity, OpenPgpSigner(gp_pgp).public_key, fingerprint="", address=GP, at=now)
    assert formats(to_new) == {(6, 2)}


# the settings -------------------------------------------------------------------------------------------------------


@pytest.fixture
def settings(tmp_path):
    """What makes settings with these lines in [crypto]."""

    def made(crypto: str, **secrets: str):
        install(tmp_path / "here", domain="hopital-essai.mssante.fr")
        for name, value in secrets.items():
            (tmp_path / "here" / "secrets" / name).write_text(value)
        file = tmp_path / "here" / "huitaine.toml"
        file.write_text(file.read_text() + "\n[crypto]\n" + crypto)
        return load(file)

    return made


def test_settings_name_a_home_a_key_of_the_store_or_none(settings, home, hospital_pgp):
    plain = settings("")
    store = gateway_keys(plain)
    assert openpgp_signer(plain, store) is None
    store.put_openpgp("pgp", hospital_pgp)
    named = plain.model_copy(update={"crypto": plain.crypto.model_copy(update={"openpgp_key": "pgp"})})
    assert isinstance(openpgp_signer(named, store), OpenPgpSigner)


@pytest.mark.parametrize("pin", ['openpgp_pin_secret = "pin"', ""])
def test_settings_name_the_agents_key_by_its_fingerprint(settings, home, pin):
    with_home = settings(f'openpgp_key = "{home.fingerprint}"\nopenpgp_home = "{home.path}"\n{pin}\n', pin="123456\n")
    assert isinstance(openpgp_signer(with_home, gateway_keys(with_home)), AgentSigner)
