"""OpenPGP (RFC 9580) in process with PySequoia: sign and encrypt in one message, decrypt and verify.

PySequoia 0.1.35 encrypts without a word to a certificate that is expired or revoked, and to an expired subkey:
everything that may be used is chosen here first (:class:`OpenPgpRecipient`). Its error texts hold stack traces with
paths and are never passed on.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from threading import Lock
from typing import Protocol

import pysequoia
from pysequoia.packet import Packet, PacketPile, SignatureType, Tag

from gateway.crypto.certificates import same_address
from gateway.errors import KeyStoreRefused, NoProtection

_REMEMBERED = 1024


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class OpenPgpRecipient:
    """An addressee's certificate cut down to the encryption subkeys that are valid, and until when."""

    certificate: pysequoia.Cert
    until: datetime | None

    @classmethod
    def choose(cls, key: bytes, *, fingerprint: str, address: str, at: datetime) -> OpenPgpRecipient:
        """Check and cut down; NoProtection with a code: unreadable-key, fingerprint-mismatch, revoked, expired,
        address-mismatch, no-encryption-subkey.
        """
        certificate = _read(key)
        if fingerprint and _plain(fingerprint) != certificate.fingerprint:
            raise NoProtection("fingerprint-mismatch")
        if certificate.is_revoked:
            raise NoProtection("revoked")
        if certificate.expiration is not None and certificate.expiration <= at:
            raise NoProtection("expired")
        if not any(same_address(each, address) for each in addresses_of(certificate)):
            raise NoProtection("address-mismatch")
        return _usable(certificate, at)


class SealsOpenPgp(Protocol):
    """Signs with our own key and encrypts to an addressee's."""

    def seal(self, entity: bytes, key: bytes, *, fingerprint: str, address: str, at: datetime) -> bytes:
        """As :meth:`OpenPgpSigner.seal`."""
        ...


class OpenPgpSigner:
    """The gateway's own OpenPGP key, unlocked once; seals one letter in about a millisecond (Cv25519)."""

    def __init__(self, key: bytes, password: str | None = None) -> None:
        """``key`` is a transferable secret key, binary or armor; KeyStoreRefused when it cannot sign."""
        try:
            secret = pysequoia.Tsk.from_bytes(key)
            self._signer = secret.signer(password)
            self._public = bytes(secret.extract_certificate())
        except (RuntimeError, ValueError) as error:
            raise KeyStoreRefused("openpgp: not a secret key that signs, or wrong password") from error
        self._lock = Lock()
        self._recipients: OrderedDict[bytes, OpenPgpRecipient] = OrderedDict()

    def __repr__(self) -> str:
        return "OpenPgpSigner(hidden)"

    @classmethod
    def generate(cls, user_id: str) -> bytes:
        """A new secret key on Curve25519 for ``user_id`` (``Name <address>``), in binary, without a password."""
        key = pysequoia.Tsk.generate(
            user_id=user_id, profile=pysequoia.Profile.RFC4880, cipher_suite=pysequoia.CipherSuite.Cv25519
        )
        return bytes(key)

    @property
    def public_key(self) -> bytes:
        """The transferable public key that addressees verify with, in binary."""
        return self._public

    @property
    def armored(self) -> bytes:
        """The same as ASCII armor, as people send it."""
        return pysequoia.armor(self._public, pysequoia.ArmorKind.PublicKey).encode()

    def seal(self, entity: bytes, key: bytes, *, fingerprint: str, address: str, at: datetime) -> bytes:
        """``entity`` signed and encrypted to that key, as armor with CRLF; NoProtection when either key may not."""
        recipient = self._recipient(key, fingerprint, address, at)
        try:
            armor = pysequoia.encrypt(entity, recipients=[recipient.certificate], signer=self._signer)
        except (RuntimeError, ValueError) as error:
            raise NoProtection("openpgp-refused") from error
        return armor.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")

    def _recipient(self, key: bytes, fingerprint: str, address: str, at: datetime) -> OpenPgpRecipient:
        with self._lock:
            return self._remembered(key, fingerprint, address, at)

    def _remembered(self, key: bytes, fingerprint: str, address: str, at: datetime) -> OpenPgpRecipient:
        digest = sha256(b"\0".join((fingerprint.encode(), address.encode(), key))).digest()
        known = self._recipients.get(digest)
        if known is not None and (known.until is None or at < known.until):
            self._recipients.move_to_end(digest)
            return known
        chosen = OpenPgpRecipient.choose(key, fingerprint=fingerprint, address=address, at=at)
        self._recipients[digest] = chosen
        if len(self._recipients) > _REMEMBERED:
            self._recipients.popitem(last=False)
        return chosen


def addresses_of(certificate: pysequoia.Cert) -> tuple[str, ...]:
    """Mail addresses of the user ids that are not revoked."""
    return tuple(addresses_in(str(user_id) for user_id in certificate.user_ids))


def addresses_in(user_ids: Iterable[str]) -> Iterator[str]:
    """The mail address of each user id that has one."""
    return (text.rpartition("<")[2].rstrip("> ") for text in user_ids if "@" in text)


def public_keys(content: bytes) -> tuple[pysequoia.Cert, ...]:
    """Each certificate in a key file, binary or armor; KeyStoreRefused when there is none."""
    try:
        found = tuple(pysequoia.Cert.split_bytes(content))
    except (RuntimeError, ValueError) as error:
        raise KeyStoreRefused("openpgp: not a key file") from error
    if not found:
        raise KeyStoreRefused("openpgp: no key in the file")
    return found


def _read(key: bytes) -> pysequoia.Cert:
    try:
        return pysequoia.Cert.from_bytes(key)
    except (RuntimeError, ValueError) as error:
        raise NoProtection("unreadable-key") from error


def _plain(fingerprint: str) -> str:
    return fingerprint.replace(" ", "").replace(":", "").lower()


def _usable(certificate: pysequoia.Cert, at: datetime) -> OpenPgpRecipient:
    """Keep the primary key and the encryption subkeys valid at ``at`` (RFC 9580 §10.1; CR-14)."""
    head, *subkeys = _groups(PacketPile.from_bytes(bytes(certificate)))
    kept, ends = list(head), [certificate.expiration]
    chosen = any(_encrypts(each) for each in head if each.tag == Tag.Signature)  # old keys: the primary encrypts itself
    for group in subkeys:
        binding = _binding(group)
        if binding is None or not _encrypts(binding):
            continue
        end = _end(group[0], binding)
        if any(each.signature_type == SignatureType.SubkeyRevocation for each in group[1:]):
            continue
        if end is None or end > at:
            kept += group
            ends.append(end)
            chosen = True
    if not chosen:
        raise NoProtection("no-encryption-subkey")
    known = [end for end in ends if end is not None]
    return OpenPgpRecipient(certificate=pysequoia.Cert.from_packets(kept), until=min(known) if known else None)


def _groups(packets: Iterable[Packet]) -> list[list[Packet]]:
    """The primary key with what belongs to it, then each subkey with its signatures."""
    groups: list[list[Packet]] = [[]]
    for packet in packets:
        if packet.tag == Tag.PublicSubkey:
            groups.append([])
        groups[-1].append(packet)
    return groups


def _binding(group: list[Packet]) -> Packet | None:
    """The newest binding signature wins (CR-14)."""
    bindings = [each for each in group[1:] if each.signature_type == SignatureType.SubkeyBinding]
    oldest = datetime.min.replace(tzinfo=UTC)
    return max(bindings, key=lambda each: each.signature_created or oldest, default=None)


def _encrypts(binding: Packet) -> bool:
    flags = binding.key_flags
    return flags is not None and (flags.transport_encryption or flags.storage_encryption)


def _end(subkey: Packet, binding: Packet) -> datetime | None:
    if binding.key_validity_period is None or subkey.key_created is None:
        return None
    return subkey.key_created + binding.key_validity_period
