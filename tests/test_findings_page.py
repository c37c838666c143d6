"""`docs/findings.md` is the catalogue of findings as a page: made from it, never written by hand.

`HUITAINE_GOLDEN=write pytest tests/test_findings_page.py` makes it anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from gateway.parsers.catalogue import Sentences, catalogue

PAGE = Path(__file__).resolve().parents[1] / "docs/findings.md"
FAMILIES = {
    "any": "Any format",
    "hprim": "HPRIM Médecin and HPRIM Santé",
    "hl7v2": "HL7 v2",
    "cda_xdm": "CDA and IHE XDM",
    "mail": "Mail",
    "gateway": "The gateway itself",
}
HEAD = """# What can be wrong with a file

Every code that `huitaine check FILE` can show, that a door answers with, or that holds a letter (`huitaine letters
trace ID`). An **error** refuses the file, a **warning** is worth a look, a **note** explains. Codes never change and
are never translated; the sentences stand in `gateway/parsers/findings/`, where anybody may correct them.
"""


def page() -> Iterator[str]:
    yield HEAD
    for family, title in FAMILIES.items():
        yield f"\n## {title}\n\n| code | in English | en français |\n|---|---|---|\n"
        for entry in catalogue().values():
            if entry.family == family:
                kinds = " or ".join(sorted(entry.severities))
                yield f"| `{entry.code}` {kinds} | {cell(entry.en)} | {cell(entry.fr)} |\n"


def cell(said: Sentences) -> str:
    sentences = [f"{one[0].upper()}{one[1:]}." for one in (said.what, said.why) if one]
    do = f" **{said.do[0].upper()}{said.do[1:]}.**" if said.do else ""
    return (" ".join(sentences) + do).replace("|", "\\|").replace("<", "&lt;").replace("*" * 4, "\\*" * 4)


def test_the_page_is_the_catalogue() -> None:
    made = "".join(page())
    if os.environ.get("HUITAINE_GOLDEN") == "write":
        PAGE.write_text(made)
    assert PAGE.read_text() == made


def test_each_family_has_its_title() -> None:
    assert {entry.family for entry in catalogue().values()} == FAMILIES.keys()
