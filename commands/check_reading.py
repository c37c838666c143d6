"""A look at files as the gateway would read them: in its confined child, within its limits, by its mode."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from commands.check_files import Given, NotRead, members
from commands.output import Exit, fail, say
from gateway.admission import refusals
from gateway.document import Finding, Reading, Severity
from gateway.errors import ReaderUnavailable, ReadingFailed
from gateway.letter import Mode
from gateway.parsers.children import Readers
from gateway.parsers.detect import Format, detect
from gateway.parsers.remarks import error, note
from gateway.parsers.wire import Refused

if TYPE_CHECKING:
    from config.settings import Settings

_SLOW = "reader-too-slow"
_TRIES = 3


def look_at(
    items: Iterable[Given | NotRead], settings: Settings | None, *, strict: bool
) -> Iterator[tuple[Given | NotRead, Reading | None]]:
    """Each item with what was read of it; exit 4 when no reading child can be started here."""
    with asyncio.Runner() as runner:
        looking = _look(items, settings, strict=strict)
        try:
            while (found := runner.run(anext(looking, None))) is not None:
                yield found
        except (ReaderUnavailable, ReadingFailed) as trouble:
            words = say("no reading process can be started here", "aucun processus de lecture ne démarre ici")
            fail(f"{words} ({trouble.detail})", Exit.TEMPORARY)
        finally:
            runner.run(looking.aclose())


async def _look(
    items: Iterable[Given | NotRead], settings: Settings | None, *, strict: bool
) -> AsyncGenerator[tuple[Given | NotRead, Reading | None]]:
    readers = Readers(children=1)
    await readers.start()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(readers.close)
        for item in items:
            yield (
                item,
                None if isinstance(item, NotRead) else judged(await read(item, readers), item, settings, strict=strict),
            )


async def read(item: Given, readers: Readers) -> Reading:
    """What the child makes of one file; what breaks it is a finding, as the gateway would set such a letter aside."""
    found = str(detect(item.content, item.name))
    if item.is_too_large:
        words = f"more than {len(item.content) - 1 >> 20} MB: no door of this gateway takes it; send it in parts"
        return Reading(format=found, findings=(error("too-large", "file", words),))
    try:
        answer = await _patiently(item, readers)
    except ReadingFailed as trouble:
        if trouble.detail == _SLOW:
            finding = error("reader-slow", "file", "reading it takes too long; send a smaller file")
        else:
            finding = error("reader-broken", "file", "every attempt to read it broke the reader; report it")
        return Reading(format=found, findings=(finding,))
    if isinstance(answer, Refused):
        return Reading(format=found, findings=answer.findings)
    return answer


async def _patiently(item: Given, readers: Readers) -> Reading | Refused:
    """Once more where the machine stood still: the gateway would try again too, and no file is to blame for it."""
    for _ in range(_TRIES - 1):
        with contextlib.suppress(ReaderUnavailable):
            return await readers.look(item.content, name=item.name)
    return await readers.look(item.content, name=item.name)


def judged(reading: Reading, item: Given, settings: Settings | None, *, strict: bool) -> Reading:
    """The reading with what the gateway says besides: test and production, nothing in it; hl7apy where asked."""
    more = list(refusals(reading, Mode(settings.gateway.mode))) if settings else []
    if not reading.accepted and not any(one.severity is Severity.ERROR for one in reading.findings):
        more.append(error("nothing-in-it", "file", "there is no document in it"))
    return replace(reading, findings=(*reading.findings, *more, *_besides(reading, item, strict=strict)))


def _besides(reading: Reading, item: Given, *, strict: bool) -> Iterator[Finding]:
    if strict and reading.format == Format.HL7V2:
        from gateway.parsers.judge import judge  # noqa: PLC0415  # hl7apy costs half a second to load

        yield from judge(item.content)
    unread = {one.code for one in reading.findings} & {"format-unknown", "zip-not-xdm"}
    if unread and item.content.startswith(b"PK") and (inside := members(item.content)):
        words = "the archive holds files that would be read on their own; send each one so"
        yield note("zip-of-files", "file", words, inside)
