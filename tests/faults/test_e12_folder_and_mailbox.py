"""E12 at the folder and at the mailbox: what lies beside a refused file, what reports tell, what the journal says.

The files are a good one and, of that, one for each line or field with a canary in its place: whatever a reader quotes
of what it cannot read, it quotes here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from email import message_from_bytes
from pathlib import Path

import pytest

from demo import letters
from gateway.moments import utc_now
from tests.faults.canaries import BODY, FILE, MAILBOX, NAME, SUBJECT, TOKEN, Told, mail
from tests.faults.large_letters import Scene, scene
from tests.faults.place import TO
from tests.faults.process import HONEST
from tests.peers.dovecot import Dovecot

QUOTING = ("-m", "tests.faults.broken.quoting_notices")
WAIT = 90.0
REFUSED_MAILS = 3

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def files() -> Iterator[tuple[str, bytes]]:
    """Each with its ending."""
    record = letters.hprim_lab(utc_now()).replace(b"TESTINI", NAME.encode())
    yield ".hpr", record
    lines = record.split(b"\r\n")
    for number in range(len(lines)):
        yield ".hpr", b"\r\n".join((*lines[:number], f"{NAME} {BODY}".encode(), *lines[number + 1 :]))
    now = utc_now()
    message = letters.mdm("canary", now, now, now, letters.pdf(SUBJECT, BODY)).replace(b"TESTINI", NAME.encode())
    segments = message.split(b"\r")
    for row in (0, 2, 3, 5, 6, 7):
        fields = segments[row].split(b"|")
        for number in range(1 if row else 2, len(fields)):
            changed = b"|".join((*fields[:number], f"{NAME}^{BODY}".encode(), *fields[number + 1 :]))
            yield ".hl7", b"\r".join((*segments[:row], changed, *segments[row + 1 :]))
    yield ".hl7", message.replace(b"\rPID", b"\r" + NAME.encode() + b"|" + BODY.encode() + b"\rPID")
    yield ".xml", f'<?xml version="1.0" encoding="{NAME}"?><{NAME}>{BODY}</{NAME}>'.encode()
    yield ".xml", f'<!DOCTYPE {NAME} [<!ENTITY {TOKEN} "{BODY}">]><{NAME}>&{TOKEN};</{NAME}>'.encode()
    yield ".xml", f"<{NAME} {SUBJECT}='{BODY}'>".encode()
    yield ".zip", f"{NAME} {BODY}".encode()
    yield ".eml", mail(f"{MAILBOX}@nowhere.test")


def mails() -> Iterator[bytes]:
    """One that is taken, then those that are refused: no such record, nobody to send it to, a text of nothing."""
    record = letters.hprim_lab(utc_now()).replace(b"TESTINI", NAME.encode())
    good = mail(TO).replace(f"<{TOKEN}-".encode(), b"<")  # a report repeats the sender's own Message-ID
    yield good
    yield good.replace(f"To: {NAME} <{TO}>".encode(), f"To: {NAME}".encode()).replace(
        b"hospital.test>\r\nX-", b"a>\r\nX-"
    )
    yield good.replace(f"<{TO}>".encode(), f'<{TO}>, "{NAME}'.encode()).replace(b"hospital.test>\r\nX-", b"b>\r\nX-")
    broken = record.replace(b"14/02/1978", BODY.encode()).replace(b"\r\n", b"\r\n ")
    head = good.partition(b"\r\nMIME-Version")[0].replace(b"hospital.test>\r\nX-", b"c>\r\nX-")
    yield (
        head
        + b"\r\nMIME-Version: 1.0\r\nContent-Type: application/edi-hl7; name="
        + FILE.encode()
        + b"\r\n\r\nMSH|"
        + broken
    )


async def drop(here: Scene) -> int:
    """Every file, named after a patient; comes back when none is left, with how many were refused."""
    for number, (ending, content) in enumerate(files()):
        name = f"{FILE} {NAME} {number}"
        aside = here.place.drop / f".{number}.part"
        aside.write_bytes(content)
        aside.rename(here.place.drop / f"{name}{ending}")
        (here.place.drop / f"{name}.ok").touch()
    await until(lambda: not [path for path in here.place.drop.iterdir() if path.is_file() and path.name[0] != "."])
    return len(list((here.place.drop / "refused").glob("*.reason.txt")))


async def hear_everything(folder: Path, dovecot: Dovecot, user: str, entry: Sequence[str]) -> tuple[Told, int]:
    told = Told()
    async with scene(folder, dovecot=dovecot, user=user, entry=entry, cold=False) as here:
        # The next hop names the patient when it refuses the letter: that is nobody else's to repeat.
        here.hop.lies["RCPT camille"] = f"550 5.1.1 {NAME} {SUBJECT} unknown here\r\n".encode()
        for content in mails():
            await asyncio.to_thread(dovecot.deliver, user, content, "dpi@hospital.test")
        refused = await drop(here)
        await until(lambda: not dovecot.mails(user))
        await until(lambda: len(reports(here)) > REFUSED_MAILS)
        for path in (here.place.drop / "refused").glob("*.reason.txt"):
            told.add("reason files", path.read_bytes())
    for report in reports(here):
        told.add("reports", report)
        for part in message_from_bytes(report).walk():
            told.add("reports", part.get_payload(decode=True) or b"")
    told.add("standard error", (folder / "log").read_bytes())
    return told, refused


def reports(here: Scene) -> list[bytes]:
    return [content for content in here.hop.taken if b"multipart/report" in content]


async def until(true) -> None:
    async with asyncio.timeout(WAIT):
        while not await asyncio.to_thread(true):  # noqa: ASYNC110  neither a folder nor a hop has an event
            await asyncio.sleep(0.1)


async def test_e12_neither_reason_files_nor_reports_nor_the_journal_tell_a_canary(
    tmp_path: Path, dovecot: Dovecot, hospital_mailbox: str
):
    told, refused = await hear_everything(tmp_path, dovecot, hospital_mailbox, HONEST)
    leaks = told.leaks()
    leaks.get("reports", set()).discard(MAILBOX)  # whom the sender wrote to
    assert {place: what for place, what in leaks.items() if what} == {}
    assert refused > 9
    assert {"reason files", "reports", "standard error"} <= told.places.keys()


async def test_e12_control_a_gateway_whose_notes_quote_the_letter_is_caught(
    tmp_path: Path, dovecot: Dovecot, hospital_mailbox: str
):
    told, _ = await hear_everything(tmp_path, dovecot, hospital_mailbox, QUOTING)
    assert {"reason files", "reports"} <= told.leaks().keys()
