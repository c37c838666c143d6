"""OpenPgp backwards: decrypt and verify with PySequoia, telling "not signed" from "unknown signer" from "changed".

PySequoia gives the clear text without judging signatures when no ``store`` is passed, and refuses the whole message
when it is passed and no signature holds; both ways are used here, in that order of trust.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pysequoia
from pysequoia.packet import PacketPile

from gateway.crypto import openpgp_packets as packets
from gateway.crypto.openpgp import addresses_of
from gateway.crypto.openpgp_bounded import decrypt_bounded
from gateway.crypto.openpgp_gpg import signer_of_compressed
from gateway.errors import KeyStoreRefused, NotOpened

GNUPG_AEAD = "gnupg-aead"
"""GnuPG's own packet 20 (LibrePGP, mostly OCB), which no standard has: gpg alone opens it (CR-14)."""
_SEQUOIA_ERRORS = (RuntimeError, ValueError, TypeError, OSError)


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


class OpensOpenPgp(Protocol):
    """One of our secret keys, or the agent that has some."""

    def open(self, message: bytes, known: Sequence[pysequoia.Cert]) -> OpenPgpOpened:
        """The clear content; of signatures those of ``known`` count. NotOpened, or TokenUnavailable for now."""
        ...

    def mailboxes(self) -> Iterable[str]:
        """Whose it is, as far as its certificate says."""
        ...


class OpenPgpSecret:
    """One of our secret keys, unlocked once."""

    def __init__(self, key: bytes, password: str | None = None) -> None:
        """``key`` is binary or armor; KeyStoreRefused when it cannot decrypt or the password is wrong."""
        self._key_and_password = (key, password)
        try:
            secret = pysequoia.Tsk.from_bytes(key)
            self.decryptor, self._certificate = secret.decryptor(password), secret.extract_certificate()
        except _SEQUOIA_ERRORS as error:
            raise KeyStoreRefused("openpgp: not a secret key that decrypts, or wrong password") from error

    def __repr__(self) -> str:
        return "OpenPgpSecret(hidden)"

    def mailboxes(self) -> tuple[str, ...]:
        """The addresses of its user ids."""
        return addresses_of(self._certificate)

    def open(self, message: bytes, known: Sequence[pysequoia.Cert]) -> OpenPgpOpened:
        """The clear content; NotOpened ``not-decrypted`` for every other outcome (CR-34), and ``gnupg-aead`` for what
        could not open with any key here, which anybody sees from outside.

        A message without integrity protection (packet 9) is refused by PySequoia itself (CR-05).
        """
        if GNUPG_AEAD in protection(message):
            raise NotOpened(GNUPG_AEAD)
        try:
            plain = decrypt_bounded(message, self.decryptor)
        except _SEQUOIA_ERRORS as error:
            raise NotOpened("not-decrypted") from error
        return OpenPgpOpened(
            content=plain, signature=self._inside(message, plain, known), algorithms=protection(message)
        )

    def _inside(self, message: bytes, plain: bytes, known: Sequence[pysequoia.Cert]) -> OpenPgpSignature | None:
        judged = _judged(lambda store: pysequoia.decrypt(message, decryptor=self.decryptor, store=store), known)
        if judged.why_not == "content-changed":  # or compressed, which PySequoia reports in the same way
            fingerprint = signer_of_compressed(message, plain, self._key_and_password, known)
            judged = signed_by(fingerprint, known) if fingerprint else judged
        return None if judged.why_not == "not-signed" else judged


def decrypt(message: bytes, secrets: Sequence[OpensOpenPgp], known: Sequence[pysequoia.Cert]) -> OpenPgpOpened:
    """Open with the first key that fits; NotOpened ``not-decrypted`` when none does, whatever the reason (CR-34).

    ``gnupg-aead`` when it is such a message and no gpg was there to try.
    """
    refused = set[str]()
    for secret in secrets:
        try:
            return secret.open(message, known)
        except NotOpened as refusal:
            refused.add(refusal.detail)
    raise NotOpened(GNUPG_AEAD if refused == {GNUPG_AEAD} else "not-decrypted")


def verify_detached(content: bytes, signature: bytes, known: Sequence[pysequoia.Cert]) -> OpenPgpSignature:
    """Judge a detached signature (RFC 3156 §5)."""
    return _judged(
        lambda store: pysequoia.verify(content, store=store, signature=pysequoia.Sig.from_bytes(signature)), known
    )


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
        return OpenPgpSignature(why_not=why_not(asked, known))
    return signed_by(str(valid[0].certificate), known)


def signed_by(fingerprint: str, known: Sequence[pysequoia.Cert]) -> OpenPgpSignature:
    """A signature that holds, of the known certificate of this fingerprint."""
    signer = next(each for each in known if each.fingerprint == fingerprint)
    return OpenPgpSignature(addresses=addresses_of(signer), fingerprint=fingerprint)


def why_not(asked: Sequence[str], known: Sequence[pysequoia.Cert]) -> str:
    """What is said of a signature that does not hold, or cannot be judged, by the keys that it names."""
    if not asked:
        return "not-signed"
    return "content-changed" if any(_holds(each, asked) for each in known) else "unknown-signer"


def _holds(certificate: pysequoia.Cert, asked: Sequence[str]) -> bool:
    """Whether a key of the certificate was named, by fingerprint or by its short form (RFC 9580 §5.2.3.12)."""
    own = [packet.fingerprint for packet in PacketPile.from_bytes(bytes(certificate)) if packet.fingerprint]
    return any(key == name or key.endswith(name) for key in own for name in asked)


def protection(message: bytes) -> tuple[str, ...]:
    """seipdv1 or seipdv2 (RFC 9580 §5.13), or gnupg-aead; nothing when it has neither or cannot be read."""
    kind, version = packets.container(message)
    if kind == packets.SEIPD:
        return (f"seipdv{version}",)
    return (GNUPG_AEAD,) if kind == packets.GNUPG_AEAD else ()
