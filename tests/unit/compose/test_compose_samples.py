"""Every shared sample that the readers accept makes a mail that opens, in every form, with its original in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.letter import Form
from gateway.parsers.read import read

SAMPLES = Path(__file__).resolve().parents[3] / ".." / "shared" / "samples"
FILES = sorted(path for folder in ("hprim", "hl7v2", "cda", "xdm") for path in (SAMPLES / folder).rglob("*.*"))


@pytest.mark.skipif(not FILES, reason="the shared samples are not beside this checkout")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_sample_makes_a_mail_that_opens(compose, unzipped, path):
    reading = read(path.read_bytes(), name=path.name)
    if not reading.accepted or not reading.documents:
        pytest.skip("refused by the reader, or a movement")
    documents = reading.documents[:1] if path.name == "hprim_medecin_two_patients.hpr" else reading.documents
    for in_mssante in (True, False):
        for forms in (tuple(Form), (), (Form.PDF,), (Form.HPRIM_BODY,)):
            opened = compose(*documents, forms=forms, in_mssante=in_mssante)
            assert all(not part.defects for part in opened.message.walk())
            held = [part.get_payload(decode=True) for part in opened.parts]
            held += [inner for one in held if one.startswith(b"PK\x03\x04") for inner in unzipped(one).values()]
            assert all(document.original.content in held for document in documents)
