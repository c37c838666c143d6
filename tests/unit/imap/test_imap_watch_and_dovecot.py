"""The watch against a real Dovecot: each mail once, through cuts, forgotten UIDs and mails that come while idle."""

from __future__ import annotations

import asyncio
import random
import ssl
from contextlib import aclosing

import pytest

from gateway.errors import MailboxUnavailable
from gateway.imap import Account, FetchedMail, Limits, MailboxWatch, OversizedMail, Pace, Session
from tests.peers.chaos import chaos_proxy
from tests.peers.dovecot import Dovecot

pytestmark = [pytest.mark.peer, pytest.mark.root]

PACE = Pace(idle=20, again=0.2, first_wait=0.01, longest_wait=0.1)


def account(dovecot: Dovecot, user: str, *, port: int = 0, password: str = "") -> Account:
    return Account(
        name=user,
        host=dovecot.host,
        port=port or dovecot.imaps_port,
        user=user,
        password=password or dovecot.password,
        context=ssl.create_default_context(cafile=str(dovecot.authority.roots)),
        server_name="mx.test",
    )


def mail(number: int, size: int = 100) -> bytes:
    return b"Subject: %d\r\n\r\n" % number + b"x" * 70 + b"\r\n" + b"y" * size + b"\r\n"


def subject(content: bytes) -> int:
    return int(content.split(b"Subject: ")[1].split(b"\r\n")[0])


class Taker:
    """Commits by digest, then moves, as a door does."""

    def __init__(self, wanted: int) -> None:
        self.rows: dict[bytes, int] = {}
        self.seen = 0
        self.doubles = 0
        self.done = asyncio.Event()
        self.wanted = wanted

    async def __call__(self, found: FetchedMail | OversizedMail) -> str:
        assert isinstance(found, FetchedMail)
        self.seen += 1
        self.doubles += found.content in self.rows
        self.rows[found.content] = subject(found.content)
        if len(self.rows) == self.wanted:
            self.done.set()
        return "Taken"


async def run_until_empty(watch: MailboxWatch, taker: Taker, dovecot: Dovecot, user: str) -> None:
    task = asyncio.create_task(watch.sort(taker))
    try:
        async with asyncio.timeout(60):
            await taker.done.wait()
            while await asyncio.to_thread(dovecot.mails, user):  # noqa: ASYNC110 - a mailbox has no event
                await asyncio.sleep(0.05)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_b9_each_mail_is_taken_once_through_cuts_at_random_bytes(dovecot: Dovecot, mailbox: str) -> None:
    chance = random.Random(9)  # noqa: S311 - chaos that can be repeated
    count = 60
    for number in range(count):
        await asyncio.to_thread(dovecot.deliver, mailbox, mail(number, chance.choice([10, 3_000])))
    async with chaos_proxy(dovecot.imaps_port, lambda: chance.randrange(200, 20_000)) as proxy:
        taker = Taker(count)
        watch = MailboxWatch(account(dovecot, mailbox, port=proxy.port), limits=Limits(command=5), pace=PACE)
        await run_until_empty(watch, taker, dovecot, mailbox)
    assert proxy.cuts > 5
    assert sorted(taker.rows.values()) == list(range(count))
    assert len(await asyncio.to_thread(dovecot.mails, mailbox, "Taken")) == count


async def test_b10_after_a_change_of_uidvalidity_nothing_is_taken_twice(dovecot: Dovecot, mailbox: str) -> None:
    for number in range(3):
        await asyncio.to_thread(dovecot.deliver, mailbox, mail(number))
    seen: list[FetchedMail] = []
    watch = MailboxWatch(account(dovecot, mailbox), pace=PACE)
    async with asyncio.timeout(60), aclosing(watch.mails()) as mails:
        async for found in mails:
            assert isinstance(found, FetchedMail)
            seen.append(found)
            if len(seen) == 2:  # fetched, not moved: the server forgets what its UIDs meant
                await asyncio.sleep(1.1)
                await asyncio.to_thread(dovecot.forget_uids, mailbox)
                with pytest.raises(MailboxUnavailable):
                    await watch.move(found, "Taken")
            if len(seen) == 5:
                break
    first, again = seen[:2], seen[2:]
    assert first[0].uidvalidity != again[0].uidvalidity
    assert {mail.content for mail in first} < {mail.content for mail in again}
    assert not await asyncio.to_thread(dovecot.mails, mailbox, "Taken")


async def test_a_new_mail_wakes_an_idle_watch(dovecot: Dovecot, mailbox: str) -> None:
    watch = MailboxWatch(account(dovecot, mailbox), pace=Pace(idle=600))
    taker = Taker(1)
    task = asyncio.create_task(watch.sort(taker))
    await asyncio.sleep(0.5)
    await asyncio.to_thread(dovecot.deliver, mailbox, mail(1))
    async with asyncio.timeout(60):
        await taker.done.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_server_that_goes_away_while_idle_is_found_again(dovecot: Dovecot, mailbox: str) -> None:
    async with chaos_proxy(dovecot.imaps_port) as proxy:
        watch = MailboxWatch(account(dovecot, mailbox, port=proxy.port), pace=PACE)
        taker = Taker(1)
        task = asyncio.create_task(watch.sort(taker))
        while proxy.connections == 0:  # noqa: ASYNC110 - the proxy has no event for it
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        proxy.cut_all()
        await asyncio.to_thread(dovecot.deliver, mailbox, mail(1))
        async with asyncio.timeout(60):
            await taker.done.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert proxy.connections >= 2


async def test_a_mail_that_is_left_is_offered_again_and_the_others_go_on(dovecot: Dovecot, mailbox: str) -> None:
    for number in range(3):
        await asyncio.to_thread(dovecot.deliver, mailbox, mail(number))
    offered: list[int] = []
    done = asyncio.Event()

    async def decide(found: FetchedMail | OversizedMail) -> str | None:
        assert isinstance(found, FetchedMail)
        number = subject(found.content)
        offered.append(number)
        if number == 0 and offered.count(0) == 1:
            raise RuntimeError("a bug of ours")
        if number == 0 and offered.count(0) == 2:
            return None
        if number == 0:
            done.set()
        return "Taken"

    task = asyncio.create_task(MailboxWatch(account(dovecot, mailbox), pace=PACE).sort(decide))
    async with asyncio.timeout(60):
        await done.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert offered == [0, 1, 2, 0, 0]


async def test_a_mail_of_ten_megabytes_and_odd_names_come_through_unchanged(dovecot: Dovecot, mailbox: str) -> None:
    large = mail(1, 10_000_000).replace(b"y" * 900, b"y" * 898 + b"\r\n")
    await asyncio.to_thread(dovecot.deliver, mailbox, large)
    session = await Session.open(account(dovecot, mailbox), Limits())
    [entry] = await session.entries(await session.uids())
    content = await session.content(entry)
    await session.move(entry.uid, 'Reçus & "pris"')
    await session.close()
    assert content is not None
    assert content.partition(b"\r\n\r\n")[2] == large.partition(b"\r\n\r\n")[2]
    assert 'Reçus & "pris"' in await asyncio.to_thread(dovecot.doveadm, "mailbox", "list", "-u", mailbox)


async def test_more_mails_than_a_batch_are_all_listed(dovecot: Dovecot, mailbox: str) -> None:
    folder = dovecot.maildir(mailbox) / "new"
    await asyncio.to_thread(dovecot.deliver, mailbox, mail(0))
    for number in range(1, 450):
        (folder / f"1700000000.M{number}P1.test").write_bytes(mail(number))
    session = await Session.open(account(dovecot, mailbox), Limits())
    uids = await session.uids()
    entries = await session.entries(uids)
    await session.close()
    assert len(uids) == len(entries) == 450


async def test_a_wrong_password_is_unavailable_and_named_in_no_word(dovecot: Dovecot, mailbox: str) -> None:
    with pytest.raises(MailboxUnavailable) as caught:
        await Session.open(account(dovecot, mailbox, password="wrong"), Limits())
    assert "wrong" not in caught.value.detail
    assert "LOGIN answered NO" in caught.value.detail
