"""The oldest versions without a hole that would matter here (promise E9); packages below them stop the start."""

from __future__ import annotations

import pyexpat
import re
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from types import MappingProxyType

PACKAGES = MappingProxyType(
    {
        "aiosmtpd": "1.4.6",  # CVE-2024-27305, CVE-2024-34083: smuggling, commands behind STARTTLS
        "aiosmtplib": "5.1.2",  # GHSA-v3q9-hj7j-63hq, GHSA-vxj7-4xrp-5vr4: injected commands and answers
        "aioimaplib": "2.0.3",  # line ends in arguments
        "cryptography": "50.0",
        "lxml": "6.1",
    }
)
PYTHONS = MappingProxyType({(3, 11): 15, (3, 12): 13, (3, 13): 13, (3, 14): 3})
"""CVE-2026-1299, header injection; distributions carry the fix under older numbers."""
SYSTEM = MappingProxyType({"expat": "2.7.2", "sqlite": "3.51.3"})
"""Entity expansion; the WAL-reset bug, which one writing connection does not meet (gateway/queue/sqlite.py)."""


@dataclass(frozen=True, slots=True)
class TooOld:
    """Something below its floor."""

    name: str
    found: str
    least: str


def packages_too_old(version: Callable[[str], str] = metadata.version) -> list[TooOld]:
    """Packages of ours that are known to be open; ``version`` gives the installed one."""
    return list(_below(PACKAGES, {name: version(name) for name in PACKAGES}))


def system_too_old() -> list[TooOld]:
    """The same for what comes with the system, where the number may be old and the fix there all the same."""
    expat = pyexpat.EXPAT_VERSION.removeprefix("expat_")
    found = list(_below(SYSTEM, {"expat": expat, "sqlite": sqlite3.sqlite_version}))
    least = PYTHONS.get(sys.version_info[:2])
    if least is not None and sys.version_info[2] < least:
        major, minor, *_ = sys.version_info
        found.append(TooOld("python", f"{major}.{minor}.{sys.version_info[2]}", f"{major}.{minor}.{least}"))
    return found


def _below(floors: Mapping[str, str], found: Mapping[str, str]) -> Iterator[TooOld]:
    for name, least in floors.items():
        if _numbers(found[name]) < _numbers(least):
            yield TooOld(name, found[name], least)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])
