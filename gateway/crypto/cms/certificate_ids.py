"""How a message names a certificate: by issuer and serial number, or by subject key identifier (RFC 5652 §6.2.1)."""

from __future__ import annotations

from dataclasses import dataclass

from asn1crypto import core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.crypto.cms.der import OCTETS, SEQUENCE, elements, tlv
from gateway.crypto.cms.structures import Asn1


def issuer_and_serial(certificate: x509.Certificate) -> bytes:
    """IssuerAndSerialNumber (RFC 5652 §10.2.4), byte for byte as in the certificate, for clients compare it so."""
    serial, issuer = serial_and_issuer(certificate)
    return tlv(SEQUENCE, issuer, serial)


def serial_and_issuer(certificate: x509.Certificate) -> tuple[bytes, bytes]:
    """Both in DER, as the certificate has them."""
    version, *others = elements(certificate.tbs_certificate_bytes, 4)
    serial, _, issuer = others if version[0] == 0xA0 else [version, *others][:3]  # RFC 5280 §4.1: v1 has no version
    return serial, issuer


def key_identifier(certificate: x509.Certificate) -> bytes:
    """The certificate's own SubjectKeyIdentifier, else the usual digest of its key (RFC 5280 §4.2.1.2)."""
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoIsMeant:
    """The certificate as a RecipientInfo that is being written names it, in either of its two forms of [0]."""

    transported: bytes
    agreed: bytes
    by_key_id: bool

    @classmethod
    def of(cls, certificate: x509.Certificate, *, by_key_id: bool) -> WhoIsMeant:
        """By key identifier when told so, else by issuer and serial number, which every client knows."""
        if not by_key_id:
            named = issuer_and_serial(certificate)
            return cls(transported=named, agreed=named, by_key_id=False)
        digest = key_identifier(certificate)
        # SubjectKeyIdentifier is [0] IMPLICIT OCTET STRING here, RecipientKeyIdentifier [0] IMPLICIT SEQUENCE there.
        return cls(transported=tlv(0x80, digest), agreed=tlv(0xA0, tlv(OCTETS, digest)), by_key_id=True)


class KnownCertificate:
    """A certificate of ours, ready to be compared with how a message names its recipients (CR-08).

    Names are compared byte for byte, as NSS does: a changed byte is somebody else (CR-38).
    """

    def __init__(self, certificate: x509.Certificate) -> None:
        parsed = asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))
        self._issuer, self._serial = parsed.issuer.dump(), parsed.serial_number
        self._key_id = key_identifier(certificate)

    def is_meant(self, identifier: Asn1) -> bool:
        """Whether a RecipientIdentifier or KeyAgreementRecipientIdentifier means this certificate."""
        chosen = identifier.chosen
        if identifier.name == "issuer_and_serial_number":
            return chosen["serial_number"].native == self._serial and bool(chosen["issuer"].dump() == self._issuer)
        if identifier.name == "r_key_id":  # asn1crypto cannot reach this structure's fields by name
            chosen = core.Sequence.load(chosen.untag().dump())[0]
        return bool(chosen.native == self._key_id)
