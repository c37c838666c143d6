"""What is sealed before it touches the disk: the letter's bytes in chunks, its summary, its addressees."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from gateway.document import Kind, Patient, Stay
from gateway.letter import Addressee, Envelope
from gateway.wrapped_key import WrappedKey

CHUNK = 2**20
SUMMARY = -1
ADDRESSEE = -2

T = TypeVar("T")


class AtRest(Protocol):
    """The vault, as the store needs it."""

    @property
    def tenants(self) -> set[str]:
        """Whose letters come here."""
        ...

    def hold(self, keys: Iterable[WrappedKey]) -> None:
        """Open with these keys from now on."""
        ...

    def new_key(self, purpose: str, name: str = "", *, as_in_0_1: bool = False) -> WrappedKey:
        """A fresh key for a tenant, the pseudonyms, the journal or its checkpoints."""
        ...

    def under_current_master(self, key: WrappedKey) -> bytes:
        """The same key, wrapped under the current master key."""
        ...

    def use_master(self, path: Path) -> None:
        """Wrap under the master key of this file from now on."""
        ...

    def rewrap(self, wrapped: bytes, source: str = "") -> bytes:
        """A letter's key under its tenant's current key."""
        ...

    def vouch(self, content: bytes) -> bytes:
        """A seal on the journal's end."""
        ...

    def sign(self, content: bytes) -> bytes:
        """A signature of the journal's own key."""
        ...

    def public_key(self) -> bytes:
        """What such a signature is verified with."""
        ...

    def new_letter_key(self, source: str = "") -> tuple[bytes, bytes]:
        """A fresh key for a letter of this source, and the same wrapped under its tenant's."""
        ...

    def another_letter_key(self, wrapped: bytes) -> tuple[bytes, bytes]:
        """The same for the tenant of the letter whose key is ``wrapped``."""
        ...

    def unwrap(self, wrapped: bytes) -> bytes:
        """The key again."""
        ...

    def seal_chunk(self, key: bytes, letter_id: str, n: int, data: bytes) -> bytes:
        """Seal ``data``; the letter's id and the number are bound to it."""
        ...

    def open_chunk(self, key: bytes, letter_id: str, n: int, sealed: bytes) -> bytes:
        """Open it again, or raise when it is another row's."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What lists and traces need of a letter without reading its bytes again."""

    envelope: Envelope = field(repr=False, default=Envelope())
    name: str = field(repr=False, default="")
    patient: Patient | None = field(repr=False, default=None)
    stay: Stay | None = None
    kind: Kind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Whom a delivery is for and the mailbox chosen for him, when one was."""

    addressee: Addressee
    mailbox: str | None = field(repr=False, default=None)


def seal(vault: AtRest, key: bytes, place: tuple[str, int], value: object) -> bytes:
    """``value`` as MessagePack, sealed for its ``place`` (row id, number)."""
    return vault.seal_chunk(key, *place, msgspec.msgpack.encode(value))


# msgspec learns a dataclass when it first decodes one, and threads that meet in that moment crash the interpreter:
# letters are loaded in threads, so both shapes are learnt here, once (tests/unit/queue/test_msgspec_trap.py).
_DECODERS: dict[type, msgspec.msgpack.Decoder[Any]] = {
    shape: msgspec.msgpack.Decoder(shape) for shape in (Summary, Target)
}


def unseal(vault: AtRest, key: bytes, place: tuple[str, int], sealed: bytes, shape: type[T]) -> T:
    """The value again, in its type: a Summary or a Target."""
    value: T = _DECODERS[shape].decode(vault.open_chunk(key, *place, sealed))
    return value


def seal_body(vault: AtRest, key: bytes, letter_id: str, content: bytes) -> list[dict[str, Any]]:
    """Rows of the chunk table."""
    pieces = range(0, max(len(content), 1), CHUNK)
    return [
        {"letter_id": letter_id, "n": n, "data": vault.seal_chunk(key, letter_id, n, content[start : start + CHUNK])}
        for n, start in enumerate(pieces)
    ]
