"""The world outside the trust space, for the courier's tests of DANE and MTA-STS."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.peers.dns import running_dns
from tests.peers.running import LOOPBACK, free_port
from tests.unit.smtp.courier_world import DOMAIN, HOST, Certificates, World, policy_server


@pytest.fixture
def certificates(tmp_path: Path) -> Iterator[Certificates]:
    return Certificates(tmp_path)


@pytest.fixture
async def world(certificates: Certificates) -> AsyncIterator[World]:
    records = {DOMAIN: (f"10 {HOST}.",), f"{HOST}/A": (LOOPBACK,), f"mta-sts.{DOMAIN}/A": (LOOPBACK,)}
    served = certificates.context(certificates.public.issue_cert(f"mta-sts.{DOMAIN}"))
    async with running_dns(records) as dns, policy_server(served) as policies:
        dns.validates = True
        yield World(dns=dns, policies=policies, certificates=certificates, port=free_port())
