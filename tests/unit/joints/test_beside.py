"""Large contents are gone over in pieces and in a thread, and what is found does not depend on where they are cut."""

from __future__ import annotations

import threading

import pytest

from gateway.beside import LARGE, PIECE, beside, pieces
from gateway.smtp.courier.commands import stuffed
from gateway.smtp.courier.failures import HopRefused


async def test_small_work_is_done_at_once_and_large_work_in_a_thread():
    here = threading.get_ident()
    assert await beside(LARGE, threading.get_ident) == here
    assert await beside(LARGE + 1, threading.get_ident) != here


async def test_what_large_work_raises_reaches_its_caller():
    with pytest.raises(ValueError, match="no number"):
        await beside(LARGE + 1, _fail)


def _fail() -> None:
    raise ValueError("no number")


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_pieces_joined_are_the_content(size: int):
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    assert b"".join(pieces(content)) == content


@pytest.mark.parametrize("shift", range(-2, 3))
def test_a_line_end_on_the_seam_of_two_pieces_is_one_line_end(shift: int):
    content = b"a" * (PIECE + shift) + b"\r\n" + b"b" * 10 + b"\r\n"
    assert stuffed(content) == content


@pytest.mark.parametrize("shift", range(-2, 3))
@pytest.mark.parametrize("bare", [b"\r", b"\n", b"\n\r", b"\r \n"])
def test_a_bare_line_end_on_the_seam_is_refused(shift: int, bare: bytes):
    with pytest.raises(HopRefused):
        stuffed(b"a" * (PIECE + shift) + bare + b"b\r\n")
