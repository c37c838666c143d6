"""What strangers send back becomes receipts: each exactly as much as it says, and any other bytes none."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.letter import Receipt, ReceiptKind
from gateway.receipts import read_receipts

OURS = "<20260115093000.0001@ch-exemple.mssante.fr>"
GP = "adam.hoda@test-ci-sis.mssante.fr"
AT = datetime(2026, 1, 15, 9, 31, 10, tzinfo=UTC)

VECTORS = {
    "10-dsn-delivered.eml": Receipt(
        kind=ReceiptKind.DELIVERED,
        message_id=OURS,
        envid="ENV-0001",
        addressee=GP,
        final_addressee=GP,
        at=datetime(2026, 1, 15, 9, 31, 9, tzinfo=UTC),
        status="2.1.5",
    ),
    "11-dsn-failed-550.eml": Receipt(
        kind=ReceiptKind.FAILED,
        message_id=OURS,
        envid="ENV-0001",
        final_addressee=GP,
        at=AT,
        status="5.1.1",
        code="550",
    ),
    "20-mdn-processed.eml": Receipt(
        kind=ReceiptKind.INTEGRATED, message_id=OURS, addressee=GP, final_addressee=GP, at=AT, reporter="mdn"
    ),
    "21-mdn-error-rfc8098.eml": Receipt(
        kind=ReceiptKind.NOT_INTEGRATED,
        message_id=OURS,
        addressee=GP,
        final_addressee=GP,
        at=AT,
        code="902",
        reporter="mdn",
    ),
    "22-mdn-processed-by-a-relay.eml": Receipt(
        kind=ReceiptKind.PROCESSED, message_id=OURS, final_addressee=GP, at=AT, reporter="mdn"
    ),
    "23-mdn-dispatched-to-the-final-box.eml": Receipt(
        kind=ReceiptKind.DELIVERED, message_id=OURS, final_addressee=GP, at=AT, reporter="mdn"
    ),
    "24-integration-failure-without-mdn.eml": Receipt(
        kind=ReceiptKind.NOT_INTEGRATED, message_id=OURS, addressee=GP, at=AT, code="903", reporter="mail"
    ),
    "30-ack-attached.eml": Receipt(
        kind=ReceiptKind.INTEGRATED, message_id=OURS, addressee=GP, at=AT, reporter="hl7", control_id="DOC000123"
    ),
    "31-ack-attached-refused.eml": Receipt(
        kind=ReceiptKind.NOT_INTEGRATED,
        message_id=OURS,
        addressee=GP,
        at=AT,
        code="902",
        reporter="hl7",
        control_id="DOC000123",
    ),
    "32-zam-attached.eml": Receipt(
        kind=ReceiptKind.PROCESSED,
        message_id=OURS,
        addressee="passerelle@autre-ch.mssante.fr",
        final_addressee=GP,
        at=AT,
        reporter="hl7",
        control_id="DOC000123",
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_a_vector_says_exactly_this(name: str, vectors: Path) -> None:
    assert read_receipts((vectors / "receipts" / name).read_bytes()) == (VECTORS[name],)


def test_the_shared_samples_are_read_and_a_letter_is_no_receipt(samples: Path) -> None:
    kinds = {path.name: [r.kind for r in read_receipts(path.read_bytes())] for path in (samples / "mss").glob("*.eml")}
    assert kinds.pop("01-letter-to-gp.eml") == []
    assert all(kinds.values())


def dsn(*blocks: str, about: str = f"Message-ID: {OURS}\n", kind: str = "delivery-status") -> bytes:
    status = "\n".join(f"{block}\n" for block in ("Reporting-MTA: dns; mx.test\nOriginal-Envelope-Id: E1\n", *blocks))
    return (
        "From: MAILER-DAEMON@mx.test\nSubject: report\nDate: Thu, 15 Jan 2026 10:31:10 +0100\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="B"\n\n'
        f"--B\nContent-Type: text/plain\n\nwords\n--B\nContent-Type: message/{kind}\n\n{status}\n"
        f"--B\nContent-Type: text/rfc822-headers\n\n{about}\n--B--\n"
    ).encode()


def block(action: str, status: str, who: str = GP) -> str:
    return f"Final-Recipient: rfc822; {who}\nAction: {action}\nStatus: {status}"


@pytest.mark.parametrize(
    ("action", "status", "kinds"),
    [
        ("delivered", "2.0.0", ["delivered"]),
        ("Delivered (to mailbox)", "2.0.0", ["delivered"]),
        ("relayed", "2.0.0", ["relayed"]),
        ("expanded", "2.1.5", ["relayed"]),
        ("delayed", "4.4.1", ["delayed"]),
        ("failed", "5.1.1", ["failed"]),
        ("failed", "4.4.7", ["failed"]),
        ("delivered", "5.1.1", []),
        ("failed", "2.0.0", []),
        ("vanished", "2.0.0", []),
        ("", "", []),
    ],
)
def test_an_action_means_what_rfc_3464_says_and_a_contradiction_means_nothing(
    action: str, status: str, kinds: list[str]
) -> None:
    assert [receipt.kind for receipt in read_receipts(dsn(block(action, status)))] == kinds


def test_a_report_about_several_addressees_gives_one_receipt_each() -> None:
    receipts = read_receipts(dsn(block("delivered", "2.0.0"), block("failed", "5.2.2", "b@gp.test")))
    assert [(receipt.kind, receipt.final_addressee, receipt.envid) for receipt in receipts] == [
        ("delivered", GP, "E1"),
        ("failed", "b@gp.test", "E1"),
    ]


def test_an_internationalised_report_is_read_too() -> None:
    receipts = read_receipts(dsn(block("delivered", "2.0.0"), kind="global-delivery-status"))
    assert [receipt.kind for receipt in receipts] == ["delivered"]


def test_without_returned_headers_the_envelope_id_remains() -> None:
    [receipt] = read_receipts(dsn(block("delivered", "2.0.0"), about=""))
    assert (receipt.message_id, receipt.envid) == (None, "E1")


OFFICIAL_ERROR = "processed/Error: 902^Identifiant de patient inconnu^messageErrorCondition| E^Error^errorSeverity"
"""As an official example writes it."""


WHOLE = f"\n--B\nContent-Type: message/rfc822\n\nMessage-ID: {OURS}\n\nx\n"
"""The third part that the volet asks for."""


def mdn(disposition: str, subject: str = "lu", more: str = "", gap: str = "\n") -> bytes:
    return (
        f"From: {GP}\nSubject: {subject}\nDate: Thu, 15 Jan 2026 10:31:10 +0100\n"
        'Content-Type: multipart/report; report-type=disposition-notification; boundary="B"\n'
        f"{gap}--B\n{gap}words\n--B\nContent-Type: message/disposition-notification\n{gap}"
        f"Original-Recipient: rfc822;{GP} \nFinal-Recipient: rfc822; {GP}\nOriginal-Message-ID: {OURS[:-1]} >\n"
        f"Disposition:{disposition}\n{more}\n--B--\n"
    ).encode()


@pytest.mark.parametrize("gap", ["\n", ""], ids=["well-formed", "without the empty lines, as in the official example"])
@pytest.mark.parametrize(
    ("disposition", "outcome"),
    [
        ("manual-action/MDN-sent-manually; displayed", ("displayed", None)),
        ("automatic-action/MDN-sent-automatically; displayed", ("displayed", None)),
        ("automatic-action/MDN-sent-automatically; processed", ("processed", None)),
        ("automatic-action/MDN-sent-automatically; dispatched", ("processed", None)),
        ("manual-action/MDN-sent-automatically;deleted", ("deleted", None)),
        ("automatic-action/MDN-sent-automatically; processed/error", ("not-integrated", None)),
        (f"automatic-action/MDN-sent-automatically; {OFFICIAL_ERROR}", ("not-integrated", "902")),
        ("automatic-action/MDN-sent-automatically; failed", ("not-integrated", None)),
        ("manual-action/MDN-sent-manually; denied", None),
        ("processed", None),
    ],
)
def test_a_disposition_means_what_rfc_8098_and_the_volet_say(
    disposition: str, outcome: tuple[str, str | None] | None, gap: str
) -> None:
    receipts = read_receipts(mdn(disposition, gap=gap))
    assert [(receipt.kind, receipt.code) for receipt in receipts] == ([outcome] if outcome else [])
    assert all((receipt.message_id, receipt.addressee) == (OURS, GP) for receipt in receipts)


def test_the_error_code_may_stand_in_its_own_field_or_only_in_the_subject() -> None:
    wrong = "automatic-action/MDN-sent-automatically; processed/error"
    [stated] = read_receipts(mdn(wrong, more="Error: 904^INS différent^applicationErrorCondition\n"))
    [subject] = read_receipts(mdn(wrong, subject="[KO Intégration système !][903] XDM/1.0/DDM+x"))
    assert (stated.code, subject.code) == ("904", "903")


@pytest.mark.parametrize(
    ("subject", "disposition", "more"),
    [
        ("Lu : XDM/1.0/DDM+x", "automatic-action/MDN-sent-automatically; processed", WHOLE),
        ("XDM/1.0/DDM+x", "manual-action/MDN-sent-automatically; processed", WHOLE),
        ("XDM/1.0/DDM+x", "automatic-action/MDN-sent-automatically; dispatched", WHOLE),
        ("XDM/1.0/DDM+x", "automatic-action/MDN-sent-automatically; processed", ""),
    ],
)
def test_processed_is_not_called_integrated_unless_all_of_the_profile_is_there(
    subject: str, disposition: str, more: str
) -> None:
    [receipt] = read_receipts(mdn(disposition, subject=subject, more=more))
    assert receipt.kind is ReceiptKind.PROCESSED
    whole = mdn("automatic-action/MDN-sent-automatically; processed", subject="XDM/1.0/DDM+x", more=WHOLE)
    assert [receipt.kind for receipt in read_receipts(whole)] == [ReceiptKind.INTEGRATED]


@pytest.mark.parametrize(
    "subject",
    [
        "[KO Intégration système !][902] XDM/1.0/DDM+CR NOM",
        "[Erreur d’intégration !][902] XDM/1.0/DDM+CR NOM",
        "=?utf-8?q?=5BKO_Int=C3=A9gration_syst=C3=A8me_!=5D=5B902=5D_XDM?=",
        "[KO Inte\u0301gration syste\u0300me !] [902] XDM/1.0/DDM+CR NOM",
        "[ko INTEGRATION SYSTEME ! ][ 902 ]",
    ],
)
def test_an_integration_failure_may_come_as_an_ordinary_mail(subject: str) -> None:
    mail = (
        f'From: "BAL" <{GP}>\nSubject: {subject}\nContent-Type: multipart/mixed; boundary="B"\n\n--B\n\nBonjour\n'
        f"--B\nContent-Type: message/rfc822\n\nMessage-ID: {OURS}\n\nx\n--B--\n"
    ).encode()
    [receipt] = read_receipts(mail)
    assert (receipt.kind, receipt.code, receipt.addressee) == ("not-integrated", "902", GP)
    assert (receipt.message_id, receipt.reporter) == (OURS, "mail")


def bounce(sender: str, subject: str, extra: str = "") -> bytes:
    return (
        f'From: {sender}\nSubject: {subject}\n{extra}Content-Type: multipart/mixed; boundary="B"\n\n--B\n\nwords\n'
        f"--B\nContent-Type: message/rfc822\n\nMessage-ID: {OURS}\nTo: {GP}\n\nx\n--B--\n"
    ).encode()


@pytest.mark.parametrize(
    ("sender", "subject", "is_failure"),
    [
        ("MAILER-DAEMON@patient.mssante.fr", "Message non distribué", True),
        ("Mail Delivery System <mailer-daemon@mx.test>", "Undelivered Mail Returned to Sender", True),
        ("postmaster@mx.test", "Warning: message delayed, undeliverable so far", False),
        (GP, "Undelivered Mail Returned to Sender", False),
        ("postmaster@mx.test", "Bienvenue", False),
    ],
)
def test_a_failure_mail_in_free_form_counts_only_when_sender_and_subject_say_so(
    sender: str, subject: str, is_failure: bool
) -> None:
    receipts = read_receipts(bounce(sender, subject))
    expected = [("failed", OURS, GP)] if is_failure else []
    assert [(receipt.kind, receipt.message_id, receipt.addressee) for receipt in receipts] == expected


def test_exim_names_the_failed_ones_itself() -> None:
    receipts = read_receipts(
        bounce("Mailer-Daemon@x.test", "Mail delivery failed", "X-Failed-Recipients: a@b.test, c@d.test\n")
    )
    assert [receipt.addressee for receipt in receipts] == ["a@b.test", "c@d.test"]


def test_a_receipt_attached_to_a_mail_is_not_a_receipt() -> None:
    inner = dsn(block("delivered", "2.0.0")).decode()
    frame = f'From: {GP}\nContent-Type: multipart/mixed; boundary="O"\n\n--O\n'
    mail = f"{frame}Content-Type: message/rfc822\n\n{inner}\n--O--\n"
    assert read_receipts(mail.encode()) == ()


def test_a_signed_or_forwarded_frame_around_a_report_does_not_hide_it() -> None:
    inner = dsn(block("delivered", "2.0.0")).decode()
    mail = f'From: {GP}\nContent-Type: multipart/signed; boundary="O"\n\n--O\n{inner}\n--O--\n'
    assert [receipt.kind for receipt in read_receipts(mail.encode())] == ["delivered"]


HOSTILE = {
    "a thousand nested multiparts": b"".join(
        b'Content-Type: multipart/report; boundary="%d"\n\n--%d\n' % (n, n) for n in range(1000)
    ),
    "a thousand attached mails": b"Content-Type: message/rfc822\n\n" * 1000,
    "20,000 parts": b'Content-Type: multipart/report; boundary="B"\n\n' + b"--B\n\nx\n" * 20_000,
    "20,000 addresses": b"To: " + b"a@b.test, " * 20_000 + b"\nSubject: x\n\nx",
    "a thousand brackets": b"From: " + b"(" * 1000 + b"\nSubject: Undelivered\n\n",
    "2,000 parameters": b"Content-Type: multipart/report; " + b"".join(b"n*%d*=x; " % n for n in range(2000)) + b"\n\n",
    "50,000 headers": b"X: y\n" * 50_000 + b"\n",
    "10,000 blocks": dsn(*(block("delivered", "2.0.0") for _ in range(10_000))),
    "10,000 blocks, global": dsn(*(block("delivered", "2.0.0") for _ in range(10_000)), kind="global-delivery-status"),
    "a bad content type": b'Content-Type: "\n\n--x\n',
    "an impossible date": b"From: postmaster@x\nSubject: undeliverable\nDate: Mon, 99 Foo 99999999999 99:99:99\n\nx",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_bytes_end_soon_and_raise_nothing(content: bytes) -> None:
    started = time.process_time()
    assert len(read_receipts(content)) <= 100
    assert time.process_time() - started < 2


_PIECES = st.sampled_from(
    [
        *(b"Content-Type: ", b"multipart/report", b"; boundary=B", b"; report-type=delivery-status"),
        *(b"message/delivery-status", b"message/disposition-notification", b"message/rfc822", b"text/rfc822-headers"),
        *(b"\n", b"\r\n", b"\n\n", b"--B", b"--B--", b"\xff\xfe", b"\0", b":", b" ", b"=?x?b?", b"=?utf-8?q?=ZZ?="),
        *(b"Final-Recipient: rfc822; a@b", b"Action: delivered", b"Status: 2.0.0", b"Disposition: a/b; displayed"),
        *(b"Message-ID: <x@y>", b"Original-Message-ID: <x", b"Date: ", b"From: postmaster@x", b"Subject: undelivered"),
        b"Content-Transfer-Encoding: base64",
    ]
)


@given(st.lists(st.one_of(_PIECES, st.binary(max_size=20)), max_size=60).map(b"".join))
def test_any_bytes_give_a_tuple(content: bytes) -> None:
    assert isinstance(read_receipts(content), tuple)


@given(st.integers(0, 1500), st.binary(max_size=8), st.integers(0, 40))
def test_a_damaged_report_gives_a_tuple_and_never_an_invented_addressee(at: int, junk: bytes, cut: int) -> None:
    whole = dsn(block("delivered", "2.0.0"))
    for receipt in read_receipts(whole[:at] + junk + whole[at + cut :]):
        assert receipt.kind in set(ReceiptKind)
        assert receipt.message_id is None or receipt.message_id.startswith("<")
