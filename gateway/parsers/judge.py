"""hl7apy as the judge of a message (design.md, decision 9): a second opinion for ``huitaine check --strict``.

Its traps are fenced here. It knows segments by CR alone; it may raise anything (on PRT in 2.6, on components of TXA-2)
at any level but the tolerant one, sometimes there too; ``validate`` raises at the first error and writes its list only
to a file, whose lines quote the message: so the file is one in memory. It warns about every value that the French
extensions add to the tables of HL7; those are left out.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator

from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.exceptions import HL7apyException
from hl7apy.parser import parse_message

from gateway.document import Finding
from gateway.parsers.charsets import decode
from gateway.parsers.remarks import note, warning

MOST = 1024 * 1024
"""Parsing costs seconds for a message larger than this."""
_MOST_LINES = 50
_TABLE = re.compile(r"Value (?P<value>.*) not in table HL7(?P<table>\d{4}) in element (?P<element>\S+)", re.DOTALL)
_RULE = re.compile(
    r"(?:Missing required child|Child limit exceeded|Exceeded max length \(\d+\) of|Datatype \w+ is not correct for) "
    r"(?P<element>[A-Z0-9_.]+)(?: \(it must be [\w\[\]', ]+\))?"
)
_FRENCH_TABLES = frozenset({"0003", "0076", "0125", "0130", "0203", "0270", "0301", "0354", "0396", "0445"})
"""Tables that PAM.fr and CI-SIS extend (Z99, CWE, INS, RPPS, VALI, the JDV): their values are no deviation here."""


def judge(content: bytes) -> tuple[Finding, ...]:
    """What hl7apy holds against an HL7 v2 message; never raises, and never refuses a letter."""
    if len(content) > MOST:
        return (note("hl7apy-unable", "file", f"more than {MOST >> 20} MB: hl7apy was not asked"),)
    text = re.sub(r"\r\n|\n", "\r", decode(content).text.strip("\x0b\x1c\r\n \ufeff")) + "\r"
    try:
        return tuple(_findings(_report(text)))
    except RecursionError:
        return (note("hl7apy-unable", "file", "hl7apy cannot judge this message (RecursionError)"),)
    except Exception as trap:  # noqa: BLE001  # a judge who falls over says nothing about the message
        return (note("hl7apy-unable", "file", f"hl7apy cannot judge this message ({type(trap).__name__})"),)


def _report(text: str) -> list[str]:
    """The lines of its report, from a file that is never on a disk."""
    message = parse_message(text, validation_level=VALIDATION_LEVEL.TOLERANT)
    descriptor = os.memfd_create("hl7apy")
    try:
        with contextlib.suppress(HL7apyException):  # the first error again, which the report has too
            message.validate(report_file=f"/proc/self/fd/{descriptor}")
        os.lseek(descriptor, 0, os.SEEK_SET)
        with os.fdopen(os.dup(descriptor), encoding="utf-8", errors="replace") as report:
            return list(dict.fromkeys(report.read().splitlines()))
    finally:
        os.close(descriptor)


def _findings(lines: list[str]) -> Iterator[Finding]:
    for line in lines[:_MOST_LINES]:
        kind, _, words = line.partition(": ")
        put = warning if kind == "Error" else note
        if found := _TABLE.fullmatch(words):
            if found["table"] not in _FRENCH_TABLES:
                message = f"a value is not in table {found['table']} of HL7; use one of the table"
                yield note("hl7apy-invalid", _place(found["element"]), message, found["value"][:80])
        elif found := _RULE.fullmatch(words):
            yield put("hl7apy-invalid", _place(found["element"]), words)
        else:  # its other sentences quote the letter
            yield put("hl7apy-invalid", "MSH-9", "a rule of HL7 v2 is not kept", words[:200])


def _place(element: str) -> str:
    """``PID_3.CX_5`` as ``PID-3.5``, ``PID.PID_8`` as ``PID-8``, a group's segment by its name."""
    outer, _, inner = element.rpartition(".")
    if "_" not in inner or not inner.rpartition("_")[2].isdigit():
        return inner
    number = inner.rpartition("_")[2]
    return f"{outer.replace('_', '-', 1)}.{number}" if "_" in outer else f"{outer or inner.partition('_')[0]}-{number}"
