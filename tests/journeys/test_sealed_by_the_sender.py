"""What a hospital signed or encrypted itself reaches the GP with the same bytes (CR-28, promise A9)."""

from __future__ import annotations

import subprocess
from base64 import encodebytes
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from demo import letters
from gateway.crypto.authority import TestAuthority, to_pem
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.letter import Proof
from gateway.moments import utc_now
from tests.journeys.kit import Hospital, files_of, hospital, until
from tests.peers.dovecot import Dovecot
from tests.peers.fixtures import DELIVERED_GP
from tests.peers.postfix import Postfix

pytestmark = [pytest.mark.peer, pytest.mark.root]

TRACE = b"X-Huitaine-Id: "
ENTITY = (
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    b"Cher confr\xc3\xa8re,\r\n.\r\n..deux points\r\n.\r\n" + b"x" * 990 + b"\r\n \t\r\nfin\t \r\n\r\n\r\n"
)
"""What mail servers and libraries like to repair: dots, 8-bit, a long line, blanks at line ends, empty lines."""


def outside(rest: bytes, kind: str) -> bytes:
    """The mail around what the hospital's own software sealed; fields in an order and folding of its own."""
    return (
        b"subject:  Lettre\r\n\tde liaison\r\nFROM: DPI  <dpi@hospital.test>\r\nTo: gp@gp.test\r\n"
        b"Date: Thu, 15 Jan 2026 09:00:00 +0100\r\nMessage-Id: <own-%s@hospital.test>\r\nX-Own: kept \r\n"
        % kind.encode()
    ) + rest


def own(folder: Path) -> Path:
    """The certificate and key of the hospital's own software."""
    place = folder / "dpi.pem"
    place.write_bytes(to_pem(TestAuthority.create("DPI").issue(address="dpi@hospital.test"), None))
    return place


def cms(*arguments: str, given: bytes) -> bytes:
    done = subprocess.run(
        ["openssl", "cms", "-outform", "DER", *arguments], input=given, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def smime_signed(ward: Hospital) -> bytes:
    place = str(own(ward.folder))
    signature = cms("-sign", "-binary", "-md", "sha256", "-signer", place, "-inkey", place, given=ENTITY)
    return outside(
        b'MIME-Version: 1.0\r\nContent-Type: multipart/signed; protocol="application/pkcs7-signature";\r\n'
        b' micalg=sha-256; boundary="=_s"\r\n\r\nThis is signed.\r\n--=_s\r\n' + ENTITY + b"\r\n--=_s\r\n"
        b"Content-Type: application/pkcs7-signature; name=smime.p7s\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + encodebytes(signature).replace(b"\n", b"\r\n")
        + b"\r\n--=_s--\r\n\r\nAn epilogue that nobody reads.\r\n",
        "signed",
    )


def smime_encrypted(ward: Hospital) -> bytes:
    certificate = ward.folder / "gp.pem"
    certificate.write_bytes(ward.gp.identity.certificate.public_bytes(Encoding.PEM))
    sealed = cms("-encrypt", "-binary", "-aes-256-cbc", str(certificate), given=ENTITY)
    return outside(
        b"MIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + encodebytes(sealed).replace(b"\n", b"\r\n"),
        "encrypted",
    )


def openpgp_encrypted(ward: Hospital) -> bytes:
    sender, reader = (OpenPgpSigner(OpenPgpSigner.generate(f"<{address}>")) for address in ("a@x.test", "gp@gp.test"))
    armor = sender.seal(ENTITY, reader.public_key, fingerprint="", address="gp@gp.test", at=utc_now())
    return outside(
        b'MIME-Version: 1.0\r\nContent-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=p\r\n'
        b"\r\n--p\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n--p\r\n"
        b"Content-Type: application/octet-stream\r\n\r\n" + armor + b"\r\n--p--\r\n",
        "pgp",
    )


SEALED = {
    "signed with S/MIME": smime_signed,
    "encrypted with S/MIME": smime_encrypted,
    "encrypted with OpenPGP": openpgp_encrypted,
}


@pytest.fixture
async def trusting(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str
) -> AsyncIterator[Hospital]:
    """A hospital that lets signed letters go with TLS alone inside the trust space."""
    async with hospital(
        tmp_path,
        postfix,
        dovecot,
        gp=mailbox,
        sender=hospital_mailbox,
        change=lambda text: text + "\n[directory]\nmss_tls = true\n",
    ) as alive:
        yield alive


@pytest.mark.parametrize("make", SEALED.values(), ids=SEALED.keys())
async def test_a_letter_that_came_sealed_lies_in_the_gps_mailbox_with_the_same_bytes(trusting: Hospital, make):
    mail = make(trusting)
    await trusting.mail(mail, trusting.gp.mailbox, mail_options=["BODY=8BITMIME"])
    arrived = await trusting.letter_in_mailbox()
    above, trace, below = arrived.partition(TRACE)
    assert trace
    number, _, ours = below.partition(b"\r\n")
    assert sha256(ours).hexdigest() == sha256(mail).hexdigest()
    assert b"Subject" not in above  # above the trace stand only the fields of the servers it passed
    assert number.decode() in {row["letter_id"] for row in trusting.deliveries()}
    await until(lambda: [row["protection"] for row in trusting.deliveries()] == ["as-received"])


async def test_the_gp_opens_what_his_colleagues_software_encrypted(trusting: Hospital):
    await trusting.mail(smime_encrypted(trusting), trusting.gp.mailbox)
    arrived = trusting.gp.folder / "arrived.eml"
    arrived.write_bytes(await trusting.letter_in_mailbox())
    key = str(trusting.gp.folder / "key.pem")
    command = ["openssl", "cms", "-decrypt", "-binary", "-in", str(arrived), "-recip", key, "-inkey", key]
    opened = subprocess.run(command, capture_output=True, check=True).stdout  # noqa: ASYNC221 (a GP's program)
    assert opened == ENTITY


async def test_delivery_of_what_came_sealed_is_proved_by_its_envelope_id(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, hospital_mailbox: str
):
    async with hospital(tmp_path, postfix, dovecot, gp=DELIVERED_GP, sender=hospital_mailbox) as alive:
        await alive.mail(smime_encrypted(alive), DELIVERED_GP)
        await until(lambda: [row["proof"] for row in alive.deliveries()] == [Proof.DELIVERED])
        dsn = await alive.letter_in_mailbox(hospital_mailbox, folder="Processed")
    assert b"<own-encrypted@hospital.test>" in dsn  # the sender's Message-ID, which names no delivery of ours


async def test_a_letter_that_is_signed_but_not_encrypted_waits_where_tls_alone_is_not_enough(ward: Hospital):
    await ward.mail(smime_signed(ward), ward.gp.mailbox, mail_options=["BODY=8BITMIME"])
    await until(lambda: [row["state"] for row in ward.deliveries()] == ["held"])
    assert ward.deliveries()[0]["reason"] == "signed-alone"
    # The control: what is encrypted leaves by the same road.
    await ward.mail(smime_encrypted(ward), ward.gp.mailbox)
    arrived = await ward.letter_in_mailbox()
    assert b"smime-type=enveloped-data" in arrived
    assert len(ward.dovecot.mails(ward.gp.mailbox)) == 1


async def test_a_letter_that_only_says_that_it_is_sealed_does_not_leave(trusting: Hospital):
    lie = outside(
        b"MIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\n"
        b"Madame TESTINI va mieux.\r\n",
        "lie",
    )
    await trusting.mail(lie, trusting.gp.mailbox)
    await until(lambda: [row["state"] for row in trusting.deliveries()] == ["held"])
    assert trusting.deliveries()[0]["reason"] == "sealed-in-name-only"
    assert not trusting.dovecot.mails(trusting.gp.mailbox)


async def test_an_ordinary_letter_does_not_pass_as_it_came(trusting: Hospital):
    pdf = letters.pdf("C", "c")
    mail = letters.secretary("dpi@hospital.test", pdf)
    await trusting.mail(mail, trusting.gp.mailbox)
    arrived = await trusting.letter_in_mailbox()
    assert mail.partition(b"\r\n\r\n")[2] not in arrived
    assert files_of(trusting.gp.open_with_openssl(arrived))["pdf"] == pdf
