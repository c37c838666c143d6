"""Headers of a mail in a mailbox: who wrote it and to whom, or BadHeader."""

from __future__ import annotations

from gateway.imap.headers import BadHeader, addresses, read_headers
from tests.fuzz.target import vectors

WORDS = (b"To: ", b"From: ", b"<", b">", b'"', b"\\", b"(", b")", b",", b";", b"group:", b"\r\n ", b"@", b"=?utf-8?q?")

PUMPED = (b"(", b'"\\', b"(\\", b"< ", b"x", b"x:", b"a@", b"\r\n x", b"()", b":;", b"((x)")
"""What a reader that tries from every character anew takes minutes for: once it stopped the loop for 111 s."""


def seeds() -> list[bytes]:
    heads = [mail.partition(b"\n\n")[0].partition(b"\r\n\r\n")[0] for mail in vectors("compose/*.eml")]
    return [
        *heads,
        b'To: "a, b" <a@b.test>, c@d.test (x), g: e@f.test;\r\n\r\n',
        *(b"To: " + mark * (98_000 // len(mark)) for mark in PUMPED),
    ]


def run(data: bytes) -> None:
    try:
        for values in read_headers(data).values():
            for value in values:
                found = addresses(value)
                if any(not address.isprintable() or "@" not in address for address in found):
                    raise AssertionError("something that is no address")
    except BadHeader:
        return
