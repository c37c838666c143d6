"""Keys of a token that look like any other private key: what signs and opens with one need not know where it is.

They are cryptography's own interfaces, so the CMS codec and the builders of requests and certificates take them as they
are. What would need the key itself (its numbers, its bytes) is refused.
"""

from __future__ import annotations

from typing import Any, NoReturn, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from gateway.crypto.tokens.token import GONE, Handle, Token
from gateway.errors import KeyStoreRefused, TokenUnavailable

_TRIAL = b"huitaine"
_FAULTS = RuntimeError
"""What python-pkcs11's errors all are."""


def token_key(token: Token, key_id: bytes, spki: bytes) -> TokenRsaKey | TokenCurveKey:
    """The private key of that CKA_ID, whose public half is ``spki`` (DER); KeyStoreRefused for other kinds of key."""
    public = load_der_public_key(spki)
    if isinstance(public, rsa.RSAPublicKey):
        return TokenRsaKey(token, key_id, public)
    if isinstance(public, ec.EllipticCurvePublicKey):
        return TokenCurveKey(token, key_id, public)
    raise KeyStoreRefused("token: only RSA and elliptic-curve keys sign and open S/MIME")


class _Kept:
    """What every key that stays in its token answers."""

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:  # Any: whatever is being copied
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}(hidden)"

    def private_numbers(self) -> NoReturn:
        """KeyStoreRefused."""
        raise KeyStoreRefused("token: the private key does not leave it")

    def private_bytes(self, *_: object, **__: object) -> NoReturn:
        """KeyStoreRefused."""
        raise KeyStoreRefused("token: the private key does not leave it")


class TokenRsaKey(_Kept, rsa.RSAPrivateKey):
    """An RSA key; signs as PKCS #1 v1.5 or PSS with SHA-256, SHA-384 or SHA-512 (RFC 8017)."""

    def __init__(self, token: Token, key_id: bytes, public: rsa.RSAPublicKey) -> None:
        self._token, self._id, self._public = token, key_id, public

    @property
    def key_size(self) -> int:
        """In bits."""
        return self._public.key_size

    def public_key(self) -> rsa.RSAPublicKey:
        """The public half, which is here."""
        return self._public

    def sign(self, data: Any, padding: Any, algorithm: Any) -> bytes:  # noqa: ANN401 (as the interface has it)
        """The signature; TokenUnavailable when the token gives none, ValueError for a scheme that is not ours."""
        how = _signing(padding, algorithm)
        return _signed(self._token, self._id, lambda key: key.sign(bytes(data), **how))

    def decrypt(self, ciphertext: bytes, padding: Any) -> bytes:  # noqa: ANN401 (as the interface has it)
        """The content key, or ValueError whatever was wrong with the ciphertext (CR-34).

        TokenUnavailable when the token, and not the ciphertext, is what fails. SoftHSM 2.6.1 knows OAEP with SHA-1
        alone: any other is such a ValueError there.
        """
        how = _opening(padding)
        try:
            return self._token.with_key(self._id, lambda key: bytes(key.decrypt(ciphertext, **how)))
        except _FAULTS as error:
            raise _not_opened(error, "not decrypted") from error

    def opens_oaep(self) -> bool:
        """Whether the token takes out what comes by RSAES-OAEP with SHA-256, as we tell our correspondents to send.

        It is tried: what a token says of its mechanisms does not tell their parameters. Silence counts as no.
        """
        scheme = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
        try:
            return self.decrypt(self._public.encrypt(_TRIAL, scheme), scheme) == _TRIAL
        except (ValueError, KeyStoreRefused, TokenUnavailable):
            return False


class TokenCurveKey(_Kept, ec.EllipticCurvePrivateKey):
    """A key on a NIST curve; signs by ECDSA and agrees by ECDH."""

    def __init__(self, token: Token, key_id: bytes, public: ec.EllipticCurvePublicKey) -> None:
        self._token, self._id, self._public = token, key_id, public

    @property
    def curve(self) -> ec.EllipticCurve:
        """As of the public half."""
        return self._public.curve

    @property
    def key_size(self) -> int:
        """In bits."""
        return self._public.key_size

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The public half, which is here."""
        return self._public

    def sign(self, data: Any, signature_algorithm: Any) -> bytes:  # noqa: ANN401 (as the interface has it)
        """Ecdsa-Sig-Value (RFC 3279 §2.2.3); TokenUnavailable when the token gives none."""
        import pkcs11  # noqa: PLC0415

        digest = hashes.Hash(signature_algorithm.algorithm)
        digest.update(data)
        hashed = digest.finalize()
        raw = _signed(self._token, self._id, lambda key: key.sign(hashed, mechanism=pkcs11.Mechanism.ECDSA))
        half = len(raw) // 2  # PKCS #11 v2.40 §2.3.1: r and s of the same length, one after the other
        return utils.encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> bytes:
        """The shared secret Z (SEC 1 §3.3.1), or ValueError whatever was wrong; TokenUnavailable as for RSA."""
        import pkcs11  # noqa: PLC0415

        point = peer_public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        wanted = {pkcs11.Attribute.SENSITIVE: False, pkcs11.Attribute.EXTRACTABLE: True}
        bits = (self.key_size + 7) // 8 * 8

        def agree(key: Handle) -> bytes:
            shared = key.derive_key(
                pkcs11.KeyType.GENERIC_SECRET,
                bits,
                mechanism_param=(pkcs11.KDF.NULL, None, point),
                template=wanted,
            )
            return bytes(shared[pkcs11.Attribute.VALUE])

        try:
            return self._token.with_key(self._id, agree)
        except _FAULTS as error:
            raise _not_opened(error, "not agreed") from error


def _signed(token: Token, key_id: bytes, work: Any) -> bytes:  # noqa: ANN401 (key to signature; its class has no fixed verbs)
    try:
        return bytes(token.with_key(key_id, work))
    except _FAULTS as error:
        raise TokenUnavailable(type(error).__name__) from error


def _not_opened(error: Exception, words: str) -> ValueError | TokenUnavailable:
    """A token that is away says nothing about the mail, which must not be given up for it."""
    return TokenUnavailable(type(error).__name__) if type(error).__name__ in GONE else ValueError(words)


def _signing(scheme: object, algorithm: hashes.HashAlgorithm) -> dict[str, Any]:  # Any: python-pkcs11's keywords
    """The mechanism for a scheme of cryptography's."""
    from pkcs11 import MGF, Mechanism  # noqa: PLC0415

    digest = algorithm.name.upper()
    if digest not in {"SHA256", "SHA384", "SHA512"}:
        raise ValueError("only SHA-256, SHA-384 and SHA-512 sign here")
    if isinstance(scheme, padding.PSS):
        parameters = (Mechanism[digest], MGF[digest], algorithm.digest_size)
        return {"mechanism": Mechanism[f"{digest}_RSA_PKCS_PSS"], "mechanism_param": parameters}
    if isinstance(scheme, padding.PKCS1v15):
        return {"mechanism": Mechanism[f"{digest}_RSA_PKCS"]}
    raise ValueError("only PKCS #1 v1.5 and PSS sign here")


def _opening(scheme: Any) -> dict[str, Any]:  # noqa: ANN401 (a padding; its hash is no public attribute of the interface)
    """The mechanism for a padding of cryptography's."""
    from pkcs11 import MGF, Mechanism  # noqa: PLC0415

    if isinstance(scheme, padding.PKCS1v15):
        return {"mechanism": Mechanism.RSA_PKCS}
    digest = scheme.algorithm.name.upper()
    named = "SHA_1" if digest == "SHA1" else digest
    mask = scheme.mgf._algorithm.name.upper()  # cryptography gives no other way to it
    return {"mechanism": Mechanism.RSA_PKCS_OAEP, "mechanism_param": (Mechanism[named], MGF[mask], None)}
