"""E12: names, subjects, passwords, tokens, mailboxes through every door and every error: nothing is told of them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.campaign import Plan, drained, scene
from tests.faults.canaries import (
    CANARIES,
    MAILBOX,
    NAME,
    Told,
    forms,
    found,
    free_metrics_port,
    of_the_process,
    over_control,
    over_metrics,
    over_mllp,
    over_smtp,
    plant,
)

ROOT = Path(__file__).resolve().parents[2]
FAULTY = ("-m", "tests.faults.broken.quoting_faults")
TALKATIVE = ("-m", "tests.faults.broken.talkative")


async def hear_everything(folder: Path, entry: tuple[str, ...]) -> Told:
    told = Told()
    async with scene(folder, Plan(cut=0)) as first:
        first.gateway.stop()
        metrics = free_metrics_port(first.place.settings)
        first.gateway._command[1:-3] = list(entry)
        first.gateway.open()
        await over_smtp(first, told)
        await over_mllp(first, told)
        await over_control(first, told)
        if entry == ("cli.py",):
            await drained(first)
        await over_metrics(metrics, told)
        of_the_process(first, told, folder / "serve.log")
        assert first.gateway.alive
        first.gateway.stop()
        told.add("standard error", (folder / "serve.log").read_bytes())
        told.add("notices", json.dumps([vars_of(arrival) for arrival in first.hop.arrivals()]).encode())
    return told


def vars_of(arrival: object) -> dict[str, object]:
    """What the hop noted of a mail; a notice to the sender is among them."""
    return {name: getattr(arrival, name) for name in ("letter", "message_id")}


def unsaid(told: Told) -> dict[str, set[str]]:
    """Leaks, but for the address that a refusal repeats to the client who has just said it (RFC 5321 §4.2)."""
    leaks = told.leaks()
    leaks.get("smtp", set()).discard(MAILBOX)
    return {place: what for place, what in leaks.items() if what}


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_e12_no_canary_is_told_on_any_path(tmp_path: Path):
    told = await hear_everything(tmp_path, ("cli.py",))
    assert unsaid(told) == {}
    assert {"smtp", "mllp", "control", "http /metrics", "/proc cmdline", "standard error"} <= told.places.keys()
    journal = told.places["standard error"]
    assert b'"kept"' in journal
    assert b'"held"' in journal
    assert b'"refused"' in journal


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_e12_no_canary_is_told_when_every_station_fails_with_its_content_in_the_exception(tmp_path: Path):
    told = await hear_everything(tmp_path, FAULTY)
    assert unsaid(told) == {}
    assert b"451 4.3.0" in told.places["smtp"]
    assert b"MSA|AR|" in told.places["mllp"]


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_e12_control_a_gateway_that_logs_a_subject_and_prints_a_traceback_is_caught(tmp_path: Path):
    told = await hear_everything(tmp_path, TALKATIVE)
    assert "standard error" in unsaid(told)


def test_e12_control_each_form_of_a_leak_is_seen():
    told = Told()
    plant(told)
    assert all(NAME in leaked for leaked in told.leaks().values())
    assert len(told.leaks()) == len(list(forms(NAME)))
    assert found(b"nothing at all") == set()


async def test_e12_no_password_or_token_stands_in_a_repr():
    """What a debugger or a careless log line would print of our own objects."""
    program = """
from gateway.imap import Account
from gateway.smtp.courier.routes import Login
from gateway.service.upkeep.installing import Installed
import pathlib, ssl
print(Login(user="u", password="MotDePasseCanari"))
context = ssl.create_default_context()
print(Account(name="n", host="h", user="u", password="MotDePasseCanari", context=context))
print(Installed(settings=pathlib.Path("x"), login="l", password="MotDePasseCanari"))
"""
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found(done.stdout.encode()) == set()
    assert len(CANARIES) == 7
