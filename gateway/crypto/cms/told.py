"""What a signer's own attributes tell of how to write to him: his certificate for encryption and what he can open."""

from __future__ import annotations

from dataclasses import dataclass, field

from asn1crypto import cms, core, parser

from gateway.crypto.cms import names
from gateway.crypto.cms.structures import BAD_BYTES, Asn1

ENCRYPTION_KEY_PREFERENCE = "1.2.840.113549.1.9.16.2.11"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The certificate (DER) that answers should be encrypted to, and the algorithms, best first, as dotted numbers.

    To be believed only when the signature over them holds.
    """

    encrypt_to: bytes = field(repr=False, default=b"")
    capabilities: tuple[str, ...] = ()


def told_by(signed: Asn1, certificate: Asn1) -> Told:
    """What the one signer of ``signed`` tells; ``certificate`` is his own.

    Without SMIMEEncryptionKeyPreference the certificate that signs also encrypts (RFC 8551 §2.5.3). What cannot be read
    tells nothing.
    """
    try:
        attributes = dict(map(_raw, signed["signer_infos"][0]["signed_attrs"]))
        chosen, listed = certificate, attributes.get(names.SMIME_CAPABILITIES)
        if preference := attributes.get(ENCRYPTION_KEY_PREFERENCE):
            chosen = _preferred(signed, preference)
        capabilities = tuple(str(each[0].dotted) for each in cms.SMIMECapabilites.load(listed)) if listed else ()
        return Told(encrypt_to=chosen.dump() if chosen else b"", capabilities=capabilities)
    except BAD_BYTES:
        return Told()


def _raw(attribute: Asn1) -> tuple[str, bytes]:
    """Name and first value in DER: asn1crypto takes one form of the preference for another and refuses it."""
    fields = core.Sequence.load(attribute.dump())
    return str(fields[0].dotted), bytes(fields[1].contents)


def _preferred(signed: Asn1, preference: bytes) -> Asn1 | None:
    """The certificate of the message that the preference names (RFC 8551 §2.5.3)."""
    _, _, form, header, content, _ = parser.parse(preference)
    enclosed = signed["certificates"] if isinstance(signed["certificates"], cms.CertificateSet) else ()
    certificates = (each.chosen for each in enclosed)
    if form == 0:
        named = cms.IssuerAndSerialNumber.load(b"\x30" + header[1:] + content)
        wanted = named["issuer"].hashable, named["serial_number"].native
        return next((each for each in certificates if (each.issuer.hashable, each.serial_number) == wanted), None)
    key_id = core.Sequence.load(b"\x30" + header[1:] + content)[0].native if form == 1 else content
    return next((each for each in certificates if each.key_identifier == key_id), None)
