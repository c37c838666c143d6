"""An intake of our own for the doors of gateway/ingest, and invented HL7 messages."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.document import Finding, Severity
from gateway.errors import UnreadableDocument
from gateway.identifiers import LetterId
from gateway.letter import KeptLetter, ReceivedLetter

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
SECRET = "DUPONT Jeanne /var/lib/huitaine"


def mdm(
    control_id: str = "DOC000123", *, pid: str = "PID|1||000003^^^CH-EX^PI||ESSAI^ANNE", version: str = "2.6"
) -> bytes:
    msh = f"MSH|^~\\&|DPI|CH-EXEMPLE|PASSERELLE|CH-EXEMPLE|20260115103000||MDM^T02^MDM_T02|{control_id}|P|{version}"
    return "\r".join([f"{msh}|||||FRA|UNICODE UTF-8", "EVN||20260115103000", pid, "PV1|1|I", ""]).encode()


def refusal(place: str = "PID-5", code: str = "patient-without-name") -> UnreadableDocument:
    finding = Finding(severity=Severity.ERROR, place=place, code=code, message="the name is missing", detail=SECRET)
    return UnreadableDocument((finding,), SECRET)


@dataclass
class FakeIntake:
    """Keeps in a list; ``fault`` is raised instead, ``gate`` holds every letter back until it is set."""

    kept: list[ReceivedLetter] = field(default_factory=list)
    answers: dict[LetterId, bytes] = field(default_factory=dict)
    fault: BaseException | None = None
    answer_fault: BaseException | None = None
    gate: asyncio.Event | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0

    async def keep(self, letter: ReceivedLetter) -> KeptLetter:
        return await self.keep_and_read(letter)

    async def keep_and_read(self, letter: ReceivedLetter) -> KeptLetter:
        self.asked += 1
        self.arrived.set()
        if self.gate:
            await self.gate.wait()
        if self.fault:
            raise self.fault
        for earlier in self.kept:
            if earlier.replay_key == letter.replay_key:
                return KeptLetter(received=earlier, again=True, answer=self.answers.get(earlier.id, b""))
        self.kept.append(letter)
        return KeptLetter(received=letter)

    async def record_answer(self, letter: LetterId, answer: bytes) -> None:
        if self.answer_fault:
            raise self.answer_fault
        self.answers[letter] = answer

    async def withdraw(self, letter: LetterId) -> bool:
        raise AssertionError("nobody withdraws here")


def ids() -> Callable[[], LetterId]:
    numbers = itertools.count(1)
    return lambda: LetterId(f"01LETTER{next(numbers):018d}")
