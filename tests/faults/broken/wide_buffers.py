"""A gateway that lets asyncio reserve what it likes for each TLS connection. Control of D3."""

from __future__ import annotations

import cli
from gateway.service import tls

if __name__ == "__main__":
    tls.READ_BUFFER = 256 << 10
    cli.main()
