"""The readers' findings and places in French, for whoever asked for French."""

from __future__ import annotations

import re

from gateway.parsers.catalogue import catalogue

_PLACES = {
    "line": "ligne", "field": "champ", "byte": "octet", "file": "fichier", "mail": "courriel", "part": "partie",
    "character": "caractère", "record": "dossier", "document": "document", "gateway": "passerelle",
}  # fmt: skip
_PLACE = re.compile(rf"(?<![\w/.-])({'|'.join(_PLACES)})(?![\w/.-])")


def in_french(code: str) -> str:
    """What the code means and what to do, in one sentence; empty for a code that no reader gives."""
    entry = catalogue().get(code)
    if entry is None:
        return ""
    return f"{entry.fr.what} : {entry.fr.do or entry.fr.why}"


def french_place(place: str) -> str:
    """``line 7 field 10`` as ``ligne 7 champ 10``; names of segments, elements and files stay as they are."""
    return _PLACE.sub(lambda found: _PLACES[found[1]], place)
