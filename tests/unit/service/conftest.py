"""What tests of the service share."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from config.settings import load
from gateway.moments import utc_now
from gateway.service.build import build
from gateway.service.running import Running
from gateway.service.upkeep.installing import install


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    """A gateway as installed, on any free ports."""
    settings = install(tmp_path).settings
    text = re.sub(r"(port = )\d+", r"\g<1>0", settings.read_text(encoding="utf-8"))
    settings.write_text(text.replace("[gateway]\n", "[gateway]\nmetrics_port = 0\n"), encoding="utf-8")
    async with Running(build(load(settings), clock=utc_now)) as gateway:
        yield gateway
