"""What the demonstration shows: each opened letter, each letter's road, and the report on delays."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from config.settings import Settings
from demo.gp import Opened
from gateway.delays.clock import policy_named
from gateway.delays.figures import By
from gateway.delays.render import to_json, to_table
from gateway.delays.report import report
from gateway.moments import utc_now
from gateway.queue import queries
from gateway.queue.sqlite import open_reader


def show_opened(opened: list[Opened], console: Console) -> None:
    """One line per letter: who read it, how it was protected, what was inside."""
    for each in opened:
        layers = " < ".join(layer.kind for layer in each.mail.layers)
        files = ", ".join(part.name or part.media_type for part in each.mail.parts)
        console.print(f"  {each.mailbox:<24} {layers}, signature verified", soft_wrap=True)
        console.print(f"  {'':<24} {files}", soft_wrap=True)


def show_letters(settings: Settings, console: Console) -> None:
    """The road of each letter as the journal tells it."""
    engine = open_reader(settings.gateway.data / "huitaine.db")
    with engine.connect() as connection:
        for letter in reversed(queries.letters(connection, queries.Wanted())):
            kinds = [row["kind"] for row in queries.trace(connection, letter["id"]) if row["kind"] != "decided"]
            steps = " → ".join(dict.fromkeys(kinds))
            console.print(f"  {letter['id']}  {letter['door']:<6} {steps}", soft_wrap=True)
    engine.dispose()


def write_report(settings: Settings, folder: Path, console: Console) -> Path:
    """The delay report on the terminal, and as JSON in a file."""
    engine = open_reader(settings.gateway.data / "huitaine.db")
    with engine.connect() as connection:
        told = report(connection, policy=policy_named("8-days"), start=None, end=None, by=By.SERVICE, now=utc_now())
    engine.dispose()
    console.print(to_table(told, french=False))
    path = folder / "report.json"
    path.write_text(to_json(told), encoding="utf-8")
    return path
