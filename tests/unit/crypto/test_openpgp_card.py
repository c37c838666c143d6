"""Our OpenPGP key on a card, as gpg sees one (SoftHSM behind gnupg-pkcs11-scd): enrolled, sealed with, opened with."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from config.settings import load
from gateway.crypto import openpgp_agent, openpgp_card
from gateway.crypto.keyring import Keyring
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.openpgp import OpenPgpSigner, public_keys
from gateway.crypto.openpgp_agent import AgentSecret, AgentSigner
from gateway.crypto.openpgp_card import Card
from gateway.crypto.openpgp_open import OpenPgpSecret, decrypt
from gateway.crypto.openpgp_process import TimedGpg, end_agent
from gateway.crypto.seal import Sealer
from gateway.errors import KeyStoreRefused, NotOpened, TokenUnavailable
from gateway.letter import OpenPgp
from gateway.service.from_settings.keystores import gateway_keys, openpgp_secrets, openpgp_signer
from tests.peers.openpgp_card import CardReader, card_reader
from tests.peers.softhsm import MODULE

pytestmark = pytest.mark.peer
HOSPITAL = "sortie.chirurgie@hopital-essai.mssante.fr"
GP = "dr.essai@medecin-essai.mssante.fr"


@dataclass(frozen=True)
class Enrolled:
    """A card with our certificate over its keys."""

    reader: CardReader
    fingerprint: str

    def signer(self, pin: str | None = None) -> AgentSigner:
        return AgentSigner(self.reader.home, self.fingerprint, self.reader.pin if pin is None else pin)

    def secret(self, pin: str | None = None) -> AgentSecret:
        return AgentSecret(self.reader.home, self.fingerprint, self.reader.pin if pin is None else pin)


@pytest.fixture(scope="module")
def card() -> Iterator[Enrolled]:
    with card_reader() as reader:
        told = Card(reader.home, reader.pin)
        told.use_module(reader.module)
        first, second = sorted(told.keys(), key=lambda key: key.place)
        made = told.certify(f"CH d'essai <{HOSPITAL}>", signing=first.grip, opening=second.grip)
        yield Enrolled(reader, made)


@pytest.fixture
def answer(card, gp_pgp, now):
    """What a GP's OpenPGP software sends back: sealed to the card's certificate."""

    def sealed(content: bytes = b"Content-Type: text/plain\r\n\r\nBien recu.\r\n") -> bytes:
        gp = OpenPgpSigner(gp_pgp)
        return gp.seal(content, card.signer().public_key, fingerprint="", address=HOSPITAL, at=now)

    return sealed


# signing ------------------------------------------------------------------------------------------------------------


def test_a_letter_signed_on_the_card_opens_and_verifies_elsewhere(
    card, compose, gp_pgp, authority, entity, now, hospital
):
    signer = card.signer()
    sealer = Sealer(identity=hospital, openpgp=signer, clock=lambda: now)
    letter = sealer.seal(compose(OpenPgp(key=OpenPgpSigner(gp_pgp).public_key))).content
    keys = OpeningKeys(openpgp=(OpenPgpSecret(gp_pgp),), correspondents=(signer.public_key,))
    opened = open_mail(letter, keys, at=now, trust_roots=authority.roots)
    assert opened.entity == entity
    assert opened.authenticated


def test_the_home_has_no_secret_that_could_be_exported(card):
    exported = Keyring(card.reader.home).export_secret(card.fingerprint, card.reader.pin)
    with pytest.raises(KeyStoreRefused):  # where the keys are, and no more
        OpenPgpSecret(exported)


# opening ------------------------------------------------------------------------------------------------------------


def test_what_was_sealed_to_the_card_opens_with_it_and_its_known_signer_counts(card, answer, gp_pgp):
    known = public_keys(OpenPgpSigner(gp_pgp).public_key)
    opened = decrypt(answer(), (card.secret(),), known)
    assert opened.content == b"Content-Type: text/plain\r\n\r\nBien recu.\r\n"
    assert opened.signature is not None
    assert (opened.signature.why_not, opened.signature.fingerprint) == ("", known[0].fingerprint)
    assert opened.algorithms == ("seipdv1",)


def test_a_signer_who_is_not_known_counts_for_nothing_even_with_his_key_at_home(card, answer, gp_pgp, hospital_pgp):
    Keyring(card.reader.home).add(OpenPgpSigner(gp_pgp).public_key)
    others = public_keys(OpenPgpSigner(hospital_pgp).public_key)
    for known in ((), others):
        signature = card.secret().open(answer(), known).signature
        assert signature is not None
        assert signature.why_not == "unknown-signer"


def test_what_nobody_signed_has_no_signature(card):
    home = TimedGpg(card.reader.home)
    sealed = bytes(home.encrypt(b"unsigned", card.fingerprint, always_trust=True).data)
    opened = card.secret().open(sealed, ())
    assert (opened.content, opened.signature) == (b"unsigned", None)


def test_a_message_to_somebody_else_or_changed_on_the_way_does_not_open(card, answer, gp_pgp, hospital_pgp, now):
    other = OpenPgpSigner(hospital_pgp).public_key
    to_other = OpenPgpSigner(gp_pgp).seal(b"x", other, fingerprint="", address=HOSPITAL, at=now)
    armor = answer()
    changed = armor[: len(armor) // 2] + armor[len(armor) // 2 + 4 :]
    for message in (to_other, changed, b"no message at all"):
        with pytest.raises(NotOpened) as refused:
            card.secret().open(message, ())
        assert refused.value.detail == "not-decrypted"


@pytest.mark.parametrize("pin", ["wrong", ""])
def test_without_the_right_pin_a_mail_waits_and_a_letter_too(card, answer, gp_pgp, now, pin):
    sealed = answer()
    end_agent(card.reader.home)
    with pytest.raises(TokenUnavailable):
        card.secret(pin).open(sealed, ())
    end_agent(card.reader.home)
    with pytest.raises(TokenUnavailable):
        card.signer(pin).seal(b"x", OpenPgpSigner(gp_pgp).public_key, fingerprint="", address=GP, at=now)


def test_a_card_that_was_pulled_out_holds_nobody_up_and_works_once_it_is_back(
    card, answer, gp_pgp, now, monkeypatch, tmp_path
):
    """gpg_2_2_waits_for_ever_for_a_card: its agent asks for it again and again, and python-gnupg knows no deadline."""
    public, sealed = OpenPgpSigner(gp_pgp).public_key, answer()
    monkeypatch.setattr(openpgp_agent, "TimedGpg", partial(TimedGpg, seconds=1))
    signer, secret = card.signer(), card.secret()
    end_agent(card.reader.home)
    with monkeypatch.context() as away:
        (tmp_path / "empty").mkdir()
        (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path}/empty\n")
        away.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
        with pytest.raises(TokenUnavailable) as late:
            secret.open(sealed, ())
        assert "in time" in late.value.detail
        with pytest.raises(TokenUnavailable):
            signer.seal(b"x", public, fingerprint="", address=GP, at=now)
    monkeypatch.undo()
    assert card.secret().open(sealed, ()).content
    assert card.signer().seal(b"x", public, fingerprint="", address=GP, at=now)


# enrolling ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def fresh(card) -> Iterator[CardReader]:
    """The same card, in a home that knows nothing of it yet."""
    with tempfile.TemporaryDirectory(prefix="hcard") as folder:
        yield replace(card.reader, home=Path(folder) / "gnupg")
        end_agent(Path(folder) / "gnupg")


def test_the_command_lists_enrols_and_tries_and_the_settings_it_names_work(run_keys, place, fresh, gp_pgp, now):
    (place / "pin").write_text(fresh.pin + "\n")
    base = ("card", fresh.home, "--pin-file", place / "pin", "--module", fresh.module)
    assert len(json.loads(run_keys(*base, "--format", "json"))) >= 2
    (row,) = json.loads(run_keys(*base, "--address", HOSPITAL, "--format", "json"))
    settings = place / "here" / "huitaine.toml"
    crypto = f'openpgp_home = "{row["home"]}"\nopenpgp_key = "{row["fingerprint"]}"\nopenpgp_pin_secret = "card-pin"\n'
    settings.write_text(settings.read_text() + "\n[crypto]\n" + crypto)
    (place / "here" / "secrets" / "card-pin").write_text(fresh.pin)
    read = load(settings)
    signer = openpgp_signer(read, gateway_keys(read))
    assert isinstance(signer, AgentSigner)
    sealed = OpenPgpSigner(gp_pgp).seal(b"x", signer.public_key, fingerprint="", address=HOSPITAL, at=now)
    assert decrypt(sealed, openpgp_secrets(read, gateway_keys(read)), ()).content == b"x"
    shown = {row["name"]: row["kind"] for row in json.loads(run_keys("list", "--format", "json"))}
    assert shown[row["fingerprint"]] == "openpgp-card"
    soon = json.loads(run_keys("audit", "--within", 1100, "--format", "json", code=1))
    assert (row["fingerprint"], "expires-soon") in {(each["name"], each["problem"]) for each in soon}
    settings.write_text(settings.read_text().replace(row["fingerprint"], "0" * 40))
    gone = json.loads(run_keys("audit", "--format", "json", code=1))
    assert ("0" * 40, "missing") in {(each["name"], each["problem"]) for each in gone}
    public = place / "ours.asc"
    public.write_bytes(signer.public_key)
    (again,) = json.loads(run_keys(*base, "--public", public, "--format", "json"))
    assert again["fingerprint"] == row["fingerprint"]
    assert "openpgp_key" in run_keys(*base, "--public", public)


def test_the_command_says_what_is_wrong_with_a_card(run_keys, place, card, gp_pgp):
    (place / "wrong").write_text("wrong")
    base = ("card", card.reader.home, "--pin-file", place / "wrong")
    assert "not one key" in run_keys(*base, "--address", HOSPITAL, "--signing", "nowhere", code=3)
    assert "no such PKCS #11 module" in run_keys(*base, "--module", place / "none.so", code=3)
    stranger = place / "stranger.asc"
    stranger.write_bytes(OpenPgpSigner(gp_pgp).public_key)
    assert "no key of this certificate" in run_keys(*base, "--public", stranger, code=3)
    end_agent(card.reader.home)
    run_keys(*base, "--address", HOSPITAL, code=4)


def test_a_home_that_other_hands_set_up_is_left_as_it_is(fresh):
    fresh.home.mkdir(mode=0o700)
    (fresh.home / "gpg-agent.conf").write_text("pinentry-program /usr/bin/pinentry\n")
    with pytest.raises(KeyStoreRefused) as refused:
        Card(fresh.home, fresh.pin).use_module(fresh.module)
    assert "gpg-agent.conf" in refused.value.detail
    assert (fresh.home / "gpg-agent.conf").read_text() == "pinentry-program /usr/bin/pinentry\n"


def test_a_machine_without_the_daemon_or_without_gpg_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    told = Card(tmp_path / "gnupg", "1234")
    with pytest.raises(KeyStoreRefused) as refused:
        told.use_module(MODULE)
    assert "apt install" in refused.value.detail
    with pytest.raises(KeyStoreRefused) as refused:
        told.keys()
    assert refused.value.detail == "gpg: not installed"
    assert repr(told) == "Card(hidden)"


def test_a_card_that_does_not_answer_when_it_is_enrolled_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(openpgp_card, "SECONDS", 0.1)
    monkeypatch.setenv("PATH", str(tmp_path))
    silent = tmp_path / "gpg-connect-agent"
    silent.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    silent.chmod(0o700)
    (tmp_path / "gpgconf").symlink_to("/bin/true")
    with pytest.raises(TokenUnavailable):
        Card(tmp_path / "gnupg", "1234").keys()


def test_a_key_that_the_card_does_not_have_opens_nothing(fresh):
    told = Card(fresh.home, fresh.pin)
    told.use_module(fresh.module)
    with pytest.raises(TokenUnavailable) as refused:
        told.certify(f"CH d'essai <{HOSPITAL}>", signing=told.keys()[0].grip, opening="0" * 40)
    assert refused.value.detail == "gpg: no key that opens"


def test_a_home_without_a_card_has_no_keys_and_opens_nothing(run_keys, card):
    assert repr(card.secret()) == "AgentSecret(hidden)"
    with tempfile.TemporaryDirectory(prefix="hcard") as folder:
        with pytest.raises(KeyStoreRefused) as refused:
            AgentSecret(Path(folder))
        assert refused.value.detail == "openpgp: no secret key in the keyring"
        end_agent(Path(folder))


def test_the_command_refuses_a_card_of_fewer_than_two_keys(run_keys, place):
    assert "fewer than two" in run_keys("card", place / "gnupg", "--address", HOSPITAL, code=3)
    end_agent(place / "gnupg")
