"""What is owed to the hospital is written where it becomes true: with the letter's rows, the receipt, the failure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from gateway.document import Wishes
from gateway.identifiers import DeliveryId
from gateway.letter import AddressedLetter, Receipt, ReceiptKind
from gateway.queue.answers import Channel, Owing, Wished, owe, wish
from gateway.queue.bodies import AtRest
from gateway.queue.deliveries import Also, write_also
from gateway.queue.planning import Step
from gateway.receipts.effect import Effect, grade
from gateway.service.clock.staybook import StayBook


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """Makes what the store writes; with no ``channels`` at all it makes nothing, and costs nothing."""

    channels: Mapping[str, Sequence[Channel]]
    clock: Callable[[], datetime]

    def of_receipt(self, delivery: DeliveryId, receipt: Receipt, effect: Effect, at: datetime) -> tuple[Also, ...]:
        """A receipt that changed something; ``at`` is its moment as far as it is believed."""
        if not (self.channels and effect.changes):
            return ()
        owing = Owing(
            delivery=delivery,
            kind=receipt.kind.value,
            least=None if effect.has_failed else int(grade(receipt.kind)),
            at=at,
            now=self.clock(),
            reporter=receipt.reporter,
            status=receipt.status or "",
            code=receipt.code or "",
            channels=self.channels,
        )
        return (Also(owe, owing),)

    def of_failure(self, delivery: DeliveryId, at: datetime) -> tuple[Also, ...]:
        """An attempt that was the last one: no mail server will report it, we do."""
        if not self.channels:
            return ()
        failed = ReceiptKind.FAILED.value
        owing = Owing(
            delivery=delivery, kind=failed, least=None, at=at, now=at, reporter="smtp", channels=self.channels
        )
        return (Also(owe, owing),)

    def of_letter(self, letter: AddressedLetter) -> tuple[Also, ...]:
        """What the letter asks for, if it does."""
        wishes = [document.wishes for document in letter.parsed.documents]
        if letter.parsed.kept.received.source not in self.channels or not any(map(_asks, wishes)):
            return ()
        reception = any(each.acknowledge_reception is True for each in wishes)
        reading = any(each.acknowledge_reading is True for each in wishes)
        return (Also(wish, Wished(letter=letter.parsed.id, reception=reception, reading=reading)),)


class AnsweringStayBook(StayBook):
    """The clock's book for the road: what it writes of a letter and of a failure takes along what is owed for it."""

    def __init__(
        self,
        pseudonym: Callable[[str, str], str],
        owed: Owed,
        *,
        protects: Callable[[str], bool] = lambda source: True,
        vault: AtRest | None = None,
    ) -> None:
        """``pseudonym``, ``protects`` and ``vault`` as for the clock's own."""
        super().__init__(pseudonym, protects=protects, vault=vault)
        self._owed = owed

    def tie(self, letter: AddressedLetter, steps: Sequence[Step]) -> Also:
        """Start the clock, and remember what the letter asks for."""
        return _together(super().tie(letter, steps), self._owed.of_letter(letter))

    def leg(self, delivery: DeliveryId, leg: str, at: datetime) -> Also:
        """Stamp what was proved; of a failure the hospital is told."""
        owed = self._owed.of_failure(delivery, at) if leg == "failed" else ()
        return _together(super().leg(delivery, leg, at), owed)


def _asks(wishes: Wishes) -> bool:
    return wishes.acknowledge_reception is True or wishes.acknowledge_reading is True


def _together(first: Also, others: tuple[Also, ...]) -> Also:
    return Also(_write_all, (first, *others)) if others else first


def _write_all(connection: Connection, groups: Sequence[tuple[Also, ...]]) -> Sequence[Any]:
    """Each kind in one call, however many letters are planned at once."""
    given = write_also(connection, [also for group in groups for also in group])
    firsts, at = [], 0
    for group in groups:
        firsts.append(given[at])
        at += len(group)
    return firsts
