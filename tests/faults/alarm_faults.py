"""Promise F8: every alarm's own fault is caused in a running gateway, ends again, and the alarm goes with it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sqlite3
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from sqlalchemy import event

from config.settings import load
from demo.letters import GP_MAILBOX
from demo.operator import ReceiptsMailbox
from directory import Directory, add_certificate, remove_key, update_white_list
from gateway.control import order
from gateway.crypto.authority import TestAuthority, certificates_pem
from gateway.errors import ReadingFailed, StorageUnavailable
from gateway.moments import utc_now
from gateway.service.build import build
from gateway.service.running import Running
from tests.faults.alarm_hop import Moody, moody_hop
from tests.faults.campaigns import Row, row
from tests.faults.place import TO, Place, prepare
from tests.faults.sender import Smtp
from tests.faults.silent_authority import closed_mail, signed_mail, unanswered
from tests.peers.authority import make_authority, self_signed
from tests.peers.running import free_ports
from tests.unit.directory import signing

PATIENCE = 60.0
"""Promises.md: an alarm is up within a minute."""
QUICK = {
    "every_seconds": 0.2, "recent_minutes": 0.05, "deferred": 0, "ambiguous": 0, "leases_lost": 0, "readers": 0,
    "rounds": 0, "commit_seconds": 0.8, "loop_seconds": 0.8, "unplanned_minutes": 0.01, "still_minutes": 0.05,
    "held_hours": 0.0001, "answers_minutes": 0.001,
}  # fmt: skip
"""As short as the test needs them; those of days are left as they are, the faults have their dates."""
WAITS = {"commit_seconds", "loop_seconds", "unplanned_minutes", "still_minutes", "held_hours", "answers_minutes"}


@dataclass(slots=True, kw_only=True)
class World:
    """The gateway, its hop, and what it says."""

    running: Running
    hop: Moody
    place: Place
    folder: Path
    metrics: int
    said: list[dict[str, Any]]
    client: Smtp
    receipts: ReceiptsMailbox
    gps: TestAuthority
    """Whom the gateway believes of addressees and of those who write to it; its list is nowhere."""
    number: int = 0

    async def letter(self, to: str = TO) -> str:
        """Hand one in; gives the end of its id."""
        self.number += 1
        content = Smtp.letter("alarms", self.number, b"%PDF-1.7\n" + os.urandom(500)).replace(TO.encode(), to.encode())
        if self.client._reader is None:
            await self.client._connect()
        for line in (b"MAIL FROM:<dpi@hospital.test>", f"RCPT TO:<{to}>".encode(), b"DATA"):
            await self.client._ask(line)
        answer = await self.client._ask(content + b".")
        said = self.client.promised(answer)
        assert said, answer
        return said

    def database(self, statement: str) -> list[tuple[Any, ...]]:
        """From outside, as a second process would."""
        with contextlib.closing(sqlite3.connect(self.place.database, timeout=10)) as connection, connection:
            return connection.execute(statement).fetchall()

    async def ask(self, path: str) -> str:
        def fetch() -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}{path}", timeout=30) as answer:
                return str(answer.read().decode())

        return await asyncio.to_thread(fetch)

    async def alarm(self, code: str, *, on: bool) -> float:
        """Wait until Prometheus sees it so; gives the seconds."""
        began = time.monotonic()
        wanted = f'huitaine_alarm{{code="{code}"}} {float(on)}'
        while wanted not in await self.ask("/metrics"):
            if time.monotonic() - began > PATIENCE:
                raise AssertionError(f"{code} is not {'on' if on else 'over'}: {self.said[-5:]}")
            await asyncio.sleep(0.1)
        return time.monotonic() - began


@contextlib.asynccontextmanager
async def world(folder: Path, *, ease: float = 1.0) -> AsyncIterator[World]:
    """A gateway with short thresholds; nothing is wrong with it.

    ``ease`` makes those of time so many times longer: a machine that stands still for a second is a fault, too.
    """
    (folder / "tls").mkdir(parents=True)
    authority = make_authority(folder / "tls")
    self_signed(folder / "spare.pem", until=utc_now() + timedelta(days=300))
    _list(folder / "list.crl", 30)
    metrics = free_ports(1)[0]
    async with moody_hop(authority) as hop:
        place = prepare(folder / "gateway", authority, hop.port, more=_more(folder, ease))
        text = place.settings.read_text(encoding="utf-8").replace("metrics_port = 0", f"metrics_port = {metrics}")
        text = text.replace("[directory]\n", '[directory]\nwhite_list_ca = "tls/authority.pem"\nstale_days = 3650\n')
        text = text.replace(
            "[mllp]\n", f'[mllp]\ncertificate = "{folder}/spare.pem"\nclient_crl = "{folder}/list.crl"\n'
        )
        place.settings.write_text(text, encoding="utf-8")
        _white_list(place, days=1)
        gps, receipts = _people(place), ReceiptsMailbox()
        with structlog.testing.capture_logs() as said:
            async with Running(
                build(load(place.settings), clock=utc_now), receipts_opening=receipts.opening
            ) as running:
                client = Smtp(place)
                yield World(
                    running=running,
                    hop=hop,
                    place=place,
                    folder=folder,
                    metrics=metrics,
                    said=said,
                    client=client,
                    receipts=receipts,
                    gps=gps,
                )
                await client.close()


def _more(folder: Path, ease: float) -> str:
    alarms = "".join(f"{key} = {value * ease if key in WAITS else value}\n" for key, value in QUICK.items())
    (folder / "answers").mkdir()
    deaf = f'[sources.deaf]\nreceipts = ["file"]\n[sources.deaf.file]\npath = "{folder}/answers"\n'
    return f"\n[escalation]\nalert_operator_minutes = {0.02 * ease}\n\n[alarms]\n{alarms}\n{deaf}"


def _people(place: Place) -> TestAuthority:
    """The GP's certificate leads to an authority of the settings; it names no list, so nobody need answer for it."""
    folder = place.settings.parent
    for prepared in Directory.open(folder / "data").certificates(GP_MAILBOX):
        remove_key(folder / "data", GP_MAILBOX, prepared.fingerprint)
    gps = TestAuthority.create("GPs")
    _known(place, gps.issue(address=GP_MAILBOX, key="p256").certificate)
    (folder / "gps.pem").write_bytes(certificates_pem((*gps.roots, gps.issuer.certificate)))
    (folder / "secrets" / "receipts-password").write_text("in memory")
    text = place.settings.read_text(encoding="utf-8")
    text += '\n[receipts]\nhost = "localhost"\nuser = "passerelle"\n'
    text += '\n[crypto]\nincoming_authorities = "gps.pem"\noutgoing_authorities = "gps.pem"\nfailed_openings = 2\n'
    place.settings.write_text(text, encoding="utf-8")
    return gps


def _known(place: Place, certificate: x509.Certificate) -> str:
    """Put it into the directory as the GP's; gives its fingerprint."""
    der = certificate.public_bytes(Encoding.DER)
    return add_certificate(place.settings.parent / "data", GP_MAILBOX, der).fingerprint


@contextlib.asynccontextmanager
async def mood(world: World, name: str) -> AsyncIterator[None]:
    world.hop.mood = name
    await world.letter()
    yield
    world.hop.mood = "take"


@contextlib.asynccontextmanager
async def held(world: World) -> AsyncIterator[None]:
    await world.letter("99900000094@rpps.hospital.test")
    yield
    letter = world.database("SELECT letter_id FROM delivery WHERE state = 'held'")[0][0]
    told = {"act": "cancel", "letter": letter, "why": "on paper", "actor": "test"}
    answer = await asyncio.to_thread(order, world.place.settings.parent / "data" / "control.sock", told)
    assert answer == {"deliveries": 1}


@contextlib.asynccontextmanager
async def unreadable(world: World) -> AsyncIterator[None]:
    readers = world.running._gateway.readers

    async def fail(*_: object, **__: object) -> None:
        raise ReadingFailed("nobody reads")

    with patch.object(readers, "read", fail):
        await world.letter()
        yield


@contextlib.asynccontextmanager
async def lost(world: World) -> AsyncIterator[None]:
    """Somebody else takes the delivery over while it is at its dot."""
    world.hop.mood = "slow"
    await world.letter()
    await asyncio.wait_for(world.hop.at_dot.wait(), 30)
    world.database("UPDATE delivery SET epoch = epoch + 1 WHERE state = 'leased'")
    world.hop.mood = "take"
    world.hop.go_on.set()
    yield
    world.database("UPDATE delivery SET state = 'cancelled', epoch = epoch + 1 WHERE state = 'leased'")


_TRIED = "SELECT 1 FROM delivery WHERE letter_id = (SELECT max(id) FROM letter) AND state = 'ready' AND attempts > 0"
_DAMAGE = "UPDATE letter SET sealed = zeroblob(80) WHERE id = (SELECT max(id) FROM letter)"
_FAIL = "UPDATE delivery SET state = 'failed', reported = '' WHERE letter_id = (SELECT max(id) FROM letter)"

_OWED = (
    "INSERT INTO answer (id, source, channel, letter_id, delivery_id, kind, reporter, status, code, happened_at,"
    " heard_at, state) VALUES ('A', 'deaf', 'file', 'L', 'D', 'displayed', 'mdn', '', '', 0, 0, 'waiting')"
)


@contextlib.asynccontextmanager
async def damaged(world: World) -> AsyncIterator[None]:
    """It fails, and who handed it in cannot be read any more."""
    world.hop.mood = "later"
    await world.letter()
    while not world.database(_TRIED):  # noqa: ASYNC110 (another process's table has no event)
        await asyncio.sleep(0.1)
    world.hop.mood = "take"
    world.database(_DAMAGE)
    world.database(_FAIL)
    yield


@contextlib.asynccontextmanager
async def slow_disk(world: World) -> AsyncIterator[None]:
    seconds = [1.2]

    def wait(_: object) -> None:
        time.sleep(seconds[0])

    event.listen(world.running.store._writer._engine, "commit", wait)
    await world.letter()
    yield
    seconds[0] = 0.0  # taken off the engine while the writer's thread walks its listeners, it would break a commit


@contextlib.asynccontextmanager
async def standstill(world: World) -> AsyncIterator[None]:
    time.sleep(1.5)  # noqa: ASYNC251 (the very fault)
    yield


@contextlib.asynccontextmanager
async def full_disk(world: World) -> AsyncIterator[None]:
    usage = shutil.disk_usage("/")
    with patch("shutil.disk_usage", lambda _: usage._replace(free=usage.total // 20)):
        yield


@contextlib.asynccontextmanager
async def dead_readers(world: World) -> AsyncIterator[None]:
    for child in world.running._gateway.readers._all:
        child.process.kill()
    await world.letter()
    yield


@contextlib.asynccontextmanager
async def failing_round(world: World) -> AsyncIterator[None]:
    def fail() -> None:
        raise StorageUnavailable("a fault nobody thought of")

    with patch.object(world.running.store, "unplanned", fail):
        yield


@contextlib.asynccontextmanager
async def old_certificate(world: World) -> AsyncIterator[None]:
    self_signed(world.folder / "spare.pem", until=utc_now() + timedelta(days=20))
    yield
    self_signed(world.folder / "spare.pem", until=utc_now() + timedelta(days=300))


@contextlib.asynccontextmanager
async def old_list(world: World) -> AsyncIterator[None]:
    _list(world.folder / "list.crl", 0.5)
    yield
    _list(world.folder / "list.crl", 30)


@contextlib.asynccontextmanager
async def no_white_list(world: World) -> AsyncIterator[None]:
    path = world.place.settings.parent / "data" / "whitelist.db"
    aside = path.with_suffix(".aside")
    path.rename(aside)
    yield
    aside.rename(path)


@contextlib.asynccontextmanager
async def old_directory(world: World) -> AsyncIterator[None]:
    """The same directory, of some years ago: put in the place of today's as an import does."""
    path = world.place.settings.parent / "data" / "directory.db"
    old, aside = path.with_suffix(".old"), path.with_suffix(".aside")
    shutil.copy(path, old)
    with contextlib.closing(sqlite3.connect(old)) as database, database:
        database.execute("UPDATE file SET published_at = '2001-01-01T00:00:00+00:00'")
    path.rename(aside)
    old.rename(path)
    yield
    aside.rename(path)


@contextlib.asynccontextmanager
async def deaf_software(world: World) -> AsyncIterator[None]:
    """Something is owed to a folder that is gone: a row as the proof of a letter writes it."""
    (world.folder / "answers").rmdir()
    world.database(_OWED)
    yield
    (world.folder / "answers").mkdir()


@contextlib.asynccontextmanager
async def key_of_another(world: World) -> AsyncIterator[None]:
    """The GP's certificate stands under a mailbox that it does not name: another program wrote the file."""
    path = world.place.settings.parent / "data" / "addressees.db"
    columns = "der, public_key, not_before, not_after, source, gcm"
    with contextlib.closing(sqlite3.connect(path, timeout=10)) as database, database:
        database.execute(
            f"INSERT INTO certificate (fingerprint, mailbox, {columns})"  # noqa: S608 (own names)
            f" SELECT fingerprint, 'other@gp.test', {columns} FROM certificate WHERE mailbox = ?",
            (GP_MAILBOX,),
        )
    yield
    with contextlib.closing(sqlite3.connect(path, timeout=10)) as database, database:
        database.execute("DELETE FROM certificate WHERE mailbox = 'other@gp.test'")


@contextlib.asynccontextmanager
async def silent_about_addressee(world: World) -> AsyncIterator[None]:
    """Another key of the GP, whose authority does not say whether it took it back."""
    other = _known(world.place, unanswered(world.gps, GP_MAILBOX).certificate)
    await world.letter()
    yield
    remove_key(world.place.settings.parent / "data", GP_MAILBOX, other)


@contextlib.asynccontextmanager
async def silent_about_signer(world: World) -> AsyncIterator[None]:
    """Somebody who is no addressee writes to us, and his authority does not answer for him."""
    sender = "secretariat@gp.test"
    world.receipts.deliver(signed_mail(unanswered(world.gps, sender), sender, "passerelle@hospital.test"))
    yield


@contextlib.asynccontextmanager
async def closed_mails(world: World) -> AsyncIterator[None]:
    """Somebody sends one mail after the other that none of our keys opens."""
    stranger = world.gps.issue(address="stranger@gp.test", key="p256")
    for _ in range(3):
        world.receipts.deliver(closed_mail(stranger, "stranger@gp.test"))
    yield


Fault = Callable[[World], contextlib.AbstractAsyncContextManager[None]]
FAULTS: dict[str, Fault] = {
    "letters-wait": lambda world: mood(world, "later"),
    "deferred": lambda world: mood(world, "later"),
    "journal-still": lambda world: mood(world, "deaf"),
    "ambiguous": lambda world: mood(world, "cut"),
    "letters-held": held,
    "letters-unplanned": unreadable,
    "sender-untold": damaged,
    "answers-wait": deaf_software,
    "leases-lost": lost,
    "commits-slow": slow_disk,
    "loop-lags": standstill,
    "disk-low": full_disk,
    "readers-restart": dead_readers,
    "round-failed": failing_round,
    "certificate-ends": old_certificate,
    "crl-ends": old_list,
    "white-list-old": no_white_list,
    "directory-old": old_directory,
    "key-of-another": key_of_another,
    "addressees-unchecked": silent_about_addressee,
    "signers-unchecked": silent_about_signer,
    "openings-fail": closed_mails,
}


@dataclass(slots=True, kw_only=True)
class Raised:
    """Seconds until each alarm was on, and until it was over again."""

    up: dict[str, float] = field(default_factory=dict)
    over: dict[str, float] = field(default_factory=dict)


async def raise_all(world: World) -> Raised:
    """One fault after the other; each begins with its alarm off.

    An alarm of what happened lately is over a while after its fault: the next fault does not wait for that.
    """
    told = Raised()
    async with asyncio.TaskGroup() as ends:
        for code, fault in FAULTS.items():
            await world.alarm(code, on=False)
            async with fault(world):
                told.up[code] = await world.alarm(code, on=True)
            ends.create_task(_over(world, told, code))
    return told


async def _over(world: World, told: Raised, code: str) -> None:
    told.over[code] = await world.alarm(code, on=False)


async def f8(folder: Path) -> Row:
    """Every fault raises its alarm, on a gateway where nothing is wrong first."""
    async with world(folder) as here:
        await asyncio.sleep(5)
        quiet = json.loads(await here.ask("/health")) == {"ready": True, "alarms": []}
        told = await raise_all(here)
    return row(
        "F8",
        control=quiet,
        kept=set(told.up) == set(FAULTS),
        figure=round(max(told.up.values()), 2),
        target=PATIENCE,
        unit="s until the slowest alarm was on",
    )


def _list(path: Path, days: float) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    made = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "spare")]))
        .last_update(utc_now() - timedelta(days=9))
        .next_update(utc_now() + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(made.public_bytes(Encoding.PEM))


def _white_list(place: Place, *, days: float) -> None:
    issuer = signing.authority()
    made = utc_now() - timedelta(days=days)
    content = signing.sign(signing.list_xml({"gp.test": "CN=x"}, made), signing.signer_of(issuer))
    folder = place.settings.parent / "data"
    update_white_list(folder, content, authorities=issuer.pem, common_name=signing.SIGNER, clock=utc_now)
