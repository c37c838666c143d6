"""B5: two gateways that are each other's next hop end a mail's circle at once, and nobody hears of it twice."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiosmtplib

from config.settings import load
from gateway.moments import utc_now
from gateway.service import running
from gateway.service.build import build
from gateway.service.running import Running
from tests.faults.as_received import sealed_mails
from tests.faults.letterbox import SENDER, client_context_of
from tests.faults.place import Place, prepare
from tests.peers.authority import Authority
from tests.peers.running import free_port

GP = "gp1@gp.test"


def towards(place: Place, other: Place, name: str) -> None:
    """``place`` submits everything to ``other``, with a login, under a name of its own."""
    text = place.settings.read_text(encoding="utf-8")
    ours, _, operator = text.partition("[courier.operator]\n")
    _, _, behind = operator.partition("\n[")
    there = f'host = "localhost"\nport = {other.smtps}\ntls = "implicit"\nca = "{other.ca}"\nuser = "{other.login}"\n'
    ours = ours.replace('senders = ["@hospital.test"]', 'unknown_mailbox = "allow"\nsenders = ["@hospital.test", "<>"]')
    ours = ours.replace('domain = "hospital.test"', f'domain = "{name}.hospital.test"')
    place.settings.write_text(f"{ours}[courier.operator]\n{there}\n[{behind}", encoding="utf-8")
    (place.settings.parent / "secrets" / "courier-password").write_text(other.password)


@contextlib.asynccontextmanager
async def two(folder: Path, authority: Authority) -> AsyncIterator[tuple[Place, tuple[Running, Running]]]:
    """Both running, each the other's operator."""
    places = [prepare(folder / name, authority, free_port(), readers=1) for name in ("a", "b")]
    towards(places[0], places[1], "a")
    towards(places[1], places[0], "b")
    async with contextlib.AsyncExitStack() as stack:
        alive = [
            await stack.enter_async_context(Running(build(load(place.settings), clock=utc_now))) for place in places
        ]
        yield places[0], (alive[0], alive[1])


def taken(running: Running) -> int:
    """How many letters it has ever kept."""
    with running.store.reading() as connection:
        return int(connection.exec_driver_sql("select count(*) from letter").scalar_one())


def open_letters(running: Running) -> int:
    """How many of them are not over."""
    with running.store.reading() as connection:
        return int(connection.exec_driver_sql("select count(*) from letter where state = 'open'").scalar_one())


async def test_b5_a_mail_between_two_gateways_that_point_at_each_other_ends(
    tmp_path: Path, authority: Authority
) -> None:
    async with two(tmp_path, authority) as (first, alive):
        [content] = await asyncio.to_thread(sealed_mails, 1)
        async with aiosmtplib.SMTP(
            hostname="localhost", port=first.smtps, use_tls=True, tls_context=client_context_of(first)
        ) as client:
            await client.login(first.login, first.password)
            await client.sendmail(SENDER, [GP], content)
        async with asyncio.timeout(60):
            while taken(alive[1]) == 0 or any(map(open_letters, alive)):  # noqa: ASYNC110 (two stores, no event)
                await asyncio.sleep(0.1)
        await asyncio.sleep(6 * running.TELL)  # reports, if any, go round in that time
        hops = sum(map(taken, alive))
    assert 2 <= hops <= 50
