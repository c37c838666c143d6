"""An authority whose list of what it took back nobody can fetch, and a mail that one of its people signed."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from gateway.crypto.authority import TestAuthority
from gateway.crypto.cms.enveloped import encrypt_cbc
from gateway.crypto.cms.recipients import CmsRecipient
from gateway.crypto.keys import SigningIdentity
from gateway.crypto.seal import Sealer
from gateway.identifiers import DeliveryId, LetterId
from gateway.letter import ComposedMail, MssTls
from gateway.moments import utc_now

NOWHERE = "http://127.0.0.1:9/list.crl"
"""Nothing listens there (RFC 863 is long out of use)."""


def unanswered(authority: TestAuthority, address: str) -> SigningIdentity:
    """A person of that address whose certificate names a list that cannot be had."""
    person = authority.issue(address=address, key="p256")
    issuer, former = authority.issuer, person.certificate
    builder = (
        x509.CertificateBuilder()
        .subject_name(former.subject)
        .issuer_name(former.issuer)
        .public_key(former.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(former.not_valid_before_utc)
        .not_valid_after(former.not_valid_before_utc + timedelta(days=300))
    )
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(NOWHERE)], None, None, None)
    for extension in former.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    return replace(person, certificate=builder.sign(issuer.private_key, hashes.SHA256()))


def signed_mail(signer: SigningIdentity, sender: str, to: str) -> bytes:
    """A short answer in clear, signed."""
    mail = ComposedMail(
        letter=LetterId("01ANSWER"),
        delivery=DeliveryId("01ANSWERDELIVERY"),
        message_id="<01ANSWER@gp.test>",
        sender=sender,
        mailbox=to,
        headers=(("From", sender), ("To", to), ("Subject", "Merci")),
        entity=b"Content-Type: text/plain\r\n\r\nMerci\r\n",
        protection=MssTls(),
    )
    return Sealer(identity=signer, openpgp=None, clock=utc_now).seal(mail).content


def closed_mail(reader: SigningIdentity, sender: str) -> bytes:
    """An envelope for somebody else, another one each time."""
    envelope = encrypt_cbc(b"Content-Type: text/plain\r\n\r\nMerci\r\n", [CmsRecipient(reader.certificate)])
    head = f"From: {sender}\r\nContent-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head.encode() + base64.encodebytes(envelope)
