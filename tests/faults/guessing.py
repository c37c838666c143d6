"""E5: a thousand guesses from one address and from a hundred, over sockets, and a good user beside them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

from argon2 import PasswordHasher

from gateway.smtp.server import SmtpLimits, SmtpListener
from tests.faults.campaigns import Row, row
from tests.unit.smtp.smtp_door_kit import DPI, LABO, PASSWORD, Client, OpenDoor, client_tls, server_tls, smtp_door

GUESSES = int(os.environ.get("FAULT_GUESSES", "1000"))
MOST_HASHES = 30
MOST_SECONDS = 3.0
NO_LIMITS = SmtpLimits(
    max_guesses=10**9, max_auth_failures=10**9, max_errors=10**9, guess_delay=timedelta(0), linger=timedelta(0)
)
_AT_ONCE = 50
_CLIENT = client_tls()
_CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

Address = Callable[[int], str]
"""The address from which the n-th connection comes."""


def one(number: int) -> str:
    """Always the same."""
    return "127.0.1.1"


def hundred(number: int) -> str:
    """A hundred addresses of IPv4."""
    return f"127.0.2.{1 + number % 100}"


def hundred_of_ipv6(number: int) -> str:
    """A hundred networks of IPv6, and in each another address each time: told by a load balancer."""
    return f"2001:db8:0:{number % 100:x}::{1 + number:x}"


@dataclass(slots=True)
class Guessed:
    """What the guesses led to."""

    hashed: int = 0
    said: Counter[str] = field(default_factory=Counter)
    good_seconds: list[float] = field(default_factory=list)
    """How long a good user elsewhere waited from connecting to 235, again and again meanwhile."""


async def guess(count: int, address: Address, limits: SmtpLimits, *, dear: bool = True) -> Guessed:
    """Guess ``count`` passwords of one account; ``dear``: at the price that Argon2id really has."""
    told = Guessed()
    hasher = PasswordHasher() if dear else _CHEAP
    good = replace(LABO, password_hash=hasher.hash("other horse"))
    tls = server_tls()
    plain = SmtpListener(name="tls", host="127.0.0.1", tls=tls, implicit_tls=True)
    behind = replace(plain, name="behind", proxies=(ip_network("127.0.0.0/8"),))
    known = replace(DPI, password_hash=hasher.hash(PASSWORD))
    async with smtp_door(limits=limits, listeners=(plain, behind), sources=(known, good)) as door:
        numbers, guesses = itertools.count(), iter(range(count))
        beside = asyncio.create_task(_good_user(door, told))
        await asyncio.gather(*(_guesser(door, address, numbers, guesses, told) for _ in range(_AT_ONCE)))
        await _log_in(door, told)
        beside.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beside
        told.hashed = door.doors._door.credentials.hashed
    return told


async def _guesser(
    door: OpenDoor, address: Address, numbers: Iterator[int], guesses: Iterator[int], told: Guessed
) -> None:
    """Guess on, with a new connection whenever the door ends one."""
    client: Client | None = None
    for number in guesses:
        if client is None:
            client = await _connect(door, address(next(numbers)))
        secret = b64encode(f"\0dpi\0guess {number}".encode()).decode()
        said = await _patiently(client, f"AUTH PLAIN {secret}")
        told.said[said[:9]] += 1
        if not said.startswith("535"):
            await client.close()
            client = None
    if client is not None:
        await client.close()


async def _patiently(client: Client, command: str) -> str:
    """The answer, however long the penalty."""
    await client.send(f"{command}\r\n".encode())
    async with asyncio.timeout(120):
        try:
            return (await client.reader.readline()).decode()
        except ConnectionError:
            return ""


async def _good_user(door: OpenDoor, told: Guessed) -> None:
    while True:
        await _log_in(door, told)
        await asyncio.sleep(0.2)


async def _log_in(door: OpenDoor, told: Guessed) -> None:
    before = time.monotonic()
    client = await _connect(door, "127.0.3.3")
    secret = b64encode(b"\0labo\0other horse").decode()
    said = await client.ask(f"AUTH PLAIN {secret}")
    told.good_seconds.append(time.monotonic() - before if said.startswith("235") else float("inf"))
    await client.close()


async def _connect(door: OpenDoor, address: str) -> Client:
    """From ``address``: our own within 127.0.0.0/8, any other by the word of a proxy."""
    if ip_address(address).is_loopback:
        client = await door.connect("tls", ssl=_CLIENT, server_hostname="localhost", local_addr=(address, 0))
    else:
        client = await _behind(door, address)
    assert (await client.reply()).startswith("220 ")
    await client.ask("EHLO guesser.test")
    return client


async def _behind(door: OpenDoor, address: str) -> Client:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.doors.ports["behind"])
    family = "TCP6" if ":" in address else "TCP4"
    try:
        writer.write(f"PROXY {family} {address} {'::1' if ':' in address else '192.0.2.1'} 5000 465\r\n".encode())
        await writer.drain()
        await writer.start_tls(_CLIENT, server_hostname="localhost")
    except BaseException:
        writer.transport.abort()  # the door closed on a guesser: nobody else will close this end
        raise
    return Client(reader, writer)


async def e5(folder: Path) -> Row:
    """A thousand guesses each way at the limits that are shipped."""
    limits = SmtpLimits(max_connections_per_minute=10**6, proxy_header=timedelta(seconds=30))
    ways = {"one": one, "hundred": hundred, "hundred_ipv6": hundred_of_ipv6}
    told = {name: await guess(GUESSES, address, limits) for name, address in ways.items()}
    control = await guess(100, one, NO_LIMITS, dear=False)
    hashed = {f"hashed_{name}": found.hashed for name, found in told.items()}
    waited = max(second for found in told.values() for second in found.good_seconds)
    return row(
        "E5",
        control=control.hashed > MOST_HASHES,
        figure=max(hashed.values()),
        target=MOST_HASHES,
        unit="hashes for a thousand guesses",
        kept=max(hashed.values()) <= MOST_HASHES and waited <= MOST_SECONDS,
        rounds=len(ways),
        good_user_waited_at_most_s=round(waited, 2),
        **hashed,
    )
