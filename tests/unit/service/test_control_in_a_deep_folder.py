"""A data folder whose path is longer than a socket's address may be still takes orders."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.control import open_control, order


async def echo(what: dict[str, object]) -> dict[str, object]:
    return {"heard": what["act"]}


@pytest.mark.parametrize("depth", [1, 20])
async def test_an_order_is_heard_however_deep_the_folder_is(tmp_path: Path, depth: int):
    folder = tmp_path.joinpath(*["a-folder-name"] * depth)
    folder.mkdir(parents=True)
    path = folder / "control.sock"
    server = await open_control(path, echo)
    try:
        assert await asyncio.to_thread(order, path, {"act": "hello"}) == {"heard": "hello"}
        assert path.stat().st_mode & 0o777 == 0o600
    finally:
        server.close()
        await server.wait_closed()
