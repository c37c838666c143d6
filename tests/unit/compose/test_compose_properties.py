"""Whatever a letter holds: HPRIM lines read back by position, headers stay single, the MIME opens without defects."""

from __future__ import annotations

import re
import string
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.document import Attachment, Document, Identifier, Kind, Measure, Original, Patient, Result, Stay, Wishes
from gateway.letter import Form

TAGS = [
    "****LAB****",
    "****FIN****",
    "****FINFICHIER****",
    " ****fin**** ",
    "＊＊＊＊FIN＊＊＊＊",
    "RES|a|b",
    "TEX|x",
    "｜",
]
words = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from(TAGS)
texts = st.lists(words, max_size=8).map("\n".join) | st.text(max_size=200)
names = st.text(string.ascii_letters + "éèçÉœŁ'’ -漢*|\r\n\t", min_size=1, max_size=70).filter(str.strip)
numbers = st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-999, max_value=9999).map(str)

results = st.builds(
    Result,
    label=words,
    code=words,
    value=numbers | words | texts,
    comparator=st.sampled_from([None, "<", ">"]),
    unit=words,
    low=numbers | words,
    high=numbers | words,
    flag=st.sampled_from(["", "N", "L", "H", "LL", "HH", "AA", "*", "é|"]),
    status=st.sampled_from(["", "F", "R", "P", "C", "X", "D", "U", "?"]),
    second=st.none() | st.builds(Measure, value=words, unit=words, low=words, high=words),
    comment=texts,
)
patients = st.builds(
    Patient,
    family=names,
    given=names,
    birth_date=st.dates().map(str) | st.just("00/00/1950"),
    sex=st.sampled_from([None, "F", "M", "U"]),
    used_family=words,
    address=st.lists(words | st.just("99999 VILLE"), max_size=4).map(tuple),
    birth_place=words,
    identifiers=st.lists(
        st.builds(Identifier, value=words, authority=words, type=st.sampled_from(["PI", "INS", "NIR"])), max_size=3
    ).map(tuple),
)
documents = st.builds(
    Document,
    kind=st.builds(Kind, loinc=st.sampled_from([None, "11490-0", "SYNTH"]), label=words),
    original=st.builds(Original, format=st.sampled_from(["hl7v2", "hprim-sante"]), content=st.binary(min_size=1)),
    patient=patients,
    stay=st.none() | st.builds(Stay, visit=words, file_number=words, unit=words),
    written_at=st.datetimes(min_value=datetime(1901, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    title=words,
    text=texts,
    results=st.lists(results, max_size=6).map(tuple),
    attachments=st.lists(
        st.builds(Attachment, name=words, media_type=words | st.just("text/plain"), content=st.binary(max_size=200)),
        max_size=3,
    ).map(tuple),
    urgent=st.booleans(),
    wishes=st.builds(Wishes, body_for_professionals=texts),
)
generously = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def check_hprim(record: bytes) -> list[list[str]]:
    """A reader of HPRIM Médecin by position, written from hprim.md §1.1 to §1.9 and from nothing of ours."""
    assert not re.search(rb"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f]", record)
    assert record.count(b"\n") == record.count(b"\r\n") == record.count(b"\r")
    lines = record.decode("iso-8859-1").split("\r\n")
    assert lines[-3:] == ["****FIN****", "****FINFICHIER****", ""]
    header, blank, body = lines[:12], lines[12], lines[13:-3]
    assert re.fullmatch(r"\.|[A-Za-z0-9_-]{1,10}", header[0])
    assert header[1]
    assert header[2]
    assert not header[5] or re.fullmatch(r"[0-9]{5} .+", header[5])
    assert re.fullmatch(r"\d\d/\d\d/\d{4}", header[6])
    assert re.fullmatch(r"|[0-9AB]{13}|[0-9AB]{15}", header[7])
    assert re.fullmatch(r"\d\d/\d\d/\d{4}", header[9])
    for party in header[10:]:
        assert re.fullmatch(r"[A-Za-z0-9_.-]{1,10} *", party[:10])
        assert party[10:11] in {"", " "}
    assert blank == ""
    assert body.count("****LAB****") <= 1
    cut = body.index("****LAB****") if "****LAB****" in body else len(body)
    for line in (*header, *body[:cut]):
        assert len(line) <= 78
        assert not re.search(r"\*{3,4}\s*(LAB|FIN|FINFICHIER)\s*\*{3,4}", line, re.IGNORECASE)
        assert not re.match(r"\s*(RES|TEX)\|", line)
    segments = [line.split("|") for line in body[cut + 1 :]]
    for segment in segments:
        assert segment[0] in {"RES", "TEX"}
        assert len(segment) == (14 if segment[0] == "RES" else min(len(segment), 2))
        assert "***" not in "|".join(segment)
    for segment in (one for one in segments if one[0] == "RES"):
        assert segment[3] in {"N", "A"}
        assert segment[3] == "A" or re.fullmatch(r"[+-]?\d+(\.\d+)?", segment[4])
        assert segment[8] in {"", "N", "L", "H", "LL", "HH"}
        assert segment[9] in {"", "F", "R", "C"}
    return segments


@generously
@given(document=documents)
def test_every_hprim_record_reads_back_by_position(compose, document):
    opened = compose(document, forms=(Form.HPRIM_ATTACHED,))
    if "écrire le fichier HPRIM" not in opened.text:
        check_hprim(opened.file(".hpr"))


@generously
@given(document=documents, forms=st.sets(st.sampled_from([Form.HPRIM_BODY, Form.HPRIM_ATTACHED, Form.ORIGINAL])))
def test_every_mail_opens_without_defects_and_gives_its_bytes_back(compose, document, forms):
    for in_mssante in (True, False):
        opened = compose(document, forms=tuple(forms), in_mssante=in_mssante)
        entity = opened.mail.entity
        assert entity.isascii()
        assert entity.count(b"\n") == entity.count(b"\r\n") == entity.count(b"\r")
        assert max(map(len, entity.split(b"\r\n"))) <= 998
        assert all(not part.defects for part in opened.message.walk())
        for name, value in opened.mail.headers:
            assert value.isascii(), name
            assert value.isprintable(), name
        held = [part.get_payload(decode=True) for part in opened.parts]
        assert document.original.content in held
        for attachment in document.attachments:
            assert attachment.content in held


@generously
@given(document=documents)
def test_nothing_of_the_text_and_no_value_is_missing_from_the_mail(compose, document):
    def squeezed(text: str) -> str:
        return "".join(text.split())

    plain = replace(document, text="".join(c for c in document.text if c.isprintable() or c == "\n"))
    text = squeezed(compose(plain).text)
    for line in plain.text.split("\n"):
        assert squeezed(line) in text
    for result in plain.results:
        if result.value.isprintable():
            assert squeezed(result.value) in text


def test_the_checker_itself_sees_a_shifted_line_and_a_missing_field(compose, lab):
    record = compose(lab, forms=(Form.HPRIM_ATTACHED,)).file(".hpr")
    assert sum(segment[0] == "RES" for segment in check_hprim(record)) == 5
    for broken in (
        record.replace(b"\r\n", b"", 1),
        b"\r\n" + record,
        record.replace(b"|HH|", b"|"),
        record.replace(b"\r\n", b"\n"),
        record.replace(b"14/02/1978", b"1978-02-14"),
    ):
        with pytest.raises((AssertionError, IndexError)):
            check_hprim(broken)
