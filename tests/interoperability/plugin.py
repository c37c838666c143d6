"""Writes the tests marked ``cell(table, row, column)`` into docs/interoperability.md: ``pytest -p … --matrix FILE``.

The run fails when a cell that was good in the page before is not good any more.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from tests.interoperability import forms
from tests.peers.unpacked import FOLDER

GOOD, BAD, UNTRIED = "yes", "**no**", "not tried"
_BAD = {BAD, UNTRIED, "-"}
_INTRODUCTION = """\
# What Huitaine works with

Each cell is a test against the real program, on loopback, with its own configuration: `make peers` runs them, writes
this page anew and ends with an error when a cell got worse. Last run: {day}.

{versions}
"""
_NOTES = """\
## Notes

- OpenSMTPD of Debian 12 cannot answer a TLS handshake itself (it and OpenSSL 3: its issue 1171), so a stunnel stands
  before it and the gateway speaks TLS from the first byte. As a client its TLS works.
- A mail that a server takes for a mailbox behind LMTP is confirmed as `relayed`: the gateway then knows that it will
  hear no more, and says no more than that.
- HUITAINE_PICTURES names a folder for the pictures of Thunderbird's window.
"""
_PROGRAMS = {
    "Postfix": ["postconf", "-dh", "mail_version"],
    "Exim": [str(FOLDER / "usr/sbin/exim4"), "-bV"],
    "OpenSMTPD": [str(FOLDER / "usr/sbin/smtpd"), "-h"],
    "Dovecot": ["dovecot", "--version"],
    "swaks": ["swaks", "--version"],
    "neomutt": ["neomutt", "-v"],
    "Thunderbird": ["thunderbird", "--version"],
    "OpenSSL": ["openssl", "version"],
    "GnuPG": ["gpg", "--version"],
    "NSS": ["dpkg-query", "--show", "--showformat=${Version}", "libnss3-tools"],
    "ldapsearch": ["ldapsearch", "-VV"],
    "curl": ["curl", "--version"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One thing tried with one program."""

    table: str
    row: str
    column: str
    outcome: str


class Matrix:
    """Collects the cells of a run."""

    def __init__(self, page: Path) -> None:
        self.page, self.cells = page, list[Cell]()
        self._before = _told(page.read_text(encoding="utf-8")) if page.exists() else {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
        report = yield
        marker = item.get_closest_marker("cell")
        if marker and (call.when == "call" or (call.when == "setup" and not report.passed)):
            told = marker.kwargs.get("told", GOOD)
            outcome = {"passed": told, "failed": BAD, "skipped": UNTRIED}[report.outcome]
            table, row, column = marker.args
            self.cells.append(Cell(table=table, row=row, column=column, outcome=outcome))
        return report

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        now = self._now()
        worse = [key for key, told in self._before.items() if told not in _BAD and now.get(key, BAD) in _BAD]
        self.page.write_text(self.text(), encoding="utf-8")
        for table, row, column in worse:
            print(f"\nworse than before: {table}, {row}: {column}")
        if worse:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def text(self) -> str:
        """The whole page."""
        tables = [forms.TABLE, *dict.fromkeys(cell.table for cell in self.cells if cell.table != forms.TABLE)]
        versions = "Versions: " + ", ".join(f"{name} {_version(name)}" for name in _PROGRAMS) + "."
        parts = [_INTRODUCTION.format(day=date.today().isoformat(), versions=versions)]  # noqa: DTZ011 (a day to read)
        return "\n".join([*parts, *map(self._table, tables), _NOTES])

    def _now(self) -> dict[tuple[str, str, str], str]:
        found = {(forms.TABLE, *place): told for place, told in forms.DOCUMENTED.items()}
        for cell in self.cells:
            key = (cell.table, cell.row, cell.column)
            found[key] = found[key] if found.get(key) in {BAD, UNTRIED} else cell.outcome
        return found

    def _table(self, table: str) -> str:
        mine = [cell for cell in self.cells if cell.table == table]
        rows, columns = (list(dict.fromkeys(getattr(cell, name) for cell in mine)) for name in ("row", "column"))
        if table == forms.TABLE:
            rows, columns = list(forms.ROWS), list(forms.CLIENTS)
        now = self._now()
        lines = [f"## {table}", "", f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
        lines += [f"| {row} | {' | '.join(now.get((table, row, column), '-') for column in columns)} |" for row in rows]
        return "\n".join([*lines, "", *([forms.NOTES] if table == forms.TABLE else [])])


def _told(page: str) -> dict[tuple[str, str, str], str]:
    """The cells of a page as it was."""
    found: dict[tuple[str, str, str], str] = {}
    table, columns = "", list[str]()
    for line in page.splitlines():
        if line.startswith("## "):
            table, columns = line[3:], []
        elif line.startswith("|") and not line.startswith("|---"):
            first, *cells = [cell.strip() for cell in line.strip("|").split("|")]
            if not columns:
                columns = cells
            else:
                found |= {(table, first, column): told for column, told in zip(columns, cells, strict=False)}
    return found


def _version(name: str) -> str:
    command = _PROGRAMS[name]
    if not shutil.which(command[0], path="/usr/sbin:/usr/bin:/bin") and not Path(command[0]).exists():
        return "(absent)"
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    found = re.search(r"\d+\.\d[\w.]*|\b20\d{6}[\w.]*", done.stdout + done.stderr)
    return found[0] if found else "?"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--matrix", type=Path, help="the page to write")


def pytest_configure(config: pytest.Config) -> None:
    if page := config.getoption("--matrix"):
        config.pluginmanager.register(Matrix(page), "matrix")
