"""Gathers what changed, page by page, in a file of its own: an interruption costs one page.

First which persons changed (their own record, or one of their activities) and which organisations; then each changed
person whole, with every activity, so that what disappeared is known; then the organisations they work for.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from directory.delta.api import GonePage, Page
from directory.errors import DirectoryError
from directory.progress import Progress

FILE_NAME = "delta.db"
LONGEST = timedelta(days=30)
"""What the API can tell of; after that only whole files will do."""
COUNT = 50
"""Resources a page, the API's own most."""
_PERSONS_A_PAGE = 20
_TABLES = """
    CREATE TABLE IF NOT EXISTS gathering (since TEXT NOT NULL, began TEXT NOT NULL, phase INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS step (first TEXT PRIMARY KEY, next TEXT);
    CREATE TABLE IF NOT EXISTS person (id TEXT PRIMARY KEY);
    CREATE TABLE IF NOT EXISTS resource (kind TEXT, id TEXT, changed INTEGER, content TEXT, PRIMARY KEY (kind, id));
"""


class Api(Protocol):
    """Who is asked: gives the Bundle at an address, or raises GonePage or DirectoryError."""

    def page(self, address: str) -> Page:
        """One page."""
        ...


class Gathering:
    """One gathering, on disk; make it with :meth:`opened`."""

    def __init__(self, database: sqlite3.Connection, since: datetime, now: datetime) -> None:
        self._database = database
        database.executescript(_TABLES)
        self._now = now
        known = database.execute("SELECT since, began FROM gathering").fetchone()
        if known is None or known[0] != since.isoformat():
            self._begin(since, now)

    @classmethod
    @contextmanager
    def opened(cls, folder: Path, since: datetime, now: datetime) -> Iterator[Gathering]:
        """The gathering of what changed since ``since``: a new one, or the one that was interrupted.

        Raises :class:`DirectoryError` ``delta-too-old`` beyond what the API tells of.
        """
        if now - since > LONGEST:
            raise DirectoryError("delta-too-old", "more than 30 days to catch up: import the national files instead")
        folder.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(folder / FILE_NAME)) as database:
            yield cls(database, since, now)

    @property
    def since(self) -> datetime:
        """From when on everything that changed is gathered."""
        return datetime.fromisoformat(self._database.execute("SELECT since FROM gathering").fetchone()[0])

    @property
    def began(self) -> datetime:
        """When the first question was asked: the next delta begins there."""
        return datetime.fromisoformat(self._database.execute("SELECT began FROM gathering").fetchone()[0])

    def gather(self, api: Api, tell: Callable[[Progress], None]) -> None:
        """Ask for every page that is still missing; raises what ``api`` raises, and what came is kept."""
        while (phase := self._phase()) < 3:
            while step := self._database.execute("SELECT first, next FROM step WHERE next IS NOT NULL").fetchone():
                self._take(api, *step, phase=phase)
                tell(Progress(step="delta", rows=self._count()))
            self._next_phase(phase)

    def begin_again_before(self, moment: datetime) -> None:
        """What was gathered before ``moment`` is asked for once more."""
        if self.began < moment:
            self._begin(self.since, self._now)

    def resources(self, kind: str, *, changed: bool = False) -> Iterator[dict[str, Any]]:
        """Those of one kind; ``changed`` leaves out what was only asked for to understand others.

        Those that are no longer active come first: of two that bear one number the active one is the last word.
        """
        statement = (
            "SELECT content FROM resource WHERE kind = ? AND changed >= ? "
            "ORDER BY json_extract(content, '$.active') IS NOT 0, id"
        )
        for (content,) in self._database.execute(statement, (kind, int(changed))):
            yield json.loads(content)

    def forget(self) -> None:
        """It was taken: nothing of it is needed any more."""
        with self._database:
            for table in ("gathering", "step", "person", "resource"):
                self._database.execute(f"DELETE FROM {table}")  # noqa: S608 (own names)

    def _begin(self, since: datetime, now: datetime) -> None:
        self.forget()
        updated = f"_lastUpdated=ge{quote(since.isoformat())}&_count={COUNT}"
        with self._database:
            self._database.execute("INSERT INTO gathering VALUES (?,?,0)", (since.isoformat(), now.isoformat()))
            self._plan(f"{kind}?{updated}" for kind in ("PractitionerRole", "Practitioner", "Organization"))

    def _plan(self, addresses: Iterator[str]) -> None:
        self._database.executemany("INSERT OR IGNORE INTO step VALUES (?,?)", ((each, each) for each in addresses))

    def _phase(self) -> int:
        return int(self._database.execute("SELECT phase FROM gathering").fetchone()[0])

    def _count(self) -> int:
        statement = "SELECT (SELECT count(*) FROM resource) + (SELECT count(*) FROM person)"
        return int(self._database.execute(statement).fetchone()[0])

    def _take(self, api: Api, first: str, address: str, *, phase: int) -> None:
        """One page: what it holds and where the next one is, in one transaction."""
        try:
            page = api.page(address)
        except GonePage:
            if address == first:
                raise DirectoryError("fetch-failed", "the directory's server does not know this search") from None
            page = {"link": [{"relation": "next", "url": first}]}
        with self._database:
            for resource in _held(page):
                self._keep(resource, phase)
            self._database.execute("UPDATE step SET next = ? WHERE first = ?", (_next(page), first))

    def _keep(self, resource: dict[str, Any], phase: int) -> None:
        kind, number = str(resource.get("resourceType")), _known(resource["id"])
        if phase == 0 and kind != "Organization":
            person = number if kind == "Practitioner" else _known(reference(resource.get("practitioner")))
            if person:
                self._database.execute("INSERT OR IGNORE INTO person VALUES (?)", (person,))
            return
        values = (kind, number, int(phase == 0), json.dumps(resource))
        self._database.execute("INSERT OR IGNORE INTO resource VALUES (?,?,?,?)", values)

    def _next_phase(self, phase: int) -> None:
        with self._database:
            if phase == 0:
                ids = [number for (number,) in self._database.execute("SELECT id FROM person ORDER BY id")]
                self._plan(_asked("Practitioner", ids, "&_revinclude=PractitionerRole:practitioner"))
            if phase == 1:
                self._plan(_asked("Organization", sorted(self._missing()), ""))
            self._database.execute("UPDATE gathering SET phase = ?", (phase + 1,))

    def _missing(self) -> set[str]:
        known = {_known(one["id"]) for one in self.resources("Organization")}
        named = {_known(reference(one.get("organization"))) for one in self.resources("PractitionerRole")}
        return named - known - {""}


def reference(value: object) -> str:
    """The id that a FHIR Reference names; empty when there is none."""
    told = value.get("reference") if isinstance(value, dict) else None
    return told.rpartition("/")[2] if isinstance(told, str) else ""


def _known(number: str) -> str:
    """An id as a database keeps it."""
    return number.encode("utf-8", "replace").decode()


def _asked(kind: str, ids: list[str], more: str) -> Iterator[str]:
    for begin in range(0, len(ids), _PERSONS_A_PAGE):
        some = ",".join(quote(one) for one in ids[begin : begin + _PERSONS_A_PAGE])
        yield f"{kind}?_id={some}&_count={COUNT}{more}"


def _held(page: Page) -> Iterator[dict[str, Any]]:
    """The resources of a Bundle, without what it says about the search itself (FHIR R4 §3.1.1.5)."""
    for entry in _dicts(page.get("entry")):
        resource = entry.get("resource")
        if not isinstance(resource, dict) or resource.get("resourceType") == "OperationOutcome":
            continue
        if isinstance(resource.get("id"), str) and resource["id"]:
            yield resource


def _next(page: Page) -> str | None:
    urls = [link.get("url") for link in _dicts(page.get("link")) if link.get("relation") == "next"]
    return next((url for url in urls if isinstance(url, str)), None)


def _dicts(values: object) -> list[dict[str, Any]]:
    return [one for one in values if isinstance(one, dict)] if isinstance(values, list) else []
