"""Cutting an HPRIM Médecin file into one record per patient, or refusing it (standards/hprim.md §1.3, §1.6).

This is the worst trap of the format: a reader that takes a file as one record files the second patient's potassium
under the first. So whatever stands behind an ``****FIN****`` is a record that starts with a header, or harmless text
of a file about one patient, or the whole file goes to a human.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gateway.document import Finding
from gateway.parsers.hprim.header import HEADER_LINES, is_numbered, looks_like_header
from gateway.parsers.hprim.lines import Line
from gateway.parsers.remarks import error, warning

LAB, FIN, FINFICHIER = "LAB", "FIN", "FINFICHIER"
_TAG = re.compile(r"\*{3,4}(LAB|FIN|FINFICHIER)\*{3,4}")
_LONGEST_TRAILER = 40
_MOST_RECORDS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The lines of one patient's record, without its ``FIN``, and where it stands in the file's text."""

    lines: tuple[Line, ...] = field(repr=False)
    start: int
    end: int
    ended: bool = True
    extra: tuple[Line, ...] = field(repr=False, default=())
    """Text behind the end tag, of a file about one patient only."""

    @property
    def header(self) -> tuple[Line, ...]:
        """The lines that may be its header: at most twelve, and none from a tag on."""
        first = self.lines[:HEADER_LINES]
        tag = next((index for index, line in enumerate(first) if "***" in line.text and tag_of(line)), None)
        return first if tag is None else first[:tag]


def tag_of(line: Line) -> str | None:
    """``LAB``, ``FIN`` or ``FINFICHIER`` when the line is that tag; blanks around it do not matter."""
    if "***" not in line.text:
        return None
    found = _TAG.fullmatch(line.text.strip(" \t\u00a0\x0c\x1a"))
    return found[1] if found else None


def cut(lines: Sequence[Line]) -> tuple[tuple[Record, ...], tuple[Finding, ...]]:
    """All records and what is wrong with the cutting; with an error among the findings no record may be used."""
    tags = [(index, tag) for index, line in enumerate(lines) if "***" in line.text and (tag := tag_of(line))]
    if len(tags) > 3 * _MOST_RECORDS:
        return (), (
            error("too-many-records", "file", f"more than {_MOST_RECORDS} patients in a file: send it in parts"),
        )
    misplaced = tuple(_order(lines, tags))
    if misplaced:
        return (), misplaced
    body, behind, findings = _file_end(lines, tags)
    records, rest = _split(body, [index for index, tag in tags if tag == FIN])
    if not records:
        records, rest = (_record(body, ended=False),), ()
        findings = (*findings, _no_fin(body))
    records, more = _rest(records, _without_blanks(rest), _without_blanks(behind))
    findings = (*findings, *more, *_starts(records), *_inside(records))
    return _widened(records, lines), findings


def _order(lines: Sequence[Line], tags: Sequence[tuple[int, str]]) -> Iterator[Finding]:
    """FINFICHIER once and last, LAB never right behind FIN (FMF's tests 6 and 7)."""
    before = ""
    for index, tag in tags:
        if before == FINFICHIER or (tag == LAB and before == LAB) or (tag == FINFICHIER and before == LAB):
            yield error("hprim-tags-order", f"line {lines[index].number}", f"****{tag}**** after ****{before}****")
        before = tag


def _file_end(
    lines: Sequence[Line], tags: Sequence[tuple[int, str]]
) -> tuple[Sequence[Line], Sequence[Line], tuple[Finding, ...]]:
    end = next((index for index, tag in tags if tag == FINFICHIER), None)
    if end is not None:
        return lines[:end], lines[end + 1 :], ()
    place = f"line {lines[-1].number}" if lines else "line 1"
    return lines, (), (warning("hprim-no-finfichier", place, "****FINFICHIER**** is missing at the end"),)


def _split(body: Sequence[Line], ends: Sequence[int]) -> tuple[tuple[Record, ...], Sequence[Line]]:
    records: list[Record] = []
    cursor = 0
    for end in ends:
        records.append(_record(body[cursor:end], closing=body[end], blank_first=bool(records)))
        cursor = end + 1
    return tuple(records), body[cursor:]


def _record(
    lines: Sequence[Line], *, closing: Line | None = None, ended: bool = True, blank_first: bool = False
) -> Record:
    """Behind another record one or two blank lines may stand; line 1 itself may be blank, so they are only tried."""
    skipped = 0
    if blank_first:
        while (
            skipped < 2
            and not looks_like_header(lines[skipped:])
            and lines[skipped:]
            and not lines[skipped].text.strip()
        ):
            skipped += 1
        skipped = skipped if looks_like_header(lines[skipped:]) else 0
    kept = tuple(lines[skipped:])
    last = closing or (kept[-1] if kept else None)
    start = kept[0].start if kept else (last.start if last else 0)
    return Record(lines=kept, start=start, end=last.end if last else start, ended=ended)


def _no_fin(body: Sequence[Line]) -> Finding:
    place = f"line {body[-1].number}" if body else "line 1"
    if any(tag_of(line) == LAB for line in body):
        return error("hprim-truncated", place, "****FIN**** is missing after results: the file may be cut short")
    return warning("hprim-no-fin", place, "****FIN**** is missing at the end of the text")


def _rest(
    records: tuple[Record, ...], rest: Sequence[Line], behind: Sequence[Line]
) -> tuple[tuple[Record, ...], tuple[Finding, ...]]:
    """What stands behind the last FIN: nothing, one more record without its end, or a trailer of one patient's file."""
    extra = (*rest, *behind)
    if not extra:
        return records, ()
    place = f"line {extra[0].number}"
    if looks_like_header(rest) or looks_like_header(behind):
        return records, (error("hprim-truncated", place, "another record starts here and has no ****FIN****"),)
    structured = any(tag_of(line) or line.text.startswith(("RES|", "TEX|")) for line in extra)
    if len(records) > 1 or structured or len(extra) > _LONGEST_TRAILER:
        message = "text behind ****FIN**** that is not a record: whose it is cannot be told"
        return records, (error("hprim-text-behind-end", place, message),)
    only = records[0]
    kept = Record(lines=only.lines, start=only.start, end=only.end, ended=only.ended, extra=tuple(extra))
    return (kept,), (warning("hprim-text-behind-end", place, "text behind ****FIN****: kept at the end of the text"),)


def _starts(records: Sequence[Record]) -> Iterator[Finding]:
    for number, record in enumerate(records[1:], start=2):
        if not looks_like_header(record.lines):
            place = f"line {record.lines[0].number}" if record.lines else f"record {number}"
            yield error("hprim-record-unreadable", place, f"record {number} does not start with a readable header")


def _inside(records: Sequence[Record]) -> Iterator[Finding]:
    """A second patient's header in the text of the first: the FIN between them was lost.

    A letter may name people above a date; a header also has the number on its eighth line or a date on its tenth.
    """
    for record in records:
        for index in [index for index, line in enumerate(record.lines) if line.text[2:3] == "/"]:
            lines = record.lines[max(0, index - 6) :]
            if index > HEADER_LINES + 5 and looks_like_header(lines) and is_numbered(lines):
                words = "another patient's header inside a record: ****FIN**** is lost"
                yield error("hprim-header-inside", f"line {lines[0].number}", words)
                return


def _widened(records: tuple[Record, ...], lines: Sequence[Line]) -> tuple[Record, ...]:
    """A file about one patient is that patient's from its first byte to its last; else the last one ends the file."""
    if not lines:
        return records
    first, last = records[0], records[-1]
    start = 0 if len(records) == 1 else first.start
    widened = Record(
        lines=last.lines,
        start=start if last is first else last.start,
        end=lines[-1].end,
        ended=last.ended,
        extra=last.extra,
    )
    return (*records[:-1], widened)


def _without_blanks(lines: Sequence[Line]) -> Sequence[Line]:
    """Blank lines at either end say nothing (a DOS end-of-file mark counts as blank)."""
    written = [index for index, line in enumerate(lines) if line.text.strip(" \t\u00a0\x0c\x1a")]
    return lines[written[0] : written[-1] + 1] if written else ()
