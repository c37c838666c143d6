"""Row 23 at the MLLP door: delimiters, escapes, sizes, segments, charsets."""

from __future__ import annotations

from datetime import UTC, datetime

from demo import letters
from tests.dialogues.case import Case

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
GOOD = letters.oru("BAD0001", NOW)


def block(message: bytes, variant: str, **more: object) -> Case:
    """One message in its block."""
    return Case(row=23, variant=variant, door="mllp", says=(b"\x0b" + message + b"\x1c\r",), **more)  # type: ignore[arg-type]


def changed(old: bytes, new: bytes) -> bytes:
    """The good message with one thing wrong."""
    assert old in GOOD, old
    return GOOD.replace(old, new, 1)


CASES = [
    block(changed(b"MSH|^~\\&|", b"MSH|^^\\&|"), "two delimiters alike"),
    block(changed(b"MSH|^~\\&|", b"MSHA^~\\&A"), "a letter as delimiter"),
    block(changed(b"MSH|^~\\&|", b"MSH|\r~\\&|"), "CR as delimiter"),
    block(b"PID|1||1||A^B\rOBX|1|TX|x\r", "no MSH"),
    block(b"hello", "no HL7"),
    block(changed(b"|BAD0001|", b"||"), "no control id"),
    block(changed(b"|ORU^R01^ORU_R01|", b"|ZZZ^Z99|"), "an unknown message type"),
    block(GOOD[: GOOD.index(b"PID|")], "no patient"),
    block(changed(b"\rPID|", b"\r\nPID|"), "mixed line ends"),
    block(changed(b"TESTINI", b"TEST\xff\xfeINI"), "bytes that are not UTF-8"),
    block(changed(b"UNICODE UTF-8", b"KLINGON"), "an unknown charset"),
    block(changed(b"\rPID|", b"\rMSH|^~\\&|a\rPID|"), "two messages in one block"),
    block(changed(b"11.4", b"x" * 10_000_000), "a number of 10 MB", at_once=True),
    block(changed(b"TESTINI", b"x" * 10_000_000), "a name of 10 MB", at_once=True),
    block(GOOD + b"Z" * (27 << 20), "27 MB", at_once=True),
    block(GOOD + b"ZZ1|x\r" * 200_000, "200,000 segments", at_once=True),
    block(b"\xef\xbb\xbf" + changed(b"ORU^R01^ORU_R01", b"ADT^A08^ADT_A01")[:90], "half a message"),
]
TAKEN = [
    block(changed(b"BAD0001", b"BAD0002").replace(b"||Contr", b"||\\X0D\\PID|2||Contr"), "an escape makes a segment",
          kept=1),
    block(changed(b"BAD0001", b"BAD0003").replace(b"||Contr", b"||\\Contr"), "an escape that stays open", kept=1),
]  # fmt: skip
