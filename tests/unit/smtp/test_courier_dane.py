"""DANE (RFC 7672) for domains outside the trust space: records, hosts and a resolver that validates, on loopback."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
import trustme

from gateway.letter import Done
from gateway.moments import utc_now
from gateway.smtp.courier import HandOverFailure
from gateway.smtp.courier.dane import Tlsa, usable, vouches
from gateway.smtp.courier.failures import Below
from gateway.smtp.courier.found import NameServer
from gateway.smtp.courier.peer import chain_of
from gateway.smtp.courier.resolver import DnsResolver
from gateway.smtp.courier.tls import Floor
from tests.peers.running import LOOPBACK
from tests.unit.smtp.courier_world import (
    DOMAIN,
    HOST,
    Certificates,
    World,
    authority_der,
    chained,
    der,
    key_of,
    mail,
    spki,
)


async def test_where_nothing_is_published_our_floor_alone_counts(world: World, certificates: Certificates) -> None:
    stranger = certificates.private.issue_cert(HOST)
    assert isinstance(await world.end(stranger), Done)
    world.floor = Floor.VERIFY
    failure = await world.end(stranger)
    assert isinstance(failure, HandOverFailure)
    assert failure.words == Below.UNKNOWN_AUTHORITY
    assert isinstance(await world.end(certificates.public.issue_cert(HOST)), Done)
    failure = await world.end(None)
    assert isinstance(failure, HandOverFailure)
    assert failure.words == Below.NO_TLS


@pytest.mark.parametrize("usage", [2, 3])
@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", [0, 1, 2])
async def test_dane_a_certificate_that_was_published_is_taken_and_any_other_is_not(
    usage: int, selector: int, matching: int, world: World, certificates: Certificates
) -> None:
    leaf, other = certificates.private.issue_cert(HOST), trustme.CA().issue_cert(HOST)
    shown = chained(leaf, certificates.private)
    whole = der(leaf) if usage == 3 else authority_der(certificates.private)
    part = whole if selector == 0 else key_of(whole)
    data = {0: part, 1: hashlib.sha256(part).digest(), 2: hashlib.sha512(part).digest()}[matching]
    world.publish(f"{usage} {selector} {matching} {data.hex()}")
    assert isinstance(await world.end(shown), Done)
    failure = await world.end(other)
    assert isinstance(failure, HandOverFailure)
    assert (failure.status, failure.words) == ("4.7.5", Below.NO_TLSA)


async def test_dane_an_authority_vouches_only_for_names_of_the_host(world: World, certificates: Certificates) -> None:
    world.publish(f"2 0 1 {hashlib.sha256(authority_der(certificates.private)).hexdigest()}")
    elsewhere = chained(certificates.private.issue_cert("mx.elsewhere.test"), certificates.private)
    assert isinstance(await world.end(elsewhere), HandOverFailure)
    by_domain = chained(certificates.private.issue_cert(DOMAIN), certificates.private)
    assert isinstance(await world.end(by_domain), Done)


async def test_dane_a_published_key_counts_whatever_name_and_date_its_certificate_bears(
    world: World, certificates: Certificates
) -> None:
    past = utc_now() - timedelta(days=9)
    old = certificates.private.issue_cert("elsewhere.test", not_before=past - timedelta(days=9), not_after=past)
    world.publish(f"3 1 1 {hashlib.sha256(spki(old)).hexdigest()}")
    assert isinstance(await world.end(old), Done)


async def test_dane_a_valid_public_certificate_does_not_replace_the_published_one(
    world: World, certificates: Certificates
) -> None:
    world.publish(f"3 1 1 {'00' * 32}")
    assert isinstance(await world.end(certificates.public.issue_cert(HOST)), HandOverFailure)


@pytest.mark.parametrize("who", [DOMAIN, HOST, "tlsa"])
async def test_dane_records_that_nobody_vouches_for_bind_nothing(
    who: str, world: World, certificates: Certificates
) -> None:
    """RFC 7672 §2.2: MX, address and TLSA must all be authentic; the control is the test above."""
    world.dns.unsigned = {f"_{world.port}._tcp.{HOST}" if who == "tlsa" else who}
    world.publish(f"3 1 1 {'00' * 32}")
    assert isinstance(await world.end(certificates.private.issue_cert(HOST)), Done)


async def test_dane_a_lookup_that_does_not_validate_is_not_an_absence(world: World, certificates: Certificates) -> None:
    world.dns.bogus = {f"_{world.port}._tcp.{HOST}"}
    failure = await world.end(certificates.public.issue_cert(HOST))
    assert isinstance(failure, HandOverFailure)
    assert failure.status == "4.4.3"


@pytest.mark.parametrize("record", ["0 0 1 " + "00" * 32, "1 1 1 " + "00" * 32, "3 1 7 00", "3 9 1 " + "00" * 32])
async def test_dane_unusable_records_leave_our_floor_in_force(
    record: str, world: World, certificates: Certificates
) -> None:
    world.publish(record)
    assert isinstance(await world.end(certificates.private.issue_cert(HOST)), Done)
    assert isinstance(await world.end(None), HandOverFailure)
    world.floor = Floor.VERIFY
    assert isinstance(await world.end(certificates.private.issue_cert(HOST)), HandOverFailure)


async def test_dane_the_stronger_digest_counts_where_both_are_published(
    world: World, certificates: Certificates
) -> None:
    leaf = certificates.private.issue_cert(HOST)
    world.publish(f"3 1 1 {hashlib.sha256(spki(leaf)).hexdigest()}", f"3 1 2 {'00' * 64}")
    assert isinstance(await world.end(leaf), HandOverFailure)


async def test_dane_without_a_resolver_that_validates_nothing_is_even_asked(
    world: World, certificates: Certificates
) -> None:
    resolver = DnsResolver((NameServer(address=world.dns.host, port=world.dns.port),))
    world.publish(f"3 1 1 {'00' * 32}")
    assert await resolver.tlsa(HOST, world.port) == ()
    assert not (await resolver.hosts(DOMAIN)).is_secure
    assert not any("TLSA" in asked for asked in world.dns.asked)


async def test_a_host_whose_records_cannot_be_known_is_gone_around(world: World, certificates: Certificates) -> None:
    world.dns.records = {
        **world.dns.records,
        DOMAIN: ("5 bad.cabinet.test.", f"10 {HOST}."),
        "bad.cabinet.test/A": (LOOPBACK,),
    }
    world.dns.bogus = {f"_{world.port}._tcp.bad.cabinet.test"}
    assert isinstance(await world.end(certificates.private.issue_cert(HOST)), Done)


async def test_trap_python_3_11_shows_the_whole_chain_only_behind_the_scenes(
    world: World, certificates: Certificates
) -> None:
    """The contract of chain_of: what the server sent, its own certificate first, in DER."""
    leaf = chained(certificates.private.issue_cert(HOST), certificates.private)
    async with world.host(leaf):
        courier = world.courier()
        await courier.deliver(mail())
        [[connection]] = courier._pool._idle.values()
        shown = chain_of(connection.dialogue._transport.get_extra_info("ssl_object"))
        await courier.end()
    assert shown == [der(leaf), authority_der(certificates.private)]


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00" * 31, b"\x00" * 64])
def test_a_digest_of_the_wrong_length_is_unusable_and_a_chain_that_is_none_proves_nothing(data: bytes) -> None:
    assert not usable([Tlsa(usage=3, selector=1, matching=1, data=data)])
    whole = usable(
        [Tlsa(usage=3, selector=1, matching=0, data=b"key"), Tlsa(usage=2, selector=1, matching=0, data=b"k")]
    )
    assert not vouches(whole, [], ["mx.test"], utc_now())
    assert not vouches(whole, [b"no certificate", b"none either"], ["mx.test"], utc_now())
