"""Rows 24 and 25 of promises.md §2: a hostile IMAP server and a hostile next hop, behind a running gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial

import pytest
import pytest_asyncio

from gateway.imap import Limits, Pace
from gateway.service.from_settings import entrances
from tests.dialogues import bad_peers, bad_smtp_sessions
from tests.dialogues.alive import WAIT, Alive, alive
from tests.dialogues.case import golden
from tests.peers.authority import Authority
from tests.peers.hostile_imap import ScriptedServer, scripted_server

in_one_loop = pytest.mark.asyncio(loop_scope="module")
GOLDEN = golden()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def surrounded(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority
) -> AsyncIterator[tuple[Alive, ScriptedServer, ScriptedServer]]:
    """A gateway between a hop and two mailboxes; seconds of patience where production has minutes."""
    folder = tmp_path_factory.mktemp("peers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entrances, "ImapLimits", partial(Limits, command=2, fetch=2))
        patch.setattr(entrances, "Pace", partial(Pace, first_wait=0.05, longest_wait=0.2, again=0.2))
        async with (
            scripted_server(authority) as bad,
            scripted_server(authority, {"SEARCH": b"* SEARCH\r\nTAG OK done\r\n"}) as good,
        ):
            more = mailbox("imap", bad, authority) + mailbox("receipts", good, authority)
            async with alive(folder, authority, more) as running:
                yield running, bad, good


def mailbox(section: str, server: ScriptedServer, authority: Authority) -> str:
    return (
        f'\n[{section}]\nhost = "localhost"\nport = {server.port}\nuser = "a@hospital.test"\n'
        f'ca = "{authority.roots}"\npoll_seconds = 0.2\n'
    )


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT):
        while not true():  # noqa: ASYNC110  the servers tell nobody
            await asyncio.sleep(0.02)


@in_one_loop
@pytest.mark.parametrize("variant", bad_peers.IMAP)
async def test_row_24_a_hostile_mailbox_is_left_and_asked_again(
    surrounded: tuple[Alive, ScriptedServer, ScriptedServer], variant: str
) -> None:
    _, bad, good = surrounded
    await until(lambda: "MOVE" in bad.heard)
    untouched, before = good.connections, bad.connections
    bad.lies.update(bad_peers.IMAP[variant])
    try:
        await until(lambda: bad.connections > before + 1)  # cut, and tried again, and cut
    finally:
        bad.lies.clear()
    bad.heard.clear()
    await until(lambda: "MOVE" in bad.heard)  # as soon as it is honest, mails are taken
    assert good.connections == untouched
    assert GOLDEN[f"24 | {variant}"] == "connection closed, asked again"


@in_one_loop
@pytest.mark.parametrize("variant", bad_peers.HOP)
async def test_row_25_a_hostile_next_hop_gets_the_letter_later(
    surrounded: tuple[Alive, ScriptedServer, ScriptedServer], variant: str
) -> None:
    gateway, _, _ = surrounded
    gateway.hop.lies.update(bad_peers.HOP[variant])
    try:
        letter = await handed_in(gateway, variant)
        await until(lambda: any(row["attempts"] and row["reason"] for row in gateway.deliveries(letter)))
        (row,) = gateway.deliveries(letter)
        assert f"deferred {row['status']}" == GOLDEN[f"25 | {variant}"]
        for entry in gateway.journal(letter):
            assert str(entry["words"]).isprintable()
            assert len(str(entry["words"])) <= 600
    finally:
        gateway.hop.lies.clear()
    assert [row["state"] for row in await gateway.settled(letter)] == ["done"]


async def handed_in(gateway: Alive, variant: str) -> str:
    """One good letter, another each time."""
    async with gateway.client("implicit", logs_in=True) as client:
        *begin, content = bad_smtp_sessions.TRANSACTION
        for said in begin:
            await client.ask(said)
        said = await client.ask(content.replace(b"Bonjour", variant.encode()))
    assert said.startswith("250 "), said
    return said.split()[-1]
