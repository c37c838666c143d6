"""What goes between the gateway and a reading child: length-prefixed msgpack, decoded into types, never pickle."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from gateway.document import Finding, Reading

PREFIX = 4


class Request(msgspec.Struct, frozen=True, array_like=True):
    """One letter to read."""

    content: bytes
    name: str
    expect_mail: bool


class Answered(msgspec.Struct, frozen=True, array_like=True, tag="read"):
    """It was read; ``retiring`` says that the child ends after this answer.

    ``whole`` are the documents whose original is all that was handed in: those bytes do not travel back.
    """

    reading: Reading
    retiring: bool = False
    whole: tuple[int, ...] = ()


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
    payload = _encoder.encode(message)
    return len(payload).to_bytes(PREFIX, "big") + payload


def answered(reading: Reading, content: bytes, *, retiring: bool = False) -> Answered:
    """An answer without the bytes that the gateway holds anyway."""
    whole = tuple(number for number, one in enumerate(reading.documents) if one.original.content == content)
    return Answered(_with_originals(reading, whole, b""), retiring, whole)


def reading_in(answer: Answered, content: bytes) -> Reading:
    """The reading with its originals; a number that names no document raises ``ValueError``."""
    if any(number >= len(answer.reading.documents) or number < 0 for number in answer.whole):
        raise ValueError("answer-document")
    return _with_originals(answer.reading, answer.whole, content)


def _with_originals(reading: Reading, whole: tuple[int, ...], content: bytes) -> Reading:
    if not whole:
        return reading
    documents = list(reading.documents)
    for number in whole:
        original = replace(documents[number].original, content=content)
        documents[number] = replace(documents[number], original=original)
    return replace(reading, documents=tuple(documents))


def length_of(prefix: bytes) -> int:
    """How many bytes follow."""
    return int.from_bytes(prefix, "big")


def request_in(payload: bytes) -> Request:
    """Decode; raises ``msgspec.MsgspecError`` on anything else."""
    return _request.decode(payload)


def answer_in(payload: bytes) -> Answer:
    """Decode; raises ``msgspec.MsgspecError`` on anything else: a child is not trusted."""
    return _answer.decode(payload)
