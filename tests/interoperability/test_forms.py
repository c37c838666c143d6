"""Each sealed form of ours, as a whole mail, before the programs that open mail on Debian without a window."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.crypto.authority import TestAuthority, certificates_pem, to_p12, to_pem
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.crypto.seal import Sealer
from gateway.identifiers import new_delivery_id, new_letter_id
from gateway.letter import ComposedMail, MssTls, OpenPgp, Protection, Smime
from tests.interoperability.forms import EC, GCM, GPG, INSIDE, NEOMUTT, NSS, OPENPGP, OPENSSL, RSA, SIGNED, form
from tests.peers.authority import KeyPair
from tests.peers.dovecot import Dovecot
from tests.peers.gpg_key import key_of_gpg
from tests.peers.neomutt import open_in_neomutt
from tests.peers.running import need

pytestmark = pytest.mark.peer

HOSPITAL, GP = "dpi@hospital.test", "dr.essai@gp.test"
ENTITY = b"Content-Type: text/plain; charset=utf-8\r\n\r\nCompte rendu d'essai, patient invent.\r\n"
WORDS = "Compte rendu d'essai"


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """A GP with a key of each kind in a folder, and the hospital's sealer."""

    folder: Path
    sealer: Sealer
    protections: dict[str, Protection]
    hospital_openpgp: bytes

    def mail(self, row: str) -> bytes:
        """A letter in that form, as it goes over the wire."""
        mail = ComposedMail(
            letter=new_letter_id(),
            delivery=new_delivery_id(),
            message_id="<essai@hospital.test>",
            sender=HOSPITAL,
            mailbox=GP,
            headers=(("From", HOSPITAL), ("To", GP), ("Subject", "Lettre")),
            entity=ENTITY,
            protection=self.protections[row],
            protected_subject="Lettre pour M. Essai" if row == INSIDE else "",
        )
        return self.sealer.seal(mail).content

    def pair(self, row: str) -> KeyPair:
        """The GP's certificate and key that the form is for."""
        name = "ec" if row == EC else "rsa"
        return KeyPair(self.folder / f"{name}.crt", self.folder / f"{name}.pem")

    def run(self, *command: str, content: bytes = b"") -> bytes:
        done = subprocess.run(command, input=content, cwd=self.folder, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Practice:
    folder, now = tmp_path_factory.mktemp("forms"), datetime.now(UTC).replace(microsecond=0)
    authority = TestAuthority.create("Essai", at=now)
    keys = {"rsa": authority.issue(address=GP), "ec": authority.issue(address=GP, key="p256")}
    for name, identity in keys.items():
        (folder / f"{name}.pem").write_bytes(to_pem(identity, None))
        (folder / f"{name}.crt").write_bytes(certificates_pem((identity.certificate,)))
        (folder / f"{name}.p12").write_bytes(to_p12(identity, b"secret", name=name))
    (folder / "roots.pem").write_bytes(certificates_pem(authority.roots))
    (folder / "gp.pgp").write_bytes(key_of_gpg(GP))
    der = {name: identity.certificate.public_bytes(Encoding.DER) for name, identity in keys.items()}
    openpgp = OpenPgpSigner(OpenPgpSigner.generate(f"<{HOSPITAL}>"))
    identity = authority.issue(address=HOSPITAL)
    return Practice(
        folder=folder,
        sealer=Sealer(identity=identity, openpgp=openpgp, clock=lambda: datetime.now(UTC)),
        hospital_openpgp=openpgp.public_key,
        protections={
            RSA: Smime(certificate=der["rsa"]),
            EC: Smime(certificate=der["ec"]),
            INSIDE: Smime(certificate=der["rsa"]),
            SIGNED: MssTls(),
            GCM: Smime(certificate=der["rsa"], gcm=True),
            OPENPGP: OpenPgp(key=OpenPgpSigner((folder / "gp.pgp").read_bytes()).public_key),
        },
    )


def rows(client: str, *wanted: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", [pytest.param(row, marks=form(row, client)) for row in wanted])


@rows(OPENSSL, RSA, EC, INSIDE, SIGNED, GCM)
def test_openssl_opens_and_verifies_the_mail(practice: Practice, row: str):
    need("openssl")
    signed = practice.mail(row)
    if row != SIGNED:
        pair = practice.pair(row)
        whose = ("-recip", str(pair.certificate), "-inkey", str(pair.key))
        signed = practice.run("openssl", "cms", "-decrypt", *whose, content=signed)
    verified = practice.run("openssl", "cms", "-verify", "-CAfile", "roots.pem", content=signed)
    assert WORDS.encode() in verified


@rows(NEOMUTT, RSA, EC, INSIDE, SIGNED)
def test_neomutt_shows_the_mail_and_a_good_signature(practice: Practice, dovecot: Dovecot, mailbox: str, row: str):
    need("neomutt")
    dovecot.deliver(mailbox, practice.mail(row))
    seen = open_in_neomutt(dovecot, mailbox, pair=practice.pair(row), roots=practice.folder / "roots.pem")
    assert "CMS Verification successful" in seen.screen
    assert WORDS in seen.screen


@form(GCM, NEOMUTT, told="no: unsupported, it says")
def test_neomutt_does_not_know_gcm(practice: Practice, dovecot: Dovecot, mailbox: str):
    need("neomutt")
    dovecot.deliver(mailbox, practice.mail(GCM))
    seen = open_in_neomutt(dovecot, mailbox, pair=practice.pair(GCM), roots=practice.folder / "roots.pem")
    assert WORDS not in seen.screen
    assert "application/pkcs7-mime is unsupported" in seen.screen


@pytest.fixture
def cmsutil(practice: Practice) -> Callable[..., bytes]:
    """``cmsutil -D`` with the GP's keys and the hospital's authority in an NSS database."""
    need("cmsutil", "certutil", "pk12util")
    database = ("-d", "sql:.")
    if not (practice.folder / "cert9.db").exists():
        practice.run("certutil", *database, "-N", "--empty-password")
        practice.run("certutil", *database, "-A", "-n", "root", "-t", "CT,C,C", "-a", "-i", "roots.pem")
        for name in ("rsa", "ec"):
            practice.run("pk12util", *database, "-i", f"{name}.p12", "-W", "secret")

    def run(*how: str, content: bytes) -> bytes:
        (practice.folder / "in").write_bytes(content)
        practice.run("cmsutil", *database, "-D", "-i", "in", "-o", "out", *how)
        return (practice.folder / "out").read_bytes()

    return run


def body(mail: bytes) -> bytes:
    content = message_from_bytes(mail).get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


@rows(NSS, RSA, INSIDE, SIGNED)
def test_nss_opens_and_verifies_the_mail(practice: Practice, cmsutil: Callable[..., bytes], row: str):
    mail = practice.mail(row)
    signed = mail if row == SIGNED else cmsutil(content=body(mail))
    entity, signature = _signed_parts(signed)
    (practice.folder / "content").write_bytes(entity)
    told = cmsutil("-c", "content", "-u", "4", "-h", "1", content=signature)
    assert b"signer0.status=GoodSignature" in told
    assert WORDS.encode() in told


def _signed_parts(mail: bytes) -> tuple[bytes, bytes]:
    """What is signed, byte for byte, and the signature."""
    read: Message = message_from_bytes(mail)
    delimiter = b"\r\n--" + str(read.get_boundary()).encode()
    _, entity, part, _ = mail.replace(b"\r\n\r\n--", b"\r\n\r\n\r\n--", 1).split(delimiter)
    return entity[2:], body(part.lstrip())


@pytest.mark.parametrize(
    ("row", "why"),
    [
        pytest.param(EC, "BAD_DER", marks=form(EC, NSS, told="no: knows no ECDH in CMS")),
        pytest.param(GCM, "UNRECOGNIZED_OID", marks=form(GCM, NSS, told="no: unknown to it")),
    ],
)
def test_nss_does_not_open_it(practice: Practice, cmsutil: Callable[..., bytes], row: str, why: str):
    with pytest.raises(AssertionError, match=why):
        cmsutil(content=body(practice.mail(row)))


@pytest.fixture
def gpg(practice: Practice) -> Iterator[Callable[..., bytes]]:
    """gpg with the GP's secret key and the hospital's public one; a short path, for the agent's socket."""
    need("gpg", "gpgconf")
    with tempfile.TemporaryDirectory(prefix="hgpg") as home:
        base = ("gpg", "--homedir", home, "--batch", "--yes", "--trust-model", "always")

        def run(*arguments: str, content: bytes) -> bytes:
            return practice.run(*base, *arguments, content=content)

        run("--import", content=(practice.folder / "gp.pgp").read_bytes())
        run("--import", content=practice.hospital_openpgp)
        yield run
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False, capture_output=True)


@form(OPENPGP, GPG)
def test_gpg_opens_and_verifies_the_mail(practice: Practice, gpg: Callable[..., bytes]):
    _, armor = message_from_bytes(practice.mail(OPENPGP)).get_payload()
    told = gpg("--status-fd", "1", "--decrypt", content=body(armor.as_bytes()))
    assert b"GOODSIG" in told
    assert WORDS.encode() in told
