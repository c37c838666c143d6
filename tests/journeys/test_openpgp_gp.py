"""A GP whose key is an OpenPGP key opens his letters with an ordinary gpg, and sees who signed them."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from demo import letters
from directory import Directory, add_openpgp_key, remove_key
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.service.upkeep.installing import key_store
from tests.journeys.kit import Hospital, files_of, hospital, until
from tests.peers.dovecot import Dovecot
from tests.peers.postfix import Postfix
from tests.peers.running import need, open_folder

pytestmark = [pytest.mark.peer, pytest.mark.root]

NOW = datetime.now(UTC).replace(microsecond=0)
TO_THE_GP = f"{letters.GP}@rpps.hospital.test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpg:
    """Debian's gpg with a home of its own (a short path: its agent's socket lies in it)."""

    home: Path

    def run(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        command = ["gpg", "--homedir", str(self.home), "--batch", "--no-tty", "--status-fd", "2", *arguments]
        return subprocess.run(command, input=given, capture_output=True, check=False)

    def make_key(self, mailbox: str) -> bytes:
        """A key as a GP's mail client makes it; gives the public part in armor."""
        key = ("--quick-gen-key", f"Docteur Exemple <{mailbox}>", "future-default", "default", "1y")
        made = self.run("--passphrase", "", "--pinentry-mode", "loopback", *key)
        assert made.returncode == 0, made.stderr
        return self.run("--armor", "--export", mailbox).stdout


@contextmanager
def gpg_home() -> Iterator[Gpg]:
    """A home that nobody else uses; its agent ends with it."""
    need("gpg", "gpgconf")
    with open_folder("gpg") as home:
        home.chmod(0o700)
        yield Gpg(home=home)
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False, capture_output=True)


@pytest.fixture
def gpg() -> Iterator[Gpg]:
    """The GP's."""
    with gpg_home() as home:
        yield home


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPgpWard:
    """The hospital, and the GP's gpg that knows the hospital's public key."""

    ward: Hospital
    gpg: Gpg

    async def opened(self) -> Message:
        """What ``gpg --decrypt`` gives back of the mail in the mailbox: the signed entity."""
        sealed = message_from_bytes(await self.ward.letter_in_mailbox())
        assert sealed.get_content_type() == "multipart/encrypted"
        assert sealed.get_param("protocol") == "application/pgp-encrypted"
        version, armor = (part.get_payload(decode=True) for part in sealed.get_payload())
        assert version.strip() == b"Version: 1"
        done = self.gpg.run("--trust-model", "always", "--decrypt", given=armor)
        assert done.returncode == 0, done.stderr
        assert b"[GNUPG:] GOODSIG" in done.stderr
        assert b"[GNUPG:] DECRYPTION_OKAY" in done.stderr
        return message_from_bytes(done.stdout)


@pytest.fixture
async def openpgp(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str, gpg: Gpg
) -> AsyncIterator[OpenPgpWard]:
    """The GP's S/MIME certificate is forgotten; his OpenPGP key takes its place."""

    def learn(folder: Path) -> None:
        data = folder / "data"
        for certificate in Directory.open(data).certificates(mailbox):
            remove_key(data, mailbox, certificate.fingerprint)
        add_openpgp_key(data, mailbox, gpg.make_key(mailbox))
        ours = OpenPgpSigner.generate(f"CH d'essai <{hospital_mailbox}>")
        key_store(data, (folder / "secrets" / "keystore-password").read_bytes()).put_openpgp("hospital-pgp", ours)
        gpg.run("--import", given=OpenPgpSigner(ours).public_key)

    def change(text: str) -> str:
        return text.replace('identity = "signer"\n', 'identity = "signer"\nopenpgp_key = "hospital-pgp"\n')

    async with hospital(
        tmp_path, postfix, dovecot, gp=mailbox, sender=hospital_mailbox, change=change, learn=learn
    ) as ward:
        yield OpenPgpWard(ward=ward, gpg=gpg)


async def test_a_gp_with_gpg_opens_a_secretarys_pdf_byte_for_byte(openpgp: OpenPgpWard):
    pdf = letters.pdf("Consultation", "Évolution favorable.")
    await openpgp.ward.mail(letters.secretary("dpi@hospital.test", pdf), openpgp.ward.gp.mailbox)
    found = files_of(await openpgp.opened())
    assert found["pdf"] == pdf
    assert "courrier de consultation" in found["text"].decode()


async def test_a_gp_with_gpg_opens_an_hprim_lab_result_byte_for_byte(openpgp: OpenPgpWard):
    record = letters.hprim_lab(NOW)
    await openpgp.ward.mail(letters.hprim_mail(record), TO_THE_GP)
    found = files_of(await openpgp.opened())
    assert found["hpr"] == record
    assert "Hémoglobine" in found["text"].decode()


async def test_a_gp_with_gpg_opens_a_discharge_letter_from_hl7_byte_for_byte(openpgp: OpenPgpWard):
    pdf, day = letters.pdf("Lettre de liaison", "Retour au domicile."), timedelta(days=1)
    message = letters.mdm("PGP1", NOW, NOW - 5 * day, NOW - day, pdf).replace(
        letters.GP_MAILBOX.encode(), openpgp.ward.gp.mailbox.encode()
    )
    assert "MSA|AA|PGP1" in await openpgp.ward.hl7(message)
    assert files_of(await openpgp.opened())["pdf"] == pdf


async def test_nothing_of_the_patient_shows_around_the_pgp_message(openpgp: OpenPgpWard):
    await openpgp.ward.mail(letters.hprim_mail(letters.hprim_lab(NOW)), TO_THE_GP)
    sealed = await openpgp.ward.letter_in_mailbox()
    body = sealed.partition(b"\r\n\r\n")[2]
    assert b"TESTINI" not in body
    assert b"26D0012345" not in sealed
    await until(lambda: any(row["protection"] == "openpgp" for row in openpgp.ward.deliveries()))


async def test_a_stranger_with_another_gpg_key_reads_nothing(openpgp: OpenPgpWard):
    await openpgp.ward.mail(letters.secretary("dpi@hospital.test", letters.pdf("C", "c")), openpgp.ward.gp.mailbox)
    armor = message_from_bytes(await openpgp.ward.letter_in_mailbox()).get_payload()[1].get_payload(decode=True)
    with gpg_home() as stranger:
        stranger.make_key("stranger@gp.test")
        done = stranger.run("--decrypt", given=armor)
    assert done.returncode != 0
    assert not done.stdout
