"""No input holds a reader up: shapes that made an earlier version quadratic or worse, each read in bounded time."""

from __future__ import annotations

import time

import pytest

from gateway.errors import UnreadableDocument
from gateway.parsers.html_text import plain
from gateway.parsers.read import MOST_ALIKE, read

MEDECIN = "IPP1\r\nTESTINI\r\nAMELIE\r\n\r\n\r\n\r\n14/02/1978\r\n\r\n\r\n\r\n\r\n\r\n"
SANTE = "H|~^\\&|A||B||ORU|||C||P|H2.4~C|202601010000\r\nP|1|I||A|N~P||19780214||||||{doctors}\r\n"
FIN = "****FIN****\r\n"
HTML = "From: a@b.example\r\nContent-Type: text/html\r\n\r\n"
PGP = "From: a@b.example\r\n\r\n-----BEGIN PGP MESSAGE-----"

SHAPES = {
    "a file of many patients": (MEDECIN + "x\r\n" + FIN) * 5000,
    "a file of many patients in UTF-8": (MEDECIN + "\u2019\r\n" + FIN) * 400,
    "a file of blank lines": "\r\n" * 500_000 + FIN,
    "a line of ten megabytes": MEDECIN + "a" * 10_000_000 + "\r\n" + FIN,
    "a finding in each line": MEDECIN + "****LAB****\r\n" + "RES|a|b|N|1,2|g|1,2|1,3\r\n" * 5000 + FIN,
    "a comparator before a megabyte of blanks": MEDECIN
    + "****LAB****\r\nRES|a|b|N|<"
    + " " * 1_000_000
    + "x\r\n"
    + FIN,
    "continuations without end": SANTE.format(doctors="") + "A|x\r\n" * 15_000 + "L|1\r\n",
    "orders times doctors": SANTE.format(doctors="99900000001~X~R^" * 49)
    + "OBR|1|x\r\nOBX|1|NM|K~K||5\r\n" * 5000
    + "L|1",
    "a million repetitions": SANTE.format(doctors="^" * 1_000_000) + "L|1",
    "processing instructions": "<?" + "x?><?" * 100_000,
    "comments that do not end": "<" + "!-- " * 500_000,
    "tags that do not end": HTML + "<a " * 100_000,
    "HTML comments that do not end": HTML + "<!--" * 100_000,
    "scripts that do not end": HTML + "<script>" * 50_000,
    "armour of blank lines": PGP + "\n" * 200_000,
    "a paragraph of soft breaks": "From: a@b.example\r\nContent-Type: text/plain; format=flowed\r\n\r\n"
    + "a \r\n" * 300_000,
    "mails in mails around a large one": "From: a@b.example\r\n"
    + "Content-Type: message/rfc822\r\n\r\n" * 90
    + "\r\n"
    + "x" * 5_000_000,
    "a parameter field of blanks": "From: a@b.example\r\nContent-Type: text/plain;" + " " * 4_000 + "x\r\n\r\nx",
    "delimiters that are none": "From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    + "--bx\r\n" * 300_000,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_shape_is_read_or_refused_in_bounded_time(shape: str) -> None:
    content = SHAPES[shape].encode()
    started = time.process_time()
    try:
        reading = read(content, expect_mail=content.startswith(b"From:"))
    except UnreadableDocument as refusal:
        found = refusal.findings
    else:
        found = reading.findings
    assert time.process_time() - started < 2
    assert len(found) < 10 * MOST_ALIKE


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("a < b et c > d", "a < b et c > d"),
        ("taux <5 g/L<br>suite", "taux <5 g/L\nsuite"),
        ("<script>x</SCRIPT>après", "après"),
        ("<script>jamais fermé", "jamais fermé"),
        ("<!-- jamais fermé", "jamais fermé"),
        ("<p>&eacute;&#233;&lt;b&gt;</p>", "éé<b>"),
        ("<a href='x>y'>z</a>", "y'>z"),
        ("", ""),
    ],
)
def test_html_is_shown_without_losing_words(source: str, shown: str) -> None:
    assert plain(source) == shown
