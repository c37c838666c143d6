"""One look at everything that can go wrong in silence; the hot path only ever counts."""

from __future__ import annotations

import asyncio
import math
import shutil
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from config.sections import Alarms
from directory import Directory
from gateway.errors import HuitaineError
from gateway.queue import answers, queries, watching
from gateway.queue.store import Store
from gateway.service.alarms.board import Board, Measure
from gateway.service.alarms.ends import End, Ends
from gateway.service.alarms.incidents import ADDRESSEES_UNCHECKED, OPENINGS_FAIL, SIGNERS_UNCHECKED, Incidents
from gateway.service.alarms.pulse import WINDOW, Pulse, Recent
from gateway.service.road.trouble import directory_trouble

_DAY = timedelta(days=1)
LOST = ("lease-lost", "lease-taken-over")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the database says."""

    waits: float = 0.0
    held: float = 0.0
    unplanned: float = 0.0
    answers: float = 0.0
    still: float = 0.0
    deferred: Mapping[str, int] = field(default_factory=dict)
    fresh: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Watch:
    """The alarms of one running gateway: :meth:`look` now and then, or :meth:`watch` for good."""

    store: Store
    directory: Directory
    ends: Ends
    limits: Alarms
    letters_wait: timedelta
    folder: Path
    fallen: Callable[[], int]
    """How many reading children fell since the start."""
    list_needed: bool
    directory_stale: timedelta
    """National files older than this are an alarm."""
    clock: Callable[[], datetime]
    incidents: Incidents = field(default_factory=Incidents)
    board: Board = field(default_factory=Board)
    organisations: Collection[str] = ()
    """Domains whose one certificate stands for all their mailboxes."""
    pulse: Pulse = field(default_factory=Pulse)
    failing: Counter[str] = field(default_factory=Counter)
    """Rounds whose last run failed, with how often in a row."""
    measures: Sequence[Measure] = ()
    """The figures of the last look."""
    _found: Found = field(default_factory=Found)
    _shared: Sequence[str] = ()
    """Addressees' keys that are somebody else's, too."""
    _as_of: datetime | None = None
    """As of when the national files are, where there are any."""
    _seq: int = -1
    _before: Mapping[str, int] = field(default_factory=dict)
    """What had happened since the start at the look before."""
    _events: dict[str, Recent] = field(default_factory=dict)

    async def look(self) -> None:
        """One look; the database is asked in a thread: the loop does not wait for it.

        A database or directory that cannot be asked silences no other alarm: its last figures stay, and the error goes
        on to the round, whose failures are an alarm of their own.
        """
        self._found = replace(self._found, fresh={})
        try:
            self._found = await asyncio.to_thread(self._ask)
            self._shared, self._as_of = await asyncio.to_thread(self._ask_directory)
        finally:
            self._count(self._found)
            self.measures = [*self._of_letters(self._found), *self._of_the_process(), *self._of_keys()]
            self.board.take(self.measures)

    def round_ended(self, name: str, *, well: bool) -> None:
        """A piece of regular work was done, or failed."""
        if well:
            self.failing.pop(name, None)
        else:
            self.failing[name] += 1

    def _ask(self) -> Found:
        now = self.clock()
        with self.store.reading() as connection:
            seq, at = watching.journal_head(connection)
            fresh = watching.journaled_since(connection, self._seq) if self._seq >= 0 else {}
            waits = _age(now, queries.oldest_due(connection))
            found = Found(
                waits=waits,
                held=_age(now, watching.oldest_held(connection)),
                unplanned=_age(now, queries.unplanned(connection)[1]),
                answers=_age(now, answers.oldest_waiting(connection)),
                still=min(waits, _age(now, at)),
                deferred=watching.deferred_by_status(connection),
                fresh=fresh,
            )
        self._seq = seq
        return found

    def _ask_directory(self) -> tuple[Sequence[str], datetime | None]:
        with directory_trouble():
            return self.directory.keys_of_another(self.organisations), self.directory.as_of()

    def _count(self, found: Found) -> None:
        since_start = {"readers-restart": self.fallen(), **self.incidents.times()}
        news = {
            "ambiguous": found.fresh.get("ambiguous", 0),
            "leases-lost": sum(found.fresh.get(kind, 0) for kind in LOST),
            "sender-untold": found.fresh.get("untold", 0),
            **{code: times - self._before.get(code, 0) for code, times in since_start.items()},
        }
        self._before = since_start
        for code, number in news.items():
            recent = self._events.setdefault(code, Recent(self.limits.recent_minutes * 60))
            if number:
                recent.add(number)

    def _of_letters(self, found: Found) -> Iterator[Measure]:
        limits = self.limits
        yield Measure(code="letters-wait", value=found.waits, limit=self.letters_wait.total_seconds())
        yield Measure(code="letters-held", value=found.held, limit=limits.held_hours * 3600)
        yield Measure(code="letters-unplanned", value=found.unplanned, limit=limits.unplanned_minutes * 60)
        yield Measure(code="answers-wait", value=found.answers, limit=limits.answers_minutes * 60)
        yield Measure(code="journal-still", value=found.still, limit=limits.still_minutes * 60)
        for status, number in sorted(found.deferred.items(), key=lambda item: -item[1]):
            yield Measure(code="deferred", value=number, limit=limits.deferred, which=status)

    def _of_the_process(self) -> Iterator[Measure]:
        limits = self.limits
        for code, most in (
            ("ambiguous", limits.ambiguous),
            ("sender-untold", 0),
            ("leases-lost", limits.leases_lost),
            ("readers-restart", limits.readers),
            (ADDRESSEES_UNCHECKED, limits.unchecked),
            (SIGNERS_UNCHECKED, limits.unchecked),
            (OPENINGS_FAIL, limits.openings),
        ):
            yield Measure(code=code, value=self._events[code].total(), limit=most)
        slowest = commit_p99(self.store.commit_times(), self.pulse.window)
        yield Measure(code="commits-slow", value=slowest, limit=limits.commit_seconds)
        yield Measure(code="loop-lags", value=self.pulse.late.worst(), limit=limits.loop_seconds)
        usage = shutil.disk_usage(self.folder)
        yield Measure(code="disk-low", value=usage.free / usage.total, limit=limits.free_share, least=True)
        for name, times in self.failing.items():
            yield Measure(code="round-failed", value=times, limit=limits.rounds, which=name)

    def _of_keys(self) -> Iterator[Measure]:
        limits = self.limits
        shared = self._shared
        yield Measure(code="key-of-another", value=len(shared), limit=0, which=next(iter(shared), ""))
        yield from self._days("certificate-ends", self.ends.certificates(), limits.certificate_days)
        yield from self._days("crl-ends", self.ends.lists(), limits.crl_days)
        if self.list_needed:
            yield Measure(code="white-list-old", value=self._list_days(), limit=limits.white_list_days)
        if self._as_of:
            days = (self.clock() - self._as_of) / _DAY
            yield Measure(code="directory-old", value=days, limit=self.directory_stale / _DAY)

    def _days(self, code: str, ends: Sequence[End], least: float) -> Iterator[Measure]:
        for end in sorted(ends, key=lambda end: end.at):
            days = (end.at - self.clock()) / _DAY
            yield Measure(code=code, value=days, limit=least, least=True, which=end.name)

    def _list_days(self) -> float:
        """Since the white list was made by its authority; without one, for ever."""
        try:
            with directory_trouble():
                made = self.directory.white_list.generated_at
        except HuitaineError:
            made = None
        return (self.clock() - made) / _DAY if made else math.inf


def commit_p99(times: Sequence[tuple[float, float]], window: float = WINDOW) -> float:
    """Seconds that 99 of 100 commits within ``window`` took at most; the slowest, when there were fewer."""
    since = time.monotonic() - window
    recent = sorted(seconds for began, seconds in times if began + seconds >= since)
    return recent[min(len(recent) - 1, math.ceil(len(recent) * 0.99) - 1)] if recent else 0.0


def _age(now: datetime, since: datetime | None) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0
