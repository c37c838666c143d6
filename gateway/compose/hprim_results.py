"""The ``****LAB****`` block: fourteen fields on each RES, everything that has no field on a TEX line beside it."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.compose.latin import Latin1
from gateway.compose.results import NUMBER, is_title, is_withdrawn, value_of
from gateway.compose.text import one_line, visible, wrapped
from gateway.document import Result

_FLAGS = frozenset({"", "N", "L", "H", "LL", "HH"})
_STATUSES = {"": "", "F": "F", "U": "F", "C": "C"}
"""hprim.md §2.6; every other status is "not validated" (R)."""
_TEX_WIDTH = 78 - len("TEX|")
_LONGEST_VALUE = 120


def lab_block(results: tuple[Result, ...], spell: Latin1) -> Iterator[str]:
    """The lines between ``****LAB****`` and ``****FIN****``."""
    for result in results:
        if is_title(result):
            yield from _tex(spell, result.label)
        elif is_withdrawn(result):
            # No RES: a reader without status handling would file the value as a result.
            yield from _tex(spell, f"{one_line(result.label)} : résultat annulé (statut {result.status})")
        else:
            yield "|".join(_res(spell, result))
            if _is_long(result):
                yield from _tex(spell, result.value)
            if result.flag.strip().upper() not in _FLAGS:
                yield from _tex(spell, f"{one_line(result.label)} : indicateur {one_line(result.flag)}")
        if result.comment.strip():
            yield from _tex(spell, result.comment)


def result_losses(results: tuple[Result, ...]) -> list[str]:
    """What the fields do not say, for the reader of the mail; the TEX lines of the record say it too."""
    said = []
    for result in results:
        label = one_line(result.label)
        if is_withdrawn(result):
            said.append(f"« {label} » : annulé par le laboratoire, sans ligne RES")
        elif result.flag.strip().upper() not in _FLAGS:
            said.append(f"« {label} » : indicateur {one_line(result.flag)} en clair, sans code")
        if result.status.upper() not in {*_STATUSES, "R", "P"} and not is_withdrawn(result):
            said.append(f"« {label} » : statut {one_line(result.status)} écrit R (non validé)")
    return said


def _res(spell: Latin1, result: Result) -> tuple[str, ...]:
    value = "voir texte" if _is_long(result) else value_of(result)
    kind = "N" if NUMBER.fullmatch(value) else "A"
    flag = result.flag.strip().upper()
    limits = (result.low, result.high)
    second = result.second
    more = (second.value, second.unit, second.low, second.high) if second else ("", "", "", "")
    fields = (
        *("RES", result.label, result.code, kind, value, result.unit, *limits),
        *(flag if flag in _FLAGS else "", _STATUSES.get(result.status.upper(), "R"), *more),
    )
    return tuple(_field(spell, text) for text in fields)


def _field(spell: Latin1, text: str) -> str:
    """One field: no separator, no line end, no tag can come from a value (hprim.md §1.9, 3)."""
    shown = spell(one_line(text))
    return one_line(shown.replace("|", " ").replace("***", "* *")) if "|" in shown or "***" in shown else shown


def _tex(spell: Latin1, text: str) -> Iterator[str]:
    for line in visible(text).split("\n"):
        for piece in wrapped(spell(line).replace("|", " ").replace("***", "* *"), _TEX_WIDTH, hard=True):
            yield f"TEX|{piece}" if piece.strip() else "TEX"


def _is_long(result: Result) -> bool:
    return len(result.value) > _LONGEST_VALUE or "\n" in result.value.strip()
