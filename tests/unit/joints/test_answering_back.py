"""What was proved of a letter reaches the hospital's software: once in its outbox, at least once at its listener."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hl7apy.parser import parse_message
from sqlalchemy import select

from gateway.document import Wishes
from gateway.errors import PeerRefused
from gateway.identifiers import DeliveryId
from gateway.letter import KeptLetter, Receipt, ReceiptKind
from gateway.queue import answers
from gateway.queue.answers import ANSWER, WISH
from gateway.queue.entries import ENTRY
from gateway.queue.store import Store
from gateway.receipts.answer import signature
from gateway.receipts.mllp_client import MllpPeer
from gateway.receipts.webhook import WebhookPeer
from gateway.receipts.zam import Ends
from gateway.service.receipts.hearing import Hearing
from gateway.service.receipts.message_ids import MessageIds
from gateway.service.senders import answering_back
from gateway.service.senders.answering_back import AnsweringBack
from gateway.service.senders.answering_owed import AnsweringStayBook, Owed
from gateway.service.senders.answering_ways import FilePeer, Ways
from gateway.smtp.courier.tls import client_context
from tests.peers.authority import Authority, make_authority
from tests.peers.hospital_listener import Listener, control_id, https_listener, mllp_listener, server_tls
from tests.unit.joints.joined import Joined, NoStays, document, reading, to
from tests.unit.queue.conftest import Clock
from tests.unit.queue.letters import CANARY, letter

KEY = b"0123456789abcdef"
ENDS = Ends(our_application="HUITAINE", our_facility="1750000001", application="DPI", facility="CH", processing="T")
ASKED = Wishes(acknowledge_reception=True, acknowledge_reading=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def dpi(authority: Authority) -> AsyncIterator[Listener]:
    async with mllp_listener(server_tls(authority, demand=True)) as listener:
        yield listener


@pytest.fixture
async def portal(authority: Authority) -> AsyncIterator[Listener]:
    async with https_listener(server_tls(authority)) as listener:
        yield listener


@dataclass(kw_only=True)
class Told:
    """One source, ``dpi``, that wants to hear back by ``ways``."""

    joined: Joined
    ids: MessageIds
    owed: Owed
    hearing: Hearing
    back: AnsweringBack

    async def letter(self, wishes: Wishes = ASKED, *, mailbox: str = "gp@test.example") -> KeptLetter:
        asking = replace(document(), wishes=wishes, control_id="DOC000123")

        async def read(content: bytes) -> Any:
            return reading(asking)

        self.joined.road.read_it, self.joined.road.outcomes = read, (to(mailbox),)
        kept = await self.joined.journey.keep(letter())
        await self.joined.settled()
        return kept

    async def hear(self, kept: KeptLetter, kind: ReceiptKind, **more: Any) -> None:
        delivery = self.joined.row(kept)["id"]
        receipt = Receipt(kind=kind, message_id=self.ids(delivery, 1), **({"addressee": "gp@test.example"} | more))
        await self.hearing.hear([receipt])

    def outbox(self, *columns: str) -> list[Any]:
        with self.joined.store.reading() as connection:
            wanted = select(*(ANSWER.c[name] for name in columns or ("channel", "kind", "state")))
            return [tuple(row) if len(row) > 1 else row[0] for row in connection.execute(wanted.order_by(ANSWER.c.seq))]

    def journal(self, *kinds: str) -> list[tuple[str, str]]:
        with self.joined.store.reading() as connection:
            wanted = select(ENTRY.c.kind, ENTRY.c.code).where(ENTRY.c.kind.in_(kinds)).order_by(ENTRY.c.seq)
            return [(row.kind, row.code) for row in connection.execute(wanted)]

    async def rounds(self) -> None:
        await self.back.tell()
        await self.back._abreast.settle(10)


Make = Callable[[Ways], Told]


@pytest.fixture
def make(joined: Joined, vault: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.setattr(answering_back, "PATIENCE", 30.0)

    def made(ways: Ways) -> Told:
        owed = Owed(channels={"dpi": ways.channels()}, clock=clock)
        ids = MessageIds("hospital.test", vault.pseudonym)
        stays = AnsweringStayBook(vault.pseudonym, owed)
        joined.keeper._stays = stays
        joined.worker._endings = replace(joined.worker._endings, leg=stays.leg)
        hearing = Hearing(joined.store, ids, NoStays(), owed=owed, clock=clock)  # type: ignore[arg-type]
        back = AnsweringBack(joined.store, {"dpi": ways}, clock=clock)
        return Told(joined=joined, ids=ids, owed=owed, hearing=hearing, back=back)

    return made


def by_mllp(listener: Listener, authority: Authority, **more: Any) -> MllpPeer:
    context = client_context(authority.roots)
    context.load_cert_chain(authority.client.certificate, authority.client.key)
    return MllpPeer(**({"host": "localhost", "port": listener.port, "tls": context, "seconds": 10.0} | more))


def by_https(listener: Listener, authority: Authority, host: str = "localhost") -> WebhookPeer:
    return WebhookPeer(url=f"https://{host}:{listener.port}/in", key=KEY, tls=client_context(authority.roots))


def as_fields(message: bytes) -> Mapping[str, list[str]]:
    return {line.split("|")[0] + str(n): line.split("|") for n, line in enumerate(message.decode().split("\r"))}


async def test_a_delivery_and_a_reading_become_z02_and_z03_over_tls_in_that_order(make: Make, dpi, authority):
    told = make(Ways(ends=ENDS, zam=by_mllp(dpi, authority)))
    kept = await told.letter()
    await told.hear(kept, ReceiptKind.DELIVERED)
    await told.hear(kept, ReceiptKind.DISPLAYED)
    await told.rounds()
    assert [message.split(b"|")[8] for message in dpi.got] == [b"ZAM^Z02^ZAM_Z01", b"ZAM^Z03^ZAM_Z01"]
    assert dpi.connections == 1, "one connection for what waits together"
    z02 = parse_message(dpi.got[0].decode(), find_groups=False)
    assert (z02.obx[0].obx_4.to_er7(), z02.obx[0].obx_5.to_er7()) == ("DOC000123", "Y^^expandedYes-NoIndicator")
    assert z02.obx[1].obx_4.to_er7() == "899900000001"
    assert z02.obx[1].obx_5.to_er7() == "^^X.400^gp@test.example"
    assert z02.msh.msh_11.to_er7() == "T"
    assert told.outbox() == [("zam", "delivered", "sent"), ("zam", "displayed", "sent")]
    assert told.journal("answer-owed", "answered") == [
        ("answer-owed", "zam delivered"),
        ("answer-owed", "zam displayed"),
        ("answered", "zam delivered"),
        ("answered", "zam displayed"),
    ]


@pytest.mark.parametrize(
    ("wishes", "heard"),
    [
        (Wishes(acknowledge_reception=True), ["delivered"]),
        (Wishes(acknowledge_reading=True), ["displayed"]),
        (Wishes(acknowledge_reception=False, acknowledge_reading=False), []),
        (Wishes(), []),
    ],
    ids=["reception", "reading", "said no", "said nothing"],
)
async def test_a_zam_goes_out_only_where_the_letter_asked_for_it(make: Make, wishes: Wishes, heard: list[str]):
    told = make(Ways(ends=ENDS, zam=MllpPeer(host="localhost", port=1)))
    kept = await told.letter(wishes)
    await told.hear(kept, ReceiptKind.DELIVERED)
    await told.hear(kept, ReceiptKind.DISPLAYED)
    assert told.outbox("kind") == heard


async def test_receipts_that_change_nothing_owe_nothing(make: Make, tmp_path: Path):
    told = make(Ways(ends=ENDS, file=FilePeer(folder=tmp_path, form="json")))
    kept = await told.letter()
    await told.hear(kept, ReceiptKind.DISPLAYED)
    await told.hear(kept, ReceiptKind.DISPLAYED)  # double
    await told.hear(kept, ReceiptKind.DELIVERED)  # late
    await told.hear(kept, ReceiptKind.FAILED)  # a contradiction
    await told.hear(kept, ReceiptKind.INTEGRATED, addressee="somebody@else.example")  # of somebody else
    forged = Receipt(
        kind=ReceiptKind.INTEGRATED, message_id="<01ARZ.0.beefbeefbeef@hospital.test>", addressee="gp@test.example"
    )
    await told.hearing.hear([forged])
    assert told.outbox("kind") == ["displayed"]
    # The control: one that proves more is told.
    await told.hear(kept, ReceiptKind.INTEGRATED)
    assert told.outbox("kind") == ["displayed", "integrated"]


async def test_the_same_failure_to_file_it_told_twice_is_one_answer(make: Make, tmp_path: Path):
    told = make(Ways(ends=ENDS, file=FilePeer(folder=tmp_path, form="json")))
    kept = await told.letter()
    for _ in range(2):
        await told.hear(kept, ReceiptKind.NOT_INTEGRATED, code="902")
        await told.rounds()
    assert told.outbox("kind", "code", "state") == [("not-integrated", "902", "sent")]


async def test_a_refusal_by_the_next_hop_is_told_although_no_server_will_report_it(make: Make, dpi, authority):
    told = make(Ways(ends=ENDS, zam=by_mllp(dpi, authority)))

    async def refuse(mail: Any, step: Any) -> Any:
        raise PeerRefused("no such mailbox", status="5.1.1")

    told.joined.road.deliver_it = refuse
    await told.letter()
    await told.rounds()
    (message,) = dpi.got
    assert b"ZAM^Z02" in message
    assert b"|N^^expandedYes-NoIndicator" in message
    assert b"ERR|||207^Application error^messageErrorCondition|E|550^5.1.1^SMTPERRORCODE" in message


async def test_a_listener_that_cuts_the_line_gets_the_same_message_again(make: Make, dpi, authority, clock: Clock):
    told = make(Ways(ends=ENDS, zam=by_mllp(dpi, authority)))
    kept = await told.letter()
    await told.hear(kept, ReceiptKind.DELIVERED)
    dpi.mood = "cut"
    await told.rounds()
    await told.rounds()
    assert len(dpi.got) == 1, "the lane pauses"
    dpi.mood = ""
    clock.forward(seconds=6)
    await told.rounds()
    assert dpi.got[0] == dpi.got[1], "byte for byte, so that a double can be told"
    assert told.outbox("state") == ["sent"]


async def test_the_answer_to_another_message_is_no_answer(make: Make, dpi, authority, clock: Clock):
    told = make(Ways(ends=ENDS, zam=by_mllp(dpi, authority)))
    await told.hear(await told.letter(), ReceiptKind.DELIVERED)
    dpi.mood = "late"
    await told.rounds()
    assert told.outbox("state") == ["waiting"]


async def test_ar_is_told_again_and_ae_is_set_aside_without_holding_up_what_follows(make: Make, dpi, authority, clock):
    told = make(Ways(ends=ENDS, zam=by_mllp(dpi, authority)))
    kept = await told.letter()
    await told.hear(kept, ReceiptKind.DELIVERED)
    await told.hear(kept, ReceiptKind.DISPLAYED)
    dpi.mood = "AR"
    await told.rounds()
    assert told.outbox("state") == ["waiting", "waiting"]
    assert len(dpi.got) == 1, "order is kept: the second does not overtake the first"
    dpi.mood = "AE"
    clock.forward(seconds=6)
    await told.rounds()
    assert told.outbox("state") == ["refused", "refused"]
    assert [control_id(message) for message in dpi.got] == [*[told.outbox("id")[0]] * 2, told.outbox("id")[1]]
    assert told.journal("answer-refused") == [("answer-refused", "zam delivered"), ("answer-refused", "zam displayed")]


@pytest.mark.parametrize("pair", ["unknown", "expired", "wrong_name"])
async def test_a_listener_that_cannot_prove_who_it_is_hears_nothing(make: Make, authority: Authority, pair: str):
    async with mllp_listener(server_tls(authority, pair)) as false:
        told = make(Ways(ends=ENDS, zam=by_mllp(false, authority)))
        await told.hear(await told.letter(), ReceiptKind.DELIVERED)
        await told.rounds()
        assert false.got == []
        assert told.outbox("state") == ["waiting"]


async def test_a_silent_listener_holds_up_nobody_else(make: Make, dpi, authority, tmp_path: Path):
    told = make(Ways(ends=ENDS, zam=by_mllp(dpi, authority, seconds=60), file=FilePeer(folder=tmp_path, form="json")))
    dpi.mood = "silent"
    await told.hear(await told.letter(), ReceiptKind.DELIVERED)
    going = asyncio.create_task(told.back.tell())
    await until(lambda: told.outbox("channel", "state") == [("zam", "waiting"), ("file", "sent")])
    await told.back.end()
    await going


async def until(true: Callable[[], bool]) -> None:
    """Fails when it does not come within a minute."""
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 (the outbox has no event)
            await asyncio.sleep(0.01)


async def test_killed_between_proof_and_sending_it_is_sent_after_the_restart_with_the_same_id(
    make: Make, dpi, authority, opened: Callable[[], Store], clock: Clock
):
    ways = Ways(ends=ENDS, zam=by_mllp(dpi, authority))
    told = make(ways)
    await told.hear(await told.letter(), ReceiptKind.DELIVERED)
    (mine,) = told.outbox("id")
    back = AnsweringBack(opened(), {"dpi": ways}, clock=clock)
    await back.tell()
    assert [control_id(message) for message in dpi.got] == [mine]


async def test_killed_between_the_yes_and_writing_it_down_it_is_sent_twice_and_can_be_told(
    make: Make, dpi, authority, opened: Callable[[], Store], clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    ways = Ways(ends=ENDS, zam=by_mllp(dpi, authority))
    told = make(ways)
    await told.hear(await told.letter(), ReceiptKind.DELIVERED)

    async def dies(*_: Any) -> None:
        raise OSError("killed here")

    monkeypatch.setattr(told.back, "_write", dies)
    await told.rounds()
    back = AnsweringBack(opened(), {"dpi": ways}, clock=clock)
    await back.tell()
    await back.tell()
    assert len(dpi.got) == 2
    assert len(set(dpi.got)) == 1


async def test_the_webhook_says_ids_codes_and_times_and_is_signed(make: Make, portal, authority, clock: Clock):
    told = make(Ways(ends=ENDS, webhook=by_https(portal, authority)))
    kept = await told.letter(Wishes())
    await told.hear(kept, ReceiptKind.NOT_INTEGRATED, code="902")
    await told.rounds()
    (body,), (head,) = portal.got, portal.heads
    said = json.loads(body)
    assert (said["letter"], said["event"], said["code"], said["control_id"]) == (
        kept.id,
        "not-integrated",
        "902",
        "DOC000123",
    )
    assert said["addressee"] == {"role": "gp", "rpps": "99900000001"}
    assert head["request"] == "POST /in HTTP/1.1"
    assert head["huitaine-id"] == said["id"] == told.outbox("id")[0]
    assert head["huitaine-signature"] == signature(KEY, body, clock())
    assert head["huitaine-signature"] != signature(KEY[::-1], body, clock())
    assert CANARY.encode() not in body
    assert b"gp@test.example" not in body


@pytest.mark.parametrize("mood", ["302|Location: https://localhost:1/\r\n", "503", "401"])
async def test_a_redirect_or_a_failing_server_is_asked_again_later(make: Make, portal, authority, clock, mood: str):
    told = make(Ways(ends=ENDS, webhook=by_https(portal, authority)))
    await told.hear(await told.letter(), ReceiptKind.DELIVERED)
    portal.mood = mood
    await told.rounds()
    assert told.outbox("state") == ["waiting"]
    portal.mood = ""
    clock.forward(seconds=6)
    await told.rounds()
    assert told.outbox("state") == ["sent"]
    assert portal.got[0] == portal.got[1]


async def test_a_body_that_a_server_will_never_take_is_set_aside(make: Make, portal, authority):
    told = make(Ways(ends=ENDS, webhook=by_https(portal, authority)))
    await told.hear(await told.letter(), ReceiptKind.DELIVERED)
    portal.mood = "422"
    await told.rounds()
    assert told.outbox("state") == ["refused"]


async def test_a_web_server_under_a_false_name_hears_nothing(make: Make, authority: Authority):
    async with https_listener(server_tls(authority, "wrong_name")) as false:
        told = make(Ways(ends=ENDS, webhook=by_https(false, authority)))
        await told.hear(await told.letter(), ReceiptKind.DELIVERED)
        await told.rounds()
        assert false.got == []
        assert told.outbox("state") == ["waiting"]


async def test_a_file_is_whole_named_by_its_id_and_names_nobody(make: Make, tmp_path: Path):
    folder = tmp_path / "receipts"
    folder.mkdir()
    told = make(Ways(ends=ENDS, file=FilePeer(folder=folder, form="json")))
    await told.hear(await told.letter(), ReceiptKind.DISPLAYED)
    await told.rounds()
    (file,) = folder.iterdir()
    assert file.name == f"{told.outbox('id')[0]}.json"
    assert json.loads(file.read_bytes())["event"] == "displayed"
    assert CANARY.encode() not in file.read_bytes()


async def test_a_folder_that_is_gone_is_waited_for(make: Make, tmp_path: Path, clock: Clock):
    folder = tmp_path / "receipts"
    told = make(Ways(ends=ENDS, file=FilePeer(folder=folder, form="hl7")))
    await told.hear(await told.letter(), ReceiptKind.DISPLAYED)
    await told.rounds()
    assert told.outbox("state") == ["waiting"]
    folder.mkdir()
    clock.forward(seconds=6)
    await told.rounds()
    (file,) = folder.iterdir()
    assert file.read_bytes().startswith(b"MSH|^~\\&|HUITAINE|")
    assert file.suffix == ".hl7"


async def test_a_receipt_after_the_erasure_of_its_letter_is_told(make: Make, dpi, authority, clock: Clock):
    told = make(Ways(ends=ENDS, zam=by_mllp(dpi, authority)))
    kept = await told.letter()
    clock.forward(hours=30)
    assert await told.joined.store.tidy() == [kept.id]
    await told.hear(kept, ReceiptKind.DISPLAYED)
    await told.rounds()
    assert b"gp@test.example" in dpi.got[0]


async def test_what_was_told_long_ago_is_forgotten_and_what_waits_is_not(make: Make, tmp_path: Path, clock: Clock):
    told = make(Ways(ends=ENDS, file=FilePeer(folder=tmp_path, form="json")))
    kept = await told.letter()
    await told.hear(kept, ReceiptKind.DELIVERED)
    await told.rounds()
    await told.hear(kept, ReceiptKind.DISPLAYED)
    clock.forward(days=91)
    assert await told.back.tidy() == 1
    assert told.outbox("kind") == ["displayed"]
    with told.joined.store.reading() as connection:
        assert connection.execute(select(WISH.c.letter_id)).scalars().all() == [kept.id]
        (lane,) = answers.standing(connection)
    assert (lane.source, lane.channel, lane.waiting, lane.refused) == ("dpi", "file", 1, 0)


async def test_without_ways_nothing_is_written(joined: Joined, vault: Any, clock: Clock):
    owed = Owed(channels={}, clock=clock)
    assert owed.of_failure(DeliveryId("d"), clock()) == ()
    assert AnsweringStayBook(vault.pseudonym, owed).leg(DeliveryId("d"), "failed", clock()).what != ()


async def test_a_restored_queue_tells_nobody_before_a_person_lets_it_go(make: Make, tmp_path: Path, monkeypatch):
    told = make(Ways(ends=ENDS, file=FilePeer(folder=tmp_path / "none", form="json")))
    await told.hear(await told.letter(), ReceiptKind.DELIVERED)
    monkeypatch.setattr(told.joined.store, "_on_hold", True)
    assert await told.back.tell() == 0
    assert told.outbox("state") == ["waiting"]
