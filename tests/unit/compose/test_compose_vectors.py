"""Complete mails side by side: ``NAME.json`` is the letter, ``NAME.eml`` the mail, ``NAME.txt`` what the GP reads.

After a change that is meant, ``HUITAINE_WRITE_VECTORS=1 pytest …`` writes them anew; the diff is the review.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from gateway.document import Document, Role
from gateway.letter import Form

FOLDER = Path(__file__).resolve().parents[2] / "vectors" / "compose"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One letter and the addressee it is composed for."""

    documents: tuple[Document, ...]
    forms: tuple[Form, ...]
    in_mssante: bool
    role: Role


def same(path: Path, content: bytes) -> None:
    if os.environ.get("HUITAINE_WRITE_VECTORS"):
        path.write_bytes(content)
    assert path.read_bytes() == content


@pytest.mark.parametrize("name", NAMES)
def test_the_letter_makes_the_mail_beside_it(compose, name):
    case = msgspec.json.decode((FOLDER / f"{name}.json").read_bytes(), type=Case)
    opened = compose(*case.documents, forms=case.forms, in_mssante=case.in_mssante, role=case.role)
    head = "".join(f"{field}: {value}\r\n" for field, value in opened.mail.headers)
    same(FOLDER / f"{name}.eml", head.encode("ascii") + opened.mail.entity)
    same(FOLDER / f"{name}.txt", opened.text.encode("utf-8"))


def test_the_metadata_of_an_archive_are_the_ones_beside_its_cda(compose, unzipped, discharge, cda):
    from dataclasses import replace

    from gateway.document import Original

    opened = compose(replace(discharge, original=Original(format="cda", content=cda)), forms=(Form.XDM,))
    made = unzipped(opened.file("IHE_XDM.zip"))
    same(FOLDER / "archive-DOC0001.XML", made["IHE_XDM/SUBSET01/DOC0001.XML"])
    same(FOLDER / "archive-METADATA.XML", made["IHE_XDM/SUBSET01/METADATA.XML"])


def test_there_are_vectors():
    assert len(NAMES) >= 6
