"""Mails that came sealed (``gateway/crypto/open.py``): layers, or NotOpened.

Seeds are sealed anew for each run: signatures and ciphertexts are random.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from cryptography.hazmat.primitives.serialization import Encoding

from gateway.crypto.authority import TestAuthority
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.crypto.openpgp_open import OpenPgpSecret
from gateway.crypto.seal import Sealer
from gateway.errors import NotOpened
from gateway.identifiers import DeliveryId, LetterId
from gateway.letter import ComposedMail, MssTls, OpenPgp, Protection, Smime
from tests.unit.crypto.cms_people import person
from tests.unit.crypto.cms_streams import elements, streamed

NOW = datetime.now(UTC).replace(microsecond=0)
HOSPITAL, GP = "sortie@hopital-essai.mssante.fr", "dr.essai@medecin-essai.mssante.fr"
AUTHORITY = TestAuthority.create("Essai", at=NOW)
SIGNER, READER = AUTHORITY.issue(address=HOSPITAL, key="p256"), AUTHORITY.issue(address=GP, key="p256")
SIGNER_PGP, READER_PGP = OpenPgpSigner.generate(f"H <{HOSPITAL}>"), OpenPgpSigner.generate(f"D <{GP}>")
MODERN, QUANTUM = (person(AUTHORITY, kind, address=GP) for kind in ("x25519", "ml-kem-768"))
KEYS = OpeningKeys(
    smime=(READER, MODERN, QUANTUM),
    openpgp=(OpenPgpSecret(READER_PGP),),
    correspondents=(OpenPgpSigner(SIGNER_PGP).public_key,),
)
ENTITY = b"Content-Type: text/plain; charset=utf-8\r\n\r\nCompte rendu\r\n"
WORDS = (
    b"Content-Type: application/pkcs7-mime\r\n", b"Content-Transfer-Encoding: base64\r\n", b"\r\n\r\n",
    b"Content-Transfer-Encoding: binary\r\n", b"\x30\x80", b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02",
    b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03", b"\x24\x80", b"\x00\x00", b"multipart/signed; boundary=b",
)  # fmt: skip


def seeds() -> list[bytes]:
    der = READER.certificate.public_bytes(Encoding.DER)
    public = OpenPgpSigner(READER_PGP).public_key
    modern, quantum = (
        Smime(certificate=one.certificate.public_bytes(Encoding.DER), gcm=True) for one in (MODERN, QUANTUM)
    )
    ways: list[Protection] = [
        Smime(certificate=der),
        Smime(certificate=der, gcm=True),
        replace(modern, alternatives=(quantum,)),
        OpenPgp(key=public),
        MssTls(),
    ]
    sealer = Sealer(identity=SIGNER, openpgp=OpenPgpSigner(SIGNER_PGP), clock=lambda: NOW)
    sealed = [sealer.seal(_composed(way)).content for way in ways]
    binary = [_binary(mail) for mail in sealed[:3]]
    return [*sealed, *binary, *map(_streamed, binary)]


def run(data: bytes) -> None:
    try:
        mail = open_mail(data, KEYS, at=NOW, trust_roots=AUTHORITY.roots)
    except NotOpened as refusal:
        if not refusal.detail.isprintable():
            raise AssertionError("a refusal that cannot be told") from refusal
        return
    if mail.authenticated and not any(layer.verified for layer in mail.layers):
        raise AssertionError("authenticated by nobody")


def _composed(way: Protection) -> ComposedMail:
    return ComposedMail(
        letter=LetterId("01ESSAI"),
        delivery=DeliveryId("01ESSAIDELIVERY"),
        message_id="<01ESSAI@hopital-essai.mssante.fr>",
        sender=HOSPITAL,
        mailbox=GP,
        headers=(("From", HOSPITAL), ("To", GP), ("Subject", "Lettre")),
        entity=ENTITY,
        protection=way,
    )


def _streamed(mail: bytes) -> bytes:
    """The same in BER, as a sender that streams writes it."""
    head, _, body = mail.partition(b"\r\n\r\n")
    ((tag, content),) = elements(body)
    return head + b"\r\n\r\n" + streamed(tag, content, depth=2)


def _binary(mail: bytes) -> bytes:
    """The same without base64: the fuzzer sees the DER."""
    import base64

    head, _, body = mail.partition(b"\r\n\r\n")
    return head.replace(b"base64", b"binary") + b"\r\n\r\n" + base64.b64decode(body)
