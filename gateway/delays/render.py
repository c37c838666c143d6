"""A report for people: a table that fits 80 columns, CSV for a spreadsheet, JSON for a script; pure."""

from __future__ import annotations

import csv
import io
import json

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from gateway.delays.figures import APART, NO_LETTER, UNKNOWN, DelayReport, DelayRow, LegName, Spread

_BAR = 10
_FRENCH = {
    "group": "Groupe",
    "stays": "Séjours",
    "in time": "À temps",
    "late": "Tard",
    "never": "Jamais",
    "pending": "En cours",
    "share": "Part",
    "median": "Médiane",
    "p90": "p90",
    "day": "j",
    "leg": "Étape",
    "total": "Ensemble",
    UNKNOWN: "non précisé",
    NO_LETTER: "sans lettre",
    "discharge_to_written": "sortie → validée",
    "written_to_received": "validée → reçue",
    "received_to_sent": "reçue → partie",
    "sent_to_delivered": "partie → remise",
    "delivered_to_read": "remise → lue",
    "death": "décès",
    "transfer": "transfert",
    "cancelled": "sortie annulée",
    "opposition": "opposition",
    "no_gp": "sans médecin traitant",
}
_ENGLISH = {
    "group": "Group",
    "stays": "Stays",
    "in time": "In time",
    "late": "Late",
    "never": "Never",
    "pending": "Pending",
    "share": "Share",
    "median": "Median",
    "p90": "p90",
    "day": "d",
    "leg": "Leg",
    "total": "All",
    UNKNOWN: "not stated",
    NO_LETTER: "no letter",
    "cancelled": "discharge cancelled",
    "no_gp": "no GP",
}


def to_json(report: DelayReport) -> str:
    """The shape of interface.md, accents as they are."""
    return json.dumps(report.as_json(), ensure_ascii=False, indent=2)


def to_csv(report: DelayReport) -> str:
    """One line per group and one for all, the codes of the JSON as headings (they never translate)."""
    out = io.StringIO()
    lines = [_flat(row) for row in (*report.rows, report.total)]
    writer = csv.DictWriter(out, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue()


def to_table(report: DelayReport, *, french: bool) -> RenderableType:
    """The report in at most 80 columns: figures with a bar, legs, what is counted apart, reference points."""
    words = _FRENCH if french else _ENGLISH
    parts: list[RenderableType] = [Text(_title(report, french=french), style="bold"), _figures(report, words)]
    parts += [Text(), _legs(report.total, words), Text(), *_remarks(report, words, french=french), Text()]
    parts += [_reference(reference.label, reference.share_in_time) for reference in report.references]
    return Group(*parts)


def bar(share: float | None, width: int = _BAR) -> str:
    """``share`` of ``width`` as blocks, in eighths; blank when there is nothing to show."""
    if share is None:
        return " " * width
    eighths = round(share * width * 8)
    part = " ▏▎▍▌▋▊▉"[eighths % 8] if eighths % 8 else ""
    return ("█" * (eighths // 8) + part).ljust(width, "·")


def duration(seconds: int | None, day: str = "d") -> str:
    """Two units at most, ``3 d 4 h``; ``day`` is the reader's letter for a day."""
    if seconds is None:
        return "–"
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, rest = divmod(rest, 60)
    if days:
        return f"{days} {day} {hours} h"
    if hours:
        return f"{hours} h {minutes:02}"
    return f"{minutes} min" if minutes else f"{rest} s"


def _figures(report: DelayReport, words: dict[str, str]) -> Table:
    table = Table(show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), box=None, header_style="underline")
    table.add_column(words["group"], overflow="fold", max_width=16)
    for name in ("stays", "in time", "late", "never", "pending"):
        table.add_column(words[name], justify="right")
    table.add_column(words["share"], justify="right", no_wrap=True)
    table.add_column("", no_wrap=True, width=_BAR)
    for name in ("median", "p90"):
        table.add_column(words[name], justify="right", no_wrap=True)
    for row in report.rows:
        table.add_row(*_cells(row, words))
    table.add_row(*_cells(report.total, words), style="bold")
    return table


def _cells(row: DelayRow, words: dict[str, str]) -> list[str]:
    counts = (row.stays, row.in_time, row.late, row.never_sent, row.pending)
    spread = [duration(value, words["day"]) for value in (row.taken.median_seconds, row.taken.p90_seconds)]
    name = escape(words.get(row.group, row.group))
    return [name, *map(str, counts), _percent(row.share_in_time), bar(row.share_in_time), *spread]


def _legs(total: DelayRow, words: dict[str, str]) -> Table:
    table = Table(show_edge=False, pad_edge=False, padding=(0, 2, 0, 0), box=None, header_style="underline")
    table.add_column(words["leg"], no_wrap=True)
    for name in ("median", "p90"):
        table.add_column(words[name], justify="right", no_wrap=True)
    for leg in LegName:
        spread = total.legs.get(leg, Spread())
        name = words.get(leg.value, leg.value.replace("_to_", " → "))
        table.add_row(name, *(duration(value, words["day"]) for value in (spread.median_seconds, spread.p90_seconds)))
    return table


def _remarks(report: DelayReport, words: dict[str, str], *, french: bool) -> list[Text]:
    """What the figures do not hold, and how sure they are; nothing is left out in silence."""
    total = report.total
    told = ", ".join(f"{words.get(why.value, why.value)} {total.apart.get(why, 0)}" for why in APART)
    lines = [("Comptés à part : " if french else "Counted apart: ") + told]
    remarks = (
        (
            total.letter_only,
            "stays known by their letter alone (no ADT)",
            "séjours connus par leur seule lettre (sans ADT)",
        ),
        (total.by_identity, "letters tied by identity and date", "lettres rattachées par identité et date"),
        (total.conflicts, "stays with contradictory discharge times", "séjours aux heures de sortie contradictoires"),
        (total.unmatched_letters, "letters that fit no stay", "lettres sans séjour correspondant"),
        (report.undated_letters, "letters without stay or discharge date", "lettres sans séjour ni date de sortie"),
    )
    lines += [f"{count} {in_french if french else in_english}" for count, in_english, in_french in remarks if count]
    return [Text(line) for line in lines]


def _reference(label: str, share: float) -> Text:
    return Text(f"{label:28} {_percent(share):>6} {bar(share)}", style="dim")


def _title(report: DelayReport, *, french: bool) -> str:
    start, end = report.start or "…", report.end or "…"
    if french:
        return f"Délais, règle {report.policy}, sorties du {start} au {end}"
    return f"Delays, policy {report.policy}, discharges from {start} to {end}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


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
