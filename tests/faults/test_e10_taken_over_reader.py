"""E10: a reader that a letter has taken over reads nothing, reaches nobody, starts nothing and learns no secret."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.document import Reading
from gateway.errors import ReaderUnavailable, ReadingFailed
from gateway.parsers.children import Readers
from gateway.parsers.syscalls import kept
from tests.faults.hostile_reader import FAMILIES

HOSTILE = ("-m", "tests.faults.hostile_reader")
SECRET = "c4n4ry-0f-the-master-key"
needs_a_filter = pytest.mark.skipif(not kept(), reason="no list of system calls for this kind of machine")


@pytest.fixture
async def reader() -> AsyncIterator[Readers]:
    readers = Readers(children=1, seconds=60, program=HOSTILE)
    await readers.start()
    yield readers
    await readers.close()


@pytest.fixture
def victim() -> Iterator[int]:
    """A process of the same user that the reader ends up as, or of ours."""
    demote = {"user": 65534, "group": 65534, "extra_groups": []} if os.getuid() == 0 else {}
    process = subprocess.Popen(["/bin/sleep", "600"], cwd="/", **demote)  # type: ignore[call-overload]
    yield process.pid
    process.kill()
    process.wait()


async def said(reader: Readers, what: str, rest: object = "") -> str:
    return (await reader.read(f"{what} {rest}".encode())).documents[0].text or ""


async def patiently(reader: Readers, content: bytes) -> Reading:
    """Again while the machine gave the child no time, as the gateway does."""
    while True:
        try:
            return await reader.read(content)
        except ReaderUnavailable as trouble:
            if trouble.detail != "reader-starved":
                raise


@needs_a_filter
@pytest.mark.parametrize(
    "what", ["read", "write", "append", "unlink", "rename", "link", "chmod", "stat"]
)  # fmt: skip
async def test_e10_the_reader_touches_no_file_even_one_that_is_open_to_all(reader: Readers, what: str):
    file = Path(f"/tmp/huitaine-e10-{os.getpid()}")
    file.write_text("kept")
    try:
        file.chmod(0o666)
        if os.getuid() == 0:
            os.chown(file, 65534, 65534)
        assert (await said(reader, what, file)).startswith("denied ")
        assert file.read_text() == "kept"
        assert file.stat().st_mode & 0o777 == 0o666
    finally:
        file.unlink()


@needs_a_filter
@pytest.mark.parametrize("where", ["/", "/tmp", "/proc/self", "/proc/self/environ", "/etc/passwd", "/dev/mem"])
async def test_e10_the_reader_sees_no_folder_and_no_system_file(reader: Readers, where: str):
    for what in ("list", "read", "chdir", "stat"):
        assert (await said(reader, what, where)).startswith("denied ")


@pytest.mark.parametrize("family", FAMILIES)
async def test_e10_the_reader_has_no_socket_of_any_family(reader: Readers, family: str):
    assert (await said(reader, "socket", family)).startswith("denied ")


@pytest.mark.parametrize(
    "what",
    ["fork", "vfork-exec", "exec", "thread", "socketpair", "root", "unlimit", "memory", "gigabyte"],
)
async def test_e10_the_reader_starts_nothing_and_gets_no_more_than_its_limits(reader: Readers, what: str):
    assert (await said(reader, what)).startswith("denied ")


@needs_a_filter
@pytest.mark.parametrize("what", ["namespace", "mount", "shared", "keyring", "prctl", "clock", "memfd", "stop-group"])
async def test_e10_the_reader_asks_the_kernel_for_nothing_else(reader: Readers, what: str):
    assert (await said(reader, what)).startswith("denied ")


@needs_a_filter
@pytest.mark.parametrize("what", ["ptrace", "read-other", "kill"])
async def test_e10_the_reader_harms_no_process_neither_the_gateway_nor_one_of_its_own_user(
    reader: Readers, victim: int, what: str
):
    for other in (os.getpid(), victim):
        assert (await said(reader, what, other)).startswith("denied ")
    os.kill(victim, 0)


@pytest.mark.parametrize("what", ["environ", "mem", "maps", "fd", "cmdline", "root"])
async def test_e10_the_reader_sees_nothing_of_the_gateway_in_proc(reader: Readers, what: str):
    assert (await said(reader, "read", f"/proc/{os.getpid()}/{what}")).startswith("denied ")


async def test_e10_the_reader_inherits_no_descriptor_no_environment_and_no_memory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HUITAINE_SECRET", SECRET)
    held = {"master-key": SECRET}
    with Path("/etc/hostname").open() as file:  # noqa: ASYNC230 (a descriptor to inherit)
        os.set_inheritable(file.fileno(), True)
        readers = Readers(children=1, seconds=60, program=HOSTILE)
        await readers.start()
        try:
            assert await said(readers, "inherited") == "nothing"
            assert await said(readers, "secret", SECRET[::-1]) == "nothing"
        finally:
            await readers.close()
    assert held


async def test_e10_a_reader_that_computes_for_ever_is_ended_and_the_next_letter_is_read():
    readers = Readers(children=1, seconds=1, program=("-m", "tests.unit.parsers.misbehaving_reader"))
    await readers.start()
    try:
        with pytest.raises(ReadingFailed) as slow:
            await patiently(readers, b"forever")
        assert slow.value.detail == "reader-too-slow"
        with pytest.raises(ReadingFailed):
            await patiently(readers, b"memory")
        assert (await patiently(readers, b"say well")).documents[0].text == "well"
    finally:
        await readers.close()


async def test_e10_the_cpu_time_of_a_reader_has_an_end_of_its_own():
    """Should the gateway's own clock stand still: the kernel ends the reader (RLIMIT_CPU)."""
    program = "from gateway.parsers.confine import confine\nconfine(memory=1 << 30, cpu_seconds=1)\nwhile True: pass\n"
    root = Path(__file__).resolve().parents[2]
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, cwd=root)
    assert await asyncio.wait_for(process.wait(), 60) in {-signal.SIGXCPU, -signal.SIGKILL}


async def test_e10_control_without_walls_the_same_program_does_it(tmp_path: Path, victim: int):
    """Negative control: it is the confinement that stops it, not the test machine."""
    file = tmp_path / "file"
    file.write_text("x")
    readers = Readers(children=1, seconds=60, program=("-m", "tests.faults.unconfined_reader"))
    await readers.start()
    try:
        for what, rest in (
            ("read", file), ("write", file), ("append", file), ("chmod", file), ("stat", file), ("list", tmp_path),
            ("socket", "inet"), ("socket", "unix"), ("socketpair", ""), ("fork", ""), ("vfork-exec", ""),
            ("thread", ""), ("memfd", ""), ("kill", victim),
        ):  # fmt: skip
            assert await said(readers, what, rest) == "done", what
    finally:
        await readers.close()
