"""The structured block of HPRIM Médecin: ``RES`` lines of 1 to 14 fields, ``TEX`` lines between (hprim.md §1.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gateway.document import Finding, Measure, Result
from gateway.parsers.hprim.lines import Line, without_html
from gateway.parsers.hprim.values import COMPARATORS, Quantity, interval, is_limit, point, quantity
from gateway.parsers.quick import quick_measure, quick_result
from gateway.parsers.remarks import note, warning

FIELDS = 14
_STATUSES = {"F", "R", "C", ""}
_FLAGS = {"N", "L", "H", "LL", "HH", ""}
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+")
_PLAIN = re.compile(r"[+-]?[0-9]+(?:\.(?!...$)[0-9]+)?")
_WORDS = re.compile(r"[^\W0-9]{1,30}(?: [^\W0-9]{1,30})?")
_LIMIT = r"[+-]?[0-9]*\.?[0-9]*(?<![.+-])"
_REGULAR = re.compile(  # classes that repeat and no group inside: half the time of the same thing written otherwise
    r"RES\|([^|<&\x00-\x1f\xa0]+)\|([^|\s]*)\|([NAT])\|(?:([<>]=?|[≤≥]) ?)?([^|<>≤≥*,&\x00-\x1f\xa0]+)\|([^|\s]*)"
    rf"\|({_LIMIT})\|({_LIMIT})\|(N|LL?|HH?|)(?:\|([FC]?)(?:\|({_LIMIT})\|([^|\s]*)\|({_LIMIT})\|({_LIMIT})\|?)?)?"
)
"""A line as the recommendation wants it: nothing to remark, and nine of ten are so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The results of one record, titles and comments included, in the sender's order."""

    results: tuple[Result, ...] = field(repr=False)
    findings: tuple[Finding, ...]


def read_block(lines: Sequence[Line], text: str) -> Block:
    """Read the lines behind ``****LAB****``; a ``TEX`` line that the free ``text`` has already is no second time read.

    One that opens a group of results stays as their title.
    """
    results: list[Result] = []
    findings: list[Finding] = []
    told = _Told(text)
    for index, line in enumerate(lines):
        if regular := _regular(line.text):
            results.append(regular)
        elif _kind(line) == "RES":
            result, remarks = read_result(line)
            findings += remarks
            results += [result] if result else []
        elif words := _text(line, findings):
            opens = any(_kind(following) == "RES" for following in lines[index + 1 : index + 2])
            results += [Result(label=words)] if opens or words not in told else []
    return Block(results=tuple(results), findings=tuple(findings))


class _Told:
    """The lines of the free text, whatever their blanks: the block repeats them (hprim.md §1.3)."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._exact: set[str] = set()
        self._plain: set[str] = set()

    def __contains__(self, line: str) -> bool:
        if not self._exact:
            self._exact = set(self._text.split("\n"))
        if line in self._exact:
            return True
        if not self._plain:
            self._plain = {_plain(told) for told in self._exact}
        return _plain(line) in self._plain


def read_result(line: Line) -> tuple[Result | None, tuple[Finding, ...]]:
    """Any ``RES`` line; ``None`` when it has neither a label nor a value, which a warning tells."""
    parts = [part.strip(" \t\u00a0") for part in line.text.strip("\x0c\x1a").split("|")]
    parts += [""] * (FIELDS - len(parts))
    label = " ".join(without_html(parts[1]).split())
    if not label.strip(" :-") and not parts[4]:
        return None, (warning("res-empty", _place(line), "result line with neither a label nor a value: not shown"),)
    limits = interval(parts[6], parts[7])
    amount = quantity(parts[4], parts[5], numeric=parts[3] == "N")
    thousands = _may_be_thousands(amount.value, limits)
    result = _result(parts, label, amount, limits, thousands=thousands)
    return result, (*_remarks(line, parts, result), *_forms(line, parts, amount, thousands=thousands))


def _regular(text: str) -> Result | None:
    """The result of a line that is as the recommendation wants it; :func:`read_result` gives the same, and slower."""
    found = _REGULAR.fullmatch(text)
    if found is None:
        return None
    label, code, kind, sign, value, unit, low, high, flag, status, second, *more = found.groups("")
    number = kind == "N" or sign
    if label[-1] in ": " or label[0] in "- " or "  " in label or not (_PLAIN if number else _WORDS).fullmatch(value):
        return None
    return quick_result(
        label=label,
        code=code,
        value=value,
        comparator=COMPARATORS.get(sign, sign) if sign else None,
        unit=unit,
        low=low,
        high=high,
        flag=flag,
        status=status,
        numeric=kind == "N",
        second=quick_measure(value=second, unit=more[0], low=more[1], high=more[2]) if second else None,
    )


def _result(parts: Sequence[str], label: str, amount: Quantity, limits: tuple[str, str], *, thousands: bool) -> Result:
    """Limits in words are no limits: they stand in the comment, where a reader takes them as words."""
    words = "" if all(map(_is_limit, limits)) else " - ".join(filter(None, limits))
    low, high = ("", "") if words else limits
    more = [f"Normales : {without_html(words)}"] if words else []
    return Result(
        label=label.removeprefix("- ").rstrip(" :"), code=parts[2], value=without_html(amount.value),
        comparator=amount.comparator, unit=amount.unit, low=low, high=high,
        flag=parts[8] or ("*" if amount.highlighted else ""), status=parts[9],
        numeric=parts[3] == "N" and amount.numeric and not thousands, second=_second(parts),
        comment="\n".join([*more, *filter(None, [" ".join(filter(None, parts[FIELDS:]))])]),
    )  # fmt: skip


def _second(parts: Sequence[str]) -> Measure | None:
    if not parts[10]:
        return None
    low, high = interval(parts[12], parts[13])
    return Measure(value=point(parts[10]), unit=parts[11], low=low, high=high)


def _is_limit(text: str) -> bool:
    """A limit whose digits a point or two may group is still one: it is told apart by ``thousands-or-decimals``."""
    return is_limit(text) or _THOUSANDS.fullmatch(text) is not None


def _may_be_thousands(value: str, limits: tuple[str, str]) -> bool:
    return bool(_THOUSANDS.fullmatch(value) and any(map(_THOUSANDS.fullmatch, limits)))


def _kind(line: Line) -> str:
    return line.text.strip("\x0c\x1a").partition("|")[0].strip()


def _text(line: Line, findings: list[Finding]) -> str:
    kind, _, rest = line.text.strip("\x0c\x1a").partition("|")
    if kind.strip() == "TEX":
        return without_html(rest).strip()
    if line.text.strip():
        findings.append(
            warning("lab-line-unknown", f"line {line.number}", "line that is neither RES nor TEX: kept as text")
        )
    return line.text.strip()


def _plain(text: str) -> str:
    return " ".join(text.split())


def _place(line: Line, number: int | None = None) -> str:
    return f"RES line {line.number}" + (f" field {number}" if number else "")


def _remarks(line: Line, parts: Sequence[str], result: Result) -> Iterator[Finding]:
    """What a biologist would want to know about this line."""
    if parts[9] == "R":
        yield warning("result-not-validated", _place(line, 10), "result sent before its validation (status R)")
    elif parts[9] not in _STATUSES:
        yield warning("result-status", _place(line, 10), "unknown status: taken as not final", parts[9])
    if parts[8] not in _FLAGS:
        yield note("result-flag", _place(line, 9), "unknown abnormality flag: shown as it is", parts[8])
    if parts[3] == "N" and parts[4] and not result.numeric and not _THOUSANDS.fullmatch(result.value):
        yield warning("value-not-numeric", _place(line, 5), "numeric result that is no number: shown as text", parts[4])
    if len(parts[4]) > 60:
        yield warning("value-long", _place(line, 5), "text where a value should stand: shown as it is")
    if len(parts) > FIELDS and any(parts[FIELDS:]):
        yield warning("res-fields", _place(line), f"more than {FIELDS} fields: the rest is kept as a comment")


def _forms(line: Line, parts: Sequence[str], amount: Quantity, *, thousands: bool) -> Iterator[Finding]:
    """Where the form of the source differs from what is passed on; the source form is in the detail."""
    for index in (4, 6, 7, 10, 12, 13):
        if "," in parts[index] and point(parts[index]) != parts[index]:
            yield note("decimal-comma", _place(line, index + 1), "decimal comma read as a point", parts[index])
    if amount.highlighted:
        yield note(
            "value-highlighted", _place(line, 5), "asterisk of the sender: kept as flag when there is none", parts[4]
        )
    limits = interval(parts[6], parts[7])
    if not all(map(_is_limit, limits)):
        yield note("normals-text", _place(line, 7), "limits that are no numbers: kept as a comment", parts[6])
    elif limits != (point(parts[6]), point(parts[7])):
        yield note("normals-one-field", _place(line, 7), "both limits in one field: read as low and high", parts[6])
    if thousands:
        message = "the point may separate thousands or decimals: shown as it is, not taken as a number"
        yield warning("thousands-or-decimals", _place(line, 5), message, parts[4])
    if without_html(parts[1]) != parts[1]:
        yield note("html-in-text", _place(line, 2), "HTML in the label: read as what it shows", parts[1])
