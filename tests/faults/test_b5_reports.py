"""B5: who handed a letter in hears within five seconds that it was refused, in headers only, and reports breed none."""

from __future__ import annotations

import asyncio
import email
from pathlib import Path

import pytest

from gateway.service import running
from tests.faults.letterbox import SENDER, letterbox
from tests.peers.authority import Authority

GP = "gp1@gp.test"
ROUND, ROUNDS = 0.2, 1.5
"""Seconds between two rounds of those who tell, and of several such rounds."""
SHIPPED = running.TELL
"""Before any test hurries it."""
REFUSAL = {"RCPT gp1@": b"550 5.1.1 Camille EXEMPLE does not live here\r\n"}


@pytest.fixture(autouse=True)
def _rounds_follow_each_other_closely(monkeypatch: pytest.MonkeyPatch) -> None:
    assert SHIPPED <= 3, "within five seconds: a round and the time for it"
    monkeypatch.setattr(running, "TELL", ROUND)


async def test_b5_a_refusal_is_told_in_the_next_round_in_headers_only(tmp_path: Path, authority: Authority) -> None:
    async with letterbox(tmp_path, authority, REFUSAL) as box:
        await box.post(GP)
        await box.until(lambda: bool(box.offered(SENDER)))
        await box.until(lambda: bool(box.reports()))
    [report] = box.reports()
    assert b"MAIL FROM:<> " in b"".join(box.hop.heard)
    assert any(line.startswith(b"RCPT") and b"NOTIFY=NEVER" in line for line in box.hop.heard)
    read = email.message_from_bytes(report)
    assert read.get_content_type() == "multipart/report"
    assert [part.get_content_type() for part in read.get_payload()] == [
        "text/plain",
        "message/delivery-status",
        "text/rfc822-headers",
    ]
    status = read.get_payload()[1].as_string()
    assert "Action: failed" in status
    assert "Status: 5.1.1" in status
    assert b"Camille" not in report
    assert read.get_payload()[2].get_payload().strip().startswith("Message-ID: <own-0@hospital.test>")
    assert "Subject" not in read.get_payload()[2].get_payload()


async def test_b5_control_a_letter_that_is_taken_is_reported_to_nobody(tmp_path: Path, authority: Authority) -> None:
    async with letterbox(tmp_path, authority) as box:
        await box.post(GP)
        await box.until(lambda: [row["state"] for row in box.rows()] == ["done"])
        await asyncio.sleep(ROUNDS)
    assert box.reports() == []
    assert box.offered(SENDER) == []


async def test_b5_a_report_that_is_refused_is_told_to_nobody(tmp_path: Path, authority: Authority) -> None:
    """Neither a report about the report nor the report again."""
    gone = {**REFUSAL, f"RCPT {SENDER}": b"550 5.1.1 gone\r\n"}
    async with letterbox(tmp_path, authority, gone) as box:
        await box.post(GP)
        await box.until(lambda: any(entry["kind"] == "reported" for entry in box.journal()))
        await asyncio.sleep(ROUNDS)
        told = [entry["code"] for entry in box.journal() if entry["kind"] == "reported"]
    assert told == ["failed, sender not reached"]
    assert len(box.offered(SENDER)) == 1
    assert box.hop.taken == []


async def test_b5_a_null_sender_is_never_answered(tmp_path: Path, authority: Authority) -> None:
    async with letterbox(tmp_path, authority, REFUSAL) as box:
        await box.post(GP, sender="")
        await box.until(lambda: any(entry["kind"] == "reported" for entry in box.journal()))
        told = [entry["code"] for entry in box.journal() if entry["kind"] == "reported"]
    assert told == ["failed, nobody to tell"]
    assert box.hop.taken == []


async def test_b5_a_letter_that_waits_is_told_once_after_the_hour(tmp_path: Path, authority: Authority) -> None:
    """The hour is a second here."""
    busy = {"RCPT gp1@": b"451 4.2.1 mailbox busy\r\n"}
    hour = f"\n[escalation]\nwarn_sender_minutes = {1 / 60}\n"
    async with letterbox(tmp_path, authority, busy, more=hour) as box:
        await box.post(GP)
        await box.until(lambda: bool(box.reports()))
        await asyncio.sleep(ROUNDS)
    [report] = box.reports()
    assert "Action: delayed" in email.message_from_bytes(report).get_payload()[1].as_string()
