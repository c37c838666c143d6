"""What a domain says about TLS at its mail hosts: the MTA-STS record and policy (RFC 8461 §3), pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

LARGEST = 64 * 1024
"""Bytes of a policy that are read; RFC 8461 §3.3 lets us stop somewhere."""
MOST_PATTERNS = 100
LONGEST = timedelta(seconds=31_557_600)
"""RFC 8461 §3.2: about a year."""

_RECORD = re.compile(r"v=STSv1[ \t]*;(?:.*;)?[ \t]*id[ \t]*=[ \t]*([A-Za-z0-9]{1,32})[ \t]*(?:;.*)?")
_PATTERN = re.compile(r"(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.?")


class BadPolicy(ValueError):
    """What came is no policy."""


class StsMode(StrEnum):
    """What a sender does with a host that does not fit."""

    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class StsPolicy:
    """One domain's policy: which hosts may take its mail, and for how long this may be believed."""

    mode: StsMode
    max_age: timedelta
    mx: tuple[str, ...] = ()

    def permits(self, host: str) -> bool:
        """Whether the host fits a pattern; ``*`` stands for exactly one label (RFC 8461 §4.1)."""
        name = host.lower().removesuffix(".")
        return any(name == pattern or pattern == f"*.{name.partition('.')[2]}" for pattern in self.mx)


def record_id(texts: Iterable[str]) -> str | None:
    """The id of the one ``v=STSv1`` record; ``None`` when there is none, or more than one, or it is malformed."""
    records = [text for text in texts if re.match(r"v=STSv1[ \t]*;", text)]
    found = _RECORD.fullmatch(records[0].strip()) if len(records) == 1 else None
    return found[1] if found else None


def read_policy(text: str) -> StsPolicy:
    """The policy file; raises ``BadPolicy``. Keys it does not know are passed over, of twice the first counts."""
    pairs = [(key.strip(), value.strip()) for key, _, value in (line.partition(":") for line in _lines(text))]
    said: dict[str, str] = {}
    for key, value in pairs:
        said.setdefault(key, value)
    if said.get("version") != "STSv1":
        raise BadPolicy("not STSv1")
    try:
        mode, age = StsMode(said.get("mode", "")), _seconds(said.get("max_age", ""))
    except ValueError as error:
        raise BadPolicy("no mode or no max_age") from error
    patterns = tuple(value.lower().removesuffix(".") for key, value in pairs if key == "mx")
    if len(patterns) > MOST_PATTERNS or not all(map(_PATTERN.fullmatch, patterns)):
        raise BadPolicy("an mx that is no host or pattern")
    if not patterns and mode is not StsMode.NONE:
        raise BadPolicy("no mx")
    return StsPolicy(mode=mode, max_age=min(age, LONGEST), mx=patterns)


def _lines(text: str) -> list[str]:
    return [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()]


def _seconds(text: str) -> timedelta:
    if not (text.isascii() and text.isdecimal() and len(text) <= 10):
        raise BadPolicy("max_age is no number of seconds")
    return timedelta(seconds=int(text))
