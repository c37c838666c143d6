"""Promise A1: between the last byte of a letter and its 250 lies a completed fdatasync of the log, seen by strace."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.campaign import Plan, scene
from tests.faults.process import HONEST

NO_SYNC = ("-m", "tests.faults.broken.less_sync", "OFF")
_CALLS = "trace=fdatasync,fsync,sendto,recvfrom"
_LINE = re.compile(
    r"(?P<pid>\d+) +(?:<\.\.\. (?P<resumed>\w+) resumed>|(?P<call>\w+)\((?P<fd>\d+)<(?P<path>[^>]*)>)"
    r'(?:, "(?P<said>(?:[^"\\]|\\.)*)")?.*?'
    r"(?P<end><unfinished \.\.\.>|= (?P<result>-?\d+)[^=]*)$"
)
_YES = len("250 2.0.0 Queued as \r\n") + 26 + 22
"""A ULID inside, one TLS 1.3 record around (header 5, content type 1, tag 16); no other reply is as long."""
_ACKNOWLEDGEMENT = r"\vMSH"
"""How strace shows the first four octets of a block of MLLP, which is in clear."""


@dataclass(frozen=True, slots=True)
class Call:
    """A system call from the line where it began to the line where it was over."""

    name: str
    place: str
    said: str
    result: int
    began: int
    ended: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """How many 250 were seen, and at which lines of the trace one came without a sync before it."""

    answers: int
    violations: list[int]


async def watch(folder: Path, *, letters: int, mllp: int = 0, entry: Sequence[str] = HONEST) -> Watched:
    """Hand ``letters`` in to a gateway under strace, and look at what it did in which order.

    Over four connections of SMTP, and ``mllp`` of MLLP.
    """
    trace = folder / "trace"
    before = ["strace", "-f", "-y", "-s", "4", "-e", _CALLS, "-o", str(trace)]
    async with scene(folder, Plan(entry=entry, cut=0, smtp=4, mllp=mllp), before=before) as here:
        await here.hospital.hand_in(letters)
        here.gateway.stop()
    return examine(trace.read_text(errors="replace").splitlines(), here.place.database.name)


def examine(lines: Sequence[str], database: str) -> Watched:
    """Compare the place of each 250 with the places of the syncs of ``database``'s log."""
    syncs: list[Call] = []
    last_read: dict[str, int] = {}
    answers, violations = 0, []
    for call in calls(lines):
        if call.name in {"fdatasync", "fsync"} and call.place.endswith(f"{database}-wal") and call.result == 0:
            syncs.append(call)
        elif call.name == "recvfrom" and call.result > 0:
            last_read[call.place] = call.ended
        elif call.name == "sendto" and (call.result == _YES or call.said == _ACKNOWLEDGEMENT):
            answers += 1
            since = last_read.get(call.place, 0)
            if not any(since < sync.began and sync.ended < call.began for sync in reversed(syncs[-50:])):
                violations.append(call.began)
    return Watched(answers=answers, violations=violations)


def calls(lines: Sequence[str]) -> Iterator[Call]:
    """The calls of a trace in the order in which they ended; one that never did is not told."""
    open_calls: dict[str, tuple[str, str, str, int]] = {}
    for number, line in enumerate(lines):
        found = _LINE.match(line)
        if not found:
            continue
        if found["call"]:
            place, said = f"{found['fd']}<{found['path']}", found["said"] or ""
            if found["result"] is None:
                open_calls[found["pid"]] = (found["call"], place, said, number)
            else:
                yield Call(found["call"], place, said, int(found["result"]), number, number)
        elif begun := open_calls.pop(found["pid"], None):
            yield Call(*begun[:3], int(found["result"] or -1), begun[3], number)
