"""The road of a letter on one screen: read this first, change it last.

door → keep → read → address → plan → compose → seal → hand over     (hear back and tell: ``aftermath.py``)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from gateway.document import Finding, Reading, Role, Severity
from gateway.errors import HuitaineError, ReadingFailed, UnreadableDocument
from gateway.identifiers import LetterId, part_of
from gateway.letter import (
    AddressedLetter,
    Addressee,
    AsReceived,
    Done,
    Door,
    Fate,
    Held,
    KeptLetter,
    MailKey,
    ParsedLetter,
    Reason,
    ReceivedLetter,
    SealedMail,
    Step,
)
from gateway.passing import pass_on
from gateway.stations import Stations

STRIKES = 2
"""A letter that broke the reader this often and breaks it again is set aside alone; the others go on (F10)."""
POISON = Finding(
    severity=Severity.ERROR, place="document", code="reader-broken", message="every attempt to read it broke the reader"
)
BROKEN = Finding(
    severity=Severity.ERROR, place="gateway", code="road-broken", message="an internal fault each time it was addressed"
)

NOTHING = Finding(severity=Severity.ERROR, place="file", code="nothing-in-it", message="there is no document in it")


class Journey:
    """Knows the order of the stations and nothing else."""

    def __init__(self, stations: Stations) -> None:
        """The stations are handed in: the journey builds none."""
        self.stations = self._at = stations

    async def keep(self, letter: ReceivedLetter) -> KeptLetter:
        """For a door that cannot wait: on disk, then yes; the rest of the road follows behind the answer."""
        kept = await self._at.queue.keep(letter)
        if not kept.again:
            self._at.queue.later(kept, self.travel(kept))
        return kept

    async def keep_and_read(self, letter: ReceivedLetter) -> KeptLetter:
        """For a door that can say what is wrong: on disk, read, then yes or UnreadableDocument.

        A letter that breaks its reader is ReadingFailed the first time; when it comes again its door says yes.
        """
        kept = await self._at.queue.keep(letter)
        if kept.again and kept.answer:
            return kept
        try:
            reading = await self.read(kept)
        except UnreadableDocument as error:
            first = next(finding for finding in error.findings if finding.severity is Severity.ERROR)
            await self._at.queue.refuse(kept, first.code, first.place)
            raise
        except ReadingFailed:
            self._at.queue.leave(kept)
            if kept.again:  # kept, and read or set aside without its door, which must not be stopped by it
                return kept
            raise
        except BaseException:
            self._at.queue.leave(kept)
            raise
        if not kept.again:
            self._at.queue.later(kept, self.onward(kept, reading))
        return kept

    async def record_answer(self, letter: LetterId, answer: bytes) -> None:
        """What the door said, so that a replay hears the same."""
        await self._at.queue.record_answer(letter, answer)

    async def became(self, mail: MailKey) -> Fate | None:
        """What became of a mail of a watched mailbox, taken or refused; ``None`` when it is new."""
        return await self._at.queue.became(mail)

    async def record_refused(self, mail: MailKey, letter: LetterId) -> None:
        """Remember that a mail was refused and its sender told."""
        await self._at.queue.record_refused(mail, letter)

    async def withdraw(self, letter: LetterId) -> bool:
        """Forget a letter whose client was gone before our yes."""
        return await self._at.queue.withdraw(letter)

    async def travel(self, kept: KeptLetter) -> None:
        """From the disk to the rows of its addressees; what was accepted and cannot go on is held, never lost."""
        if self._at.queue.strikes(kept.id) > STRIKES:  # whole processes died of it: it is not read again
            await self._at.queue.plan([_unread(kept, (POISON,))])
            return
        try:
            await self.onward(kept, await self.read(kept))
        except UnreadableDocument as error:
            await self._at.queue.plan([_unread(kept, error.findings)])
        except ReadingFailed:
            await self._set_aside(kept, POISON)
        except HuitaineError:
            raise
        except Exception:  # noqa: BLE001 (any fault of ours: told to a person after some tries)
            await self._set_aside(kept, BROKEN)

    async def _set_aside(self, kept: KeptLetter, why: Finding) -> None:
        """Called while an error is handled: it goes on as long as there is patience."""
        if self._at.queue.strikes(kept.id) < STRIKES:
            raise  # noqa: PLE0704 (the caller's)
        await self._at.queue.plan([_unread(kept, (why,))])

    async def read(self, kept: KeptLetter) -> Reading:
        """Station 3, and the rule that test and production never mix."""
        letter = kept.received
        by_mail = letter.door in {Door.SMTP, Door.IMAP}
        reading = self._at.admit(await self._at.reader.read(letter.content, name=letter.name, expect_mail=by_mail))
        if not reading.accepted:
            told = any(finding.severity is Severity.ERROR for finding in reading.findings)
            raise UnreadableDocument(reading.findings if told else (*reading.findings, NOTHING))
        return reading

    async def onward(self, kept: KeptLetter, reading: Reading) -> None:
        """Station 4: movements go to the stays, documents to their addressees."""
        letters = [self._at.addressing.address(parsed) for parsed in self.parts(kept, reading)]
        if reading.movements:
            await self._at.queue.moved(kept, reading.movements, ends=not letters)
        if letters:
            await self._at.queue.plan([_never_nobody(letter) for letter in letters])

    def parts(self, kept: KeptLetter, reading: Reading) -> list[ParsedLetter]:
        """One letter per patient: two patients never share a mail."""
        if reading.already_sealed:
            return [ParsedLetter(id=kept.id, kept=kept, format=reading.variant, documents=(), already_sealed=True)]
        whole = ParsedLetter(
            id=kept.id, kept=kept, format=reading.format, documents=reading.documents, findings=reading.findings
        )
        groups = self._at.split(reading)
        if len(groups) < 2:
            return [whole] if groups else []
        return [replace(whole, id=part_of(kept.id, n), documents=group) for n, group in enumerate(groups, start=1)]

    async def readdress(self, kept: KeptLetter) -> list[AddressedLetter]:
        """Stations 3 and 4 again, for a letter that waited: the directory of today decides."""
        reading = await self.read(kept)
        return [self._at.addressing.address(parsed) for parsed in self.parts(kept, reading)]

    async def carry(
        self, step: Step, *, before_dot: Callable[[], Awaitable[None]] | None = None
    ) -> tuple[SealedMail, Done]:
        """Stations 5, 6 and 7: compose, seal, hand over; ``before_dot`` has returned before the final dot is sent."""
        sealed = await self.seal(step)
        return sealed, await self._at.courier.deliver(sealed, step, before_dot=before_dot)

    async def seal(self, step: Step) -> SealedMail:
        """Stations 5 and 6; a mail that came sealed passes as it is."""
        message_id = self._at.message_id(step.delivery, step.attempt)
        if isinstance(step.addressed.protection, AsReceived):
            return pass_on(step, message_id, sender=self._at.return_path, gateway=self._at.gateway)
        vetted = await self._at.vet(step)
        addressed = replace(step.addressed, protection=vetted.protection)
        compose = self._at.composer.compose
        composed = await compose(step.letter, addressed, delivery=step.delivery, message_id=message_id)
        sealed = await self._at.sealer.seal(composed)
        return replace(sealed, losses=composed.losses, refused=vetted.refused + sealed.refused)


def _unread(kept: KeptLetter, findings: tuple[Finding, ...]) -> AddressedLetter:
    """A mail that nobody could read: every recipient of its envelope waits for a person."""
    first = next(finding for finding in findings if finding.severity is Severity.ERROR)
    why = Reason(code=first.code, words=f"{first.place}: {first.message}")
    parsed = ParsedLetter(id=kept.id, kept=kept, format="unreadable", documents=(), findings=findings)
    held = [
        Held(addressee=Addressee(role=Role.COPY, mailbox=to.address, notify=to.notify, orcpt=to.orcpt), reason=why)
        for to in kept.received.envelope.recipients
    ]
    return _never_nobody(AddressedLetter(parsed=parsed, outcomes=tuple(held)))


def _never_nobody(letter: AddressedLetter) -> AddressedLetter:
    """A letter that names nobody must not vanish: it waits for a person."""
    if letter.outcomes:
        return letter
    why = Reason(code="no-addressee", words="the letter names nobody and its envelope neither")
    return replace(letter, outcomes=(Held(addressee=Addressee(role=Role.GP), reason=why),))
