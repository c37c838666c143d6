"""RecipientInfo, writing side: how the content key travels to one certificate (RFC 5652 §6.2)."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, mlkem, rsa, x25519

from gateway.crypto.cms import names
from gateway.crypto.cms.agreement import AgreementPublicKey, agree
from gateway.crypto.cms.certificate_ids import WhoIsMeant
from gateway.crypto.cms.encapsulation import KemPublicKey, encapsulate
from gateway.crypto.cms.transport import transport
from gateway.errors import NoProtection

_KINDS = (
    rsa.RSAPublicKey
    | ec.EllipticCurvePublicKey
    | x25519.X25519PublicKey
    | mlkem.MLKEM768PublicKey
    | mlkem.MLKEM1024PublicKey
)


class CmsRecipient:
    """One certificate to encrypt to: RSA by transport, elliptic curves by agreement, ML-KEM by encapsulation."""

    def __init__(self, certificate: x509.Certificate, *, by_key_id: bool = False) -> None:
        """NoProtection ``unsupported-key`` for any other kind of key."""
        self._key = _encryption_key(certificate)
        self._who = WhoIsMeant.of(certificate, by_key_id=by_key_id)

    @property
    def kem(self) -> bool:
        """Whether the key travels in an OtherRecipientInfo, which few readers know."""
        return isinstance(self._key, mlkem.MLKEM768PublicKey | mlkem.MLKEM1024PublicKey)

    @property
    def enveloped_version(self) -> int:
        """The least version of EnvelopedData that may hold this RecipientInfo (RFC 5652 §6.1)."""
        if self.kem:
            return 3
        plain = isinstance(self._key, rsa.RSAPublicKey) and not self._who.by_key_id
        return 0 if plain else 2

    def recipient_info(self, content_key: bytes, *, oaep: bool) -> bytes:
        """The RecipientInfo in DER; ``oaep`` for an RSA key, and only for one known to read it (CR-10)."""
        match self._key:
            case rsa.RSAPublicKey():
                return transport(content_key, self._key, self._who, oaep=oaep)
            case mlkem.MLKEM768PublicKey() | mlkem.MLKEM1024PublicKey():
                return encapsulate(content_key, self._key, self._who)
            case _:
                return agree(content_key, self._key, self._who)


def _encryption_key(certificate: x509.Certificate) -> rsa.RSAPublicKey | AgreementPublicKey | KemPublicKey:
    try:
        key = certificate.public_key()
    except (UnsupportedAlgorithm, ValueError) as error:
        raise NoProtection("unsupported-key") from error
    # RFC 4055 §1.2: a key that says RSASSA-PSS signs and does nothing else.
    if not isinstance(key, _KINDS) or certificate.public_key_algorithm_oid.dotted_string == names.RSASSA_PSS:
        raise NoProtection("unsupported-key")
    return key
