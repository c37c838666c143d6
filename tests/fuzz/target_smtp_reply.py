"""What a next hop answers (row 25): replies, or NotSmtp, in whatever pieces the bytes come."""

from __future__ import annotations

from gateway.smtp.courier.replies import LONGEST_LINE, MOST_LINES, NotSmtp, ReplyReader

WORDS = (
    b"250-",
    b"250 ",
    b"354 go\r\n",
    b"421 4.3.2 ",
    b"550 5.1.1 ",
    b"\x1b]0;",
    b"\r\n",
    b"\n",
    b"\r",
    b"2.1.5",
    b"SIZE ",
)


def seeds() -> list[bytes]:
    return [
        b"250-mx.test\r\n250-PIPELINING\r\n250 DSN\r\n", b"220 mx\r\n250 2.1.0 Ok\r\n354 go\r\n250 2.0.0 Ok\r\n",
        b"250-" * 500, b"250-a\r\n550 b\r\n", b"421 4.3.2 \x1b[2J\r\n", b"250\r\n", b"550 4.2.2 hm\r\n",
    ]  # fmt: skip


def run(data: bytes) -> None:
    for step in (1 + len(data) % 7, 4096):
        reader = ReplyReader()
        try:
            for start in range(0, len(data), step):
                for reply in reader.feed(data[start : start + step]):
                    check(reply.status, reply.kind, reply.shown)
                    if len(reply.lines) > MOST_LINES or sum(map(len, reply.lines)) > MOST_LINES * LONGEST_LINE:
                        raise AssertionError("a reply without bounds")
        except NotSmtp as refusal:
            if not str(refusal).isprintable():
                raise AssertionError("the reason can harm a terminal") from refusal


def check(status: str, kind: int, shown: str) -> None:
    """What goes to the journal harms no terminal, and the status agrees with the code."""
    if not (shown.isascii() and shown.isprintable() and len(shown) <= 512):
        raise AssertionError("a reply that can harm a terminal")
    if status[:1] != str(kind) and kind != 3:
        raise AssertionError("a status that contradicts its code")
