"""Promise E12: logs, metrics, control answers and the journal hold ids and codes; no name, subject, mailbox or content.

One letter of each fate goes through a whole gateway whose next hop is a server of this test.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import structlog
from cryptography.hazmat.primitives.serialization import Encoding

from config.settings import load
from demo import letters
from directory import add_certificate, import_files
from gateway.control import order
from gateway.crypto.authority import TestAuthority
from gateway.identifiers import new_letter_id
from gateway.letter import KeptLetter, LetterId, ReceivedLetter
from gateway.moments import utc_now
from gateway.queue import queries
from gateway.service.build import build
from gateway.service.from_settings.tls import server_context
from gateway.service.running import Running
from gateway.service.upkeep.installing import install
from gateway.smtp.courier.tls import client_context
from gateway.smtp.reply import Refusal
from gateway.smtp.server.doors import open_smtp_doors
from gateway.smtp.server.settings import NULL_SENDER, SmtpDoorSettings, SmtpListener, SmtpSource
from tests.peers.running import free_port

CANARIES = ("TESTINI", "AMELIE", "279035121518989", "278029999912310", "SUBJECTCANARY", "FILECANARY", "CONTENTCANARY")
NOW = datetime.now(UTC).replace(microsecond=0)


@dataclass(slots=True)
class Hop:
    """A next hop that takes what it gets, or refuses with an answer that repeats what it was told."""

    refusing: bool = False
    mails: list[ReceivedLetter] = field(default_factory=list)

    async def keep(self, letter: ReceivedLetter) -> KeptLetter:
        if self.refusing:
            to = letter.envelope.recipients[0].address
            raise Refusal(550, "5.1.1", f"<{to}> 279035121518989 is unknown")
        self.mails.append(letter)
        return KeptLetter(received=letter)

    async def withdraw(self, letter: LetterId) -> bool:
        return False


@dataclass(slots=True, kw_only=True)
class World:
    """A gateway alive, its next hop, and everything it says."""

    running: Running
    hop: Hop
    folder: Path
    metrics_port: int
    login: str
    password: str
    said: list[dict[str, Any]]

    async def mail(self, content: bytes, to: str) -> None:
        import aiosmtplib

        context = client_context(self.folder / "tls" / "authority.pem")
        port = self.running.entrances.ports["starttls"]
        async with aiosmtplib.SMTP(hostname="localhost", port=port, start_tls=True, tls_context=context) as client:
            await client.login(self.login, self.password)
            await client.sendmail("secretary@hospital.test", [to], content)

    async def states(self, wanted: int) -> list[str]:
        """The states once so many deliveries are no longer under way."""
        for _ in range(600):
            with self.running.store.reading() as connection:
                states = list(queries.counts(connection).items())
            ended = [state for state, number in states if state not in {"leased", "ready"} for _ in range(number)]
            if len(ended) >= wanted:
                return sorted(ended)
            await asyncio.sleep(0.1)
        raise AssertionError(states)

    def metrics(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=60) as answer:
            return str(answer.read().decode())

    def journal(self) -> str:
        with self.running.store.reading() as connection:
            found = queries.letters(connection, queries.Wanted())
            rows = [dict(row) for letter in found for row in queries.trace(connection, letter["whole"])]
        return json.dumps(rows, default=str)


@pytest.fixture
def said() -> Iterator[list[dict[str, Any]]]:
    """Every event that is logged, at every level."""
    with structlog.testing.capture_logs() as events:
        yield events


@pytest.fixture
async def world(tmp_path: Path, said: list[dict[str, Any]]) -> AsyncIterator[World]:
    made = install(tmp_path)
    tls = tmp_path / "tls" / "gateway.pem"
    hop = Hop()
    listener = SmtpListener(name="hop", host="127.0.0.1", tls=server_context(tls, tls), unsafe_source="gateway")
    source = SmtpSource(name="gateway", senders=frozenset({"@hospital.test", NULL_SENDER}))
    doors = await open_smtp_doors(
        SmtpDoorSettings(hostname="hop.test", listeners=(listener,), sources=(source,)), hop, utc_now, new_letter_id
    )
    metrics_port = free_port()
    text = made.settings.read_text(encoding="utf-8")
    for old, new in (("2587", "0"), ("2465", "0"), ("2575", "0"), ("1587", str(doors.ports["hop"]))):
        text = text.replace(f"= {old}\n", f"= {new}\n")
    text = text.replace("[gateway]\n", f"[gateway]\nreaders = 1\nmetrics_port = {metrics_port}\n")
    made.settings.write_text(text + "\n[queue]\nmin_free_share = 0.0\n", encoding="utf-8")
    extraction = tmp_path / "Extraction_Correspondance_MSSante_202601150300.txt"
    extraction.write_text(letters.directory(), encoding="utf-8")
    import_files(tmp_path / "data", [extraction])
    key = TestAuthority.create("GP").issue(address=letters.GP_MAILBOX).certificate.public_bytes(Encoding.DER)
    add_certificate(tmp_path / "data", letters.GP_MAILBOX, key)
    async with Running(build(load(made.settings), clock=utc_now)) as running:
        yield World(
            running=running,
            hop=hop,
            folder=tmp_path,
            metrics_port=metrics_port,
            login=made.login,
            password=made.password,
            said=said,
        )
    await doors.close()


def canary_mail() -> bytes:
    """A laboratory's mail with canaries wherever a person could write something."""
    mail = EmailMessage()
    mail["From"], mail["To"] = "secretary@hospital.test", letters.GP_MAILBOX
    mail["Subject"], mail["Message-ID"] = "SUBJECTCANARY TESTINI", "<canary@hospital.test>"
    mail.set_content("CONTENTCANARY\n")
    mail.add_attachment(
        letters.hprim_lab(NOW), maintype="application", subtype="octet-stream", filename="FILECANARY.hpr"
    )
    return mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def leaked(text: str) -> list[str]:
    return [canary for canary in CANARIES if canary.lower() in text.lower()]


async def every_fate(world: World) -> None:
    """Delivered, held, refused by the next hop, refused by us."""
    await world.mail(canary_mail(), f"{letters.GP}@rpps.hospital.test")
    assert await world.states(1) == ["done"]
    await world.mail(canary_mail(), "99900000094@rpps.hospital.test")
    assert await world.states(2) == ["done", "held"]
    world.hop.refusing = True
    await world.mail(canary_mail(), letters.GP_MAILBOX)
    assert await world.states(3) == ["done", "failed", "held"]


async def test_e12_no_log_line_names_the_patient_or_the_content(world: World, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    await every_fate(world)
    told = json.dumps(world.said, default=str)
    assert leaked(told) == []
    assert leaked(caplog.text) == []
    # the control: the same look finds what is really there
    assert leaked(told + canary_mail().decode("latin-1")) != []
    assert {"kept", "read", "held", "accepted", "failed"} <= {event["event"] for event in world.said}
    lettered = [event for event in world.said if event["event"] in {"kept", "held", "accepted", "failed"}]
    assert all(event["letter_id"] for event in lettered)


async def test_e12_no_metric_nor_journal_entry_names_the_patient_or_an_addressee(world: World):
    await every_fate(world)
    figures, journal = await asyncio.to_thread(world.metrics), world.journal()
    assert leaked(figures) == []
    assert leaked(journal) == []
    assert 'huitaine_deliveries{state="held"} 1.0' in figures
    assert 'huitaine_held{reason="unknown-number"} 1.0' in figures
    assert "@" not in figures
    with world.running.store.reading() as connection:
        ids = [row["id"] for row in queries.letters(connection, queries.Wanted())]
    assert ids
    assert not any(letter in figures for letter in ids)
    assert all(letter in journal for letter in ids)


async def test_the_metrics_are_for_this_machine_only(world: World):
    assert "huitaine_commits_total" in await asyncio.to_thread(world.metrics)
    others = {address[4][0] for address in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in others - {"127.0.0.1"}:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.settimeout(1)
            assert probe.connect_ex((address, world.metrics_port)) != 0


async def test_e12_no_answer_of_the_control_socket_names_the_patient_or_the_content(world: World):
    await every_fate(world)
    path = world.folder / "data" / "control.sock"
    assert path.stat().st_mode & 0o077 == 0
    broken = world.folder / "FILECANARY.hpr"
    broken.write_bytes(letters.hprim_lab(NOW).replace(b"14/02/1978", b"CONTENTCANARY"))
    pdf = world.folder / "FILECANARY2.hpr"
    pdf.write_bytes(letters.pdf("SUBJECTCANARY", "CONTENTCANARY"))
    with world.running.store.reading() as connection:
        letter = queries.letters(connection, queries.Wanted())[0]["id"]
    wishes: list[dict[str, Any]] = [
        {"act": "send", "path": str(broken)},
        {"act": "send", "path": str(pdf)},
        {"act": "send", "path": str(world.folder / "none")},
        {"act": "release", "letter": letter, "why": "", "actor": "somebody"},
        {"act": "cancel", "letter": letter, "why": "x", "actor": "somebody"},
        {"act": "identities", "letter": letter, "actor": "somebody"},
        {"act": "purge"},
        {"act": "fly"},
        {"act": "release"},
        {},
    ]
    answers = [await asyncio.to_thread(order, path, wish) for wish in wishes]
    assert leaked(json.dumps(answers)) == []
    assert leaked(json.dumps(world.said, default=str)) == []
    assert answers[1]["findings"][0]["code"] == "not-what-it-is-called"
    assert [("error" in answer) for answer in answers][2:] == [True, False, False, False, False, True, True, True]


async def test_a_control_connection_that_says_nonsense_gets_an_end_and_the_next_one_an_answer(world: World):
    path = world.folder / "data" / "control.sock"

    async def says(line: bytes) -> bytes:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(line)
        answer = await asyncio.wait_for(reader.read(), 60)
        writer.close()
        return answer

    assert await says(b"not json TESTINI\n") == b""
    assert b"order not understood" in await says(b"[1, 2]\n")
    assert b"erased" in await says(b'{"act": "purge"}\n')
    assert leaked(json.dumps(world.said, default=str)) == []
