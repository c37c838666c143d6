"""What `huitaine check FILE` says to a person: what it is, about whom, to whom, what is wrong where; in 80 columns."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from commands.check_document import Row, document_rows, movement_rows, title_of
from commands.check_words import (
    FORMATS,
    HELD,
    ROLES,
    SEALED_AS,
    SEVERITIES,
    WHY_NOT_ASKED,
    in_words,
    number,
    said,
    size_of,
)
from commands.opening_words import meaning
from commands.output import language, say
from gateway.parsers.check import headline
from gateway.parsers.excerpt import Excerpt, excerpt
from gateway.parsers.french import french_place

WIDTH = 80
_SAME = 3
"""So many places of one code are named, the others counted."""
_DETAIL = 200
_INDENT = " " * 10
Json = Mapping[str, Any]  # Any: JSON


def told(checked: Json, content: bytes) -> Iterator[str]:
    """The lines for one file."""
    yield from wrapped(checked["file"] + said("colon") + _what(checked), "", "  ")
    for line in _about_the_whole(checked):
        yield from wrapped(line, "  ", "  ")
    for place, document in enumerate(checked["documents"], start=1):
        yield from _titled(title_of(document, place, len(checked["documents"])), document_rows(document))
    for movement in checked["movements"]:
        title = say("Movement ", "Mouvement ") + movement["trigger"] + said("movement")
        yield from _titled(title, movement_rows(movement))
    yield from _whither(checked)
    yield from _findings(checked["findings"], content)
    yield ""
    yield from wrapped(_verdict(checked), "", "  ")


def wrapped(text: str, first: str, rest: str) -> list[str]:
    """One paragraph in :data:`WIDTH` columns; what a file says must not drive the terminal: signs are shown."""
    shown = "".join(sign if sign.isprintable() else f"\\x{ord(sign):02x}" for sign in text)
    lines = textwrap.wrap(shown, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
    return lines or [first.rstrip()]


def _what(checked: Json) -> str:
    name = say(*FORMATS[checked["format"]])
    variant = in_words(checked["variant"]) if checked["variant"] else ""
    known = [f"{name} ({variant})" if variant else name, checked["charset"].upper(), size_of(checked["size"])]
    return ", ".join(part for part in known if part)


def _about_the_whole(checked: Json) -> Iterator[str]:
    if checked["already_sealed"]:
        yield said("sealed")
    for layer in checked["layers"]:
        yield say("Layer: ", "Couche : ") + " ".join([in_words(layer["kind"]), *layer["algorithms"]])
        yield from (said("opened by") + whose for whose in layer["for"])
        if layer["signer"]:
            yield said("signed by") + layer["signer"]
        if layer["why_not"]:
            yield said("not believed") + meaning(layer["why_not"])
    if checked["processing"] in {"T", "D"}:
        yield said("test")
    if (count := len(checked["documents"])) > 1:
        yield number(count, ("document", "documents"), ("document", "documents")) + said("several")


def _titled(title: str, rows: Iterable[Row]) -> Iterator[str]:
    yield ""
    yield from wrapped(title, "", "  ")
    for label, lines in rows:
        for place, line in enumerate(lines):
            yield from wrapped(line, f"  {label if place == 0 else '':11}", " " * 13)


def _whither(checked: Json) -> Iterator[str]:
    asked = checked["addressing"]
    if asked["why_not"] == "nothing-to-send":
        return
    yield ""
    if not asked["asked"]:
        yield from wrapped(say("To whom: ", "À qui : ") + say(*WHY_NOT_ASKED[asked["why_not"]]), "", "  ")
        return
    yield said("to whom") + ("" if checked["accepted"] else said("once corrected"))
    if asked["recipients_from"] == "header":
        yield from wrapped(said("from header"), "  ", "  ")
    if not asked["directory"]["mailboxes"]:
        yield from wrapped(said("no directory"), "  ", "  ")
    for letter in asked["letters"]:
        if len(asked["letters"]) > 1:
            yield from wrapped(f"Document {', '.join(map(str, letter['documents']))}", "  ", "  ")
        for outcome in letter["outcomes"]:
            yield from _outcome(outcome)


def _outcome(outcome: Json) -> Iterator[str]:
    who = say(*ROLES[outcome["role"]]) + (f" RPPS {outcome['rpps']}" if outcome["rpps"] else "")
    if outcome["state"] == "addressed":
        how = f"{said('colon')}{outcome['mailbox']}, {say(*SEALED_AS[outcome['protection']])}"
        yield from wrapped(who + how, "  -> ", "     ")
    else:
        box = f", {outcome['mailbox']}" if outcome["mailbox"] else ""
        yield from wrapped(f"{who}{box}{say(*HELD)} [{outcome['reason']}]", "  !! ", "     ")
    for reason in outcome["reasons"]:
        yield from wrapped(_with_places(reason["words"]), "     - ", "       ")


def _with_places(words: str) -> str:
    """The places that a reason names, ``(line 12)``, in the reader's language."""
    if language() != "fr":
        return words
    return re.sub(r"\(([^()]*)\)", lambda found: f"({french_place(found[1])})", words)


def _findings(findings: Sequence[Json], content: bytes) -> Iterator[str]:
    """The worst first; findings of one code are told once, with their places."""
    order = list(SEVERITIES)
    groups: dict[tuple[int, str], list[Json]] = {}
    for one in findings:
        groups.setdefault((order.index(one["severity"]), one["code"]), []).append(one)
    for key in sorted(groups, key=lambda key: key[0]):
        yield ""
        yield from _group(groups[key], content)


def _group(group: Sequence[Json], content: bytes) -> Iterator[str]:
    first, label = group[0], f"{say(*SEVERITIES[group[0]['severity']]):10}"
    found = excerpt(content, first["place"]) if first["severity"] != "note" else None
    unsaid = found is not None and (found.line or 1) > 1 and "line" not in first["place"]
    line = f" ({say('line', 'ligne')} {found.line})" if found and unsaid else ""
    what = headline(first, language())
    yield from wrapped(f"{_places(group)}{line}{said('colon')}{what} [{first['code']}]", label, _INDENT)
    yield from _shown(first, found)
    if first["why"]:
        yield from wrapped(_sentence(first["why"]), _INDENT, _INDENT)
    if first["do"]:
        yield from wrapped(_sentence(first["do"]), " " * 7 + "=> ", _INDENT)


def _places(group: Sequence[Json]) -> str:
    places = list(dict.fromkeys(one["place"] for one in group))
    named = [french_place(place) if language() == "fr" else place for place in places[:_SAME]]
    left = len(places) - _SAME
    return ", ".join(named) + (say(f" and {left} more", f" et {left} autres") if left > 0 else "")


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _shown(finding: Json, found: Excerpt | None) -> Iterator[str]:
    """The line of the file with a mark under the place; what a note is about only as its reader quotes it."""
    if found is not None and found.text.strip():
        yield _INDENT + "".join(sign if sign.isprintable() else "." for sign in found.text)
        if found.caret is not None:
            yield _INDENT + " " * found.caret + "^"
    elif finding["detail"]:
        yield from wrapped(finding["detail"][:_DETAIL], _INDENT + "| ", _INDENT + "| ")


def _verdict(checked: Json) -> str:
    kinds = [one["severity"] for one in checked["findings"]]
    words = {
        "error": (("error", "errors"), ("erreur", "erreurs")),
        "warning": (("thing to look at", "things to look at"), ("point à voir", "points à voir")),
        "note": (("note", "notes"), ("note", "notes")),
    }
    counts = [number(kinds.count(kind), *words[kind]) for kind in words if kind in kinds]
    verdict = say("Accepted", "Accepté") if checked["accepted"] else say("Refused", "Refusé")
    return f"{verdict}{said('colon')}{', '.join(counts) or said('nothing wrong')}."
