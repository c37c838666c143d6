"""MLLP blocks however the network cuts them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingest.mllp.framing import Frame, Framing

VT, FS, CR = b"\x0b", b"\x1c", b"\r"


def frames(octets: bytes, limit: int = 1000, sizes: tuple[int, ...] = ()) -> list[Frame]:
    framing = Framing(limit)
    found, at = [], 0
    while at < len(octets):
        step = sizes[at % len(sizes)] if sizes else len(octets)
        found += framing.feed(octets[at : at + step])
        at += step
    return found


@pytest.mark.parametrize(
    ("octets", "contents"),
    [
        (VT + b"a" + FS + CR, [b"a"]),
        (VT + b"a" + FS + CR + VT + b"b" + FS + CR, [b"a", b"b"]),
        (VT + VT + b"a" + FS + FS + CR + CR, [b"a"]),
        (b"\r\n" + VT + b"a" + FS + CR + b"\r\n" + FS + CR + VT + b"b" + FS + CR, [b"a", b"b"]),
        (VT + b"half" + VT + b"whole" + FS + CR, [b"whole"]),
        (VT + b"a" + FS + b"b" + FS + CR, [b"a" + FS + b"b"]),
        (VT + b"a" + FS, []),
        (VT + FS + CR, []),
        (b"a" + FS + CR, []),
        (b"", []),
    ],
)
def test_blocks(octets, contents):
    assert [frame.content for frame in frames(octets)] == contents


pieces = st.lists(st.sampled_from([VT, FS, CR, FS + CR, b"ab", VT + b"MSH|x" + FS + CR]), max_size=30)


@given(octets=pieces.map(b"".join), sizes=st.lists(st.integers(1, 7), min_size=1, max_size=4))
def test_blocks_are_the_same_however_they_are_cut(octets, sizes):
    assert frames(octets, sizes=tuple(sizes)) == frames(octets)


@given(size=st.integers(0, 40), limit=st.integers(1, 20), step=st.integers(1, 9))
def test_a_block_is_too_large_by_its_size_alone(size, limit, step):
    content = b"x" * size
    found = frames(VT + content + FS + CR + VT + b"y" + FS + CR, limit=limit, sizes=(step,))
    expected = [Frame(content=content, too_large=size > limit)] if size else []
    assert [frame.too_large for frame in found] == [frame.too_large for frame in [*expected, Frame(content=b"y")]]
    assert found[-1].content == b"y"


def test_memory_is_flat_beyond_the_limit_and_the_beginning_is_kept():
    framing = Framing(10_000)
    framing.feed(VT + b"MSH|^~\\&|")
    for _ in range(1000):
        assert framing.feed(b"x" * 1000) == []
        assert len(framing._buffer) <= 11_010
    assert framing.size > 1_000_000
    (frame,) = framing.feed(FS + CR)
    assert frame.too_large
    assert frame.content.startswith(b"MSH|^~\\&|xxx")
    assert len(frame.content) <= 8192


def test_junk_is_counted_and_blanks_are_not():
    framing = Framing(100)
    framing.feed(b"\r\n \t\0GET /" + VT + b"a" + FS + CR + b"MSH")
    assert framing.junk == len(b"GET/MSH")
