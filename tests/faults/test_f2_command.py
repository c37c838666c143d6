"""F2 from the command line: both rotations are ordered of a gateway that is at work."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.faults.campaign import Plan, drained, scene
from tests.faults.ledger import balance
from tests.faults.restoring import huitaine


@pytest.mark.timeout(300)
async def test_f2_a_running_gateway_changes_its_master_and_tenant_keys_on_order(tmp_path: Path):
    async with scene(tmp_path, Plan(cut=0.0, smtp=2, mllp=1)) as here:
        sending = asyncio.create_task(here.hospital.hand_in(30))
        await huitaine(here.place, "keys", "rotate", "master")
        await huitaine(here.place, "keys", "rotate", "tenant")
        await sending
        secrets = here.place.settings.parent / "secrets"
        (former,) = secrets.glob("master-key.former-*")
        former.unlink()
        await asyncio.to_thread(here.gateway.kill)
        await asyncio.to_thread(here.gateway.open)
        await here.hospital.hand_in(5)
        await drained(here)
        assert (await huitaine(here.place, "verify")).strip() == "everything is whole"
        assert (await huitaine(here.place, "audit", "verify")).strip() == "the journal is whole"
        told = balance(here.place.database, here.hospital.heard.yes, here.hop.arrivals())
        assert (told.acknowledged, told.lost, told.damaged) == (35, [], [])
        (secrets / "master-key").unlink()
        assert "master-key: missing" in await huitaine(here.place, "verify", code=3)
