"""The structured block of HPRIM Médecin: ``RES`` lines of 1 to 14 fields, ``TEX`` lines between (hprim.md §1.4)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from gateway.document import Finding, Measure, Result
from gateway.parsers.hprim.lines import Line, without_html
from gateway.parsers.hprim.values import interval, point, quantity
from gateway.parsers.remarks import note, warning

FIELDS = 14
_STATUSES = {"F", "R", "C", ""}
_FLAGS = {"N", "L", "H", "LL", "HH", ""}
_THOUSANDS = re.compile(r"\d{1,3}(?:\.\d{3})+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The results of one record, titles and comments included, in the sender's order."""

    results: tuple[Result, ...] = field(repr=False)
    findings: tuple[Finding, ...]


def read_block(lines: Sequence[Line], text_lines: Collection[str]) -> Block:
    """Read the lines behind ``****LAB****``; a ``TEX`` line that the free text has already is kept as a title only."""
    results: list[Result] = []
    findings: list[Finding] = []
    for index, line in enumerate(lines):
        kind, _, rest = line.text.strip("\x0c\x1a").partition("|")
        if kind.strip() == "RES":
            result, remarks = read_result(line)
            findings += remarks
            results += [result] if result else []
        elif text := _text(line, kind.strip(), rest, findings):
            opens = any(following.text.startswith("RES") for following in lines[index + 1 : index + 2])
            results += [Result(label=text)] if opens or _plain(text) not in text_lines else []
    return Block(results=tuple(results), findings=tuple(findings))


def plain_lines(text: str) -> frozenset[str]:
    """The lines of the free text in the form in which :func:`read_block` compares them."""
    return frozenset(_plain(line) for line in text.split("\n"))


def read_result(line: Line) -> tuple[Result | None, tuple[Finding, ...]]:
    """One ``RES`` line; ``None`` when it has neither a label nor a value, which a warning tells."""
    fields = [part.strip(" \t\u00a0") for part in line.text.split("|")]
    fields += [""] * (FIELDS - len(fields))
    label, code, kind = " ".join(without_html(fields[1]).split()), fields[2], fields[3]
    if not label.strip(" :-") and not fields[4]:
        return None, (warning("res-empty", _place(line), "result line with neither a label nor a value: not shown"),)
    low, high = interval(fields[6], fields[7])
    amount = quantity(fields[4], fields[5], numeric=kind == "N")
    second = Measure(value=point(fields[10]), unit=fields[11], low=point(fields[12]), high=point(fields[13]))
    flag = fields[8] or ("*" if amount.highlighted else "")
    thousands = bool(_THOUSANDS.fullmatch(amount.value) and (_THOUSANDS.fullmatch(low) or _THOUSANDS.fullmatch(high)))
    result = Result(
        label=label.removeprefix("- ").rstrip(" :"), code=code, value=without_html(amount.value),
        comparator=amount.comparator, unit=amount.unit, low=low, high=high, flag=flag, status=fields[9],
        numeric=kind == "N" and amount.numeric and not thousands, second=second if fields[10] else None,
        comment=" ".join(part for part in fields[FIELDS:] if part),
    )  # fmt: skip
    return result, (*_remarks(line, fields, result), *_forms(line, fields, thousands=thousands))


def _text(line: Line, kind: str, rest: str, findings: list[Finding]) -> str:
    if kind == "TEX":
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


def _remarks(line: Line, fields: Sequence[str], result: Result) -> Iterator[Finding]:
    """What a biologist would want to know about this line."""
    if fields[9] == "R":
        yield warning("result-not-validated", _place(line, 10), "result sent before its validation (status R)")
    elif fields[9] not in _STATUSES:
        yield warning("result-status", _place(line, 10), "unknown status: taken as not final", fields[9])
    if fields[8] not in _FLAGS:
        yield note("result-flag", _place(line, 9), "unknown abnormality flag: shown as it is", fields[8])
    if fields[3] == "N" and fields[4] and not result.numeric and not _THOUSANDS.fullmatch(result.value):
        yield warning(
            "value-not-numeric", _place(line, 5), "numeric result that is no number: shown as text", fields[4]
        )
    if len(fields[4]) > 60:
        yield warning("value-long", _place(line, 5), "text where a value should stand: shown as it is")
    if result.comment:
        yield warning("res-fields", _place(line), f"more than {FIELDS} fields: the rest is kept as a comment")


def _forms(line: Line, fields: Sequence[str], *, thousands: bool) -> Iterator[Finding]:
    """Where the form of the source differs from what is passed on; the source form is in the detail."""
    for index in (4, 6, 7, 10, 12, 13):
        if "," in fields[index] and point(fields[index]) != fields[index]:
            yield note("decimal-comma", _place(line, index + 1), "decimal comma read as a point", fields[index])
    if "*" in fields[4]:
        yield note(
            "value-highlighted", _place(line, 5), "asterisk of the sender: kept as flag when there is none", fields[4]
        )
    if interval(fields[6], fields[7]) != (point(fields[6]), point(fields[7])):
        yield note("normals-one-field", _place(line, 7), "both limits in one field: read as low and high", fields[6])
    if thousands:
        message = "the point may separate thousands or decimals: shown as it is, not taken as a number"
        yield warning("thousands-or-decimals", _place(line, 5), message, fields[4])
    if "<" in fields[1] or "&" in fields[1]:
        yield note("html-in-text", _place(line, 2), "HTML in the label: read as what it shows", fields[1])
