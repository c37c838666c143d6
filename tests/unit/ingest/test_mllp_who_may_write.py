"""E4 on MLLP: beyond this machine nobody writes as the hospital without a certificate that stands for somebody."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from gateway.errors import SettingsRefused
from gateway.ingest.mllp import MllpDoorSettings, MllpListener
from tests.faults.campaign import until
from tests.unit.ingest.ingest_door_kit import mdm
from tests.unit.ingest.test_mllp_door import AUTHORITY, SOURCES, STRANGERS, mllp, peer, tls


def test_tls_that_demands_no_certificate_is_refused_beyond_loopback():
    base = MllpDoorSettings(recipient="auto@x.test", listeners=(), sources=SOURCES)
    far = MllpListener(name="mllps", host="192.0.2.1", tls=tls(demand=False))
    with pytest.raises(SettingsRefused) as refused:
        replace(base, listeners=(far,))
    assert "client_ca" in refused.value.detail
    assert replace(base, listeners=(replace(far, tls=tls(demand=True)),))
    assert replace(base, listeners=(replace(far, host="127.0.0.1"),))


async def test_a_certificate_that_nobody_listed_does_not_write_by_its_msh_alone():
    async with mllp() as (door, intake):
        async with peer(door, "mutual", AUTHORITY.issue_cert("printer.test")) as printer:
            assert (await printer.ask(mdm("P1")))[1] == "MSA|AE|P1"
        assert intake.kept == []


async def test_control_where_no_certificate_is_shown_the_application_still_says_who_writes():
    async with mllp() as (door, intake):
        async with peer(door, "tls") as dpi:
            assert (await dpi.ask(mdm("P2")))[1] == "MSA|AA|P2"
        assert [letter.source for letter in intake.kept] == ["dpi"]


@pytest.mark.parametrize(
    ("shown", "level", "reason"),
    [
        (STRANGERS.issue_cert("dpi.test"), "warning", "unable to get local issuer certificate"),
        (None, "info", "peer did not return a certificate"),
    ],
)
async def test_e4_a_handshake_that_fails_is_one_line_that_says_why(shown, level: str, reason: str):
    with capture_logs() as lines:
        async with mllp() as (door, _):
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                async with peer(door, "mutual", shown) as stranger:
                    await stranger.ask(mdm("P3"))
            await until(lambda: any(line["event"] == "mllp_handshake_failed" for line in lines))
    told = [line for line in lines if line["event"] == "mllp_handshake_failed"]
    assert [(line["log_level"], line["reason"]) for line in told] == [(level, reason)]
