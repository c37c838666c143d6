"""The lists of `huitaine delays` as tables of 80 columns, a small bar per row: how much of its time is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from gateway.delays.clock import PARIS, Verdict
from gateway.delays.conflicts import Conflict
from gateway.delays.lists import OwedLetter
from gateway.delays.render import bar
from gateway.delays.words import Words
from gateway.service.clock.stay_names import StayName

_BAR = 6
_NAMED = ("Stay", "Patient", "Born", "Service", "Discharge")
_COLOURS = {Verdict.LATE: "red", Verdict.NEVER_SENT: "red", Verdict.PENDING: "yellow", Verdict.IN_TIME: "green"}


def owed_table(found: Sequence[OwedLetter], title: str, words: Words) -> Table:
    """One line for each letter or stay; a letter's id is whole, so that it can be copied."""
    table = Table(title=f"{title} ({len(found)})", show_edge=False, pad_edge=False, box=None, title_justify="left")
    french = words.language == "fr"
    has_letters = any(one.letter for one in found)
    table.add_column("Lettre" if french else "Letter" if has_letters else "", no_wrap=True)
    table.add_column(words.heads["service"], overflow="fold", max_width=16)
    for name in ("Sortie", "Échéance") if french else ("Discharge", "Deadline"):
        table.add_column(name, no_wrap=True)
    table.add_column("", no_wrap=True, width=_BAR)
    table.add_column("Reste" if french else "Left", justify="right", no_wrap=True)
    for one in found:
        colour = _COLOURS[one.verdict]
        left = ("−" if one.seconds_left < 0 else "") + words.duration(abs(one.seconds_left))
        marks = [words.page[name] for name in ("urgent", "posted") if getattr(one, name)]
        service = "\n".join((escape(one.unit or one.hospital), *marks))
        used = Text(bar(one.share_used, _BAR), style=colour)
        table.add_row(one.letter or "", service, _day(one.discharged_at), _day(one.deadline), used, left)
    return table


def named_table(found: Sequence[OwedLetter], names: Mapping[str, StayName], title: str, *, french: bool) -> Table:
    """Whose letter is missing, as the hospital's own software finds him; a name that is gone is left blank."""
    table = Table(title=f"{title} ({len(found)})", show_edge=False, pad_edge=False, box=None, title_justify="left")
    for head in ("Séjour", "Patient", "Né le", "Service", "Sortie") if french else _NAMED:
        table.add_column(head, overflow="fold")
    for one in found:
        name = names.get(one.stay, StayName())
        who = (name.visit or name.file_number, f"{name.family} {name.given}".strip(), name.birth_date)
        table.add_row(*map(escape, who), escape(one.unit or one.hospital), _day(one.discharged_at))
    return table


def conflicts_table(found: Sequence[Conflict], *, french: bool) -> Table:
    """The four candidate times of each stay side by side; the one that is believed stands out."""
    title = f"Heures de sortie contradictoires ({len(found)})" if french else f"Contradictory discharges ({len(found)})"
    table = Table(title=title, show_edge=False, pad_edge=False, box=None, title_justify="left")
    table.add_column("Service", overflow="fold", max_width=14)
    for name in ("Entrée" if french else "Admission", *Conflict.CANDIDATES):
        table.add_column(name, no_wrap=True)
    for one in found:
        told = [Text(_day(at), style="bold" if field == one.told_by else "") for field, at in one.candidates.items()]
        table.add_row(escape(one.unit or one.hospital), _day(one.admitted_at), *told)
    return table


def _day(at: datetime | None) -> str:
    return "–" if at is None else at.astimezone(PARIS).strftime("%d/%m %H:%M")
