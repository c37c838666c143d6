"""The HL7 door over real sockets: kept and read before AA, AR for what is our fault, AE for the content's."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ssl
from dataclasses import replace
from datetime import timedelta

import pytest
import trustme
from structlog.testing import capture_logs

from gateway.errors import Busy, NotOpened, ReadingFailed, SettingsRefused, StorageFull
from gateway.ingest.mllp import MllpDoorSettings, MllpLimits, MllpListener, MllpSource, open_mllp_door
from tests.peers.quiet_time import in_quiet_time
from tests.unit.ingest.ingest_door_kit import NOW, SECRET, FakeIntake, ids, mdm, refusal

AUTHORITY = trustme.CA()
STRANGERS = trustme.CA()
VT, END = b"\x0b", b"\x1c\r"
WAIT = 60.0
"""Seconds until an answer must be there, on however busy a machine."""

SOURCES = (
    MllpSource(name="dpi", applications=frozenset({"DPI|CH-EXEMPLE"}), report_to="dpi@ch-exemple.test"),
    MllpSource(name="labo", applications=frozenset({"SGL|LABO"}), certificate_names=frozenset({"DNS:labo.test"})),
    MllpSource(name="other"),
)


def tls(*, demand: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("localhost").configure_cert(context)
    if demand:
        context.verify_mode = ssl.CERT_REQUIRED
        AUTHORITY.configure_trust(context)
    return context


class Peer:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, octets: bytes) -> None:
        self.writer.write(octets)
        await self.writer.drain()

    async def answer(self) -> list[str]:
        async with asyncio.timeout(WAIT):
            block = await self.reader.readuntil(END)
        assert block.startswith(VT)
        return block[1:-2].decode().split("\r")

    async def ask(self, message: bytes) -> list[str]:
        await self.send(VT + message + END)
        return await self.answer()

    async def closed(self) -> bool:
        async with asyncio.timeout(WAIT):
            with contextlib.suppress(ConnectionError):
                return await self.reader.read() == b""
        return True

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await self.writer.wait_closed()


@contextlib.asynccontextmanager
async def mllp(intake: FakeIntake | None = None, *, limits: MllpLimits | None = None, source: str = ""):
    intake = intake or FakeIntake()
    settings = MllpDoorSettings(
        recipient="auto@huitaine.test",
        listeners=(
            MllpListener(name="clear", host="127.0.0.1", source=source),
            MllpListener(name="tls", host="127.0.0.1", tls=tls(demand=False)),
            MllpListener(name="mutual", host="127.0.0.1", tls=tls(demand=True)),
        ),
        sources=SOURCES,
        limits=limits or MllpLimits(drain=timedelta(seconds=2)),
    )
    door = await open_mllp_door(settings, intake, lambda: NOW, ids())
    try:
        yield door, intake
    finally:
        if intake.gate:
            intake.gate.set()
        await door.close()


@contextlib.asynccontextmanager
async def peer(door, listener: str = "clear", certificate: trustme.LeafCert | None = None):
    secure = {}
    if listener != "clear":
        context = ssl.create_default_context()
        AUTHORITY.configure_trust(context)
        if certificate:
            certificate.configure_cert(context)
        secure = {"ssl": context, "server_hostname": "localhost"}
    one = Peer(*await asyncio.open_connection("127.0.0.1", door.ports[listener], **secure))
    try:
        yield one
    finally:
        await one.close()


async def test_a_document_is_kept_and_read_before_it_is_aa():
    intake = FakeIntake(gate=asyncio.Event())
    async with mllp(intake) as (door, _), peer(door) as dpi:
        await dpi.send(VT + mdm() + END)
        await intake.arrived.wait()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await dpi.reader.read(1)
        intake.gate.set()
        answer = await dpi.answer()
        assert answer[1] == "MSA|AA|DOC000123"
        (letter,) = intake.kept
        assert (letter.source, letter.content, letter.received_at) == ("dpi", mdm(), NOW)
        assert letter.envelope.sender == "dpi@ch-exemple.test"
        assert [to.address for to in letter.envelope.recipients] == ["auto@huitaine.test"]
        assert answer[0].split("|")[9] == letter.id[-20:]


async def test_a_replay_gets_the_same_answer_and_other_bytes_are_a_new_letter():
    async with mllp() as (door, intake):
        async with peer(door) as dpi:
            first = await dpi.ask(mdm())
            assert await dpi.ask(mdm()) == first
        async with peer(door) as dpi:
            assert await dpi.ask(mdm()) == first
            assert await dpi.ask(mdm(pid="PID|1||000004")) != first
            assert await dpi.ask(mdm("DOC000124")) != first
        assert len(intake.kept) == 3


async def test_a_replay_gets_the_same_answer_even_when_it_could_not_be_recorded():
    async with mllp(FakeIntake(answer_fault=OSError(SECRET))) as (door, intake), peer(door) as dpi:
        assert await dpi.ask(mdm()) == await dpi.ask(mdm())
        assert len(intake.kept) == 1


async def test_content_that_cannot_be_taken_is_ae_with_its_place_and_is_read_anew_when_it_comes_again():
    intake = FakeIntake(fault=refusal())
    async with mllp(intake) as (door, _), peer(door) as dpi:
        answer = await dpi.ask(mdm())
        assert answer[1] == "MSA|AE|DOC000123"
        assert answer[2].startswith("ERR||PID^1^5|101^Required field missing^HL70357|E|patient-without-name^")
        assert "DUPONT" not in "".join(answer)
        intake.fault = None
        assert (await dpi.ask(mdm()))[1] == "MSA|AA|DOC000123"


@pytest.mark.parametrize("fault", [ReadingFailed(SECRET), StorageFull(SECRET), Busy(SECRET)])
async def test_a_transient_failure_is_ar(fault):
    intake = FakeIntake(fault=fault)
    async with mllp(intake) as (door, _), peer(door) as dpi:
        answer = await dpi.ask(mdm())
        assert answer[1] == "MSA|AR|DOC000123"
        assert f"{fault.words} (reference " in answer[2]
        assert f"|{fault.status}^" in answer[2]
        intake.fault = None
        assert (await dpi.ask(mdm()))[1] == "MSA|AA|DOC000123"


async def test_a_permanent_failure_that_is_no_finding_is_ae():
    async with mllp(FakeIntake(fault=NotOpened(SECRET))) as (door, _), peer(door) as dpi:
        assert (await dpi.ask(mdm()))[1] == "MSA|AE|DOC000123"


@pytest.mark.parametrize(
    "fault", [OSError(errno.EIO, SECRET), KeyError(SECRET), MemoryError(SECRET), ValueError(SECRET)]
)
async def test_a4_an_internal_fault_is_ar_with_a_reference_and_the_connection_goes_on(fault):
    intake = FakeIntake(fault=fault)
    async with mllp(intake) as (door, _), peer(door) as dpi:
        with capture_logs() as logs:
            answer = await dpi.ask(mdm())
        assert answer[1] == "MSA|AR|DOC000123"
        assert "(reference " in answer[2]
        assert "DUPONT" not in repr(logs) + "".join(answer)
        intake.fault = None
        assert (await dpi.ask(mdm()))[1] == "MSA|AA|DOC000123"


@pytest.mark.parametrize(
    ("content", "place", "code"),
    [
        (b"PID|1||3", "MSH^1", "no-msh"),
        (b"MSH|^^^^|a", "MSH^1", "no-msh"),
        (b"%PDF-1.4", "MSH^1", "no-msh"),
        (mdm(""), "MSH^1^10", "no-control-id"),
        (mdm().replace(b"|DPI|", b"|DPI2|"), "MSH^1^3", "unknown-application"),
        (mdm().replace(b"|DPI|", b"|SGL|"), "MSH^1^3", "unknown-application"),
    ],
)
async def test_row_23_what_has_no_usable_header_is_ae_with_its_place(content, place, code):
    async with mllp() as (door, intake), peer(door) as dpi:
        answer = await dpi.ask(content)
        assert answer[1].startswith("MSA|AE|")
        assert answer[2].split("|")[2] == place
        assert answer[2].split("|")[5].startswith(f"{code}^")
        assert intake.asked == 0
        assert (await dpi.ask(mdm()))[1] == "MSA|AA|DOC000123"


async def test_row_23_a_block_over_the_limit_is_ae_and_the_connection_goes_on():
    limits = MllpLimits(max_size=2 << 20)
    async with mllp(limits=limits) as (door, intake), peer(door) as dpi:
        answer = await dpi.ask(mdm() + b"NTE|1||" + b"x" * (3 << 20))
        assert answer[1] == "MSA|AE|DOC000123"
        assert answer[2].endswith("message larger than 2 MB, the limit of this gateway")
        assert intake.asked == 0
        assert (await dpi.ask(mdm()))[1] == "MSA|AA|DOC000123"


async def test_row_23_an_endless_block_ends_the_connection():
    async with mllp(limits=MllpLimits(max_size=1 << 16)) as (door, _), peer(door) as dpi:
        await dpi.send(VT)
        with contextlib.suppress(ConnectionError):
            for _ in range(12):
                await dpi.send(b"x" * (1 << 16))
        assert await dpi.closed()


async def test_a_block_of_ten_megabytes_is_taken():
    content = mdm() + b"NTE|1||" + b"x" * (10 << 20) + b"\r"
    async with mllp() as (door, intake), peer(door) as dpi:
        assert (await dpi.ask(content))[1] == "MSA|AA|DOC000123"
        assert intake.kept[0].content == content


async def test_many_messages_in_one_write_are_answered_in_their_order():
    async with mllp() as (door, _), peer(door) as dpi:
        await dpi.send(b"".join(VT + mdm(f"C{number}") + END for number in range(50)))
        assert [(await dpi.answer())[1] for _ in range(50)] == [f"MSA|AA|C{number}" for number in range(50)]


async def test_half_a_block_is_never_taken():
    async with mllp() as (door, intake):
        whole = VT + mdm() + END
        for cut in range(0, len(whole), 7):
            async with peer(door) as dpi:
                await dpi.send(whole[:cut])
                dpi.writer.write_eof()
                assert await dpi.closed()
        assert intake.asked == 0
        async with peer(door) as dpi:  # the control: all of it is
            await dpi.send(whole[:20])
            await dpi.send(whole[20:])
            assert (await dpi.answer())[1] == "MSA|AA|DOC000123"


async def test_a_sender_that_begins_anew_is_understood():
    async with mllp() as (door, intake), peer(door) as dpi:
        await dpi.send(VT + mdm("HALF")[:60])
        assert (await dpi.ask(mdm("WHOLE")))[1] == "MSA|AA|WHOLE"
        assert len(intake.kept) == 1


def test_silence_ends_a_connection_sooner_within_a_block_than_between_two():
    async def work():
        limits = MllpLimits(idle=timedelta(seconds=40), grace=timedelta(seconds=10), bytes_per_second=100_000)
        async with mllp(limits=limits) as (door, _), peer(door) as idle, peer(door) as half:
            before = asyncio.get_running_loop().time()
            await half.send(VT + b"MSH")
            assert await half.closed()
            assert asyncio.get_running_loop().time() - before < 35
            assert await idle.closed()

    in_quiet_time(work)


def test_a_connection_may_be_idle_before_a_block_that_comes_in_pieces():
    async def work():
        limits = MllpLimits(grace=timedelta(seconds=15))
        async with mllp(limits=limits) as (door, _), peer(door) as dpi:
            await asyncio.sleep(30)
            await dpi.send(VT + mdm()[:40])
            await asyncio.sleep(5)
            await dpi.send(mdm()[40:] + END)
            assert (await dpi.answer())[1] == "MSA|AA|DOC000123"

    in_quiet_time(work)


@pytest.mark.parametrize("octets", [b"GET / HTTP/1.1\r\n" + b"x" * 300, mdm() * 3, b"\x16\x03\x01" * 200])
async def test_what_is_no_mllp_is_closed(octets):
    async with mllp() as (door, intake), peer(door) as stranger:
        await stranger.send(octets)
        assert await stranger.closed()
        assert intake.asked == 0


async def test_the_listener_says_whose_message_it_is_when_nothing_else_does():
    async with mllp(source="other") as (door, intake), peer(door) as dpi:
        await dpi.ask(mdm().replace(b"|DPI|", b"|INCONNU|"))
        await dpi.ask(mdm())
        assert [letter.source for letter in intake.kept] == ["other", "dpi"]


async def test_a_client_certificate_is_demanded_and_says_who_writes():
    async with mllp() as (door, intake):
        labo = AUTHORITY.issue_cert("labo.test")
        async with peer(door, "mutual", labo) as one:
            result = mdm("R1").replace(b"|DPI|CH-EXEMPLE|", b"|SGL|LABO|")
            assert (await one.ask(result))[1] == "MSA|AA|R1"
            assert (await one.ask(mdm("FORGED")))[1] == "MSA|AE|FORGED"  # the laboratory may not write as the DPI
        assert [letter.source for letter in intake.kept] == ["labo"]
        for certificate in (None, STRANGERS.issue_cert("labo.test")):
            with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
                async with peer(door, "mutual", certificate) as stranger:
                    await stranger.ask(mdm())
        async with peer(door, "tls") as anybody:
            assert (await anybody.ask(mdm("T1")))[1] == "MSA|AA|T1"


def test_clear_text_beyond_loopback_and_unknown_sources_are_refused():
    base = MllpDoorSettings(recipient="auto@x.test", listeners=(), sources=SOURCES)
    for listener in (
        MllpListener(name="far", host="0.0.0.0"),  # noqa: S104  that is what is refused
        MllpListener(name="far", host="hl7.test"),
        MllpListener(name="nobody", host="127.0.0.1", source="nobody"),
    ):
        with pytest.raises(SettingsRefused):
            replace(base, listeners=(listener,))
    assert replace(base, listeners=(MllpListener(name="near", host="localhost"),))


async def test_connections_over_the_limit_are_closed():
    async with mllp(limits=MllpLimits(max_connections=1)) as (door, _), peer(door) as first:
        assert (await first.ask(mdm()))[1] == "MSA|AA|DOC000123"
        async with peer(door) as second:
            assert await second.closed()


async def test_two_hundred_connections_at_once():
    async with mllp() as (door, intake):

        async def one(number: int) -> str:
            async with peer(door) as dpi:
                return (await dpi.ask(mdm(f"N{number}")))[1]

        said = await asyncio.gather(*(one(number) for number in range(200)))
        assert said == [f"MSA|AA|N{number}" for number in range(200)]
        assert len(intake.kept) == 200


async def test_f6_closing_answers_what_is_being_taken_and_ends_the_rest():
    intake = FakeIntake(gate=asyncio.Event())
    async with mllp(intake) as (door, _), peer(door) as busy, peer(door) as idle:
        await busy.send(VT + mdm() + END + VT + mdm("NEXT") + END)
        await intake.arrived.wait()
        closing = asyncio.create_task(door.close())
        assert await idle.closed()
        intake.gate.set()
        assert (await busy.answer())[1] == "MSA|AA|DOC000123"
        assert await busy.closed()
        await closing
        assert len(intake.kept) == 1
        assert door.connections == 0
