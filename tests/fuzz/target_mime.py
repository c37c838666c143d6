"""A mail as the SMTP and IMAP doors hand it to the reading child: the walk over its parts and what lies in them."""

from __future__ import annotations

from gateway.document import Reading
from gateway.parsers.read import read
from tests.fuzz.target import read_or_refused, vectors

WORDS = (
    b"Content-Type: multipart/mixed; boundary=b\n", b"Content-Type: message/rfc822\n", b"\n--b\n", b"\n--b--\n",
    b"Content-Transfer-Encoding: base64\n", b"filename*0*=utf-8''%0d%0a", b"=?utf-8?q?=0D=0A?=", b"charset=utf-7",
    b"To: (((", b"Date: Thu, 1 Jan 99999", b"Message-ID: <", b"From: =?utf-8?b?", b"name*0=", b"boundary=\"\"",
    b"Content-Type: application/pkcs7-mime\n", b"application/hprim", b"begin 644 x\n", b"-----BEGIN PGP MESSAGE-----",
)  # fmt: skip


def seeds() -> list[bytes]:
    return [*vectors("compose/*.eml"), *vectors("receipts/*.eml"), *vectors("mime/*")]


def run(data: bytes) -> None:
    read_or_refused(_as_mail, data)


def _as_mail(data: bytes) -> Reading:
    return read(data, expect_mail=True)
