"""What the confined child must be able to do without opening a file: PDFium, winmail.dat, archives, level 3 of CDA."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.errors import UnreadableDocument
from gateway.parsers.children import Readers
from gateway.parsers.read import read

VECTORS = Path(__file__).resolve().parents[2] / "vectors"
INPUTS = [*VECTORS.glob("cda/*.xml"), *VECTORS.glob("xdm/*.zip"), *VECTORS.glob("mime/*.eml")]
REFUSED = [path for folder in ("cda", "xdm", "mime") for path in (VECTORS / folder / "refused").glob("*.[exz]*")]


@pytest.fixture
async def readers() -> AsyncIterator[Readers]:
    children = Readers(children=1)
    await children.start()
    yield children
    await children.close()


async def test_the_child_reads_every_golden_input_as_we_do(readers: Readers) -> None:
    for path in sorted(INPUTS):
        content = path.read_bytes()
        assert await readers.read(content, name=path.name) == read(content, name=path.name), path.name
    assert readers.fallen == 0


async def test_the_child_finds_the_words_of_a_pdf(readers: Readers) -> None:
    content = (VECTORS / "cda" / "discharge_letter_n1.xml").read_bytes()

    assert (await readers.read(content)).documents[0].attachments[0].text == "Lettre d’essai, patiente inventee"


async def test_the_child_refuses_what_we_refuse_and_lives(readers: Readers) -> None:
    for path in sorted(REFUSED):
        with pytest.raises(UnreadableDocument):
            await readers.read(path.read_bytes(), name=path.name)
    assert readers.fallen == 0


ENDLESS = b"1 0 obj<</Type/Pages/Kids[1 0 R]/Count 99999999>>endobj\n" * 200
TWICE = b"1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>endobj\n"


NAMES = (
    "=?utf-8?q?Secr=C3=A9tariat?= de <a@b.example>",
    "=?iso-8859-15?b?U2VjcullYXU=?= <a@b.example>",
    "=?windows-1252?Q?l=92h=F4pital?= <a@b.example>",
    "=?x-none?q?=E9?= <a@b.example>",
    "=?macintosh?q?=8E?= <a@b.example>",
    "=?koi8-r?q?=E9?= <a@b.example>",
    "=?utf-16?b?/v8AYQ==?= <a@b.example>",
)


async def test_a_pdf_made_to_break_its_reader_costs_only_its_words(readers: Readers) -> None:
    for inside in (ENDLESS, TWICE, b"[" * 100_000):
        pdf = b"%PDF-1.4\n" + inside + b"trailer<</Root 1 0 R/Size 3>>\n%%EOF"
        mail = b"From: a@b.example\r\nDate: x\r\nContent-Type: application/pdf\r\n\r\n" + pdf
        reading = await readers.read(mail, expect_mail=True)
        assert reading.documents[0].attachments[0].content == pdf
    assert readers.fallen == 0


async def test_names_are_decoded_in_the_child_as_here(readers: Readers) -> None:
    """``email.header`` loads a codec when encoded and plain words mix: in the child every such name stayed encoded."""
    for words in NAMES:
        mail = f"From: {words}\r\nSubject: {words}\r\nDate: x\r\n\r\nBonjour".encode()
        assert await readers.read(mail, expect_mail=True) == read(mail, expect_mail=True), words
