"""Headers: what MSSanté prescribes, what stays out elsewhere, and that no letter can write one of its own."""

from __future__ import annotations

from dataclasses import replace
from email.header import decode_header, make_header

import pytest

from gateway.compose.headers import checked_value, encoded_words, mailbox, unstructured
from gateway.document import Attachment, Original, Role, Wishes
from gateway.errors import UnreadableDocument
from gateway.letter import Form


def decoded(value: str) -> str:
    return str(make_header(decode_header(value)))


def test_the_subject_of_an_archive_is_the_prescribed_one(compose, discharge, cda):
    given = replace(discharge, original=Original(format="cda", content=cda))
    subject = compose(given, forms=(Form.XDM,)).header("Subject")
    assert decoded(subject) == "XDM/1.0/DDM+Lettre de liaison à la sortie d'un établ TESTINI Amelie 14/02/1978"
    assert subject.startswith("XDM/1.0/DDM+Lettre de liaison "), "readable by software that does not decode"


def test_several_documents_are_counted_in_the_subject(compose, discharge, cda):
    other = cda.replace(b"58132", b"58133").replace(b"11490-0", b"34112-3")
    one = replace(discharge, original=Original(format="cda", content=cda))
    two = replace(discharge, original=Original(format="cda", content=other))
    opened = compose(one, two, forms=(Form.XDM,))
    assert opened.header("Subject") == "XDM/1.0/DDM+2 documents TESTINI Amelie 14/02/1978"
    assert opened.header("X-MSS-CODECDA") == "11490-0,34112-3"


def test_mssante_headers_only_inside_mssante_and_cda_headers_only_with_a_cda(compose, discharge, cda):
    given = replace(discharge, original=Original(format="cda", content=cda))
    archive = compose(given, forms=(Form.XDM,))
    assert [archive.header(name) for name in ("X-MSS-NIL", "X-MSS-CODECDA", "X-MSS-INS")] == [
        "DEV000000",
        "11490-0",
        "O",
    ]
    plain = compose(replace(discharge, kind=replace(discharge.kind, loinc=None)))
    assert plain.header("X-MSS-NIL") == "DEV000000"
    assert plain.header("X-MSS-CODECDA") is None
    outside = compose(given, forms=(Form.XDM,), in_mssante=False)
    assert not [name for name, _ in outside.mail.headers if name.startswith("X-MSS")]
    assert "XDM" not in outside.header("Subject")


@pytest.mark.parametrize("lost", ["birth_place", "sex", "birth_date", "given"])
def test_the_ins_is_called_qualified_only_with_all_its_traits(compose, discharge, patient, cda, lost):
    empty = replace(patient, **{lost: None if lost == "sex" else ""})
    given = replace(discharge, original=Original(format="cda", content=cda), patient=empty)
    assert compose(given, forms=(Form.XDM,)).header("X-MSS-INS") == "N"


def test_receipts_are_asked_for_where_the_mail_comes_from(compose, discharge, profile):
    opened = compose(discharge)
    assert opened.header("Disposition-Notification-To") == opened.mail.sender == profile.sender
    assert opened.header("From") == '"CH Exemple" <passerelle_app@ch-exemple.mssante.fr>'
    silent = compose(discharge, profile=replace(profile, ask_mdn=False))
    assert silent.header("Disposition-Notification-To") is None


def test_a_letter_does_not_call_itself_automatic(compose, discharge):
    assert compose(discharge).header("Auto-Submitted") is None


def test_the_sealer_gets_no_header_that_is_his(compose, discharge):
    names = {name.lower() for name, _ in compose(discharge).mail.headers}
    assert not names & {"date", "message-id", "mime-version", "content-type"}


def test_a_patient_who_may_not_answer_gets_fin_and_no_reply_address(compose, discharge):
    closed = replace(discharge, wishes=Wishes(patient_may_answer=False, reply_to="service@ch-exemple.mssante.fr"))
    patient = compose(closed, role=Role.PATIENT)
    assert patient.header("X-MSS-MES") == "FIN"
    assert patient.header("Reply-To") is None
    assert "n'attend pas de réponse" in patient.text
    gp = compose(closed)
    assert gp.header("X-MSS-MES") is None
    assert gp.header("Reply-To") == "service@ch-exemple.mssante.fr"


def test_a_reply_address_that_is_none_is_replaced_and_told(compose, discharge):
    opened = compose(replace(discharge, wishes=Wishes(reply_to="le secrétariat")))
    assert opened.header("Reply-To") == "secretariat@ch-exemple.mssante.fr"
    assert "n'est pas une adresse" in opened.text


@pytest.mark.parametrize("reply", ["a@b.fr\r\nBcc: c@d.fr", "a@b.fr\n", "a@b.fr\x00", "a@b.fr\u2028x"])
def test_a_control_character_in_the_reply_address_refuses_the_letter(compose, discharge, reply):
    with pytest.raises(UnreadableDocument) as refused:
        compose(replace(discharge, wishes=Wishes(reply_to=reply)))
    assert "TESTINI" not in str(refused.value)


@pytest.mark.parametrize(
    "address", ["gp@x.fr\r\nBcc: e@f.fr", "gp@x.fr>", "g p@x.fr", "gp", "gp@", "é@x.fr", "<gp@x.fr>"]
)
def test_a_mailbox_that_is_no_address_refuses_the_letter(compose, discharge, address):
    with pytest.raises(UnreadableDocument):
        compose(discharge, mailbox=address)


def test_line_ends_in_every_field_of_a_letter_never_begin_a_header(compose, discharge, patient, cda):
    evil = "X\r\nBcc: eve@example.org\r\n\r\n<b>"
    hostile = replace(
        discharge,
        original=Original(format="cda", content=cda),
        kind=replace(discharge.kind, label=evil),
        title=evil,
        id=evil,
        replaces=evil,
        patient=replace(patient, family=evil, given=evil, used_family=evil, birth_date=evil),
        stay=replace(discharge.stay, unit=evil, hospital=evil, file_number=evil),
        author=replace(discharge.author, organisation=evil),
        attachments=(Attachment(name=evil, media_type=evil, content=b"x"),),
    )
    for in_mssante in (True, False):
        opened = compose(hostile, forms=(Form.XDM, Form.HPRIM_ATTACHED), in_mssante=in_mssante)
        for name, value in opened.mail.headers:
            assert value.isascii(), name
            assert value.isprintable(), name
        assert not [part for part in opened.message.walk() if "Bcc" in part]
        assert all(not part.defects for part in opened.message.walk())


def test_encoded_words_are_short_and_never_cut_inside_a_character():
    text = "é😀" * 60
    words = encoded_words(text).split(" ")
    assert max(map(len, words)) <= 75
    assert decoded(" ".join(words)) == text


def test_words_in_ascii_stay_readable_around_the_encoded_ones():
    assert unstructured("XDM/1.0/DDM+CR d’examens PAT 1") == "XDM/1.0/DDM+CR =?utf-8?q?d=E2=80=99examens?= PAT 1"
    assert decoded(unstructured("a =?utf-8?q?b?= c")) == "a =?utf-8?q?b?= c", "what looks encoded is encoded again"


def test_a_label_with_quotes_stays_one_label():
    assert mailbox("a@b.fr", 'Le "CH" \\') == '"Le \\"CH\\" \\\\" <a@b.fr>'


@pytest.mark.parametrize("value", ["a\rb", "a\nb", "é", "\x00", "x" * 901])
def test_the_last_gate_refuses_what_no_header_may_hold(value):
    with pytest.raises(UnreadableDocument):
        checked_value("Subject", value)
