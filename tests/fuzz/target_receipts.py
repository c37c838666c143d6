"""DSN, MDN and bounces that come back: any mail gives receipts or none, never an exception."""

from __future__ import annotations

from gateway.letter import Receipt
from gateway.receipts.reading import read_receipts
from tests.fuzz.target import vectors

WORDS = (
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n", b"\n--b\n", b"Action: delivered\n",
    b"Content-Type: message/delivery-status\n", b"Final-Recipient: rfc822;", b"Status: 2.0.0\n", b"Status: 5.2.2\n",
    b"Content-Type: message/disposition-notification\n", b"Disposition: automatic-action/x;displayed",
    b"Original-Message-ID: <", b"[KO int=E9gration", b"=?utf-8?b?", b"ORU^R01", b"Date: Thu, 1 Jan 99999",
    b"MSH|^~\\&|A|B|C|D|20260115||ACK^T02^ACK|1|P|2.6\r", b"MSA|AA|DOC1\r", b"ZAM^Z03", b"ERR|||207|E|902^x\r",
    b"OBX|1|CWE|ACK_LECTURE_MSS^x|DOC1|Y^^y\r", b"In-Reply-To: <x@y>\n", b"Subject: XDM/1.0/DDM+x\n",
    b"x-direct-final-destination-delivery:\n", b"Content-Type: message/rfc822\n",
)  # fmt: skip


def seeds() -> list[bytes]:
    return [*vectors("receipts/*.eml"), *vectors("compose/discharge-outside*.eml")]


def run(data: bytes) -> None:
    receipts = read_receipts(data)
    if not all(isinstance(receipt, Receipt) for receipt in receipts):
        raise AssertionError("something that is no receipt")
