"""The report as one page: HTML with its pictures inside, and the same on paper; nothing is fetched from anywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from gateway.delays.charts import Chart
from gateway.delays.clock import PARIS
from gateway.delays.figures import DelayReport, DelayRow, LegName, Spread
from gateway.delays.render import apart, few, notes
from gateway.delays.words import Words

Said = dict[str, Any]  # Any: what a template is filled with, the same as JSON

_UNDRAWN = re.compile("[^ -~\u00a0-\u04ff\u1e00-\u2040\u2044-\u2052\u2190-\u21ff\u2126-\u2151]")


def to_html(report: DelayReport, charts: Sequence[Chart], words: Words) -> str:
    """One file that opens without a network: no script, style, font or picture outside of it."""
    return str(_html().render(**_said(report, words), charts=charts))


def to_pdf(report: DelayReport, charts: Sequence[Chart], words: Words) -> bytes:
    """The same for paper: PDF/A-2b, A4."""
    import typst  # noqa: PLC0415 - 30 MB that other formats do not need

    said = _said(report, words) | {"charts": [_drawn(chart) for chart in charts]}
    data = _UNDRAWN.sub("?", json.dumps(said, ensure_ascii=False))
    template = _template("report.typ").encode()
    made = typst.compile(template, sys_inputs={"data": data}, pdf_standards="a-2b", ignore_system_fonts=True)
    return bytes(made)


def _said(report: DelayReport, words: Words) -> Said:
    of_results = report.policy == "lab-results"
    page, made = dict(words.page), report.generated_at.astimezone(PARIS)
    return {
        "language": words.language,
        "title": page["results_title" if of_results else "title"],
        "period": page["period"].format(start=_day(report.start, words), end=_day(report.end, words)),
        "rule": f"{report.policy} – {words.policies.get(report.policy, report.source)}",
        "day": [made.year, made.month, made.day],
        "made": _moment(report.generated_at, words),
        "is_told": report.is_told and bool(report.total.stays),
        "shared": page["shared"] if report.shared else "",
        "words": page,
        "tiles": _tiles(report.total, words),
        "heads": [words.heads[name] for name in ("stays", "in_time", "late", "never_sent", "pending", "share")],
        "spread_heads": [words.heads["median"], words.heads["p90"]],
        "by": words.heads[report.by.value],
        "leg": words.heads["leg"],
        "rows": [_row(row, words) for row in report.rows],
        "total": _row(report.total, words),
        "legs": _legs(report.total, words),
        "apart": apart(report, words),
        "notes": notes(report, words),
        "references": [(words.reference(one.label), words.percent(one.share_in_time, 1)) for one in report.references],
    }


def _tiles(total: DelayRow, words: Words) -> list[tuple[str, str]]:
    return [
        (words.percent(total.share_in_time, 1), words.page["share"]),
        (few(total.stays, words), words.page["stays"]),
        (few(total.late, words), words.page["late"]),
        (few(total.never_sent, words), words.page["never_sent"]),
        (few(total.pending, words), words.page["pending"]),
        (words.duration(total.taken.median_seconds), words.page["median"]),
    ]


def _row(row: DelayRow, words: Words) -> Said:
    counts = (row.stays, row.in_time, row.late, row.never_sent, row.pending)
    return {
        "group": words.group(row.group),
        "counts": [few(count, words) for count in counts],
        "share": words.percent(row.share_in_time, 1),
        "width": None if row.share_in_time is None else round(100 * row.share_in_time, 1),
        "spread": [words.duration(row.taken.median_seconds), words.duration(row.taken.p90_seconds)],
    }


def _legs(total: DelayRow, words: Words) -> list[tuple[str, str, str]]:
    spreads = ((leg, total.legs.get(leg, Spread())) for leg in LegName)
    return [
        (words.legs[leg.value], words.duration(one.median_seconds), words.duration(one.p90_seconds))
        for leg, one in spreads
    ]


def _day(day: Any, words: Words) -> str:  # noqa: ANN401 (a date or nothing)
    if day is None:
        return "…"
    return f"{day:%d/%m/%Y}" if words.language == "fr" else f"{day:%Y-%m-%d}"


def _moment(at: datetime, words: Words) -> str:
    local = at.astimezone(PARIS)
    return f"{_day(local.date(), words)} {local:%H:%M}"


def _drawn(chart: Chart) -> dict[str, str]:
    return {"svg": chart.svg, "title": chart.title, "caption": chart.caption}


@cache
def _html() -> Any:  # noqa: ANN401 (jinja2's template)
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_template("report.html"))


@cache
def _template(name: str) -> str:
    return files("gateway.delays").joinpath(name).read_text(encoding="utf-8")
