"""The hospital's own software learns what became of its letters, in the words and by the way that it asked for."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import pytest
from hl7apy.parser import parse_message

from demo import letters
from gateway.queue import answers
from gateway.receipts.answer import signature
from tests.journeys.kit import Hospital, hospital, until
from tests.journeys.test_receipts_come_back import DAY, NOW, bounce, comes_back, mdn
from tests.peers.authority import make_authority
from tests.peers.dovecot import Dovecot
from tests.peers.fixtures import DELIVERED_GP
from tests.peers.hospital_listener import Listener, control_id, https_listener, mllp_listener, server_tls
from tests.peers.postfix import Postfix

pytestmark = [pytest.mark.peer, pytest.mark.root]

KEY = b"a secret of some length"


@dataclass(kw_only=True)
class Software:
    """The hospital, its patient record that listens, its web server, and its folder."""

    ward: Hospital
    record: Listener
    portal: Listener
    folder: Path

    def files(self) -> list[dict[str, object]]:
        """What lies in the folder, in the order it happened."""
        found = [json.loads(path.read_bytes()) for path in self.folder.glob("*.json")]
        return sorted(found, key=lambda one: str(one["heard_at"]))


Opening = Callable[..., contextlib.AbstractAsyncContextManager[Software]]


@pytest.fixture
def opening(tmp_path: Path, postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str) -> Opening:
    """A hospital whose software listens over TLS; ``gp`` may be a mailbox that does not exist."""

    @contextlib.asynccontextmanager
    async def opened(*, gp: str = mailbox) -> AsyncIterator[Software]:
        (tmp_path / "peers").mkdir()
        folder = tmp_path / "answers"
        folder.mkdir()
        authority = make_authority(tmp_path / "peers")
        async with (
            mllp_listener(server_tls(authority, demand=True)) as record,
            https_listener(server_tls(authority)) as portal,
        ):
            told = f"""
[sources.mllp]
receipts = ["zam", "webhook", "file"]
[sources.mllp.zam]
host = "localhost"
port = {record.port}
application = "DPI|CH"
ca = "{authority.roots}"
certificate = "{authority.client.certificate}"
key = "{authority.client.key}"
[sources.mllp.webhook]
url = "https://localhost:{portal.port}/receipts"
ca = "{authority.roots}"
[sources.mllp.file]
path = "{folder}"
"""

            def learn(where: Path) -> None:
                (where / "secrets" / "webhook-key").write_bytes(KEY)

            async with hospital(
                tmp_path / "ward",
                postfix,
                dovecot,
                gp=gp,
                sender=hospital_mailbox,
                change=lambda text: text.replace("[sources.mllp]\n", told),
                learn=learn,
            ) as ward:
                yield Software(ward=ward, record=record, portal=portal, folder=folder)

    return opened


async def discharge_letter(ward: Hospital) -> None:
    message = letters.mdm("DOC1", NOW, NOW - 5 * DAY, NOW - DAY, letters.pdf("Lettre de liaison", "x"))
    message = message.replace(letters.GP_MAILBOX.encode(), ward.gp.mailbox.encode())
    assert "MSA|AA" in await ward.hl7(message)


async def test_when_the_gp_opens_the_letter_the_hospitals_software_is_told_and_finds_a_file(opening: Opening):
    async with opening() as there:
        await discharge_letter(there.ward)
        letter = message_from_bytes(await there.ward.letter_in_mailbox())
        await comes_back(there.ward, mdn(letter, reader=there.ward.gp.mailbox))
        await until(lambda: any(b"ZAM^Z03" in message for message in there.record.got) and bool(there.portal.got))
        await until(lambda: any(file["event"] == "displayed" for file in there.files()))
        (read,) = [message for message in there.record.got if b"ZAM^Z03" in message]
        zam = parse_message(read.decode(), find_groups=False)
        assert zam.msh.msh_9.to_er7() == "ZAM^Z03^ZAM_Z01"
        assert (zam.msh.msh_5.to_er7(), zam.msh.msh_6.to_er7()) == ("DPI", "CH")
        assert zam.obx[0].obx_3.to_er7().startswith("ACK_LECTURE_MSS^")
        assert (zam.obx[0].obx_4.to_er7(), zam.obx[0].obx_5.to_er7()[:1]) == ("DOC1", "Y")
        assert zam.obx[1].obx_5.to_er7() == f"^^X.400^{there.ward.gp.mailbox}"
        (file,) = [file for file in there.files() if file["event"] == "displayed"]
        assert file["control_id"] == "DOC1"
        body, head = there.portal.got[-1], there.portal.heads[-1]
        seconds = int(head["huitaine-signature"].split(",")[0].removeprefix("t="))
        assert head["huitaine-signature"] == signature(KEY, body, _at(seconds))
        everything = b"".join([body, json.dumps(file).encode(), *there.record.got])
        for secret in (b"PATIENTE", b"Lettre de liaison", letter["Subject"].encode()):
            assert secret not in everything
        await until(lambda: _standing(there.ward) == [])
        told = [entry["code"] for entry in there.ward.journal() if entry["kind"] == "answered"]
        assert {"zam displayed", "webhook displayed", "file displayed"} <= set(told)


async def test_the_same_receipt_twice_tells_the_hospital_once_and_another_addressees_tells_it_nothing(
    opening: Opening,
):
    async with opening() as there:
        await discharge_letter(there.ward)
        letter = message_from_bytes(await there.ward.letter_in_mailbox())
        await comes_back(there.ward, mdn(letter, reader="somebody.else@gp.test"))
        for _ in range(2):
            await comes_back(there.ward, mdn(letter, reader=there.ward.gp.mailbox))
        await until(lambda: any(b"ZAM^Z03" in message for message in there.record.got))
        await asyncio.sleep(2.5)  # a round more
        assert sum(b"ZAM^Z03" in message for message in there.record.got) == 1
        assert [file["event"] for file in there.files()].count("displayed") == 1


async def test_the_record_hears_of_the_reading_that_its_letter_asked_for_and_not_of_the_reception(opening: Opening):
    async with opening(gp=DELIVERED_GP) as there:
        before = len(there.ward.dovecot.mails(DELIVERED_GP))
        message = letters.mdm("DOC1", NOW, NOW - 5 * DAY, NOW - DAY, letters.pdf("Lettre de liaison", "x"))
        message = message.replace(b"ACK_RECEPTION^MetaDMPMSS||Y", b"ACK_RECEPTION^MetaDMPMSS||N")
        assert "MSA|AA" in await there.ward.hl7(message.replace(letters.GP_MAILBOX.encode(), DELIVERED_GP.encode()))
        letter = message_from_bytes(await there.ward.letter_in_mailbox(number=before))
        await until(lambda: "delivered" in [file["event"] for file in there.files()])
        await comes_back(there.ward, mdn(letter, reader=DELIVERED_GP))
        await until(lambda: [file["event"] for file in there.files()] == ["delivered", "displayed"])
        await until(lambda: _standing(there.ward) == [])
        assert [message.split(b"|")[8] for message in there.record.got] == [b"ZAM^Z03^ZAM_Z01"]


async def test_a_letter_that_comes_back_is_told_as_not_received_and_by_no_mail_that_nobody_asked_for(
    opening: Opening,
):
    async with opening() as there:
        await discharge_letter(there.ward)
        letter = message_from_bytes(await there.ward.letter_in_mailbox())
        await comes_back(there.ward, bounce(letter, addressee=there.ward.gp.mailbox))
        await until(lambda: any(b"ZAM^Z02" in message for message in there.record.got))
        (message,) = [message for message in there.record.got if b"ZAM^Z02" in message]
        assert b"|N^^expandedYes-NoIndicator" in message
        assert b"550^5.1.1^SMTPERRORCODE" in message
        await until(lambda: "failed, told otherwise" in [entry["code"] for entry in there.ward.journal()])


async def test_a_patient_record_that_is_down_overnight_hears_it_in_the_morning_once_and_the_same(opening: Opening):
    async with opening() as there:
        there.record.mood = "cut"
        await discharge_letter(there.ward)
        letter = message_from_bytes(await there.ward.letter_in_mailbox())
        await comes_back(there.ward, mdn(letter, reader=there.ward.gp.mailbox))
        await until(lambda: len(there.record.got) >= 1 and any(f["event"] == "displayed" for f in there.files()))
        await until(lambda: [(lane.channel, lane.waiting) for lane in _standing(there.ward)] == [("zam", 1)])
        there.record.mood = ""
        await until(lambda: _standing(there.ward) == [])
        assert len({control_id(message) for message in there.record.got}) == 1
        assert len(set(there.record.got)) == 1


def _standing(ward: Hospital) -> list[answers.Lanes]:
    with ward.running.store.reading() as connection:
        return answers.standing(connection)


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
