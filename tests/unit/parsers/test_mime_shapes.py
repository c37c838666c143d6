"""Mails of any shape: forwarded ones, flowed text, pieces, winmail.dat, names and charsets of RFC 2231 and 2047."""

from __future__ import annotations

import base64
import binascii
import os
import time
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.document import Reading
from gateway.parsers.flowed import unflowed
from gateway.parsers.mime_header import TRAPS, by_library, parameters
from gateway.parsers.mime_parts import take_apart
from gateway.parsers.pdf import conformance_of
from tests.unit.parsers import tnef_writer
from tests.unit.parsers.mail_kit import codes, read_mail

PDF = b"%PDF-1.4 essai\n%%EOF\n"
HEAD = b"From: a@b.example\r\nDate: Thu, 15 Jan 2026 10:30:00 +0100\r\nMIME-Version: 1.0\r\n"


FORWARDED = (
    "De : Secrétariat <secretariat@ch-essai.example>\n"
    "Date : Thu, 15 Jan 2026 10:30:00 +0100\n"
    "Objet : Bilan de la veille"
)


def mail(text: str = "", subject: str = "Lettre") -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"] = "Secrétariat <secretariat@ch-essai.example>"
    message["Date"] = "Thu, 15 Jan 2026 10:30:00 +0100"
    message["Subject"] = subject
    if text:
        message.set_content(text)
    return message


def wrapped(winmail: bytes, text: str = "") -> EmailMessage:
    message = mail(text)
    message.add_attachment(winmail, maintype="application", subtype="ms-tnef", filename="winmail.dat")
    return message


# Mails inside mails ---------------------------------------------------------------------------------------------------


def test_a_forwarded_mail_is_read_as_its_reader_sees_it(vectors: Path) -> None:
    inner = mail("Voici le bilan.\n", subject="Bilan de la veille")
    inner.add_attachment(
        (vectors / "hprim" / "hprim_medecin_lab.hpr").read_bytes(),
        maintype="application",
        subtype="octet-stream",
        filename="bilan.hpr",
    )
    outer = mail("Pour information.\n")
    outer.add_attachment(inner)
    (document,) = read_mail(outer).documents

    assert document.original.format == "hprim-medecin"
    assert document.wishes.body_for_professionals.split("\n\n") == [
        "Pour information.",
        FORWARDED,
        "Voici le bilan.",
    ]


def test_a_sealed_mail_inside_a_mail_stays_a_file_byte_for_byte() -> None:
    signed = (
        HEAD + b'Content-Type: multipart/signed; protocol="application/pgp-signature"; boundary=s\r\n\r\n'
        b"--s\r\n\r\nCorps\r\n--s\r\nContent-Type: application/pgp-signature\r\n\r\n"
        b"-----BEGIN PGP SIGNATURE-----\r\n--s--\r\n"
    )
    content = (
        HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nBonjour\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + signed + b"\r\n--b--\r\n"
    )
    reading = read_mail(content)

    assert reading.accepted, reading.findings
    (file,) = reading.documents[0].attachments
    assert (file.media_type, file.name, file.content) == ("message/rfc822", "message.eml", signed)


def test_a_chain_of_mails_is_refused_at_its_hundredth_level() -> None:
    content = HEAD + b"Content-Type: message/rfc822\r\n\r\n"
    for _ in range(150):
        content += b"Content-Type: message/rfc822\r\n\r\n"
    started = time.process_time()
    with pytest.raises(Exception, match="Document refused"):
        read_mail(content + b"\r\nx")
    assert time.process_time() - started < 0.5


def test_a_digest_of_mails_is_read_mail_by_mail() -> None:
    parts = b"".join(b"--d\r\n\r\nSubject: Lettre %d\r\n\r\nTexte %d\r\n" % (number, number) for number in (1, 2))
    content = HEAD + b"Content-Type: multipart/digest; boundary=d\r\n\r\n" + parts + b"--d--\r\n"

    assert read_mail(content).documents[0].text == "Objet : Lettre 1\n\nTexte 1\n\nObjet : Lettre 2\n\nTexte 2"


def test_a_piece_of_a_mail_is_refused() -> None:
    content = HEAD + b'Content-Type: message/partial; id="x"; number=1; total=3\r\n\r\nSubject: x\r\n\r\nDebut'

    assert codes(read_mail(content)) == ["mime-partial"]


def test_a_file_elsewhere_is_told_and_never_fetched() -> None:
    content = (
        HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nBonjour\r\n--b\r\n"
        b"Content-Type: message/external-body; access-type=URL; URL=http://127.0.0.1:9/x\r\n\r\n"
        b"Content-Type: application/pdf\r\n\r\n--b--\r\n"
    )

    assert codes(read_mail(content), "warning") == ["media-elsewhere"]


# winmail.dat ----------------------------------------------------------------------------------------------------------


def test_a_winmail_is_unwrapped_and_its_hprim_file_read(vectors: Path) -> None:
    reading = read_mail(wrapped((vectors / "mime" / "winmail.dat").read_bytes()))

    (document,) = reading.documents
    assert reading.accepted, reading.findings
    assert document.original.format == "hprim-medecin"
    assert [one.name for one in document.attachments] == ["résultats.pdf"]
    assert document.wishes.body_for_professionals == "Cher confrère,\nvoici le bilan."


def test_the_words_of_the_mail_come_before_those_in_the_winmail(vectors: Path) -> None:
    (document,) = read_mail(wrapped((vectors / "mime" / "winmail.dat").read_bytes(), "Ci-joint.\n")).documents

    assert document.wishes.body_for_professionals == "Ci-joint."


def test_a_winmail_of_rtf_alone_gives_an_rtf_file(vectors: Path) -> None:
    reading = read_mail(wrapped((vectors / "mime" / "winmail-rtf.dat").read_bytes()))

    assert codes(reading, "warning") == ["tnef-rtf"]
    assert [(one.name, one.media_type) for one in reading.documents[0].attachments] == [
        ("message.rtf", "application/rtf")
    ]


@pytest.mark.parametrize(
    ("winmail", "code"),
    [
        (tnef_writer.stream(tnef_writer.file("a.pdf", PDF))[:-30], "tnef-damaged"),
        (tnef_writer.stream(tnef_writer.attribute(1, 0x00078008, b"IPM.Note.SMIME\0")), "tnef-sealed"),
    ],
)
def test_a_winmail_that_cannot_be_passed_whole_refuses_the_mail(winmail: bytes, code: str) -> None:
    assert codes(read_mail(wrapped(winmail, "Ci-joint.\n"))) == [code]


def test_a_path_in_a_winmail_is_no_path() -> None:
    reading = read_mail(wrapped(tnef_writer.stream(tnef_writer.file("..\\..\\x.pdf", PDF)), "Ci-joint.\n"))

    assert reading.documents[0].attachments[0].name == "x.pdf"
    assert codes(reading, "note") == ["attachment-name"]


# Text -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "delsp", "shown"),
    [
        ("Une phrase \nqui continue.\nUne autre.", False, "Une phrase qui continue.\nUne autre."),
        ("mot-\n coupé \nici", True, "mot-\ncoupéici"),
        ("> cité \n> encore\nréponse", False, "> cité encore\nréponse"),
        (">> deux \n> un", False, ">> deux\n> un"),
        (" >pas une citation", False, ">pas une citation"),
        ("-- \nSignature", False, "-- \nSignature"),
        ("fin \n-- \nSignature", False, "fin\n-- \nSignature"),
        ("", False, ""),
    ],
)
def test_flowed_text_is_a_paragraph_again(sent: str, delsp: bool, shown: str) -> None:
    assert unflowed(sent, delsp=delsp) == shown


def test_a_flowed_mail_is_unflowed_and_another_keeps_its_lines() -> None:
    flowed = HEAD + b"Content-Type: text/plain; charset=utf-8; format=flowed\r\n\r\nUne phrase \r\nqui continue."

    assert read_mail(flowed).documents[0].text == "Une phrase qui continue."
    assert read_mail(flowed.replace(b"; format=flowed", b"")).documents[0].text == "Une phrase \nqui continue."


@pytest.mark.parametrize("charset", ["x-unknown", "utf-7", "\x00", "iso-2022-kr", "unicode-1-1-utf-7", "idna", "zip"])
def test_a_charset_that_is_none_does_not_hide_the_text(charset: str) -> None:
    content = HEAD + f'Content-Type: text/plain; charset="{charset}"\r\n\r\n'.encode("latin-1") + "é +AD4-".encode()

    assert read_mail(content).documents[0].text == "é +AD4-"


def test_uuencoded_files_of_old_software_are_decoded() -> None:
    lines = b"".join(binascii.b2a_uu(PDF[at : at + 45]) for at in range(0, len(PDF), 45))
    head = HEAD + b"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\n"
    whole = head + b"begin 644 a.pdf\r\n" + lines.replace(b"\n", b"\r\n") + b"`\r\nend\r\n"

    assert read_mail(whole).documents[0].attachments[0].content == PDF
    assert codes(read_mail(whole.replace(b"end", b"")))[:1] == ["mime-uuencode"]


# Names and parameters -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("attachment; filename=lettre.pdf", "lettre.pdf"),
        ('attachment; filename="lettre du 15.pdf"', "lettre du 15.pdf"),
        ("attachment; filename*=utf-8''lettre%20%C3%A9.pdf", "lettre é.pdf"),
        ("attachment; filename*=iso-8859-1'fr'lettre%20%E9.pdf", "lettre é.pdf"),
        ("attachment; filename*0*=utf-8''lettre%20; filename*1*=%C3%A9; filename*2=.pdf", "lettre é.pdf"),
        ("attachment; filename*0=lettre; filename*1=.pdf", "lettre.pdf"),
        ('attachment; filename="=?utf-8?B?bGV0dHJlIMOpLnBkZg==?="', "lettre é.pdf"),
        ('attachment; filename="=?iso-8859-1?Q?lettre_=E9?= =?iso-8859-1?Q?.pdf?="', "lettre é.pdf"),
        ('attachment; filename="lettre \\"urgente\\".pdf"', "lettre _urgente_.pdf"),
        ("attachment; filename*=utf-8''%2E%2E%2Fx.pdf", "x.pdf"),
        ("attachment; filename*=x-none''%E9.pdf", "é.pdf"),
        ('attachment; filename="a.pdf"; filename="b.pdf"', "b.pdf"),
    ],
)
def test_names_are_read_as_clients_write_them(field: str, name: str) -> None:
    content = HEAD + b"Content-Type: application/pdf\r\nContent-Disposition: " + field.encode() + b"\r\n\r\n" + PDF

    assert read_mail(content).documents[0].attachments[0].name == name


@pytest.mark.parametrize(
    ("subject", "title"),
    [
        ("=?utf-8?Q?R=C3=A9sultats?=", "Résultats"),
        ("=?utf-8?B?UsOp?= =?utf-8?B?c3VsdGF0cw==?=", "Résultats"),
        ("=?UTF-8?Q?R=C3?= =?UTF-8?Q?=A9sultats?=", "Résultats"),
        ("=?iso-8859-15?Q?prix_=A4?=", "prix €"),
        ("=?windows-1252?Q?d=92examens?=", "d’examens"),
        ("Lettre =?utf-8?Q?=C3=A0?= lire", "Lettre à lire"),
        ("=?utf-8?Q?non fermé", "=?utf-8?Q?non fermé"),
        ("=?utf-8*fr?Q?R=C3=A9sultats?=", "Résultats"),
    ],
)
def test_encoded_words_are_decoded_also_across_their_joints(subject: str, title: str) -> None:
    content = b"From: a@b.example\r\nSubject: " + subject.encode() + b"\r\n\r\nx"

    assert read_mail(content).documents[0].title == title


@given(
    kind=st.sampled_from(["text/plain", "multipart/mixed", "application/x-y.z", "attachment"]),
    pairs=st.lists(
        st.tuples(
            st.sampled_from(["name", "charset", "boundary", "format", "X-Y"]),
            st.text(alphabet="abcXYZ0189 ;=,/().+-_@'\"\\*é%", max_size=12),
            st.booleans(),
        ),
        max_size=4,
    ),
    gaps=st.sampled_from(["; ", ";", " ;\t", ";  "]),
)
@settings(max_examples=300, deadline=None)
def test_the_short_way_reads_a_field_as_the_library_does(
    kind: str, pairs: list[tuple[str, str, bool]], gaps: str
) -> None:
    value = kind + "".join(
        f'{gaps}{name}="{text}"' if quoted else f"{gaps}{name}={text}" for name, text, quoted in pairs
    )
    raw = value.encode().decode("ascii", "surrogateescape")
    try:
        judged = by_library(raw) if ";" in raw else (raw.strip().lower(), ())
    except TRAPS:  # ours may only be kinder
        return
    assert parameters(raw) == judged


@given(
    kind=st.sampled_from(["attachment", "Inline ", "application/pdf", ""]),
    key=st.sampled_from(["filename", "name", "FileName", "filename*0"]),
    charset=st.sampled_from(["utf-8", "UTF-8", "iso-8859-1", "windows-1252", "us-ascii", "x-none", ""]),
    language=st.sampled_from(["", "fr", "fr-FR"]),
    text=st.one_of(st.text("aé .pdf\"<>\\'%;=", max_size=12), st.binary(max_size=6)),
    end=st.sampled_from(["", " ", ";", "; size=3"]),
)
@settings(max_examples=300, deadline=None)
def test_an_accented_file_name_is_read_as_the_library_does(
    kind: str, key: str, charset: str, language: str, text: str | bytes, end: str
) -> None:
    value = f"{kind}; {key}*={charset}'{language}'{quote(text)}{end}"
    try:
        judged = by_library(value)
    except TRAPS:
        return
    assert parameters(value) == judged


@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r", b"\n\n", b"\r\n ", b""])
@pytest.mark.parametrize("odd", [b"", b"\r", b"\n", b"!", b"\r\n"])
@pytest.mark.parametrize("size", [0, 1, 2, 3, 56, 57, 58, 200])
def test_base64_in_lines_of_any_kind_is_decoded_whole(end: bytes, odd: bytes, size: int) -> None:
    whole = bytes(range(256))[:size]
    text = base64.b64encode(whole)
    lines = [text[start : start + 76] for start in range(0, len(text), 76)]
    body = end.join(lines)
    for at in {0, 1, len(body) // 2, len(body)}:
        mail = b"Content-Transfer-Encoding: base64\n\n" + body[:at] + odd + body[at:]
        assert take_apart(mail).content() == (whole, ())


# PDF ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metadata", "claim"),
    [
        (b"<pdfaid:part>1</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>", "PDF/A-1B"),
        (b'<rdf:Description pdfaid:part="3" pdfaid:conformance="a"/>', "PDF/A-3A"),
        (b"<pdfaid:part>4</pdfaid:part>", "PDF/A-4"),
        (b"<pdfaid:part>9</pdfaid:part>", ""),
        (b"", ""),
    ],
)
def test_a_claim_of_pdf_a_is_read(metadata: bytes, claim: str) -> None:
    assert conformance_of(b"%PDF-1.4\n" + metadata + b"\n%%EOF") == claim


def test_a_pdf_that_is_the_whole_letter_gives_its_words(vectors: Path) -> None:
    pdf = (vectors / "cda" / "letter.pdf").read_bytes()
    message = mail()
    message.set_content(pdf, maintype="application", subtype="pdf", filename="lettre.pdf")
    (file,) = read_mail(message).documents[0].attachments

    assert file.text == "Lettre d’essai, patiente inventee"
    assert file.content == pdf


def test_a_pdf_beside_words_is_not_opened(vectors: Path) -> None:
    message = mail("Ci-joint la lettre.\n")
    message.add_attachment(
        (vectors / "cda" / "letter.pdf").read_bytes(), maintype="application", subtype="pdf", filename="lettre.pdf"
    )

    assert read_mail(message).documents[0].attachments[0].text == ""


@pytest.mark.parametrize("content", [PDF, b"%PDF-", b"%PDF-1.7\n" + bytes(2000), b"%PDF-1.4\n" + b"1 0 obj<<" * 5000])
def test_a_pdf_that_cannot_be_opened_has_no_words_and_passes(content: bytes) -> None:
    message = mail()
    message.set_content(content, maintype="application", subtype="pdf", filename="lettre.pdf")
    reading = read_mail(message)

    assert reading.accepted
    assert (reading.documents[0].attachments[0].text, reading.documents[0].attachments[0].content) == ("", content)


# Any shape ------------------------------------------------------------------------------------------------------------


@given(content=st.binary(max_size=3000))
@settings(max_examples=100, deadline=None)
def test_base64_decodes_as_the_standard_library_does(content: bytes) -> None:
    body = binascii.b2a_base64(content).strip()
    for line in (57, 76, 998):
        lines = b"\r\n".join(body[at : at + line] for at in range(0, len(body), line))
        part = take_apart(HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + lines + b"\r\n")
        assert part.content() == (content, ())


def test_junk_between_base64_characters_does_not_count_and_a_lost_one_does() -> None:
    head = HEAD + b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    body = binascii.b2a_base64(PDF).strip()

    assert take_apart(head + body[:8] + b"!!\r\n--" + body[8:]).content()[0] == PDF
    assert [one.code for one in take_apart(head + body[:8] + body[9:]).content()[1]] == ["base64-truncated"]


@pytest.mark.parametrize("size", [0, 1, 57 * 40])
def test_a_mail_without_any_line_end_at_its_end_is_read(size: int) -> None:
    content = HEAD + b"Content-Type: application/x-y\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    content += binascii.b2a_base64(os.urandom(size)).strip()

    assert isinstance(read_mail(content), Reading)
