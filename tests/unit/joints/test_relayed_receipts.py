"""The next hop says that it passed a letter on to somebody who confirms nothing: what that changes, and when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.letter import DeliveryState, Done, Receipt, ReceiptKind, SealedMail, Step
from gateway.queue import queries
from gateway.service.receipts.hearing import AttemptUnderWay, Hearing
from gateway.service.receipts.message_ids import MessageIds
from tests.unit.joints.joined import Joined, NoStays
from tests.unit.queue.letters import NOON, letter

TO = "gp@test.example"


@pytest.fixture
def ids(vault) -> MessageIds:
    return MessageIds("hospital.test", vault.pseudonym)


@pytest.fixture
def hearing(joined: Joined, ids: MessageIds) -> Hearing:
    return Hearing(joined.store, ids, NoStays(), clock=joined.clock)  # type: ignore[arg-type]


async def taken(mail: SealedMail, step: Step) -> Done:
    """By a hop that says it does DSN."""
    return Done(at=NOON, dsn_offered=True)


def news(joined: Joined) -> list[str]:
    with joined.store.reading() as connection:
        return [row["what"] for row in queries.untold(connection, delayed_since=NOON)]


@pytest.mark.parametrize(("notify", "told"), [(("SUCCESS",), ["relayed"]), (("FAILURE",), []), ((), [])])
async def test_who_asked_for_success_is_told_once_nobody_will_confirm_it(
    joined: Joined, hearing: Hearing, ids: MessageIds, notify: tuple[str, ...], told: list[str]
):
    (outcome,) = joined.road.outcomes
    joined.road.outcomes = (replace(outcome, addressee=replace(outcome.addressee, notify=notify)),)
    joined.road.deliver_it = taken
    kept = await joined.journey.keep(letter())
    await joined.settled()
    row = joined.row(kept)
    assert (row["state"], news(joined)) == (DeliveryState.DONE, []), "a delivery may still be confirmed"
    await hearing.hear([Receipt(kind=ReceiptKind.RELAYED, message_id=ids(row["id"], 1), addressee=TO)])
    assert (news(joined), joined.row(kept)["proof"]) == (told, row["proof"])


@pytest.mark.parametrize("kind", [ReceiptKind.RELAYED, ReceiptKind.FAILED])
async def test_a_report_that_is_faster_than_our_own_commit_is_heard_again_later(
    joined: Joined, hearing: Hearing, ids: MessageIds, kind: ReceiptKind
):
    heard: list[str] = []

    async def reported_at_once(mail: SealedMail, step: Step) -> Done:
        receipt = Receipt(kind=kind, message_id=ids(step.delivery, 1), addressee=TO, status="5.2.2")
        with pytest.raises(AttemptUnderWay):
            await hearing.hear([receipt])
        heard.append(step.delivery)
        return Done(at=NOON, dsn_offered=True)

    joined.road.deliver_it = reported_at_once
    kept = await joined.journey.keep(letter())
    await joined.settled()
    assert (heard, joined.row(kept)["state"]) == ([joined.row(kept)["id"]], DeliveryState.DONE)
