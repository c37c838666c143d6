"""What the journey asks of each station, one narrow protocol each; ``service.py`` hands the real ones in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.document import Document, Movement, Reading
from gateway.identifiers import DeliveryId, LetterId
from gateway.letter import (
    Addressed,
    AddressedLetter,
    ComposedMail,
    Done,
    Fate,
    KeptLetter,
    MailKey,
    ParsedLetter,
    ReceivedLetter,
    SealedMail,
    Step,
    Vetted,
)


class Queue(Protocol):
    """Stations 2 and 7: durable on return."""

    async def keep(self, letter: ReceivedLetter) -> KeptLetter:
        """Put the letter on disk."""
        ...

    async def refuse(self, kept: KeptLetter, code: str, place: str) -> None:
        """Close a letter that its sender was told to correct."""
        ...

    async def record_answer(self, letter: LetterId, answer: bytes) -> None:
        """Remember what the door said."""
        ...

    async def became(self, mail: MailKey) -> Fate | None:
        """What became of a mail of a watched mailbox."""
        ...

    async def record_refused(self, mail: MailKey, letter: LetterId) -> None:
        """Remember that this mail's sender knows."""
        ...

    async def withdraw(self, letter: LetterId) -> bool:
        """Forget a letter that nobody was told we have."""
        ...

    def leave(self, kept: KeptLetter) -> None:
        """Its door has no more to do with it: what it still lacks is made up for later."""
        ...

    async def moved(self, kept: KeptLetter, movements: Sequence[Movement], *, ends: bool) -> None:
        """Write what an ADT message says of a stay; with ``ends`` the letter holds nothing else and is closed."""
        ...

    async def plan(self, letters: Sequence[AddressedLetter]) -> None:
        """Give every addressee his row and start what can leave."""
        ...

    def later(self, kept: KeptLetter, work: Coroutine[None, None, None]) -> None:
        """Go on with this behind the door's answer."""
        ...

    def strikes(self, letter: LetterId) -> int:
        """How often the work on this letter ended in a crash."""
        ...


class Reader(Protocol):
    """Station 3, in its children."""

    async def read(self, content: bytes, *, name: str, expect_mail: bool) -> Reading:
        """Read it, or raise UnreadableDocument or ReadingFailed."""
        ...


class Splitting(Protocol):
    """One group of documents per patient."""

    def __call__(self, reading: Reading, /) -> tuple[tuple[Document, ...], ...]:
        """The groups, in the file's order."""
        ...


class Admission(Protocol):
    """Test and production identities never mix."""

    def __call__(self, reading: Reading, /) -> Reading:
        """The reading again, with an error finding when it does not belong here."""
        ...


class Addressing(Protocol):
    """Station 4."""

    def address(self, parsed: ParsedLetter) -> AddressedLetter:
        """One outcome per addressee."""
        ...


class Composer(Protocol):
    """Station 5."""

    async def compose(
        self, letter: AddressedLetter, addressed: Addressed, *, delivery: DeliveryId, message_id: str
    ) -> ComposedMail:
        """The mail for this addressee."""
        ...


class Vetting(Protocol):
    """Between stations 4 and 6: whether keys that were good when the letter was addressed still are."""

    async def __call__(self, step: Step) -> Vetted:
        """Which of the addressee's keys may be used now; raises NoProtection when none."""
        ...


async def as_addressed(step: Step) -> Vetted:
    """Nobody is asked."""
    return Vetted(protection=step.addressed.protection)


class Sealer(Protocol):
    """Station 6."""

    async def seal(self, mail: ComposedMail) -> SealedMail:
        """Sign, then encrypt; raises NoProtection, or TokenUnavailable while our own key does not answer."""
        ...


class Courier(Protocol):
    """Station 7's far end."""

    async def deliver(
        self, mail: SealedMail, step: Step, *, before_dot: Callable[[], Awaitable[None]] | None = None
    ) -> Done:
        """Hand over, or raise with the phase it failed in; ``before_dot`` has returned before the final dot is sent."""
        ...


class MessageIds(Protocol):
    """Message-IDs that lead back to their delivery and that nobody else can make."""

    def __call__(self, delivery: DeliveryId, attempt: int) -> str:
        """``<…@our domain>``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stations:
    """All of them, in the order of the road."""

    queue: Queue
    reader: Reader
    admit: Admission
    split: Splitting
    addressing: Addressing
    composer: Composer
    sealer: Sealer
    courier: Courier
    message_id: MessageIds
    return_path: str
    """Our own mailbox, where receipts come back."""
    gateway: str = "huitaine.invalid"
    """Our own name, in the trace on a mail that passes as it came."""
    vet: Vetting = as_addressed
