"""What a person may order a gateway to do, whether it runs (through its socket) or not (straight on the store)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any

from gateway import journal
from gateway.control import Order
from gateway.delays.unproved import Clocks
from gateway.errors import NoSuchAddressee, PermanentFailure
from gateway.identifiers import LetterId
from gateway.letter import DeliveryState
from gateway.queue.afterwards import Acting, Noting
from gateway.queue.store import Store
from gateway.service.clock.staybook import StayBook, cancelled, let_go, sent_again
from gateway.service.clock.working_off import work_off
from gateway.service.journal.checkpoints import Checkpoints
from gateway.service.upkeep.rotating import Keys

ACTS = {
    "release": ((DeliveryState.HELD,), DeliveryState.READY),
    "cancel": (
        (DeliveryState.HELD, DeliveryState.READY, DeliveryState.FAILED, DeliveryState.EXPIRED),
        DeliveryState.CANCELLED,
    ),
    "resend": ((DeliveryState.FAILED, DeliveryState.EXPIRED, DeliveryState.CANCELLED), DeliveryState.READY),
}
"""What a person cancels after it failed is followed up no more (``gateway/delays/unproved.py``)."""
STEPS = 20
"""Steps of a rotation in one order: some thousand letters, within a second or two."""
Submit = Callable[[str, str | None], Awaitable[LetterId]]


class LetterErased(PermanentFailure):
    """What is to be done with a letter whose bytes are gone."""

    status, words = "5.3.0", "This letter was erased when its time was over, or never was; hand it in again"


class Orders:
    """Obeys one order at a time; each is journaled with the name of whoever gave it."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], datetime],
        keys: Keys | None = None,
        checkpoints: Checkpoints | None = None,
        submit: Submit | None = None,
        stays: StayBook | None = None,
        clocks: Clocks | None = None,
    ) -> None:
        """``keys`` rotates them, ``checkpoints`` signs the journal, ``submit`` takes a file as the folder door does.

        ``stays`` takes what a patient opposes, ``clocks`` say of which letters a proof came.
        """
        self._store, self._clock, self._keys, self._submit = store, clock, keys, submit
        self._checkpoints, self._stays, self._clocks = checkpoints, stays, clocks

    async def obey(self, order: Order) -> Order:  # noqa: PLR0911 (one for each order)
        """Do it; raises a HuitaineError, or KeyError for an order that lacks something."""
        match order["act"]:
            case "release" | "cancel" | "resend" as act:
                return {"deliveries": await self._act(act, order)}
            case "identities" | "documents" as what:
                await self._store.note(Noting(events=self._seen(what, order)))
                return {}
            case "checkpoint" if self._checkpoints is not None:
                return {"note": await self._checkpoints.sign(), "key": self._checkpoints.verifier_key}
            case "send" if self._submit is not None:
                return {"letter": await self._submit(order["path"], order.get("to"))}
            case "rotate-master" | "rotate-tenant" | "move-letters" if self._keys is not None:
                return await _turn(self._keys, order)
            case "oppose" if self._stays is not None:
                return await self._oppose(self._stays, order)
            case "task-printed" | "task-done" | "task-cancelled" if self._clocks is not None:
                return await work_off(self._store, self._clocks, order, self._clock())
            case "let-go" | "purge" as act:
                return await self._whole(act, order)
        raise NoSuchAddressee(f"no such order {order['act']}", status="5.5.4", words="no such order")

    def _seen(self, what: str, order: Order) -> tuple[journal.Event, ...]:
        """Who saw a name, or that letters are about one patient, stands with each letter and is forgotten with it."""
        now, actor = self._clock(), order["actor"]
        if what == "identities":
            letter = LetterId(order["letter"]) if order.get("letter") else None
            return (journal.identities_shown(now, letter, actor=actor, stays=order.get("stays", 0)),)
        if not order["letters"]:
            return (journal.documents_listed(now, None, actor=actor),)
        return tuple(journal.documents_listed(now, LetterId(letter), actor=actor) for letter in order["letters"])

    async def _whole(self, act: str, order: Order) -> Order:
        """What is about the whole queue."""
        if act == "let-go":
            return {"due": await self._store.let_go(order["actor"])}
        return {"erased": list(await self._store.tidy())}

    async def _act(self, act: str, order: dict[str, Any]) -> int:
        of, to = ACTS[act]
        now, letter = self._clock(), LetterId(order["letter"])
        event = journal.acted(now, letter, None, act=act, why=order["why"], actor=order["actor"])
        over = self._store.erase_after(now)
        told = {"release": let_go, "resend": sent_again, "cancel": cancelled}[act]
        each = partial(told, at=now)
        acting = Acting(letter=letter, of=of, to=to, event=event, erase_after=over, each=each)
        touched = await self._store.act(acting)
        if not touched and self._store.recall(letter) is None:
            raise LetterErased
        if touched:
            journal.log(event)
        return touched

    async def _oppose(self, stays: StayBook, order: dict[str, Any]) -> Order:
        """The journal has who told it; the stay has its pseudonym there, like any other event of it."""
        now, is_withdrawn = self._clock(), bool(order["withdrawn"])
        also = stays.opposition(order["visit"], order["hospital"], now, withdrawn=is_withdrawn)
        event = journal.opposed(now, is_withdrawn=is_withdrawn, actor=order["actor"])
        (change,) = await self._store.note(Noting(events=(event,), also=(also,)))
        return {"apart": change.apart}


async def _turn(keys: Keys, order: dict[str, Any]) -> Order:
    if order["act"] == "rotate-master":
        return {"former": await keys.rotate_master()}
    if order["act"] == "rotate-tenant":
        await keys.rotate_tenant(order["tenant"])
    return {"left": await keys.move(at_most=STEPS)}
