"""How long the report of a million stays takes: ``python tests/bench/bench_delays.py [STAYS]``.

Invented stays only: numbers for keys, random times. Nothing is asserted here; the figures are for docs/performance.md.
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, create_engine, insert
from sqlmodel import SQLModel

from gateway.delays.charts import Chart, charts
from gateway.delays.clock import EIGHT_DAYS, SAME_DAY, SAME_WORKING_DAY, legal_day
from gateway.delays.figures import By, DelayReport
from gateway.delays.lists import late, missing
from gateway.delays.measure import Question, measured
from gateway.delays.page import to_html, to_pdf
from gateway.delays.report import answer, report
from gateway.delays.tables import clock, stay, timing
from gateway.delays.trends import trends
from gateway.delays.way import Column, Flag, pack
from gateway.delays.words import Words, words

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)


def invented(stays: int, *, seed: int = 8) -> Iterator[dict[str, object]]:
    """Lines of ``timing`` as a country's year might leave them: one in five never sent, one in twelve apart."""
    dice = random.Random(seed)  # noqa: S311 - invented stays need no secret
    for number in range(stays):
        left = NOW - timedelta(seconds=dice.randrange(365 * 86_400))
        written = left + timedelta(seconds=int(dice.expovariate(1 / 300_000)))
        taken = written + timedelta(seconds=int(dice.expovariate(1 / 9_000)))
        sent = taken + timedelta(seconds=dice.randrange(1, 90)) if dice.random() > 0.2 else None
        is_known = sent is not None and sent < NOW
        flags = Flag.ADT | Flag.CONFLICT if dice.random() < 0.01 else Flag.ADT
        moments = {Column.STARTED: left}
        if sent is not None and is_known:
            delivered = sent + timedelta(seconds=dice.randrange(2, 600))
            moments |= {Column.WRITTEN: written, Column.RECEIVED: taken, Column.SEALED: sent, Column.SENT: sent}
            moments |= {Column.DELIVERED: delivered, Column.READ: delivered + timedelta(hours=dice.randrange(1, 99))}
        day = legal_day(left).toordinal()
        yield {
            "key": f"{number:032x}",
            "subject": "stay",
            "letter_id": f"{number:026d}" if is_known else None,
            "hospital": "750000001",
            "unit": f"{dice.randrange(200):04d}",
            "kind": "11490-0" if is_known else None,
            "matched": "visit" if is_known else None,
            "adt": True,
            "conflict": Flag.CONFLICT in flags,
            "apart": "death" if dice.random() < 0.08 else None,
            "started_at": left,
            "started_day": day,
            "sent_at": sent if is_known else None,
            "way": pack(flags, day, moments),
        }


def fill(connection: Connection, stays: int) -> None:
    """Write them, ten thousand at a time, with a stay for each and some letters nobody can date."""
    lines = invented(stays)
    while rows := list(islice(lines, 10_000)):
        connection.execute(insert(timing), rows)
        connection.execute(
            insert(stay),
            [
                {
                    "key": row["key"],
                    "hospital": row["hospital"],
                    "first_at": row["started_at"],
                    "conflict": False,
                    "cancelled": False,
                    "details": bytes(300),
                }
                for row in rows
            ],
        )


def timed(name: str, work: Callable[[], object]) -> None:
    """Print how long ``work`` took."""
    begun, used = time.perf_counter(), time.process_time()
    work()
    print(f"{name:28} {time.process_time() - used:6.2f} s of CPU, {time.perf_counter() - begun:6.2f} s by the wall")


def page(connection: Connection) -> tuple[DelayReport, tuple[Chart, ...], Words]:
    """What `huitaine delays report --format html` draws its page from."""
    question = Question(policy=EIGHT_DAYS, now=NOW, shared=True)
    cohorts = measured(connection, question)
    french = words(french=True)
    return answer(connection, question, cohorts), charts(trends(cohorts, NOW), french), french


def main(stays: int) -> None:
    """Fill a database in a temporary folder and report on it in every way."""
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{Path(folder) / 'bench.db'}")
        SQLModel.metadata.create_all(engine, tables=[timing, stay, clock])
        with engine.begin() as connection:
            timed(f"fill {stays}", lambda: fill(connection, stays))
        with engine.connect() as connection:
            for by in By:
                timed(f"report by {by}", lambda by=by: report(connection, policy=EIGHT_DAYS, by=by, now=NOW))
            for policy in (SAME_DAY, SAME_WORKING_DAY):
                timed(f"report, {policy.name}", lambda policy=policy: report(connection, policy=policy, now=NOW))
            since = NOW - timedelta(days=30)
            for days in (0, 2):
                asked = {"within_days": days, "now": NOW, "sent_since": since}
                timed(f"late --within {days}", lambda asked=asked: late(connection, policy=EIGHT_DAYS, **asked))
            timed("html, with its pictures", lambda: to_html(*page(connection)))
            timed("pdf, with its pictures", lambda: to_pdf(*page(connection)))
            timed("missing", lambda: missing(connection, policy=EIGHT_DAYS, now=NOW))
        engine.dispose()
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
