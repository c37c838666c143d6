"""Rows 10 to 18 at the SMTP door: cuts, junk, logins, recipients, relaying, loops, and shapes of mail."""

from __future__ import annotations

from base64 import b64encode

from tests.dialogues.bad_smtp import END, FROM, HEAD, TO, letter
from tests.dialogues.case import Case

STRANGER = "127.0.0.7"
"""Where guesses come from: the gateway remembers the address."""
MEGABYTE = b64encode(b"x" * (1 << 20))
LONG = b64encode(b"x" * 10_000)


def nested(levels: int) -> bytes:
    """A multipart in a multipart in a multipart."""
    opening = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level) for level in range(levels)
    )
    return b"From: dpi@hospital.test\r\n" + opening + b"\r\nx\r\n"


def attached(levels: int) -> bytes:
    """A mail in a mail in a mail."""
    return b"From: dpi@hospital.test\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * levels + b"\r\nx\r\n"


def broad(parts: int) -> bytes:
    """Parts beside each other."""
    head = b'From: dpi@hospital.test\r\nContent-Type: multipart/mixed; boundary="=b"\r\n\r\n'
    return head + b"--=b\r\n\r\nx\r\n" * parts + b"--=b--\r\n"


def headed(header: bytes) -> bytes:
    """A mail of one line with more header."""
    return header + b"From: dpi@hospital.test\r\n\r\nx\r\n"


ROW_11 = [
    Case(row=11, variant="unknown verbs", says=(b"FOO\r\n" * 12,), answers=12, last=True, closes=True, at_once=True),
    *(
        Case(row=11, variant=f"300 {verb.split()[0].decode()}", says=((verb + b"\r\n") * 300,), answers=101, last=True,
             closes=True, at_once=True)
        for verb in (b"NOOP", b"RSET", b"VRFY x", b"HELP")
    ),
    Case(row=11, variant="HTTP GET", door="starttls", logs_in=False, says=(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",),
         closes=True, at_once=True),
    Case(row=11, variant="HTTP POST", door="starttls", logs_in=False, says=(b"POST /a HTTP/1.1\r\n\r\n",), closes=True,
         at_once=True),
    Case(row=11, variant="a TLS hello on a clear port", door="starttls", logs_in=False, closes=True, at_once=True,
         says=(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",)),
]  # fmt: skip
ROW_12 = [
    Case(row=12, variant=name, logs_in=False, says=says, **more)  # type: ignore[arg-type]
    for name, says, more in (
        ("no base64", (b"AUTH PLAIN @@@\r\n",), {}),
        ("no NUL", (b"AUTH PLAIN ZHBp\r\n",), {}),
        ("somebody else's authority", (b"AUTH PLAIN " + b64encode(b"other\0dpi\0x") + b"\r\n",), {}),
        ("no base64 to the challenge", (b"AUTH PLAIN\r\n", b"@@@\r\n"), {}),
        ("a star", (b"AUTH PLAIN\r\n", b"*\r\n"), {}),
        ("a star to LOGIN", (b"AUTH LOGIN\r\n", b"*\r\n"), {}),
        ("14 KB in the command", (b"AUTH PLAIN " + LONG + b"\r\n",), {"at_once": True}),
        ("14 KB to the challenge", (b"AUTH PLAIN\r\n", LONG + b"\r\n"), {"at_once": True}),
        ("a megabyte to the challenge", (b"AUTH PLAIN\r\n", MEGABYTE + b"\r\n"), {"at_once": True, "closes": True}),
        ("an unknown mechanism", (b"AUTH CRAM-MD5\r\n",), {}),
        ("no mechanism", (b"AUTH\r\n",), {}),
        ("two answers", (b"AUTH PLAIN a b\r\n",), {}),
        ("three guesses", tuple(b"AUTH PLAIN AG5vYm9keQ%b\r\n" % guess for guess in (b"Bi", b"Bj", b"Bk")),
         {"client": STRANGER, "at_once": True, "closes": True}),
    )
]  # fmt: skip
ROW_12.append(Case(row=12, variant="outside TLS", door="starttls", logs_in=False, says=(b"AUTH PLAIN ZHBp\r\n",)))
ROW_13 = [
    Case(row=13, variant="the 1,001st to the 5,000th recipient", at_once=True, answers=5000, last=True,
         says=(FROM, b"".join(b"RCPT TO:<a%d@rpps.hospital.test>\r\n" % number for number in range(5000)))),
]  # fmt: skip
ROW_14 = [
    Case(row=14, variant="another domain's sender", says=(b"MAIL FROM:<x@evil.test>\r\n",)),
    Case(row=14, variant="the null sender", says=(b"MAIL FROM:<>\r\n",)),
    Case(row=14, variant="a subdomain's sender", says=(b"MAIL FROM:<a@sub.hospital.test>\r\n",)),
    Case(row=14, variant="without login", logs_in=False, says=(FROM,)),
    letter(b"From: x@evil.test\r\n\r\nx" + END, "a forged From", 14),
    letter(b"From: dpi@hospital.test\r\nFrom: x@evil.test\r\n\r\nx" + END, "a second From", 14),
    letter(b'From: "dpi@hospital.test" <x@evil.test>\r\n\r\nx' + END, "our address as the name of another", 14),
    letter(b"From: dpi@hospital.test,\r\n x@evil.test\r\n\r\nx" + END, "two authors", 14),
    letter(b"FROM : <x@evil.test>\r\n\r\nx" + END, "a blank before the colon", 14),
    letter(b"From:\r\n x@evil.test\r\n\r\nx" + END, "a folded From", 14),
]
ROW_15 = [
    letter(headed(b"Received: x\r\n" * 51) + b".\r\n", "51 Received", 15),
    letter(headed(b"rEcEiVeD: from x\r\n by y\r\n" * 51) + b".\r\n", "51 Received, folded and in any case", 15),
]
ROW_16 = [
    letter(nested(1000) + b".\r\n", "1,000 multiparts in each other", 16, at_once=True),
    letter(nested(101) + b".\r\n", "101 multiparts in each other", 16, at_once=True),
]
ROW_17 = [
    letter(broad(20_000) + b".\r\n", "20,000 parts", 17, at_once=True),
    letter(broad(1001) + b".\r\n", "1,001 parts", 17, at_once=True),
]
ROW_18 = [
    letter(headed(b"To: " + b",\r\n ".join(b"a%d@gp.test" % number for number in range(20_000)) + b"\r\n") + b".\r\n",
           "20,000 addresses in To", 18, at_once=True),
    letter(headed(b"".join(b"X-%05d: y\r\n" % number for number in range(50_000))) + b".\r\n", "50,000 headers", 18,
           at_once=True),
    letter(HEAD[:-2] + b"X: y\r\n" * 20_000 + b".\r\n", "a header that never ends", 18, at_once=True),
]  # fmt: skip
CASES = [*ROW_11, *ROW_12, *ROW_13, *ROW_14, *ROW_15, *ROW_16, *ROW_17, *ROW_18]
TRANSACTION = (FROM, TO, b"DATA\r\n", HEAD + b"Bonjour." + END)
