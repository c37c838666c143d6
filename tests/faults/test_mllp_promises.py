"""A6, A7 and A8 at the MLLP door of a whole gateway: its store, its readers, its road."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from config.settings import load
from demo import letters
from gateway.moments import utc_now
from gateway.service.build import build
from gateway.service.running import Running
from tests.faults.ledger import looking
from tests.faults.place import RETRY, Place, prepare
from tests.faults.sender import Mllp
from tests.peers.authority import make_authority

pytestmark = pytest.mark.timeout(300)
START, END = b"\x0b", b"\x1c\r"


@dataclass(frozen=True, slots=True)
class Ward:
    place: Place
    running: Running

    def kept(self) -> int:
        with looking(self.place.database) as connection:
            return int(connection.execute("SELECT count(*) FROM letter WHERE door = 'mllp'").fetchone()[0])

    async def ask(self, message: bytes) -> str:
        sender = Mllp(self.place)
        try:
            async with asyncio.timeout(60):
                return await sender.send(message)
        finally:
            await sender.close()

    async def say_and_hear_nothing(self, octets: bytes) -> None:
        """The network eats whatever is answered; on return the gateway has done with it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.place.mllp)
        with contextlib.suppress(ConnectionError):
            writer.write(octets)
            writer.write_eof()
            async with asyncio.timeout(60):
                await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def ward(folder: Path, *, replay_hours: float = 72.0) -> AsyncIterator[Ward]:
    (folder / "tls").mkdir(parents=True)
    place = prepare(folder / "gateway", make_authority(folder / "tls"), hop_port=9)
    text = place.settings.read_text(encoding="utf-8").replace(f"[{RETRY}]", f"[600]\nreplay_hours = {replay_hours}")
    place.settings.write_text(text, encoding="utf-8")
    async with Running(build(load(place.settings), clock=utc_now)) as running:
        yield Ward(place, running)


def message(number: int) -> bytes:
    return Mllp.letter("mllp", number, letters.pdf("Lettre", "Essai"))


async def test_a7_a_message_cut_anywhere_is_a_letter_or_none_and_when_sent_again_it_is_one(tmp_path: Path):
    whole = START + message(1) + END
    async with ward(tmp_path) as here:
        cuts = [*range(0, len(whole) - 4, len(whole) // 60), *range(len(whole) - 4, len(whole))]
        for cut in cuts:
            await here.say_and_hear_nothing(whole[:cut])
        assert here.kept() == 0
        await here.say_and_hear_nothing(whole)  # the control: its last byte makes it one
        assert here.kept() == 1
        assert "\rMSA|AA|" in await here.ask(whole.removeprefix(START).removesuffix(END))
        assert here.kept() == 1


async def test_a8_a_message_whose_answer_was_lost_gets_the_first_answer_and_is_one_letter(tmp_path: Path):
    messages = [message(number) for number in range(20)]
    async with ward(tmp_path) as here:
        await asyncio.gather(*(here.say_and_hear_nothing(START + each + END) for each in messages))
        assert here.kept() == 20
        answers = [await here.ask(each) for each in messages]
        assert all("\rMSA|AA|" in answer for answer in answers)
        assert [await here.ask(each) for each in messages] == answers
        assert here.kept() == 20


async def test_a8_control_without_a_memory_each_message_sent_again_is_a_new_letter(tmp_path: Path):
    messages = [message(number) for number in range(5)]
    async with ward(tmp_path, replay_hours=0.0) as here:
        for each in (*messages, *messages):
            await here.say_and_hear_nothing(START + each + END)
        assert here.kept() == 10


async def test_a8_the_same_control_id_with_other_bytes_is_another_letter(tmp_path: Path):
    first = message(1)
    other = Mllp.letter("mllp", 1, letters.pdf("Lettre", "Une autre"))
    assert first.split(b"|")[9] == other.split(b"|")[9]
    async with ward(tmp_path) as here:
        assert "\rMSA|AA|" in await here.ask(first)
        assert "\rMSA|AA|" in await here.ask(other)
        assert here.kept() == 2


async def test_a6_a_low_disk_is_ar_and_ends_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async with ward(tmp_path) as here:
        real = shutil.disk_usage
        with monkeypatch.context() as patch:
            patch.setattr(shutil, "disk_usage", lambda path: real(path)._replace(free=0))
            await asyncio.sleep(1.1)  # it is looked at once a second
            answer = await here.ask(message(1))
            assert "\rMSA|AR|" in answer
            assert "|4.3.1^" in answer
            assert "(reference " in answer
            assert here.kept() == 0
        await asyncio.sleep(1.1)
        assert "\rMSA|AA|" in await here.ask(message(1))
