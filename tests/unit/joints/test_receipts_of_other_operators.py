"""A receipt that an operator brings counts only when he serves the addressee's domain, by the list as it is then."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from config.settings import load
from directory import Directory
from gateway.letter import DeliveryState, Done, Proof, Receipt, ReceiptKind
from gateway.moments import utc_now
from gateway.queue import queries
from gateway.queue.entries import ENTRY
from gateway.service.operators.door import listed_peers
from gateway.service.operators.peers import ListCannotTell
from gateway.service.receipts.hearing import Hearing, MayTellOf
from gateway.service.receipts.message_ids import MessageIds
from tests.peers.trust_space import GP_OPERATOR, OTHER_OPERATOR, list_domains
from tests.unit.joints.joined import Joined, NoStays
from tests.unit.queue.letters import NOON, letter

TO = "gp@test.example"
HIS = {"subject": ((("organizationalUnitName", "1750000000"),), (("commonName", "mss.gp.test"),))}
ANOTHERS = {"subject": ((("organizationalUnitName", "1750000999"),), (("commonName", "mss.autre.test"),))}


@pytest.fixture
def ids(vault) -> MessageIds:
    return MessageIds("hospital.test", vault.pseudonym)


@pytest.fixture
def hearing(joined: Joined, ids: MessageIds) -> Hearing:
    return Hearing(joined.store, ids, NoStays(), clock=joined.clock)  # type: ignore[arg-type]


def brought_by(folder: Path, certificate: dict[str, object]) -> MayTellOf:
    (folder / "huitaine.toml").write_text('[gateway]\ndomain = "hospital.test"\n')
    book = Directory.open(folder / "data")
    peers = listed_peers(load(folder / "huitaine.toml"), book.white_list, utc_now)
    return partial(peers.may_tell_of, certificate)


async def sent(joined: Joined) -> queries.Row:
    async def taken(mail: object, step: object) -> Done:
        return Done(at=NOON, dsn_offered=True)

    joined.road.deliver_it = taken
    kept = await joined.journey.keep(letter())
    await joined.settled()
    return joined.row(kept)


def unmatched(joined: Joined) -> list[str]:
    with joined.store.reading() as connection:
        wanted = select(ENTRY.c.code).where(ENTRY.c.kind == "receipt-unmatched").order_by(ENTRY.c.seq)
        return list(connection.execute(wanted).scalars())


def now(joined: Joined, row: queries.Row) -> tuple[str, Proof]:
    with joined.store.reading() as connection:
        found = queries.find_delivery(connection, row["id"])
    assert found is not None
    return found["state"], Proof(found["proof"])


@pytest.mark.parametrize("kind", [ReceiptKind.DISPLAYED, ReceiptKind.INTEGRATED, ReceiptKind.FAILED])
async def test_only_the_operator_of_the_addressees_domain_proves_anything(
    joined: Joined, hearing: Hearing, ids: MessageIds, tmp_path: Path, kind: ReceiptKind
):
    list_domains(tmp_path / "data", {"Test.Example": GP_OPERATOR, "autre.test": OTHER_OPERATOR})
    row = await sent(joined)
    before = now(joined, row)
    receipt = Receipt(kind=kind, message_id=ids(row["id"], 1), addressee=TO, status="5.1.1" if "f" in kind else None)
    assert await hearing.hear([receipt], brought_by(tmp_path, ANOTHERS)) == 0
    assert now(joined, row) == before
    assert unmatched(joined) == [f"{kind.value} other-operator"]
    assert await hearing.hear([receipt], brought_by(tmp_path, HIS)) == 1
    assert now(joined, row) != before


async def test_an_operator_that_lost_the_domain_proves_nothing_any_more_and_through_a_mailbox_all_is_heard(
    joined: Joined, hearing: Hearing, ids: MessageIds, tmp_path: Path
):
    list_domains(tmp_path / "data", {"test.example": OTHER_OPERATOR, "gp.test": GP_OPERATOR})
    row = await sent(joined)
    receipt = Receipt(kind=ReceiptKind.DISPLAYED, message_id=ids(row["id"], 1), addressee=TO)
    assert await hearing.hear([receipt], brought_by(tmp_path, HIS)) == 0
    assert now(joined, row)[1] < Proof.DISPLAYED
    assert await hearing.hear([receipt]) == 1
    assert now(joined, row) == (DeliveryState.DONE, Proof.DISPLAYED)


async def test_without_a_list_nobody_knows_and_it_is_to_be_brought_again(
    joined: Joined, hearing: Hearing, ids: MessageIds, tmp_path: Path
):
    row = await sent(joined)
    receipt = Receipt(kind=ReceiptKind.DISPLAYED, message_id=ids(row["id"], 1), addressee=TO)
    with pytest.raises(ListCannotTell):
        await hearing.hear([receipt], brought_by(tmp_path, HIS))
    assert now(joined, row)[1] < Proof.DISPLAYED
