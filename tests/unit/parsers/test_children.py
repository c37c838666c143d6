"""Reading in confined children: whatever a letter does to its reader costs that letter alone (decision 8, E10, F10)."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from gateway.document import Finding, Reading
from gateway.errors import ReaderUnavailable, ReadingFailed, UnreadableDocument
from gateway.parsers.children import POISON, Readers
from gateway.parsers.read import read
from gateway.parsers.syscalls import kept

MISBEHAVING = (str(Path(__file__).with_name("misbehaving_reader.py")),)


@pytest.fixture
async def hostile() -> AsyncIterator[Readers]:
    readers = Readers(children=1, memory=256 << 20, seconds=30, program=MISBEHAVING)
    await readers.start()
    yield readers
    await readers.close()


@pytest.fixture
async def impatient() -> AsyncIterator[Readers]:
    """For what never ends, or must not; on a busy machine its children may be starved: see :func:`patiently`."""
    readers = Readers(children=1, memory=256 << 20, seconds=1, program=MISBEHAVING)
    await readers.start()
    yield readers
    await readers.close()


async def patiently(readers: Readers, content: bytes) -> Reading:
    """As the gateway does with a letter whose reader got no time: it is read again later."""
    while True:
        try:
            return await readers.read(content)
        except ReaderUnavailable as trouble:
            if trouble.detail != "reader-starved":
                raise


async def said(readers: Readers, what: str) -> str:
    return (await patiently(readers, what.encode())).documents[0].text


async def outcome(readers: Readers, content: bytes, name: str) -> Reading | tuple[Finding, ...]:
    try:
        return await readers.read(content, name=name)
    except UnreadableDocument as refusal:
        return refusal.findings


def here(content: bytes, name: str) -> Reading | tuple[Finding, ...]:
    """What the parent would have read, without any confinement."""
    try:
        reading = read(content, name=name)
    except UnreadableDocument as refusal:
        return refusal.findings
    return reading if reading.accepted else reading.findings


async def same_in_a_child(files: Iterable[Path]) -> None:
    readers = Readers()
    await readers.start()
    try:
        for path in files:
            content = path.read_bytes()
            assert await outcome(readers, content, path.name) == here(content, path.name), path.name
    finally:
        await readers.close()


async def test_the_real_child_reads_every_hprim_sample_as_the_parent_would(vectors: Path) -> None:
    await same_in_a_child(sorted((vectors / "hprim").rglob("*.hpr")))


async def test_the_real_child_reads_the_shared_samples_without_opening_a_file(samples: Path) -> None:
    folders = ("hl7v2", "cda", "xdm", "mss")
    await same_in_a_child(path for folder in folders for path in sorted((samples / folder).iterdir()) if path.is_file())


@pytest.mark.parametrize(
    ("letter", "detail"),
    [
        ("memory", "reader-raised MemoryError"),
        ("exit", "reader-died IncompleteReadError"),
        ("segfault", "reader-died IncompleteReadError"),
        ("raise", "reader-raised KeyError"),
        ("nonsense", "reader-died"),
        ("flood", "reader-died ValueError"),
    ],
)
async def test_a_letter_that_harms_its_reader_costs_that_letter_alone(
    hostile: Readers, letter: str, detail: str
) -> None:
    with pytest.raises(ReadingFailed) as caught:
        await hostile.read(letter.encode())
    assert caught.value.detail.startswith(detail)
    assert "TESTINI" not in f"{caught.value} {caught.value.detail}"
    assert await said(hostile, "say bonjour") == "bonjour"


async def test_a_letter_that_never_ends_costs_that_letter_alone(impatient: Readers) -> None:
    with pytest.raises(ReadingFailed) as caught:
        await patiently(impatient, b"forever")
    assert caught.value.detail == "reader-too-slow"
    assert await said(impatient, "say bonjour") == "bonjour"


async def test_a_letter_that_killed_two_readers_is_not_given_to_a_third(hostile: Readers) -> None:
    for _ in range(2):
        with pytest.raises(ReadingFailed):
            await hostile.read(b"exit now")
    before = await said(hostile, "pid")
    for _ in range(3):
        with pytest.raises(ReadingFailed) as caught:
            await hostile.read(b"exit now")
        assert caught.value.detail == POISON
    assert await said(hostile, "pid") == before
    with pytest.raises(ReadingFailed) as other:
        await hostile.read(b"exit later")
    assert other.value.detail != POISON


async def test_a_refusal_keeps_the_child_and_brings_the_findings(hostile: Readers) -> None:
    before = await said(hostile, "pid")
    with pytest.raises(UnreadableDocument) as caught:
        await hostile.read(b"refuse")
    assert (caught.value.findings[0].code, caught.value.detail) == ("test", "detail")
    assert await said(hostile, "pid") == before


@pytest.mark.parametrize(
    "what",
    [
        "write",
        "read-secret",
        "read-any",
        "connect",
        "unix-socket",
        "fork",
        "run",
        "become-root",
        "more-memory",
        "unlimit",
    ],
)
async def test_e10_the_reader_has_no_right_it_does_not_need(hostile: Readers, what: str) -> None:
    assert await said(hostile, f"attempt {what}") in {
        "OSError",
        "PermissionError",
        "BlockingIOError",
        "MemoryError",
        "ValueError",
    }
    assert not Path("/tmp/huitaine-was-here").exists()


@pytest.mark.skipif(not kept(), reason="no list of system calls for this kind of machine")
@pytest.mark.parametrize("what", ["unlink", "rename", "exec"])
async def test_e10_the_reader_cannot_change_what_needs_no_descriptor(hostile: Readers, what: str) -> None:
    """The folder lets anybody do it and the file is theirs: only the filter of system calls stands in the way."""
    keep = Path(f"/tmp/huitaine-to-keep-{os.getpid()}")  # the other workers' tests have theirs
    keep.write_text("x")
    keep.chmod(0o666)
    try:
        if os.getuid() == 0:
            os.chown(keep, 65534, 65534)
        assert await said(hostile, f"attempt {what} {keep}") == "PermissionError"
        assert keep.read_text() == "x"
    finally:
        keep.unlink()


async def test_e10_the_reader_cannot_signal_the_gateway(hostile: Readers) -> None:
    assert await said(hostile, "attempt kill-parent") == "PermissionError"


async def test_e10_control_without_confinement_the_same_program_writes(tmp_path: Path) -> None:
    """Negative control: what stops the reader is the confinement, not the test machine."""
    target = tmp_path / "written"
    process = await asyncio.create_subprocess_exec(
        "python3", "-c", f"import socket; open({str(target)!r}, 'w').write('x'); socket.socketpair()"
    )
    assert await process.wait() == 0
    assert target.exists()


async def test_the_reader_sees_nothing_of_the_gateways_environment(
    hostile: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUITAINE__CRYPTO__SECRET", "x")
    readers = Readers(children=1, seconds=5, program=MISBEHAVING)
    await readers.start()
    try:
        assert set((await said(readers, "environment")).split(",")) <= {"LANG", "PYTHONPATH", "LC_CTYPE"}
    finally:
        await readers.close()


async def test_letters_are_read_side_by_side_and_a_slow_one_holds_up_nobody() -> None:
    readers = Readers(children=2, seconds=60, program=MISBEHAVING)
    await readers.start()
    try:
        slow = asyncio.create_task(readers.read(b"forever"))
        await asyncio.sleep(0)
        answers = await asyncio.gather(*(said(readers, f"say {number}") for number in range(50)))
        assert answers == [str(number) for number in range(50)]
        assert not slow.done()
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)
    finally:
        await readers.close()


async def test_a_caller_that_gives_up_leaves_no_answer_for_the_next(hostile: Readers) -> None:
    task = asyncio.create_task(hostile.read(b"forever"))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await said(hostile, "say bonjour") == "bonjour"


async def test_a_program_that_cannot_start_is_told_at_once(tmp_path: Path) -> None:
    readers = Readers(children=1, program=(str(tmp_path / "absent.py"),))
    with pytest.raises(ReadingFailed) as caught:
        await readers.start()
    assert caught.value.detail.startswith("reader-start")


async def test_a_machine_without_processes_blames_no_letter_and_reads_it_later(
    hostile: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = asyncio.create_subprocess_exec

    async def none_left(*_: object, **__: object) -> None:
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(asyncio, "create_subprocess_exec", none_left)
    with pytest.raises(ReadingFailed):
        await hostile.read(b"exit now")  # the child that falls cannot be replaced
    for _ in range(4):
        with pytest.raises(ReaderUnavailable):
            await hostile.read(b"say innocent")
    monkeypatch.setattr(asyncio, "create_subprocess_exec", real)
    assert await said(hostile, "say innocent") == "innocent"


async def test_a_child_that_got_no_time_to_read_blames_no_letter() -> None:
    readers = Readers(children=1, seconds=0.5, program=MISBEHAVING)
    await readers.start()
    try:
        for _ in range(3):
            pid = int(await said(readers, "pid"))
            os.kill(pid, signal.SIGSTOP)
            with pytest.raises(ReaderUnavailable) as caught:
                await readers.read(b"say innocent")
            assert caught.value.detail == "reader-starved"
        assert await said(readers, "say innocent") == "innocent"
    finally:
        await readers.close()


async def test_after_close_no_child_is_left_and_nothing_is_read() -> None:
    readers = Readers(children=2, program=MISBEHAVING)
    await readers.start()
    pid = int(await said(readers, "pid"))
    await readers.close()
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(ReaderUnavailable):
        await readers.read(b"say x")


async def test_a_letter_of_85_kb_costs_the_gateway_well_below_a_millisecond(vectors: Path) -> None:
    """The parent's own work per letter; the child's is elsewhere (the median, because the machine is shared)."""
    header = (vectors / "hprim" / "hprim_medecin_letter.hpr").read_bytes()
    content = header.replace(b"Cher Confr", b"Texte de la lettre.\r\n" * 4000 + b"Cher Confr", 1)
    assert len(content) > 84_000
    readers = Readers(children=1)
    await readers.start()
    try:
        took = []
        for _ in range(40):
            started = time.process_time()
            await readers.read(content, name="x.hpr")
            took.append(time.process_time() - started)
        assert sorted(took)[len(took) // 2] < 0.001
    finally:
        await readers.close()


async def test_a_charset_no_child_has_loaded_is_no_failure() -> None:
    readers = Readers(children=1)
    await readers.start()
    try:
        for charset in ("big5", "x-never-heard", "hex", "../../etc/passwd", "utf-7"):
            head = f"From: =?{charset}?q?a=E9?= <a@b.example>\r\nContent-Type: text/plain; charset={charset}\r\n"
            mail = f"{head}\r\nBonjour é"
            reading = await readers.read(mail.encode(), expect_mail=True)
            assert reading.documents[0].text == "Bonjour é"
    finally:
        await readers.close()
