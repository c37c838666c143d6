"""Which hosts take a domain's mail, asked of a real DNS server on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import dns.name
import dns.rcode
import pytest

from gateway.errors import PermanentFailure, SettingsRefused, TransientFailure
from gateway.smtp.courier import HandOverFailure
from gateway.smtp.courier.found import NameServer
from gateway.smtp.courier.resolver import MOST_HOSTS, DnsResolver
from tests.peers.dns import DnsServer, running_dns
from tests.peers.running import LOOPBACK, free_port

RECORDS = {
    "ch-exemple.mssante.test": ("20 mx2.test.", "10 MX1.test."),
    "three.test": ("10 a.test.", "10 b.test.", "10 c.test."),
    "no-mx.test": (),
    "takes-no-mail.test": ("0 .",),
    "half-null.test": ("0 .", "10 mx.test."),
    "addresses.test": ("5 127.0.0.1.", "10 mx.test."),
    "nothing-usable.test": ("5 127.0.0.1.", "10 -x-.test."),
    "many.test": tuple(f"{n} mx{n}.test." for n in range(40)),
    "xn--strae-oqa.test": ("10 mx.test.",),
    "strasse.test": ("10 somebody-else.test.",),
}


@pytest.fixture
async def server() -> AsyncIterator[DnsServer]:
    async with running_dns(RECORDS) as running:
        yield running


def asking(server: DnsServer, *, seconds: float = 30.0) -> DnsResolver:
    return DnsResolver((NameServer(address=server.host, port=server.port),), seconds=seconds)


async def failure(server: DnsServer, domain: str, *, seconds: float = 30.0) -> HandOverFailure:
    with pytest.raises(HandOverFailure) as caught:
        await asking(server, seconds=seconds).mx(domain)
    assert domain not in caught.value.detail
    return caught.value


async def test_hosts_come_by_preference_in_lower_case(server: DnsServer) -> None:
    assert await asking(server).mx("ch-exemple.mssante.test") == ("mx1.test", "mx2.test")


async def test_hosts_of_equal_preference_share_the_load(server: DnsServer) -> None:
    resolver = asking(server)
    firsts = {(await resolver.mx("three.test"))[0] for _ in range(200)}
    assert firsts == {"a.test", "b.test", "c.test"}


async def test_a_domain_without_mx_is_its_own_host(server: DnsServer) -> None:
    assert await asking(server).mx("NO-mx.test.") == ("no-mx.test",)


async def test_a_null_mx_says_for_ever_that_the_domain_takes_no_mail(server: DnsServer) -> None:
    found = await failure(server, "takes-no-mail.test")
    assert isinstance(found, PermanentFailure)
    assert found.status == "5.1.10"


async def test_a_null_mx_beside_real_ones_is_overlooked(server: DnsServer) -> None:
    assert await asking(server).mx("half-null.test") == ("mx.test",)


async def test_an_mx_that_is_an_address_is_overlooked_and_alone_is_a_deferral(server: DnsServer) -> None:
    assert await asking(server).mx("addresses.test") == ("mx.test",)
    found = await failure(server, "nothing-usable.test")
    assert isinstance(found, TransientFailure)
    assert found.status == "4.4.4"


async def test_a_domain_that_is_not_there_is_refused_for_ever(server: DnsServer) -> None:
    found = await failure(server, "nowhere.test")
    assert isinstance(found, PermanentFailure)
    assert found.status == "5.1.2"


@pytest.mark.parametrize(
    "domain", ["", ".", "a..b", "[127.0.0.1]", "127.0.0.1", "a b.test", "x" * 64 + ".test", "a\\.b.test", "-a.test"]
)
async def test_what_is_no_domain_name_is_never_asked(domain: str, server: DnsServer) -> None:
    with pytest.raises(HandOverFailure) as caught:
        await asking(server).mx(domain)
    assert caught.value.status == "5.1.2"
    assert server.asked == []


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.NOTIMP, dns.rcode.YXDOMAIN])
async def test_a_dns_that_fails_is_a_reason_to_wait(rcode: dns.rcode.Rcode, server: DnsServer) -> None:
    server.rcode = rcode
    found = await failure(server, "three.test", seconds=0.3)
    assert isinstance(found, TransientFailure)
    assert found.status == "4.4.3"


async def test_a_silent_dns_is_given_up_in_bounded_time(server: DnsServer) -> None:
    server.is_silent = True
    async with asyncio.timeout(60):
        found = await failure(server, "three.test", seconds=0.3)
    assert isinstance(found, TransientFailure)
    assert found.status == "4.4.3"


async def test_a_dns_that_nobody_runs_is_a_reason_to_wait() -> None:
    resolver = DnsResolver((NameServer(address=LOOPBACK, port=free_port()),), seconds=0.5)
    with pytest.raises(TransientFailure) as caught:
        await resolver.mx("three.test")
    assert caught.value.status == "4.4.3"


async def test_the_second_server_answers_when_the_first_is_dead(server: DnsServer) -> None:
    servers = (NameServer(address=LOOPBACK, port=free_port()), NameServer(address=LOOPBACK, port=server.port))
    assert await DnsResolver(servers).mx("no-mx.test") == ("no-mx.test",)


async def test_trap_an_answer_that_is_cut_is_asked_again_over_tcp(server: DnsServer) -> None:
    server.cuts = True
    assert await asking(server).mx("half-null.test") == ("mx.test",)
    assert server.asked == ["half-null.test/MX/udp", "half-null.test/MX/tcp"]


async def test_trap_a_search_list_is_never_appended(server: DnsServer) -> None:
    resolver = asking(server)
    resolver._resolver.search = [dns.name.from_text("mssante.test")]
    resolver._resolver.use_search_by_default = True
    with pytest.raises(PermanentFailure):
        await resolver.mx("ch-exemple")
    assert server.asked == ["ch-exemple/MX/udp"]


async def test_trap_idna_2008_and_not_2003_asks_for_the_domain_that_was_written(server: DnsServer) -> None:
    assert await asking(server).mx("Straße.test") == ("mx.test",)


async def test_answers_are_remembered_as_long_as_they_say(server: DnsServer) -> None:
    resolver = asking(server)
    for _ in range(3):
        await resolver.mx("three.test")
    assert len(server.asked) == 1


async def test_a_failure_is_not_remembered(server: DnsServer) -> None:
    resolver = asking(server)
    server.rcode = dns.rcode.SERVFAIL
    with pytest.raises(TransientFailure):
        await resolver.mx("no-mx.test")
    server.rcode = dns.rcode.NOERROR
    assert await resolver.mx("no-mx.test") == ("no-mx.test",)


async def test_a_domain_with_many_hosts_costs_no_more_than_a_few_attempts(server: DnsServer) -> None:
    hosts = await asking(server).mx("many.test")
    assert hosts == tuple(f"mx{n}.test" for n in range(MOST_HOSTS))


def test_a_server_that_is_not_an_address_is_refused_at_the_start() -> None:
    with pytest.raises(SettingsRefused):
        DnsResolver((NameServer(address="dns.example"),))
