"""E1, E4, E5: logging in inside TLS only, by password or by certificate, and no guessing."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from gateway.errors import SettingsRefused
from gateway.smtp.reply import Refusal
from gateway.smtp.server import SmtpDoorSettings, SmtpListener
from gateway.smtp.server.addresses import network_of
from gateway.smtp.server.credentials import Credentials
from tests.unit.smtp.smtp_door_kit import (
    AUTHORITY,
    DPI,
    LABO,
    PASSWORD,
    QUICK,
    STRANGER_AUTHORITY,
    client_tls,
    server_tls,
    smtp_door,
)

PLAIN = "AUTH PLAIN AGRwaQBjb3JyZWN0IGhvcnNl"
LABO_PLAIN = "AUTH PLAIN AGxhYm8Ab3RoZXIgaG9yc2U="
TLS = {"server_hostname": "localhost"}


async def test_e1_each_login_writes_as_its_own_senders_only():
    async with smtp_door() as door, door.client("tls", ssl=client_tls(), **TLS) as client:
        assert (await client.ask(LABO_PLAIN)).startswith("235 2.7.0")
        assert (await client.ask("MAIL FROM:<secretariat@ch-exemple.test>")).startswith("553 5.7.1")
        assert (await client.ask("MAIL FROM:<Resultats@LABO.test>")).startswith("250")
        assert (await client.ask(PLAIN)).startswith("503 5.5.1")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_e1_tls_1_2_and_1_3_are_taken_with_forward_secrecy(version):
    context = client_tls()
    context.minimum_version = context.maximum_version = version
    async with smtp_door() as door, door.client("tls", ssl=context, **TLS) as client:
        cipher = client.writer.get_extra_info("cipher")[0]
        assert cipher.startswith(("ECDHE", "TLS_"))
        assert (await client.ask(PLAIN)).startswith("235")


async def test_e1_authentication_survives_no_handshake():
    async with smtp_door() as door, door.client("starttls") as client:
        await client.starttls(client_tls())
        await client.ask("EHLO a")
        await client.ask(PLAIN)
        await client.ask("EHLO b")
        assert (await client.letter()).startswith("250")


def test_e1_settings_that_let_somebody_in_without_proof_are_refused():
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    bad = [
        SmtpListener(name="open", host="127.0.0.1"),
        SmtpListener(name="far", host="0.0.0.0", unsafe_source="dpi"),  # noqa: S104  that is what is refused
        SmtpListener(name="far", host="relais.test", unsafe_source="dpi"),
        SmtpListener(name="nobody", host="::1", unsafe_source="nobody"),
        SmtpListener(name="old", host="127.0.0.1", tls=old),
    ]
    for listener in bad:
        with pytest.raises(SettingsRefused):
            SmtpDoorSettings(hostname="h", listeners=(listener,), sources=(DPI,))
    for twins in ((DPI, DPI), (DPI, replace(LABO, login="dpi")), (DPI, replace(DPI, name="b", login="b"))):
        with pytest.raises(SettingsRefused):
            SmtpDoorSettings(hostname="h", listeners=(), sources=twins)
    good = SmtpListener(name="local", host="localhost", unsafe_source="dpi")
    assert SmtpDoorSettings(hostname="h", listeners=(good,), sources=(DPI,))


@pytest.mark.parametrize("listener", ["tls", "starttls"])
async def test_e4_a_certificate_that_is_listed_stands_for_its_source(listener):
    certificate = AUTHORITY.issue_cert("dpi.ch-exemple.test")
    tls = {"ssl": client_tls(certificate), **TLS} if listener == "tls" else {}
    async with smtp_door() as door, door.client(listener, **tls) as client:
        if listener == "starttls":
            await client.starttls(client_tls(certificate))
        assert "AUTH" not in await client.ask("EHLO a")
        assert (await client.letter()).startswith("250")
        assert door.intake.kept[0].source == "dpi"


async def test_e4_a_certificate_that_is_not_listed_still_has_to_log_in():
    certificate = AUTHORITY.issue_cert("autre.ch-exemple.test")
    async with smtp_door() as door, door.client("tls", ssl=client_tls(certificate), **TLS) as client:
        assert (await client.ask("MAIL FROM:<secretariat@ch-exemple.test>")).startswith("530 5.7.0")


async def test_e4_a_certificate_of_another_authority_ends_the_handshake():
    certificate = STRANGER_AUTHORITY.issue_cert("dpi.ch-exemple.test")
    async with smtp_door() as door:
        with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
            async with door.client("tls", ssl=client_tls(certificate), **TLS):
                pass
        assert door.intake.kept == []


class Guessing:
    """Credentials with a clock of their own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.credentials = Credentials((DPI, LABO), key=b"k" * 32, monotonic=lambda: self.now, max_guesses=10)

    async def guess(self, number: int, login: bytes = b"dpi", network: str = "192.0.2.1") -> str:
        try:
            source = await self.credentials.check(login, b"guess %d" % number, network)
        except Refusal as refusal:
            return str(refusal)[:9]
        return source.name if source else "wrong"


@pytest.fixture
def guessing():
    guessing = Guessing()
    yield guessing
    guessing.credentials.close()


async def test_e5_a_right_password_is_hashed_once(guessing):
    for _ in range(3):
        assert await guessing.credentials.check(b"dpi", PASSWORD.encode(), "192.0.2.1") is DPI
    assert guessing.credentials.hashed == 1


async def test_e5_a_hundred_connections_at_once_hash_once(guessing):
    checks = (guessing.credentials.check(b"dpi", PASSWORD.encode(), "192.0.2.1") for _ in range(100))
    assert set(await asyncio.gather(*checks)) == {DPI}
    assert guessing.credentials.hashed == 1


async def test_e5_the_same_wrong_password_is_neither_hashed_nor_counted_again(guessing):
    for _ in range(50):
        assert await guessing.guess(1) == "wrong"
    assert guessing.credentials.hashed == 1
    assert await guessing.guess(2) == "wrong"


async def test_e5_a_thousand_guesses_cost_ten_hashes(guessing):
    said = [await guessing.guess(number) for number in range(1000)]
    assert said == ["wrong"] * 10 + ["421 4.7.0"] * 990
    assert guessing.credentials.hashed == 10


async def test_e5_a_thousand_guesses_at_once_cost_no_more(guessing):
    await asyncio.gather(*(guessing.guess(number) for number in range(1000)))
    assert guessing.credentials.hashed <= 30


async def test_e5_guesses_at_many_accounts_from_one_network_stop_too(guessing):
    said = [await guessing.guess(number, login=b"user%d" % number) for number in range(1000)]
    assert said == ["wrong"] * 20 + ["421 4.7.0"] * 980
    assert guessing.credentials.hashed == 0  # none of them exists


async def test_e5_one_account_guessed_at_from_a_hundred_networks_stops(guessing):
    for number in range(1000):
        await guessing.guess(number, network=f"192.0.2.{number % 100}")
    assert guessing.credentials.hashed == 10


async def test_e5_whoever_logged_in_before_is_not_locked_out_by_strangers(guessing):
    await guessing.credentials.check(b"dpi", PASSWORD.encode(), "198.51.100.7")
    for number in range(100):
        await guessing.guess(number)
    assert await guessing.guess(0, network="198.51.100.7") == "wrong"
    assert await guessing.credentials.check(b"dpi", PASSWORD.encode(), "198.51.100.7") is DPI
    assert await guessing.credentials.check(b"labo", b"other horse", "203.0.113.9") is LABO


async def test_e5_ten_minutes_later_one_may_try_again(guessing):
    for number in range(20):
        await guessing.guess(number)
    guessing.now = 601.0
    assert await guessing.guess(99) == "wrong"


async def test_e5_a_login_that_does_not_exist_is_wrong_like_any_other(guessing):
    assert await guessing.guess(1, login=b"nobody") == "wrong"
    assert await guessing.guess(1, login=b"") == "wrong"


async def test_e5_a_login_that_does_not_exist_is_not_told_by_the_time_of_its_refusal():
    slow = replace(DPI, password_hash=PasswordHasher().hash(PASSWORD))
    limits = replace(QUICK, guess_delay=timedelta(seconds=1))
    took = {}
    async with smtp_door(limits=limits, source=slow) as door:
        for login in ("dpi", "nobody"):
            async with door.client("tls", ssl=client_tls(), **TLS) as client:
                before = asyncio.get_running_loop().time()
                said = await client.ask("AUTH PLAIN " + b64encode(f"\0{login}\0wrong".encode()).decode())
                assert said == "535 5.7.8 Authentication credentials invalid"
                took[login] = asyncio.get_running_loop().time() - before
            door.doors._door.credentials._failures._times.clear()
    assert min(took.values()) >= 1.0


async def test_a_stored_hash_that_is_none_is_never_right():
    broken = replace(DPI, password_hash="{SHA}plain")
    credentials = Credentials((broken,), key=b"k", monotonic=lambda: 0.0, max_guesses=10)
    assert await credentials.check(b"dpi", b"{SHA}plain", "x") is None
    credentials.close()


def test_a_network_is_an_ipv4_address_or_an_ipv6_64():
    assert network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("2001:db8:0:1:2:3:4:5") == network_of("2001:db8:0:1::") == "2001:db8:0:1::/64"
    assert network_of("fe80::1%eth0") == "fe80::/64"


def test_no_password_hash_shows_in_a_repr():
    assert "argon2" not in repr(DPI)
    assert "argon2" not in repr(SmtpDoorSettings(hostname="h", listeners=(), sources=(DPI,)))


def test_the_test_contexts_are_at_least_tls_1_2():
    assert server_tls().minimum_version >= ssl.TLSVersion.TLSv1_2
