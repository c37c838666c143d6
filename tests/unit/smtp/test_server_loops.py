"""Row 15: what we have passed on before is known again by our own mark, and another gateway's is not ours."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.identifiers import LetterId
from gateway.passing import loop_marker, trace
from tests.unit.smtp.smtp_door_kit import LETTER, smtp_door

ID = LetterId("01JHAAAAAAAAAAAAAAAAAAAAAA")
AT = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)


def passed_by(gateway: str) -> bytes:
    return (
        b"Received: from mx.gp.test by relay.test; Thu, 15 Jan 2026 11:00:00 +0100\r\n"
        + trace(ID, gateway, AT)
        + LETTER
    )


async def test_row_15_a_mail_that_we_passed_on_before_is_a_loop():
    async with smtp_door(loop_marker=loop_marker("huitaine.test")) as door, door.client() as client:
        assert await client.letter(passed_by("huitaine.test")) == "554 5.4.6 Mail loop"
        assert await client.letter(passed_by("HUITAINE.test")) == "554 5.4.6 Mail loop"
        assert door.intake.kept == []


@pytest.mark.parametrize("gateway", ["labo.test", "huitaine.test.example", "x-huitaine.test"])
async def test_row_15_control_a_mail_that_another_gateway_passed_on_is_none(gateway: str):
    async with smtp_door(loop_marker=loop_marker("huitaine.test")) as door, door.client() as client:
        assert (await client.letter(passed_by(gateway))).startswith("250 ")
        assert (await client.letter(LETTER + trace(ID, "huitaine.test", AT))).startswith("250 ")  # quoted in a body


def test_our_trace_is_a_time_stamp_line_and_names_nobody_but_us():
    first, mark, number = trace(ID, "huitaine.test", AT).decode().splitlines()
    assert first == f"Received: by huitaine.test (Huitaine) id {ID}; Thu, 15 Jan 2026 10:30:00 +0000"
    assert mark == "X-Huitaine-Gateway: huitaine.test"
    assert number == f"X-Huitaine-Id: {ID}"
