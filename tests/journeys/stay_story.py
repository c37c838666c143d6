"""A stay told day by day: the hospital's software speaks to the doors, the clock is the story's, commands are typed.

Stories lie in the past, so that a command typed today, with today's clock, sees how they ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from demo import letters
from gateway.letter import DeliveryState, Proof
from gateway.queue.queries import Row
from tests.faults.nursery import warm
from tests.journeys.kit import Hospital, hospital, until
from tests.peers.dovecot import Dovecot
from tests.peers.fixtures import DELIVERED_GP
from tests.peers.postfix import Postfix

PARIS = ZoneInfo("Europe/Paris")
FRIDAY = 4


def some_friday(weeks: int = 2) -> date:
    """A Friday so many weeks ago, well behind us."""
    today = datetime.now(PARIS).date()
    return today - timedelta(days=(today.weekday() - FRIDAY) % 7 + 7 * weeks)


def night_of_the_clocks() -> date:
    """The last Sunday of the last March that is over: between two and three there is no hour."""
    today = datetime.now(PARIS).date()
    year = today.year if today > date(today.year, 4, 1) else today.year - 1
    last = date(year, 3, 31)
    return last - timedelta(days=(last.weekday() + 1) % 7)


@dataclass
class Clock:
    """Stands still until the story goes on."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass(kw_only=True)
class Told:
    """One hospital's story. Times are ``HH:MM`` in Paris, ``days`` after the story's first day."""

    ward: Hospital
    clock: Clock
    day: date
    number: int = 0
    full: set[str] = field(default_factory=set)
    """Mailboxes that send every letter back."""

    def at(self, time: str, days: int = 0) -> datetime:
        """A moment of the story."""
        return datetime.fromisoformat(f"{self.day + timedelta(days=days)}T{time}").replace(tzinfo=PARIS).astimezone(UTC)

    async def adt(self, trigger: str, time: str, days: int = 0, *, of: str = "") -> None:
        """The patient comes (A01) or leaves (A03), or her leaving is taken back (A13)."""
        when = self._now(time, days)
        cancels = trigger == "A13"
        known = "A03" if cancels else trigger
        message = letters.adt(known, of or self._control(), when, when - timedelta(days=4), None)
        if cancels:
            message = message.replace(b"ADT^A03^ADT_A03", b"ADT^A13^ADT_A01")
            message = message.replace(b"||INSERT|N||", b"||CANCEL|N|A03|")
        assert "MSA|AA" in await self.ward.hl7(message)

    def discharge_letter(self, left: datetime, control: str = "") -> bytes:
        """The MDM of the CI-SIS volet, validated now."""
        document = letters.pdf("Lettre de liaison", control or "x")
        message = letters.mdm(control or self._control(), self.clock.now, left - timedelta(days=4), left, document)
        return message.replace(letters.GP_MAILBOX.encode(), self.ward.gp.mailbox.encode())

    async def by_mllp(self, time: str, days: int, *, left: datetime) -> None:
        """The record hands the letter in as HL7."""
        self._now(time, days)
        assert "MSA|AA" in await self.ward.hl7(self.discharge_letter(left))

    async def by_folder(self, time: str, days: int, *, left: datetime) -> None:
        """The record leaves it as a file."""
        self._now(time, days)
        drop = self.ward.folder / "drop"
        (drop / "letter.hl7").write_bytes(self.discharge_letter(left))
        await until(lambda: (drop / "taken").is_dir() and any((drop / "taken").iterdir()))

    async def by_smtp(self, time: str, days: int, *, left: datetime) -> None:
        """The secretary's software mails it, the document in its archive."""
        now = self._now(time, days)
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "dpi@hospital.test", "auto@hospital.test", "Lettre de liaison"
        mail["Message-ID"] = f"<{self._control()}@dpi.hospital.test>"
        mail.set_content("Lettre de liaison en pièce jointe.\n")
        document = letters.cda(now, left - timedelta(days=4), left, letters.pdf("Lettre de liaison", "x"))
        archive = letters.xdm(document)
        mail.add_attachment(archive, maintype="application", subtype="zip", filename="IHE_XDM.zip")
        content = mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        await self.ward.mail(content, f"{letters.GP}@rpps.hospital.test")

    async def partial_results(self, time: str, days: int, *, left: datetime) -> None:
        """A first letter that says itself that another will follow (OBR-25 P)."""
        now = self._now(time, days)
        message = letters.oru(self._control(), now).replace(letters.SECOND_GP.encode(), letters.GP.encode())
        message = message.replace(b"11502-2^CR d'examens biologiques^LN", b"11490-0^Lettre de liaison^LN")
        head, *_ = message.split(b"OBX|1|")
        text = "OBX|1|FT|11490-0^Lettre de liaison^LN||Lettre provisoire, résultats en attente.||||||P\r"
        message = head.replace(b"|||F\r", b"|||P\r") + text.encode()
        stamp = left.astimezone(PARIS).strftime("%Y%m%d%H%M%S")
        pv1 = next(line for line in message.split(b"\r") if line.startswith(b"PV1"))
        message = message.replace(pv1, pv1 + b"|" + stamp.encode())
        answer = await self.ward.hl7(message)
        assert "MSA|AA" in answer, answer

    async def reaches(self, mailbox: str = "", *, number: int = 0) -> bytes:
        """The mail as it lies there, its acceptance written down."""
        mail = await self.ward.letter_in_mailbox(mailbox or None, number=number)
        await until(lambda: all(row["state"] == DeliveryState.DONE for row in self.ward.deliveries()))
        return mail

    async def hours(self, number: float, *, each: float = 6) -> None:
        """Time passes with all that escalation does meanwhile."""
        gateway = self.ward.gateway
        assert gateway is not None
        for _ in range(int(number / each)):
            self.clock.now += timedelta(hours=each)
            await gateway.escalating.look()
            await gateway.keeper.resume(gateway.journey.travel)
            await gateway.worker.sweep()
            await self.answered()

    async def answered(self) -> None:
        """Nothing is under way, and of what the next hop took it is known whether it came back or lies there."""
        await until(lambda: all(map(self._is_known, self.ward.deliveries())))

    def _is_known(self, row: Row) -> bool:
        mailbox = self.ward.running.store.target(row["letter_id"], row["id"], row["addressee"]).mailbox
        if mailbox in self.full:
            return bool(row["state"] == DeliveryState.FAILED)
        least = Proof.DELIVERED if mailbox == DELIVERED_GP else Proof.ACCEPTED
        return bool(row["state"] == DeliveryState.DONE and row["proof"] >= least)

    async def typed(self, *words: str, code: int = 0) -> str:
        """``huitaine …`` as a process of its own, today; what it printed."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("HUITAINE", "LC_", "COLUMNS"))}
        done = await asyncio.to_thread(warm().typed, words, {**kept, "LANG": "en_GB.UTF-8"}, self.ward.folder)
        assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout

    async def figures(self, policy: str = "8-days", *more: str) -> dict[str, Any]:
        """The total of ``huitaine delays report``."""
        told = await self.typed("delays", "report", "--policy", policy, "--format", "json", *more)
        found: dict[str, Any] = json.loads(told)["total"]
        return found

    async def listed(self, which: str, policy: str = "8-days", *more: str, code: int = 0) -> list[str]:
        """The verdicts of ``huitaine delays late`` or ``missing``, in its order."""
        told = await self.typed("delays", which, "--policy", policy, "--format", "json", *more, code=code)
        return [one["verdict"] for one in json.loads(told)]

    def _control(self) -> str:
        self.number += 1
        return f"S{self.number}"

    def _now(self, time: str, days: int) -> datetime:
        self.clock.now = max(self.clock.now, self.at(time, days))
        return self.clock.now


Telling = Callable[..., contextlib.AbstractAsyncContextManager[Told]]


@contextlib.asynccontextmanager
async def telling(
    folder: Path, postfix: Postfix, dovecot: Dovecot, *, gp: str, sender: str, day: date, **more: Any
) -> AsyncIterator[Told]:
    """A story that begins on ``day`` at midnight."""
    clock = Clock(datetime.combine(day, datetime.min.time(), PARIS).astimezone(UTC))
    async with hospital(folder, postfix, dovecot, gp=gp, sender=sender, clock=clock, **more) as ward:
        yield Told(ward=ward, clock=clock, day=day)
