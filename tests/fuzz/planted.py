"""The control: a reader with a crash behind two conditions, which a fuzzer that sees coverage finds in seconds."""

from __future__ import annotations


def seeds() -> list[bytes]:
    return [b"HUITAINE"]


def run(data: bytes) -> None:
    if data[:1] == b"H" and data[1:2] == b"!" and data[2:3] == b"8":
        raise KeyError("planted")
