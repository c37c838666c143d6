"""What is sealed before it touches the disk: the letter's bytes in chunks, its summary, its addressees."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import msgspec

from gateway.document import Kind, Patient, Stay
from gateway.letter import Addressee, Envelope

CHUNK = 2**20
SUMMARY = -1
ADDRESSEE = -2

T = TypeVar("T")


class AtRest(Protocol):
    """The vault, as the store needs it."""

    def new_letter_key(self) -> tuple[bytes, bytes]:
        """A fresh key and the same wrapped under the gateway's own."""
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
