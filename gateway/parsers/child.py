"""The reading child's main: one letter at a time from standard input to standard output, without any right.

Started by ``children.py`` as ``python -m gateway.parsers.child MEMORY CPU_SECONDS``. It loads all it may need first,
because afterwards it cannot open a file any more; it ends when the gateway closes the pipe.
"""

from __future__ import annotations

import importlib
import os
import resource
import sys
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec

from gateway.document import Reading
from gateway.errors import UnreadableDocument
from gateway.parsers.charsets import KNOWN
from gateway.parsers.confine import confine
from gateway.parsers.read import read
from gateway.parsers.wire import PREFIX, Answer, Failed, Ready, Refused, Request, answered, frame, length_of, request_in

_CHUNK = 1 << 20
_READERS = ("gateway.parsers.hl7v2", "gateway.parsers.cda", "gateway.parsers.xdm", "gateway.parsers.pdf_words")
_WARM = (
    b"MSH|^~\\&|A|B|C|D|20260101||ORU^R01^ORU_R01|1|T|2.5\rPID|1\r",
    b'<ClinicalDocument xmlns="urn:hl7-org:v3"/>',
    b"PK\x03\x04IHE_XDM/METADATA.XML",
    b"From: a@b.example\nDate: Thu, 1 Jan 2026 00:00:00 +0100\nContent-Type: text/html; charset=x-none\n\n<p>=E9</p>",
    b"A\n" * 6 + b"01/01/2000\n" + b"A\n" * 6 + b"****FIN****\n",
    b"H|~^\\&|A||B||ORU|||C||T|H2.4~C|202601010000\nP|1\nL|1\n",
)


class Reader(Protocol):
    """How a letter is read: :func:`gateway.parsers.read.read`."""

    def __call__(self, content: bytes, *, name: str, expect_mail: bool) -> Reading:
        """Read, or raise :class:`UnreadableDocument`."""


def warm_up() -> None:
    """Load every module, codec and zone a reader may want: none can be opened later."""
    for module in _READERS:
        importlib.import_module(module)
    for charset in KNOWN:
        "é".encode(charset, errors="replace").decode(charset, errors="replace")
    datetime.now(UTC).astimezone(ZoneInfo("Europe/Paris"))
    for sample in _WARM:
        try:
            read(sample)
        except UnreadableDocument:
            continue


def serve(reader: Reader, *, memory: int, cpu_seconds: int) -> None:
    """Confine the process, then answer until standard input ends or half of the CPU time is used."""
    denied = confine(memory=memory, cpu_seconds=cpu_seconds)
    _write(frame(Ready(denied)))
    while prefix := _read(PREFIX):
        request = request_in(_read(length_of(prefix)))
        retiring = _cpu_used() > cpu_seconds / 2
        answer = _answer(reader, request, retiring=retiring)
        _write(frame(answer))
        if retiring or isinstance(answer, Failed):
            return


def _answer(reader: Reader, request: Request, *, retiring: bool) -> Answer:
    try:
        reading = reader(request.content, name=request.name, expect_mail=request.expect_mail)
        return answered(reading, request.content, retiring=retiring)
    except UnreadableDocument as refusal:
        return Refused(refusal.findings, refusal.detail, retiring)
    except Exception as trap:  # noqa: BLE001  # atop the child: foreign bytes can raise anything, this letter alone fails
        return Failed(type(trap).__name__)


def _cpu_used() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _read(size: int) -> bytes:
    """Exactly ``size`` bytes; empty when the pipe ended before."""
    parts = bytearray()
    while len(parts) < size:
        part = os.read(0, min(_CHUNK, size - len(parts)))
        if not part:
            return b""
        parts += part
    return bytes(parts)


def _write(content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(1, rest) :]


def main() -> None:
    """``python -m gateway.parsers.child MEMORY CPU_SECONDS``."""
    memory, cpu_seconds = (int(argument) for argument in sys.argv[1:3])
    warm_up()
    try:
        serve(read, memory=memory, cpu_seconds=cpu_seconds)
    except (BrokenPipeError, msgspec.MsgspecError):
        os._exit(1)


if __name__ == "__main__":
    main()
