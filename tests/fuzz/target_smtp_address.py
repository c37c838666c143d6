"""MAIL FROM and RCPT TO paths (rows 3, 4, 5): an address, or a refusal that fits on one line."""

from __future__ import annotations

import re

from gateway.smtp.reply import Refusal
from gateway.smtp.server.addresses import check_utf8, network_of, parse_path

WORDS = (
    b"<",
    b">",
    b"@",
    b'"',
    b"\\",
    b"[IPv6:",
    b"]",
    b"SMTPUTF8",
    b"SIZE=",
    b"\xc3\xa9",
    b"\xd1\x80",
    b"<@x,@y:",
    b"xn--",
)
_SAFE = re.compile(r"[^\x00-\x20\x7f<>]+")


def seeds() -> list[bytes]:
    return [
        b"<a@b.test> SIZE=10 BODY=8BITMIME", b"<>", b'<"a b"@c.test>', b"a@b.test", b"<a@[127.0.0.1]>", b"<@x,@y:a@b>",
        "<rené@hôpital.test> SMTPUTF8".encode(), b"<a@[IPv6:::1]> RET=HDRS", b"<" + b"a" * 300 + b"@b.test>", b"<a@>",
    ]  # fmt: skip


def run(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    for recipient in (False, True):
        try:
            address, _ = parse_path(text, recipient=recipient)
            check_utf8(address, smtputf8=not recipient)
        except Refusal as refusal:
            told(refusal)
            continue
        if address and ("@" not in address or not address.isprintable() or len(address) > 254):
            raise AssertionError("an address that the courier could not write")
        local = address.rpartition("@")[0]
        if address and not local.startswith('"') and not _SAFE.fullmatch(address):
            raise AssertionError("an address that breaks its brackets")
    network_of("::1" if b":" in data else "127.0.0.1")


def told(refusal: Refusal) -> None:
    """RFC 5321 §4.2: one line, printable, with an enhanced code (RFC 3463) that agrees."""
    if not re.fullmatch(r"([245])\d\d \1\.\d{1,3}\.\d{1,3} [ -~]+", str(refusal.reply)):
        raise AssertionError("a refusal that is no reply line")
