"""A gateway that lets asyncio reserve what it likes for each TLS connection, and use it. Control of D3."""

from __future__ import annotations

import builtins
from asyncio import sslproto

import cli
from gateway.service.from_settings import tls


def _used(size: int) -> builtins.bytearray:
    """Zeros that nobody touched are no memory yet, and whether they are is up to malloc's mood."""
    return builtins.bytearray(b"x" * size)


if __name__ == "__main__":
    tls.READ_BUFFER = 256 << 10
    sslproto.bytearray = _used  # type: ignore[attr-defined]  # asyncio's name for the builtin
    cli.main()
