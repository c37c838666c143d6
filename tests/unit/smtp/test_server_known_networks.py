"""Promise E5 over a restart: strangers who guess do not lock out whoever logged in before."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.smtp.reply import Refusal
from gateway.smtp.server.credentials import Credentials
from gateway.smtp.server.known import KnownNetworks
from tests.unit.smtp.test_server_tls import DPI, PASSWORD

HOME = "192.0.2.1"


async def after_guesses(known: KnownNetworks) -> str:
    """What the hospital's software hears after a restart during which others guess at its login."""
    credentials = Credentials((DPI,), key=b"k" * 32, monotonic=lambda: 0.0, max_guesses=10, known=known)
    try:
        for number in range(12):
            try:
                await credentials.check(b"dpi", b"guess %d" % number, f"198.51.100.{number}")
            except Refusal:
                break
        found = await credentials.check(b"dpi", PASSWORD.encode(), HOME)
    except Refusal as refusal:
        return str(refusal)
    finally:
        credentials.close()
    return found.name if found else "wrong"


async def test_e5_after_a_restart_whoever_logged_in_before_is_not_locked_out_by_strangers(tmp_path: Path):
    KnownNetworks(tmp_path / "known").add(b"dpi", HOME)
    assert await after_guesses(KnownNetworks(tmp_path / "known")) == "dpi"


async def test_e5_control_a_door_that_forgets_locks_them_out():
    assert (await after_guesses(KnownNetworks())).startswith("421")


def test_the_file_is_ours_alone_and_holds_each_pair_once(tmp_path: Path):
    file = tmp_path / "known"
    for _ in range(3):
        KnownNetworks(file).add(b"dpi", HOME)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text() == f"{HOME} {b'dpi'.hex()}\n"


@pytest.mark.parametrize("content", [b"\xff\xfe\n", b"no hexadecimal\n", b"\n\n", b"192.0.2.1\n"])
def test_a_damaged_file_is_no_reason_not_to_start(tmp_path: Path, content: bytes):
    (tmp_path / "known").write_bytes(content + b"192.0.2.1 " + b"dpi".hex().encode() + b"\n")
    assert (b"dpi", HOME) in KnownNetworks(tmp_path / "known")


def test_a_folder_that_cannot_be_written_costs_the_memory_and_not_the_login(tmp_path: Path):
    known = KnownNetworks(tmp_path / "nowhere" / "known")
    known.add(b"dpi", HOME)
    assert (b"dpi", HOME) in known
