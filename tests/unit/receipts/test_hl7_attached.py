"""An HL7 answer in a mail says what became of one message; whatever else begins like HL7 says nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identifiers import DeliveryId
from gateway.letter import Receipt, ReceiptKind
from gateway.receipts import Matched, Sent, Unmatched, match, read_receipts
from gateway.receipts.hl7_attached import Said, read_answer

HEAD = rb"MSH|^~\&|LPS|CABINET|GW|CH|20260115103112||%s|R1|P|2.6"
ERR = b"ERR||PID^1^3|207^Application error|E|%s"


def ack(code: bytes, *more: bytes, about: bytes = b"DOC1") -> bytes:
    return b"\r".join((HEAD % b"ACK^T02^ACK", b"MSA|" + code + b"|" + about, *more))


def zam(event: bytes, named: bytes, answer: bytes, *more: bytes) -> bytes:
    box = rb"OBX|2|XTN|LECTEUR_MSS^x^AckMetierZAM||^^X.400^gp@gp.test||||||F"
    said = b"OBX|1|CWE|" + named + b"^x^AckMetierZAM|DOC1|" + answer + b"^^expandedYes-NoIndicator||||||F"
    return b"\r".join((HEAD % (b"ZAM^" + event), b"EVN||20260115103112", said, box, *more))


SAYS = {
    "taken by the application": (ack(b"AA"), "integrated", None),
    "only taken over": (ack(b"CA"), "processed", None),
    "refused, with the application's code": (ack(b"AE", ERR % b"904^INS"), "not-integrated", "904"),
    "refused, with HL7's code": (ack(b"AR", ERR % b""), "not-integrated", "207"),
    "refused without a word": (ack(b"CE"), "not-integrated", None),
    "taken, and yet an ERR": (ack(b"AA", ERR % b"904^INS"), "integrated", None),
    "line feeds": (ack(b"AA").replace(b"\r", b"\n"), "integrated", None),
    "received": (zam(b"Z02", b"ACK_RECEPTION_MSS", b"Y"), "delivered", None),
    "not received": (zam(b"Z02", b"ACK_RECEPTION_MSS", b"N", ERR % b"550^x"), "failed", "550"),
    "read or processed": (zam(b"Z03", b"ACK_LECTURE_MSS", b"Y"), "processed", None),
    "not integrated": (zam(b"Z03", b"ACK_LECTURE_MSS", b"N", ERR % b"902^x"), "not-integrated", "902"),
}


@pytest.mark.parametrize(("content", "kind", "code"), SAYS.values(), ids=SAYS.keys())
def test_an_answer_says_this(content: bytes, kind: str, code: str | None) -> None:
    box = "gp@gp.test" if b"ZAM" in content else None
    assert read_answer(content) == Said(kind=ReceiptKind(kind), control_id="DOC1", code=code, box=box)


SILENT = {
    "a letter": b"\r".join((HEAD % b"MDM^T02^MDM_T02", b"MSA|AA|DOC1")),
    "filed in the national record": zam(b"Z01", b"ACK_RECEPTION_DMP", b"Y"),
    "another event's word": zam(b"Z03", b"ACK_RECEPTION_MSS", b"Y"),
    "neither yes nor no": zam(b"Z03", b"ACK_LECTURE_MSS", b""),
    "no MSA": HEAD % b"ACK^T02^ACK",
    "an unknown code": ack(b"OK"),
    "no message named": ack(b"AA", about=b" "),
    "a ZAM without OBX": b"\r".join((HEAD % b"ZAM^Z03", b"EVN||2026")),
    "cut in the header": b"MSH|^~",
    "not HL7": b"MSA|AA|DOC1",
    "nothing": b"",
}


@pytest.mark.parametrize("content", SILENT.values(), ids=SILENT.keys())
def test_what_says_nothing_of_a_letter_is_no_answer(content: bytes) -> None:
    assert read_answer(content) is None


def mail(*answers: bytes, headers: str = "In-Reply-To: <D1@h.test>") -> bytes:
    parts = b"".join(b"--B\r\nContent-Type: application/hl7-v2\r\n\r\n%s\r\n" % each for each in answers)
    head = f"From: Dr X <gp@gp.test>\r\n{headers}\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n"
    return head.encode() + parts + b"--B--\r\n"


def test_where_one_document_was_refused_the_others_success_is_not_told() -> None:
    kinds = [receipt.kind for receipt in read_receipts(mail(ack(b"AA"), ack(b"AE"), ack(b"AA")))]
    assert kinds == [ReceiptKind.NOT_INTEGRATED]
    assert [receipt.kind for receipt in read_receipts(mail(ack(b"AA")))] == [ReceiptKind.INTEGRATED]


def test_an_answer_inside_a_mail_that_came_back_is_not_the_senders_own() -> None:
    inner = mail(ack(b"AA")).decode()
    forwarded = f"From: gp@gp.test\r\nContent-Type: multipart/mixed; boundary=O\r\n\r\n--O\r\n{'{}'}\r\n--O--\r\n"
    content = forwarded.format(f"Content-Type: message/rfc822\r\n\r\n{inner}").encode()
    assert read_receipts(content) == ()


def test_a_doctors_letter_as_hl7_stays_a_letter(vectors: Path) -> None:
    letters = sorted((vectors / "hl7v2").glob("mdm*.hl7"))
    assert letters
    assert not any(read_receipts(mail(letter.read_bytes())) for letter in letters)


def _matched(**stated: str | None) -> object:
    fields = {"message_id": "<D1@h.test>", "addressee": "gp@gp.test", "control_id": "DOC1", **stated}
    receipt = Receipt(kind=ReceiptKind.INTEGRATED, **fields)  # type: ignore[arg-type]
    sent = Sent(delivery=DeliveryId("D1"), message_id="<D1@h.test>", mailbox="gp@gp.test", control_id="DOC1")
    return match(receipt, [sent])


def test_the_answer_to_another_message_is_no_answer_whatever_mail_it_comes_in() -> None:
    assert _matched() == Matched(delivery=DeliveryId("D1"))
    assert _matched(control_id="DOC2") == Unmatched(code="other-control-id")
    assert _matched(control_id="doc1") == Unmatched(code="other-control-id")
    assert _matched(control_id="D1@h.test") == Matched(delivery=DeliveryId("D1"))
    assert _matched(addressee="b@gp.test") == Unmatched(code="other-addressee")
    assert _matched(message_id=None) == Unmatched(code="no-message-id")


@given(
    st.lists(st.one_of(st.sampled_from([ack(b"AA"), b"MSH|", b"|", b"^", b"\r", b"MSA|AA|"]), st.binary(max_size=9)))
)
def test_any_bytes_are_an_answer_or_none(pieces: list[bytes]) -> None:
    content = b"".join(pieces)
    said = read_answer(content)
    assert said is None or said.control_id
    assert isinstance(read_receipts(mail(content)), tuple)
