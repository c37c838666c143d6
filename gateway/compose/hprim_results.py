"""The ``****LAB****`` block: fourteen fields on each RES, everything that has no field on a TEX line beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from gateway.compose.dispatch import moment
from gateway.compose.latin import Latin1
from gateway.compose.losses import Loss, Target, Why
from gateway.compose.results import NUMBER, is_bare, is_unfinished, is_withdrawn, usual_moment, value_of
from gateway.compose.text import one_line, visible, wrapped
from gateway.compose.words import Words
from gateway.document import Result

_FLAGS = frozenset({"", "N", "L", "H", "LL", "HH"})
_STATUSES = {"": "", "F": "F", "U": "F", "C": "C"}
"""hprim.md §2.6; every other status is "not validated" (R)."""
_SAME_AS_R = frozenset({"R", "P"})
_UNTIDY = re.compile(r"\*\*\*|  | \||\| ")
_TEX_WIDTH = 78 - len("TEX|")
_LONGEST_VALUE = 60
"""Longer ones are comments in the wrong field to readers (hprim.md §1.7)."""


def lab_block(results: Sequence[Result], spell: Latin1, words: Words) -> tuple[list[str], list[Loss]]:
    """The lines between ``****LAB****`` and ``****FIN****`` with their tag, and what their fields do not say."""
    lines, losses, usual = ["****LAB****"], [], usual_moment(results)
    for index, result in enumerate(results):
        lines += _lines(result, spell, words, usual)
        losses += [
            Loss(target=Target.HPRIM, why=why, code=code, place=f"results[{index}]", what=what)
            for why, code, what in _losses(result, usual)
        ]
    return lines, losses


def _lines(result: Result, spell: Latin1, words: Words, usual: datetime | None) -> Iterator[str]:
    label = one_line(result.label)
    if is_bare(result):  # a RES of it would be read as a title all the same
        yield from _tex(spell, f"{label} ({words.not_validated})" if is_unfinished(result) else label)
        yield from _tex(spell, f"{label} : {words.flag} {one_line(result.flag)}") if result.flag.strip() else ()
    elif is_withdrawn(result):
        # No RES: a reader without status handling would file the value as a result.
        yield from _tex(spell, f"{label} : {words.withdrawn} ({words.status} {result.status})")
    else:
        yield _res(spell, result)
        if _is_long(result):
            yield from _tex(spell, value_of(result) if "\n" not in result.value.strip() else result.value)
        if _flag(result) not in _FLAGS:
            yield from _tex(spell, f"{label} : {words.flag} {one_line(result.flag)}")
        if result.observed_at is not None and result.observed_at != usual:
            yield from _tex(spell, f"{label} : {words.observed} {moment(result.observed_at)}")
    if result.comment.strip():
        yield from _tex(spell, result.comment)
        yield "TEX"  # a line of text right above a RES is read as its title: "haemolysed" must not head the next one


def _losses(result: Result, usual: datetime | None) -> Iterator[tuple[Why, str, str]]:
    if is_bare(result):
        if result.flag.strip():
            yield Why.UNCODED, "result-flag", f"{one_line(result.flag)} « {one_line(result.label)} »"
        return
    label, status = f"« {one_line(result.label)} »", result.status.upper()
    if is_withdrawn(result):
        yield Why.UNCODED, "result-withdrawn", label
        return
    if _flag(result) not in _FLAGS:
        yield Why.UNCODED, "result-flag", f"{one_line(result.flag)} {label}"
    if status not in _STATUSES and status not in _SAME_AS_R:
        yield Why.CHANGED, "result-status", f"{one_line(result.status)} → R {label}"
    if result.observed_at not in {None, usual}:
        yield Why.UNCODED, "result-moment", label
    if result.alternate_code and result.alternate_code != result.code:
        yield Why.ABSENT, "result-codes", ""
    if _is_long(result):
        yield Why.UNCODED, "result-long", label
    if any("|" in text or "***" in text for text in (result.label, result.code, result.value, result.unit)):
        yield Why.CHANGED, "result-separator", label


def _res(spell: Latin1, result: Result) -> str:
    label, code, value, unit, *limits = _texts(result)
    kind = "N" if result.numeric and NUMBER.fullmatch(value) else "A"
    flag = _flag(result)
    status = _STATUSES.get(result.status.upper(), "R")
    second = result.second
    more = (second.value, second.unit, second.low, second.high) if second else ("", "", "", "")
    fields = ("RES", label, code, kind, value, unit, *limits, flag if flag in _FLAGS else "", status, *more)
    line = "|".join(fields)
    shown = spell(line) if line.isprintable() else ""
    if shown.count("|") == len(fields) - 1 and not _UNTIDY.search(shown):
        return shown  # nearly every line: nothing in it to be made harmless
    return "|".join(_field(spell, text) for text in fields)


def _texts(result: Result) -> tuple[str, ...]:
    value = "voir texte" if _is_long(result) else value_of(result)
    return (result.label, result.code, value, result.unit, result.low, result.high)


def _flag(result: Result) -> str:
    return result.flag.strip().upper()


def _field(spell: Latin1, text: str) -> str:
    """One field: no separator, no line end, no tag can come from a value (hprim.md §1.9, 3)."""
    return one_line(_inside(spell(one_line(text))))


def _inside(shown: str) -> str:
    # The broken bar is in ISO-8859-1 and looks alike: "3|4" must not be read as 34.
    return shown.replace("|", "¦").replace("***", "* *") if "|" in shown or "***" in shown else shown


def _tex(spell: Latin1, text: str) -> Iterator[str]:
    for line in visible(text).split("\n"):
        for piece in wrapped(_inside(spell(line.strip())), _TEX_WIDTH, hard=True):
            yield f"TEX|{piece}" if piece.strip() else "TEX"


def _is_long(result: Result) -> bool:
    value = result.value.strip()
    return len(value) > _LONGEST_VALUE or "\n" in value
