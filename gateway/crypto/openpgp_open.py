"""OpenPgp backwards: decrypt and verify with PySequoia, telling "not signed" from "unknown signer" from "changed".

PySequoia gives the clear text without judging signatures when no ``store`` is passed, and refuses the whole message
when it is passed and no signature holds; both ways are used here, in that order of trust.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pysequoia
from pysequoia.packet import PacketPile, Tag

from gateway.crypto.openpgp import addresses_of
from gateway.crypto.openpgp_bounded import decrypt_bounded
from gateway.crypto.openpgp_gpg import signer_of_compressed
from gateway.errors import KeyStoreRefused, NotOpened

_SEQUOIA_ERRORS = (RuntimeError, ValueError, TypeError, OSError)


class OpenPgpSecret:
    """One of our secret keys, unlocked once."""

    def __init__(self, key: bytes, password: str | None = None) -> None:
        """``key`` is binary or armor; KeyStoreRefused when it cannot decrypt or the password is wrong."""
        self.key_and_password = (key, password)
        try:
            self.decryptor = pysequoia.Tsk.from_bytes(key).decryptor(password)
        except _SEQUOIA_ERRORS as error:
            raise KeyStoreRefused("openpgp: not a secret key that decrypts, or wrong password") from error

    def __repr__(self) -> str:
        return "OpenPgpSecret(hidden)"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPgpSignature:
    """Who signed; verified when ``why_not`` is empty.

    Codes: not-signed, unknown-signer, content-changed (which is also said of what could not be judged).
    """

    addresses: tuple[str, ...] = field(repr=False, default=())
    fingerprint: str = ""
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPgpOpened:
    """The clear content; ``signature`` is ``None`` when nobody signed."""

    content: bytes = field(repr=False)
    signature: OpenPgpSignature | None
    algorithms: tuple[str, ...] = ()


def decrypt(message: bytes, secrets: Sequence[OpenPgpSecret], known: Sequence[pysequoia.Cert]) -> OpenPgpOpened:
    """Open with the first key that fits; NotOpened ``not-decrypted`` for every other outcome (CR-34).

    A message without integrity protection (packet 9) is refused by PySequoia itself (CR-05).
    """
    for secret in secrets:
        try:
            plain = decrypt_bounded(message, secret.decryptor)
        except (*_SEQUOIA_ERRORS, NotOpened):
            continue
        return OpenPgpOpened(
            content=plain,
            signature=_inside(message, plain, secret, known),
            algorithms=_protection(message),
        )
    raise NotOpened("not-decrypted")


def verify_detached(content: bytes, signature: bytes, known: Sequence[pysequoia.Cert]) -> OpenPgpSignature:
    """Judge a detached signature (RFC 3156 §5)."""
    return _judged(
        lambda store: pysequoia.verify(content, store=store, signature=pysequoia.Sig.from_bytes(signature)), known
    )


def _inside(
    message: bytes, plain: bytes, secret: OpenPgpSecret, known: Sequence[pysequoia.Cert]
) -> OpenPgpSignature | None:
    judged = _judged(lambda store: pysequoia.decrypt(message, decryptor=secret.decryptor, store=store), known)
    if judged.why_not == "content-changed":  # or compressed, which PySequoia reports in the same way
        fingerprint = signer_of_compressed(message, plain, secret.key_and_password, known)
        judged = _by(fingerprint, known) if fingerprint else judged
    return None if judged.why_not == "not-signed" else judged


def _judged(
    check: Callable[[Callable[[list[str]], list[pysequoia.Cert]]], pysequoia.Decrypted], known: Sequence[pysequoia.Cert]
) -> OpenPgpSignature:
    asked: list[str] = []

    def store(ids: list[str]) -> list[pysequoia.Cert]:
        asked.extend(each.lower() for each in ids)
        return list(known)

    try:
        valid = check(store).valid_sigs
    except _SEQUOIA_ERRORS:
        return OpenPgpSignature(why_not=_why_not(asked, known))
    return _by(str(valid[0].certificate), known)


def _by(fingerprint: str, known: Sequence[pysequoia.Cert]) -> OpenPgpSignature:
    signer = next(each for each in known if each.fingerprint == fingerprint)
    return OpenPgpSignature(addresses=addresses_of(signer), fingerprint=fingerprint)


def _why_not(asked: Sequence[str], known: Sequence[pysequoia.Cert]) -> str:
    if not asked:
        return "not-signed"
    return "content-changed" if any(_holds(each, asked) for each in known) else "unknown-signer"


def _holds(certificate: pysequoia.Cert, asked: Sequence[str]) -> bool:
    """Whether a key of the certificate was named, by fingerprint or by its short form (RFC 9580 §5.2.3.12)."""
    own = [packet.fingerprint for packet in PacketPile.from_bytes(bytes(certificate)) if packet.fingerprint]
    return any(key == name or key.endswith(name) for key in own for name in asked)


def _protection(message: bytes) -> tuple[str, ...]:
    """seipdv1 or seipdv2 (RFC 9580 §5.13)."""
    for packet in PacketPile.from_bytes(message):
        if packet.tag == Tag.SEIP:
            return (f"seipdv{packet.body[0]}",)
    return ()
