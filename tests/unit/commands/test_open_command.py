"""`huitaine open` as somebody types it who wants to know whether he may believe a mail."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from commands.opening import open_command
from commands.opening_words import meaning
from gateway.crypto import remarks
from gateway.crypto.authority import TestAuthority, certificates_pem, to_pem
from gateway.crypto.cms.verify import CmsSignature
from gateway.crypto.keys import SigningIdentity
from gateway.crypto.openpgp_open import OpenPgpSignature
from gateway.crypto.seal import Sealer
from gateway.crypto.trust.signers import SignersTrust
from gateway.crypto.weighing import weighed
from gateway.identifiers import DeliveryId, LetterId
from gateway.letter import ComposedMail, Smime
from gateway.service.upkeep.installing import install
from tests.peers.authority_online import OnlineAuthority, online_authority

GP = "dr.essai@medecin-essai.mssante.fr"
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def online(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnlineAuthority]:
    with online_authority(tmp_path_factory.mktemp("online")) as served:
        yield served


@pytest.fixture(scope="module")
def gp() -> SigningIdentity:
    return TestAuthority.create("Cabinet").issue(address=GP, key="p256")


@pytest.fixture
def here(tmp_path: Path, gp: SigningIdentity, online: OnlineAuthority, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a key and an authority's certificate, and no installation."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("HUITAINE_LANG", "en")
    monkeypatch.delenv("HUITAINE_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gp.pem").write_bytes(to_pem(gp, None))
    (tmp_path / "roots.pem").write_bytes(certificates_pem((online.root,)))
    return tmp_path


@pytest.fixture
def letter(here: Path, gp: SigningIdentity, online: OnlineAuthority) -> Callable[..., Path]:
    def write(signer: str = "good", **changes: str) -> Path:
        from cryptography.hazmat.primitives.serialization import Encoding

        mail = ComposedMail(
            letter=LetterId("01ESSAI"),
            delivery=DeliveryId("01ESSAIDELIVERY"),
            message_id="<01ESSAI@hopital-essai.mssante.fr>",
            sender=online.address,
            mailbox=GP,
            headers=(("From", changes.get("sender", online.address)), ("To", GP), ("Subject", "Courrier")),
            entity=b"Content-Type: text/plain\r\n\r\nBonjour\r\n",
            protection=Smime(certificate=gp.certificate.public_bytes(Encoding.DER)),
            protected_subject="Lettre de sortie",
        )
        sealer = Sealer(identity=online.identities[signer], openpgp=None, clock=lambda: NOW)
        path = here / "letter.eml"
        path.write_bytes(sealer.seal(mail).content)
        return path

    return write


def run(*arguments: object, code: int = 0) -> str:
    app = typer.Typer()
    app.command("open")(open_command)
    app.command("other")(lambda: None)
    done = CliRunner().invoke(app, ["open", *map(str, arguments)])
    assert done.exit_code == code, done.output
    return done.output


def layer(told: str) -> dict[str, object]:
    """The signature's."""
    found: dict[str, object] = json.loads(told)["layers"][-1]
    return found


KEYS = ("--key", "gp.pem", "--trust", "roots.pem")


def test_nobody_is_asked_unless_somebody_says_so(letter: Callable[..., Path], online: OnlineAuthority):
    asked = len(online.asked)
    found = layer(run(letter("revoked-on-list"), *KEYS))
    assert (found["verified"], found["revocation"]) == (True, "not-asked")
    assert len(online.asked) == asked


@pytest.mark.parametrize("rule", ["soft", "hard"])
def test_a_signer_who_was_taken_back_is_told_when_asked(letter: Callable[..., Path], rule: str):
    assert layer(run(letter("listed-only"), *KEYS, "--revocation", rule))["revocation"] == "good"
    assert layer(run(letter("revoked-on-list"), *KEYS, "--revocation", rule))["why_not"] == "certificate-revoked"


def test_the_true_subject_and_how_far_it_is_protected_are_told(letter: Callable[..., Path], online: OnlineAuthority):
    told = json.loads(run(letter(), *KEYS))
    assert told["headers"]["subject"] == "Lettre de sortie"
    assert told["headers"]["protection"] == "signed-and-encrypted"
    assert told["remarks"] == []


def test_the_envelopes_sender_is_held_against_the_signer(letter: Callable[..., Path], online: OnlineAuthority):
    path = letter()
    assert layer(run(path, *KEYS, "--envelope-sender", online.address))["verified"] is True
    assert layer(run(path, *KEYS, "--envelope-sender", "x@example.org"))["why_not"] == "signer-is-not-sender"


def test_the_table_says_in_words_what_is_wrong(letter: Callable[..., Path]):
    told = run(letter(sender="autre@hopital-essai.mssante.fr"), *KEYS, "--format", "csv")
    assert "signer-is-not-from" in told
    assert "the signer is not whom the mail says it is from" in told


def test_the_opened_mail_is_written_with_its_results_and_never_over_another(letter: Callable[..., Path], here: Path):
    path = letter()
    run(path, *KEYS, "--mail", here / "opened.eml")
    mail = message_from_bytes((here / "opened.eml").read_bytes(), policy=policy.default)
    assert mail["Subject"] == "Lettre de sortie"
    assert len(mail.get_all("X-Huitaine-Result")) == 3
    assert stat.S_IMODE((here / "opened.eml").stat().st_mode) == 0o600
    run(path, *KEYS, "--mail", here / "opened.eml", code=3)


def test_the_installations_authorities_and_rule_count(letter: Callable[..., Path], here: Path, monkeypatch):
    install(here / "gateway", domain="hopital-essai.mssante.fr")
    settings = here / "gateway" / "huitaine.toml"
    monkeypatch.setenv("HUITAINE_CONFIG", str(settings))
    path = letter("revoked-on-list")
    assert layer(run(path, "--key", "gp.pem"))["why_not"] == "untrusted-signer"
    (here / "gateway" / "signers.pem").write_bytes((here / "roots.pem").read_bytes())
    settings.write_text(settings.read_text() + '\n[crypto]\nincoming_authorities = "signers.pem"\n')
    assert layer(run(path, "--key", "gp.pem"))["why_not"] == "certificate-revoked"
    assert layer(run(path, "--key", "gp.pem", "--revocation", "off"))["verified"] is True
    assert {each.suffix for each in (here / "gateway" / "data" / "revocation").iterdir()} == {".crl"}
    run(path, "--key", "gp.pem", "--mail", here / "opened.eml")
    assert b"X-Huitaine-Result: hopital-essai.mssante.fr; layer=1" in (here / "opened.eml").read_bytes()
    (here / "gateway" / "signers.pem").write_bytes(b"no certificate")
    assert "crypto.incoming_authorities" in run(path, "--key", "gp.pem", code=3)


def test_a_folder_that_cannot_be_made_is_told(letter: Callable[..., Path], here: Path):
    (here / "file").write_text("in the way")
    assert "file" in run(letter(), *KEYS, "--output", here / "file" / "parts", code=3)


def _codes() -> set[str]:
    """Every code that the modules promise in their own words."""
    told = re.findall(r"^([a-z-]+)  ", remarks.__doc__ or "", re.MULTILINE)
    for doc, after, before in (
        (weighed.__doc__, "itself:", "."),
        (SignersTrust.why_not.__doc__, "one of", "."),
        (CmsSignature.__doc__, "Codes:", ", and those"),
        (OpenPgpSignature.__doc__, "unknown-signer", "("),
    ):
        listed = (doc or "").partition(after)[2].partition(before)[0]
        told += [code.strip() for code in listed.split(",") if code.strip()]
    return {*told, "unknown-signer"}


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_code_has_words(monkeypatch: pytest.MonkeyPatch, language: str):
    monkeypatch.setenv("HUITAINE_LANG", language)
    codes = _codes()
    assert {"malleable", "not-addressed-to-us", "certificate-revoked", "content-changed"} <= codes
    assert [code for code in codes if meaning(code) == code] == []
    assert meaning("something-new") == "something-new"
