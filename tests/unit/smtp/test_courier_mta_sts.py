"""MTA-STS (RFC 8461) for domains outside the trust space, against a policy server on loopback."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from gateway.letter import Done
from gateway.smtp.courier import HandOverFailure
from gateway.smtp.courier.failures import Below
from gateway.smtp.courier.sts import BadPolicy, read_policy, record_id
from tests.unit.smtp.courier_world import (
    ENFORCE,
    HOST,
    Certificates,
    World,
    anew,
    mail,
    policy_server,
)


async def test_mta_sts_enforce_wants_a_valid_certificate_of_a_permitted_host(
    world: World, certificates: Certificates
) -> None:
    world.announce()
    failure = await world.end(certificates.private.issue_cert(HOST))
    assert isinstance(failure, HandOverFailure)
    assert failure.words == Below.UNKNOWN_AUTHORITY
    assert isinstance(await world.end(certificates.public.issue_cert(HOST)), Done)
    world.policies.body = ENFORCE.replace("mx.cabinet", "mail.cabinet")
    failure = await world.end(certificates.public.issue_cert(HOST))
    assert isinstance(failure, HandOverFailure)
    assert (failure.status, failure.words) == ("4.7.5", Below.NOT_PERMITTED)


@pytest.mark.parametrize("mode", ["testing", "none"])
async def test_mta_sts_testing_and_none_hold_nothing_back(mode: str, world: World, certificates: Certificates) -> None:
    world.announce()
    world.policies.body = ENFORCE.replace("enforce", mode).replace("mx.cabinet", "mail.cabinet")
    assert isinstance(await world.end(certificates.private.issue_cert(HOST)), Done)


async def test_mta_sts_does_not_override_a_failing_dane(world: World, certificates: Certificates) -> None:
    world.announce()
    world.publish(f"3 1 1 {'00' * 32}")
    assert isinstance(await world.end(certificates.public.issue_cert(HOST)), HandOverFailure)


NO_POLICY = {
    "a redirect": ("head", "HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/\r\nContent-Type: text/plain\r\n"),
    "an error": ("head", "HTTP/1.1 500 Oops\r\nContent-Type: text/plain\r\n"),
    "a page": ("head", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"),
    "no policy": ("body", "hello"),
    "no end": ("body", ENFORCE + "x: y\r\n" * 20_000),
}


@pytest.mark.parametrize(("what", "said"), NO_POLICY.values(), ids=NO_POLICY.keys())
async def test_mta_sts_what_is_no_policy_is_none_and_our_floor_stays(
    what: str, said: str, world: World, certificates: Certificates
) -> None:
    world.announce()
    setattr(world.policies, what, said)
    assert isinstance(await world.end(certificates.private.issue_cert(HOST)), Done)
    assert isinstance(await world.end(None), HandOverFailure)
    assert world.policies.asked


async def test_mta_sts_a_policy_server_with_a_wrong_certificate_is_not_believed(
    world: World, certificates: Certificates
) -> None:
    wrong = certificates.context(certificates.public.issue_cert("mta-sts.elsewhere.test"))
    async with policy_server(wrong) as other:
        world.policies = other
        world.announce()
        assert isinstance(await world.end(certificates.private.issue_cert(HOST)), Done)
        assert other.asked == []


async def test_mta_sts_the_policy_is_asked_for_by_name_and_remembered(world: World, certificates: Certificates) -> None:
    world.announce()
    async with world.host(certificates.public.issue_cert(HOST)):
        courier = world.courier()
        for _ in range(5):
            await courier.deliver(mail())
        await courier.end()
    [request] = world.policies.asked
    assert request.startswith(b"GET /.well-known/mta-sts.txt HTTP/1.1\r\n")
    assert b"\r\nhost: mta-sts.cabinet.test\r\n" in request.lower()


async def test_mta_sts_a_known_policy_outlives_record_server_and_hours_until_its_own_end(
    world: World, certificates: Certificates
) -> None:
    """Whoever wants to read the mail would make record and policy disappear."""
    world.announce()
    courier = world.courier()
    async with world.host(certificates.public.issue_cert(HOST)):
        await courier.deliver(mail())
    courier.close()
    world.dns.records = {name: found for name, found in world.dns.records.items() if "sts" not in name}
    world.policies.head = "HTTP/1.1 404 Gone\r\nContent-Type: text/plain\r\n"
    async with world.host(certificates.private.issue_cert(HOST)):
        for hours in (0, 2, 12, 23):
            world.clock.ahead = timedelta(hours=hours)
            with pytest.raises(HandOverFailure) as caught:
                await anew(courier)
            assert caught.value.words == Below.UNKNOWN_AUTHORITY
        world.clock.ahead = timedelta(hours=25)
        assert await anew(courier)
    await courier.end()


async def test_mta_sts_a_warm_domain_is_looked_at_behind_the_mails_back(
    world: World, certificates: Certificates
) -> None:
    world.announce()
    async with world.host(certificates.public.issue_cert(HOST)):
        courier = world.courier()
        await courier.deliver(mail())
        world.announce("v=STSv1; id=2;")
        courier._routes._names._resolver.cache.flush()
        world.clock.ahead = timedelta(hours=2)
        held = asyncio.Event()
        fetch = courier._routes._policies._fetch

        async def slow(domain: str) -> str:
            await held.wait()
            return await fetch(domain)

        courier._routes._policies._fetch = slow
        async with asyncio.timeout(60):
            assert (await courier.deliver(mail())).code == 250  # while the new policy does not come
        held.set()
        await asyncio.gather(*courier._routes._policies._looking.values())
        assert len(world.policies.asked) == 2
        await courier.end()


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["v=STSv1; id=20160831085700Z;"], "20160831085700Z"),
        (["v=STSv1;id=1", "v=spf1 -all"], "1"),
        (["v=STSv1; x=y; id=1; z=1"], "1"),
        (["v=STSv1; id=1;", "v=STSv1; id=2;"], None),
        (["v=STSv1; id=;"], None),
        (["v=STSv10; id=1;"], None),
        (["v=STSv1; id=a b;"], None),
        ([], None),
    ],
)
def test_the_record_is_one_and_well_formed_or_none(texts: list[str], found: str | None) -> None:
    assert record_id(texts) == found


@pytest.mark.parametrize(
    ("host", "fits"),
    [
        ("mail.example.test", True),
        ("MX1.backup.example.test.", True),
        ("a.b.backup.example.test", False),
        ("backup.example.test", False),
        ("example.test", False),
        ("mail.example.test.evil.test", False),
    ],
)
def test_a_star_stands_for_one_label(host: str, fits: bool) -> None:
    text = "version: STSv1\nmode: enforce\nmx: Mail.example.test\nmx: *.backup.example.test\nmax_age: 1\nnew: thing\n"
    assert read_policy(text).permits(host) is fits


@pytest.mark.parametrize(
    "text",
    [
        "",
        "version: STSv2\nmode: none\nmax_age: 1\n",
        "version: STSv1\nmode: maybe\nmax_age: 1\n",
        "version: STSv1\nmode: none\n",
        "version: STSv1\nmode: none\nmax_age: -1\n",
        "version: STSv1\nmode: none\nmax_age: 99999999999\n",
        "version: STSv1\nmode: enforce\nmax_age: 1\n",
        "version: STSv1\nmode: enforce\nmax_age: 1\nmx: *.*.test\n",
        "version: STSv1\nmode: enforce\nmax_age: 1\n" + "mx: a.test\n" * 101,
    ],
)
def test_a_policy_that_is_not_whole_is_none(text: str) -> None:
    with pytest.raises(BadPolicy):
        read_policy(text)
