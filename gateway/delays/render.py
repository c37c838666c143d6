"""A report for people: a table that fits 80 columns, CSV for a spreadsheet, JSON for a script; pure."""

from __future__ import annotations

import csv
import io
import json

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from gateway.delays.figures import APART, DelayReport, DelayRow, LegName, Spread
from gateway.delays.words import Words, words

_BAR = 6
_WIDE_BAR = 10
_COUNTS = ("stays", "in_time", "late", "never_sent", "pending")


def to_json(report: DelayReport) -> str:
    """The shape of interface.md, accents as they are."""
    return json.dumps(report.as_json(), ensure_ascii=False, indent=2)


def to_csv(report: DelayReport) -> str:
    """One line per group and one for all, the codes of the JSON as headings (they never translate)."""
    out = io.StringIO()
    total = [report.total] if report.is_told else []
    lines = [_flat(row) for row in (*report.rows, *total)]
    for line in lines:  # the hospital's own words: no formula for a spreadsheet (CWE-1236)
        name = str(line["group"])
        line["group"] = f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name
    writer = csv.DictWriter(out, list(_flat(report.total)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue()


def to_table(report: DelayReport, *, french: bool) -> RenderableType:
    """The report in at most 80 columns: figures with a bar, legs, what is counted apart, reference points."""
    told = words(french=french)
    parts: list[RenderableType] = [Text(_title(report, french=french), style="bold")]
    if not report.is_told:
        return Group(*parts, Text(told.page["nothing"]))
    parts += [_figures(report, told), Text(), _legs(report.total, told), Text(), *_remarks(report, told), Text()]
    parts += [_reference(told.reference(one.label), one.share_in_time, told) for one in report.references]
    return Group(*parts)


def bar(share: float | None, width: int = _WIDE_BAR) -> str:
    """``share`` of ``width`` as blocks, in eighths; blank when there is nothing to show."""
    if share is None:
        return " " * width
    eighths = round(min(1.0, max(0.0, share)) * width * 8)
    part = " ▏▎▍▌▋▊▉"[eighths % 8] if eighths % 8 else ""
    return ("█" * (eighths // 8) + part).ljust(width, "·")


def notes(report: DelayReport, told: Words) -> list[tuple[str, str]]:
    """What the figures do not hold, and how sure they are, as number and words; nothing is left out in silence."""
    total = report.total
    counts = {
        "letter_only": total.letter_only,
        "by_identity": total.by_identity,
        "conflicts": total.conflicts,
        "unmatched_letters": total.unmatched_letters,
        "undated_letters": report.undated_letters,
        "posted": total.posted,
        "urgent": total.urgent,
        "urgent_in_time": total.urgent_in_time if total.urgent else 0,
    }
    return [(few(count, told), told.remarks[name]) for name, count in counts.items() if count != 0]


def apart(report: DelayReport, told: Words) -> list[tuple[str, str]]:
    """Why stays are counted apart and how many are, as words and number."""
    return [(told.apart[why.value], few(report.total.apart.get(why, 0), told)) for why in APART]


def few(count: int | None, told: Words) -> str:
    """A number, or that it is too small to be told."""
    return told.page["few"] if count is None else f"{count:,}".replace(",", "\u202f")


def _figures(report: DelayReport, told: Words) -> Table:
    table = Table(show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), box=None, header_style="underline")
    table.add_column(told.heads[report.by.value], overflow="fold", min_width=11, max_width=30)
    for name in _COUNTS:
        table.add_column(told.heads[name], justify="right")
    table.add_column(told.heads["share"], justify="right", no_wrap=True)
    table.add_column("", no_wrap=True, width=_BAR)
    for name in ("median", "p90"):
        table.add_column(told.heads[name], justify="right", no_wrap=True)
    for row in report.rows:
        table.add_row(*_cells(row, told))
    table.add_row(*_cells(report.total, told), style="bold")
    return table


def _cells(row: DelayRow, told: Words) -> list[str]:
    counts = (row.stays, row.in_time, row.late, row.never_sent, row.pending)
    spread = [told.duration(value) for value in (row.taken.median_seconds, row.taken.p90_seconds)]
    share = row.share_in_time
    return [escape(told.group(row.group)), *map(str, counts), told.percent(share, 1), bar(share, _BAR), *spread]


def _legs(total: DelayRow, told: Words) -> Table:
    table = Table(show_edge=False, pad_edge=False, padding=(0, 2, 0, 0), box=None, header_style="underline")
    table.add_column(told.heads["leg"], no_wrap=True)
    for name in ("median", "p90"):
        table.add_column(told.heads[name], justify="right", no_wrap=True)
    for leg in LegName:
        spread = total.legs.get(leg, Spread())
        table.add_row(told.legs[leg.value], *map(told.duration, (spread.median_seconds, spread.p90_seconds)))
    return table


def _remarks(report: DelayReport, told: Words) -> list[Text]:
    counted = ", ".join(f"{why} {count}" for why, count in apart(report, told))
    colon = " : " if told.language == "fr" else ": "
    lines = [told.page["apart"] + colon + counted]
    return [Text(line) for line in lines + [f"{count} {what}" for count, what in notes(report, told)]]


def _reference(label: str, share: float, told: Words) -> Text:
    return Text(f"{label:28} {told.percent(share, 1):>6} {bar(share)}", style="dim")


def _title(report: DelayReport, *, french: bool) -> str:
    start, end = report.start or "…", report.end or "…"
    if french:
        return f"Délais, règle {report.policy}, sorties du {start} au {end}"
    return f"Delays, policy {report.policy}, discharges from {start} to {end}"


def _flat(row: DelayRow) -> dict[str, object]:
    """Nested keys joined by a point: ``legs.received_to_sent.median_seconds``."""
    flat: dict[str, object] = {}
    for name, value in row.as_json().items():
        _flatten(flat, name, value)
    return flat


def _flatten(flat: dict[str, object], name: str, value: object) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _flatten(flat, f"{name}.{key}", inner)
    else:
        flat[name] = value
