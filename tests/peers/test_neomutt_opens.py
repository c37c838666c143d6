"""The GP's terminal client as a judge: it opens what is for him and verified, and says so when it is not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.peers.authority import KeyPair
from tests.peers.dovecot import Dovecot
from tests.peers.neomutt import open_in_neomutt
from tests.peers.running import need

pytestmark = [pytest.mark.peer, pytest.mark.root]


def person(folder: Path, name: str) -> KeyPair:
    pair = KeyPair(folder / f"{name}.pem", folder / f"{name}.key")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9", "-subj", f"/CN={name}"]
    command += [
        "-keyout",
        str(pair.key),
        "-out",
        str(pair.certificate),
        "-addext",
        f"subjectAltName=email:{name}@x.test",
    ]
    subprocess.run(command, check=True, capture_output=True)
    return pair


def sealed(folder: Path, signer: KeyPair, addressee: KeyPair) -> bytes:
    entity = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nCher confrère\r\n"
    (folder / "entity").write_bytes(entity.encode())
    sign = ["openssl", "cms", "-sign", "-in", str(folder / "entity"), "-md", "sha256"]
    sign += ["-signer", str(signer.certificate), "-inkey", str(signer.key)]
    signed = subprocess.run(sign, check=True, capture_output=True).stdout
    encrypt = ["openssl", "cms", "-encrypt", "-aes-256-cbc", "-subject", "Lettre", str(addressee.certificate)]
    return subprocess.run(encrypt, input=signed, check=True, capture_output=True).stdout


def test_neomutt_opens_a_sealed_letter_and_shows_who_signed(dovecot: Dovecot, mailbox: str, tmp_path: Path) -> None:
    need("neomutt", "openssl")
    hospital, gp, stranger = (person(tmp_path, name) for name in ("hospital", "gp", "stranger"))
    dovecot.deliver(mailbox, sealed(tmp_path, hospital, gp))
    seen = open_in_neomutt(dovecot, mailbox, pair=gp, roots=hospital.certificate)
    assert "Cher confrère" in seen.screen
    assert "CMS Verification successful" in seen.screen
    assert "Cher confrère".encode() in seen.decrypted
    unverified = open_in_neomutt(dovecot, mailbox, pair=gp, roots=stranger.certificate)
    assert "CMS Verification successful" not in unverified.screen
    closed = open_in_neomutt(dovecot, mailbox, pair=stranger, roots=hospital.certificate)
    assert "Cher confrère" not in closed.screen
