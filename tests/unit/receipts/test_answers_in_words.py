"""The words of an answer, and how an answer to it is read: pure, and no stranger's word becomes structure or a yes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hl7apy.parser import parse_message

from gateway.letter import ReceiptKind
from gateway.queue.answers import answer_id
from gateway.receipts.answer import Answer, as_hl7, as_json, signature
from gateway.receipts.answer_file import write_answer
from gateway.receipts.hl7_ack import read_ack
from gateway.receipts.saying import Again, Declined, Taken
from gateway.receipts.webhook import judge
from gateway.receipts.zam import Ends, zam_says

AT = datetime(2026, 1, 15, 9, 31, 12, tzinfo=UTC)
ENDS = Ends(our_application="HUITAINE", our_facility="1750000001", application="DPI", facility="CH")
ANSWER = Answer(
    id="ABCDEFGHIJKLMNOPQRST",
    letter="01L",
    delivery="01D",
    kind=ReceiptKind.DISPLAYED,
    at=AT - timedelta(minutes=5),
    heard_at=AT,
    control_id="DOC1",
    role="gp",
    rpps="99900000011",
    mailbox="gp@test.mssante.fr",
)


def ack(code: str, control: str = "ABC", *, ends: str = "\r") -> bytes:
    return f"MSH|^~\\&|DPI|CH|H|H|20260115||ACK^Z03^ACK|9|P|2.6{ends}MSA|{code}|{control}{ends}".encode()


@pytest.mark.parametrize("ends", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize(
    ("code", "said"),
    [("AA", Taken), ("CA", Taken), ("AE", Declined), ("CE", Declined), ("AR", Again), ("CR", Again), ("XX", Again)],
)
def test_an_acknowledgement_is_a_yes_a_never_or_a_later(code: str, said: type, ends: str):
    assert isinstance(read_ack(ack(code, ends=ends), about="ABC"), said)


@pytest.mark.parametrize(
    "message",
    [
        ack("AA", "ABCD"),
        ack("AA", "AB"),
        ack("AA", ""),
        b"",
        b"MSA|AA|ABC\r",
        b"MSH",
        b"MSH|^~\\&|\rMSA|AA\r",
        b"MSH|^~\\&|\rMSAX|AA|ABC\r",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"\xff\xfe\x00" * 20,
    ],
)
def test_what_is_not_the_answer_to_this_message_is_no_yes(message: bytes):
    assert isinstance(read_ack(message, about="ABC"), Again)


def test_control_the_answer_to_this_message_is():
    assert read_ack(ack("AA"), about="ABC") == Taken(code="AA")


@pytest.mark.parametrize(
    ("status", "said"),
    [(200, Taken), (204, Taken), (301, Again), (302, Again), (307, Again), (400, Declined), (401, Again), (403, Again),
     (404, Again), (408, Again), (410, Declined), (413, Declined), (422, Declined), (425, Again), (429, Again),
     (500, Again), (503, Again), (600, Again)],
)  # fmt: skip
def test_a_status_of_http_is_a_yes_a_never_or_a_later(status: int, said: type):
    assert isinstance(judge(status), said)


def test_json_holds_ids_codes_and_times_and_nothing_of_mailbox_or_person():
    said = json.loads(as_json(ANSWER))
    assert said == {
        "id": "ABCDEFGHIJKLMNOPQRST",
        "letter": "01L",
        "delivery": "01D",
        "control_id": "DOC1",
        "addressee": {"role": "gp", "rpps": "99900000011"},
        "event": "displayed",
        "status": None,
        "code": None,
        "reporter": "",
        "at": "2026-01-15T09:26:12+00:00",
        "heard_at": "2026-01-15T09:31:12+00:00",
    }
    assert "mssante.fr" not in repr(ANSWER)


@pytest.mark.parametrize("kind", list(ReceiptKind))
def test_every_kind_makes_json_and_what_the_volet_knows_makes_a_zam_that_hl7apy_reads(kind: ReceiptKind):
    answer = replace(ANSWER, kind=kind, code="902" if kind is ReceiptKind.NOT_INTEGRATED else "571")
    assert json.loads(as_json(answer))["event"] == kind.value
    message = as_hl7(answer, ENDS)
    assert (message is None) == (zam_says(kind) is None)
    if message is not None:
        read = parse_message(message.decode(), find_groups=False)
        assert read.msh.msh_9.to_er7() == f"ZAM^{(zam_says(kind) or '')[:3]}^ZAM_Z01"
        assert read.msh.msh_10.to_er7() == answer.id
        assert len(answer.id) <= 20, "MSH-10 of every version takes it"


def test_a_failure_whose_code_the_table_does_not_have_is_told_by_its_class():
    later = as_hl7(replace(ANSWER, kind=ReceiptKind.FAILED, code="471", status="4.7.1"), ENDS)
    never = as_hl7(replace(ANSWER, kind=ReceiptKind.FAILED, code="571", status="5.7.1"), ENDS)
    assert later is not None
    assert never is not None
    assert b"|450^4.7.1^SMTPERRORCODE" in later
    assert b"|550^5.7.1^SMTPERRORCODE" in never


def test_without_the_message_it_is_about_there_is_no_zam():
    assert as_hl7(replace(ANSWER, control_id=None), ENDS) is None


def test_an_id_is_the_same_for_the_same_news_and_another_for_any_other():
    base = answer_id("D", 1, "Z03Y", "zam")
    assert base == answer_id("D", 1, "Z03Y", "zam")
    others = {answer_id("E", 1, "Z03Y", "zam"), answer_id("D", 2, "Z03Y", "zam"), answer_id("D", 1, "Z03N", "zam")}
    assert len({base, answer_id("D", 1, "Z03Y", "file"), *others}) == 5
    assert (len(base), base.isalnum(), base.isascii()) == (20, True, True)


def test_a_signature_covers_the_time_and_every_octet_of_the_body():
    right = signature(b"k" * 16, b"body", AT)
    assert right.startswith(f"t={int(AT.timestamp())},v1=")
    wrong = {signature(b"k" * 16, b"bodY", AT), signature(b"K" * 16, b"body", AT)}
    later = signature(b"k" * 16, b"body", AT + timedelta(seconds=1))
    assert len({right, *wrong, later}) == 4
    assert right.partition("v1=")[2] != later.partition("v1=")[2]


def test_a_file_appears_whole_and_leaves_nothing_beside_it(tmp_path: Path):
    assert write_answer(tmp_path, "A.json", b"one") == Taken(code="file")
    assert write_answer(tmp_path, "A.json", b"one") == Taken(code="file")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("A.json", b"one")]


def test_a_link_that_lies_in_wait_is_not_written_through(tmp_path: Path):
    outside = tmp_path / "outside"
    outside.write_bytes(b"untouched")
    folder = tmp_path / "answers"
    folder.mkdir()
    (folder / ".A.json.part").symlink_to(outside)
    assert isinstance(write_answer(folder, "A.json", b"one"), Again)
    assert outside.read_bytes() == b"untouched"
