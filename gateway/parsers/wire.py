"""What goes between the gateway and a reading child: length-prefixed msgpack, decoded into types, never pickle."""

from __future__ import annotations

import msgspec

from gateway.document import Finding, Reading

PREFIX = 4


class Request(msgspec.Struct, frozen=True, array_like=True):
    """One letter to read."""

    content: bytes
    name: str
    expect_mail: bool


class Answered(msgspec.Struct, frozen=True, array_like=True, tag="read"):
    """It was read; ``retiring`` says that the child ends after this answer."""

    reading: Reading
    retiring: bool = False


class Refused(msgspec.Struct, frozen=True, array_like=True, tag="refused"):
    """``UnreadableDocument`` with its findings."""

    findings: tuple[Finding, ...]
    detail: str = ""
    retiring: bool = False


class Failed(msgspec.Struct, frozen=True, array_like=True, tag="failed"):
    """The reader raised what it must not: the class's name only, a message could quote the letter."""

    exception: str


class Ready(msgspec.Struct, frozen=True, array_like=True, tag="ready"):
    """The child has given up its rights; ``denied`` names what it gave up, for the journal."""

    denied: tuple[str, ...]


Answer = Answered | Refused | Failed | Ready

_request = msgspec.msgpack.Decoder(Request)
_answer: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)
_encoder = msgspec.msgpack.Encoder()


def frame(message: Request | Answer) -> bytes:
    """The bytes of one message, its length first."""
    buffer = bytearray(PREFIX)
    _encoder.encode_into(message, buffer, PREFIX)
    buffer[:PREFIX] = (len(buffer) - PREFIX).to_bytes(PREFIX, "big")
    return bytes(buffer)


def length_of(prefix: bytes) -> int:
    """How many bytes follow."""
    return int.from_bytes(prefix, "big")


def request_in(payload: bytes) -> Request:
    """Decode; raises ``msgspec.MsgspecError`` on anything else."""
    return _request.decode(payload)


def answer_in(payload: bytes) -> Answer:
    """Decode; raises ``msgspec.MsgspecError`` on anything else: a child is not trusted."""
    return _answer.decode(payload)
