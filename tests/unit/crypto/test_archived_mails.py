"""CR-12: what OpenSSL sealed with triple DES opens for a person who asks for it, with a warning, and else never."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from commands.opening import open_command
from gateway.crypto.authority import to_pem
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.seal import Sealer
from gateway.errors import NotOpened
from gateway.letter import MssTls
from tests.test_docs import sources
from tests.unit.crypto.conftest import GP, HOSPITAL

WORDS = b"Content-Type: text/html\r\n\r\n<p>Vieille lettre inventee</p>\r\n"
LEGACY = ("-provider", "legacy", "-provider", "default")
HEAD = f"From: {HOSPITAL}\r\nTo: {GP}\r\nSubject: Essai\r\n".encode()


@pytest.fixture
def sealed(tmp_path: Path, openssl) -> Callable[..., Path]:
    """A mail that OpenSSL encrypted to the GP with the cipher that is asked for."""

    def write(*how: str, content: bytes = WORDS) -> Path:
        entity = openssl("-encrypt", *how, "-binary", "-crlfeol", "-outform", "SMIME", "gp.crt", content=content)
        (tmp_path / "old.eml").write_bytes(HEAD + entity)
        return tmp_path / "old.eml"

    return write


def opened(mail: Path, *more: object) -> Result:
    app = typer.Typer()
    app.command("open")(open_command)
    app.command("other")(lambda: None)
    arguments = ("open", mail, "--key", mail.parent / "gp.pem", *more)
    return CliRunner().invoke(app, [str(each) for each in arguments])


def test_it_stays_closed_unless_somebody_says_that_it_is_an_old_one(sealed):
    refused = opened(sealed("-des3"))
    assert (refused.exit_code, "not-decrypted" in refused.output) == (3, True)


def test_said_to_be_an_old_one_it_opens_with_a_warning(sealed, tmp_path, monkeypatch):
    monkeypatch.setenv("HUITAINE_LANG", "en")
    done = opened(sealed("-des3"), "--archive", "--output", tmp_path / "parts", "--mail", tmp_path / "opened.eml")
    told = json.loads(done.stdout)
    (layer,) = told["layers"]
    assert (layer["algorithms"], layer["intact"]) == (["des-ede3-cbc", "rsa"], False)
    assert told["remarks"] == ["malleable", "archive-cipher"]
    assert "archive-cipher: sealed with triple DES" in done.stderr
    assert (tmp_path / "parts" / "001-part").read_bytes().startswith(b"<p>Vieille lettre")
    filed = (tmp_path / "opened.eml").read_bytes()
    assert b'remarks="malleable archive-cipher"' in filed
    assert b"text/html" not in filed


def test_a_signature_inside_counts_and_the_warning_stays(sealed, compose, hospital, tmp_path, now):
    signed = Sealer(identity=hospital, openpgp=None, clock=lambda: now).seal(compose(MssTls())).content
    done = opened(sealed("-des3", content=signed), "--archive", "--trust", tmp_path / "roots.pem")
    told = json.loads(done.stdout)
    assert [layer["verified"] for layer in told["layers"]] == [None, True]
    assert told["remarks"] == ["archive-cipher"]


def test_control_what_is_not_old_is_opened_without_a_warning(sealed):
    done = opened(sealed("-aes-256-cbc"), "--archive")
    assert json.loads(done.stdout)["remarks"] == ["malleable"]
    assert done.stderr == ""


def test_it_opens_with_no_other_key(sealed, authority):
    mail = sealed("-des3")
    (mail.parent / "gp.pem").write_bytes(to_pem(authority.issue(address=GP), None))
    assert opened(mail, "--archive").exit_code == 3


@pytest.mark.parametrize("cipher", ["-des", "-rc2-40", "-rc2-128"])
def test_what_is_weaker_still_stays_closed(sealed, cipher):
    assert opened(sealed(cipher, *LEGACY), "--archive").exit_code == 3


def test_the_gateway_itself_opens_no_archive(sealed, gp, now):
    with pytest.raises(NotOpened):
        open_mail(sealed("-des3").read_bytes(), OpeningKeys(smime=(gp,)), at=now, trust_roots=())


def test_nothing_but_the_command_says_that_a_mail_is_an_old_one():
    said = [
        path for path in sources("gateway", "directory", "commands", "config") if "from_archive=" in path.read_text()
    ]
    assert [path.name for path in said] == ["opening.py"]
