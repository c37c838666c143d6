"""What the SMTP door looks at before it keeps a letter: line ends, lengths, loop, From, shape (rows 1, 7, 14 to 18)."""

from __future__ import annotations

from gateway.smtp.reply import Refusal
from gateway.smtp.server.content import examine, replay_key
from gateway.smtp.server.settings import LineEnds, SmtpLimits, SmtpSource
from tests.fuzz.target import vectors
from tests.fuzz.target_smtp_address import told

LIMITS = SmtpLimits(max_header=100 << 10, max_levels=10, max_parts=20, max_received=5)
STRICT = SmtpSource(name="dpi", senders=frozenset({"@hospital.test", "@hopital-essai.mssante.fr"}))
OLD = SmtpSource(name="old", senders=STRICT.senders, line_ends=LineEnds.NORMALISE, long_lines=True)
WORDS = (
    b"\r\n.\r\n", b"\n.\n", b"\r", b"\x00", b"From: a@hospital.test\r\n", b"From: x@evil.test\r\n", b"Received: x\r\n",
    b"\r\n--b\r\n", b"Content-Type: multipart/mixed; boundary=b\r\n", b"Message-ID: <1@x>\r\n", b'"', b"(",
    b"pkcs7-mime",
)  # fmt: skip


def seeds() -> list[bytes]:
    mails = [mail.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for mail in vectors("compose/*.eml")]
    return [*mails, b"From: a@hospital.test\r\n\r\nx\r\n", b"From: (a@hospital.test) x@evil.test\r\n\r\n", *_pumped()]


def _pumped() -> list[bytes]:
    """Readers that try from every character anew take minutes for these: once they stopped the loop."""
    marks = (b"(", b'"\\', b"(\\", b"x", b"x:", b"a@", b"Received: x\r\n", b"boundary=x\r\n--x\r\n", b"--x\r\n", b'"')
    return [b"From: " + mark * (98_000 // len(mark)) + b"\r\n\r\nx\r\n" for mark in marks]


def run(data: bytes) -> None:
    for source in (STRICT, OLD):
        try:
            content = examine(data, source, LIMITS, loop_marker="X-Huitaine-Gateway: ch-exemple")
        except Refusal as refusal:
            told(refusal)
            continue
        if b"\0" in content or b"\n" in content.replace(b"\r\n", b"") or b"\r" in content.replace(b"\r\n", b""):
            raise AssertionError("a bare CR, LF or NUL was let in")
        if source is STRICT and content != data:
            raise AssertionError("the content was changed")
        replay_key(source.name, "a@hospital.test", ["b@gp.test"], content)
