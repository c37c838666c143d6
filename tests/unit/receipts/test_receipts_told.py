"""What the hospital is told: ZAM for its software, a DSN for whoever sent the letter, and no word of the letter."""

from __future__ import annotations

import email
from dataclasses import replace
from datetime import UTC, datetime
from email import policy

import pytest
from hl7apy.parser import parse_message

from gateway.letter import Receipt, ReceiptKind
from gateway.receipts import read_receipts
from gateway.receipts.notice import Notice, NoticeAddressee, NoticeKind, build_dsn
from gateway.receipts.zam import About, Ends, build_zam

AT = datetime(2026, 1, 15, 9, 31, 12, tzinfo=UTC)
ENDS = Ends(our_application="PASSERELLE", our_facility="CH-EXEMPLE", application="DPI", facility="CH|EXEMPLE")
ABOUT = About(control_id="DOC000123", mailbox="adam.hoda@test-ci-sis.mssante.fr", idnps="801234567897")


def zam(receipt: Receipt) -> list[str]:
    message = build_zam(receipt, ABOUT, ENDS, at=AT, control_id="ZAM000045")
    assert message is not None
    return message.decode().removesuffix("\r").split("\r")


def test_a_delivery_is_told_as_z02_in_the_shape_of_the_volet() -> None:
    header, event, reception, addressee = zam(Receipt(kind=ReceiptKind.DELIVERED, message_id=None))
    assert header == (
        "MSH|^~\\&|PASSERELLE|CH-EXEMPLE|DPI|CH\\F\\EXEMPLE|20260115103112+0100||ZAM^Z02^ZAM_Z01|ZAM000045|P|2.6|||||FRA"
        "|UNICODE UTF-8|||2.1^CISIS_CDA_HL7_V2"
    )
    assert event == "EVN||20260115103112+0100"
    assert reception == (
        "OBX|1|CWE|ACK_RECEPTION_MSS^Accusé de réception MSSanté^AckMetierZAM|DOC000123|Y^^expandedYes-NoIndicator"
        "||||||F"
    )
    assert addressee == (
        "OBX|2|XTN|DESTINATAIRE_MSS^Destinataire MSSanté^AckMetierZAM|801234567897"
        "|^^X.400^adam.hoda@test-ci-sis.mssante.fr||||||F"
    )


def test_a_failure_carries_its_code_and_no_text_of_the_other_server() -> None:
    lines = zam(Receipt(kind=ReceiptKind.FAILED, message_id=None, code="550", status="5.1.1"))
    assert lines[2].split("|")[5].startswith("N^")
    assert lines[4] == "ERR|||207^Application error^messageErrorCondition|E|550^5.1.1^SMTPERRORCODE"


def test_a_reading_names_the_box_that_read_and_an_integration_failure_its_reason() -> None:
    read = zam(Receipt(kind=ReceiptKind.DISPLAYED, message_id=None, final_addressee="secretary@test.mssante.fr"))
    assert "ZAM^Z03^" in read[0]
    assert read[3].endswith("|^^X.400^secretary@test.mssante.fr||||||F")
    refused = zam(Receipt(kind=ReceiptKind.NOT_INTEGRATED, message_id=None, code="902"))
    assert refused[4].endswith("|902^Identifiant de patient inconnu^applicationErrorCondition")
    unknown = zam(Receipt(kind=ReceiptKind.NOT_INTEGRATED, message_id=None, code="1|2"))
    assert unknown[4].endswith("|906^Autre erreur^applicationErrorCondition")


@pytest.mark.parametrize("kind", [ReceiptKind.RELAYED, ReceiptKind.DELAYED, ReceiptKind.DELETED])
def test_what_proves_nothing_to_the_hospital_makes_no_zam(kind: ReceiptKind) -> None:
    assert build_zam(Receipt(kind=kind, message_id=None), ABOUT, ENDS, at=AT, control_id="1") is None


def test_a_strangers_address_cannot_make_a_segment() -> None:
    hostile = Receipt(kind=ReceiptKind.DISPLAYED, message_id=None, final_addressee="a|b^c&d~e\\f\rPID|x@y.test")
    lines = zam(hostile)
    assert len(lines) == 4
    assert "a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\fPID\\F\\x@y.test" in lines[3]


@pytest.mark.parametrize("kind", [ReceiptKind.DELIVERED, ReceiptKind.FAILED, ReceiptKind.NOT_INTEGRATED])
def test_hl7apy_reads_every_segment_back(kind: ReceiptKind) -> None:
    text = "\r".join(zam(Receipt(kind=kind, message_id=None, code="902", status="5.1.1")))
    message = parse_message(text, find_groups=False)
    assert message.msh.msh_9.to_er7().startswith("ZAM^Z0")
    assert [obx.obx_4.to_er7() for obx in message.obx] == ["DOC000123", "801234567897"]
    assert message.obx[0].obx_3.to_er7().count("^") == 2


NOTICE = Notice(
    id="01NOTICE",
    kind=NoticeKind.FAILED,
    our_name="gateway.test",
    to="service@hospital.test",
    at=AT,
    letter="01LETTER",
    arrived_at=AT,
    envid="QQ+1",
    message_id="<1@hospital.test>",
    addressees=(
        NoticeAddressee(mailbox="gp@gp.test", status="5.1.1", orcpt="rfc822;GP@gp.test", code=550, last_attempt_at=AT),
        NoticeAddressee(mailbox="b@gp.test", status="5.7.5", reason="no-key"),
    ),
)


def test_b5_a_report_says_who_why_and_which_letter_in_headers_only() -> None:
    content = build_dsn(NOTICE)
    message = email.message_from_bytes(content, policy=policy.default)
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    assert message["Auto-Submitted"] == "auto-replied"
    assert content.count(b"\n") == content.count(b"\r\n") == content.count(b"\r")
    assert content.isascii()
    words, status, returned = message.iter_parts()
    assert "n'a pas pu être remise" in words.get_content()
    assert "could not be delivered" in words.get_content()
    assert [part["Status"] for part in status.get_payload()] == [None, "5.1.1", "5.7.5"]
    assert returned.get_content_type() == "text/rfc822-headers"


def test_our_own_report_can_be_read_by_ourselves() -> None:
    first, second = read_receipts(build_dsn(NOTICE))
    assert (first.kind, first.addressee, first.final_addressee) == ("failed", "GP@gp.test", "gp@gp.test")
    assert (first.status, first.code, first.envid, first.message_id) == ("5.1.1", "550", "QQ+1", "<1@hospital.test>")
    assert (second.status, second.addressee) == ("5.7.5", None)


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_kind_of_report_says_its_action(kind: NoticeKind) -> None:
    status = {"failed": "5.0.0", "delayed": "4.4.7", "held": "4.2.0", "unconfirmed": "4.0.0"}.get(kind, "2.0.0")
    addressee = NoticeAddressee(mailbox="gp@gp.test", status=status, will_retry_until=AT)
    content = build_dsn(replace(NOTICE, kind=kind, addressees=(addressee,)))
    assert [receipt.kind for receipt in read_receipts(content)] == [kind.action]
    assert (b"Will-Retry-Until" in content) == (kind is NoticeKind.DELAYED)


def test_nobody_is_told_about_nothing_and_no_field_can_inject_a_header() -> None:
    with pytest.raises(ValueError, match="somebody"):
        build_dsn(replace(NOTICE, to=""))
    with pytest.raises(ValueError, match="control character"):
        build_dsn(replace(NOTICE, envid="x\r\nBcc: y@z.test"))
    with pytest.raises(ValueError, match="control character"):
        build_dsn(replace(NOTICE, addressees=(NoticeAddressee(mailbox="a@b\r\nAction: delivered", status="5.0.0"),)))
