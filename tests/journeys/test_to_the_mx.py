"""Straight to the MX: the DNS names the host, the white list says whose certificate it must show, and we show ours."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from demo import letters
from directory import update_white_list
from tests.journeys.kit import Hospital, files_of, hospital, until
from tests.peers.authority import Authority, KeyPair
from tests.peers.dns import DnsServer, running_dns
from tests.peers.dovecot import Dovecot
from tests.peers.fixtures import GP_DOMAIN, HOSPITAL_DOMAIN
from tests.peers.postfix import Chain, Postfix, running_postfix
from tests.peers.running import open_folder
from tests.unit.directory import signing

pytestmark = [pytest.mark.peer, pytest.mark.root]

NOW = datetime.now(UTC).replace(microsecond=0)
RECORD = letters.hprim_lab(NOW)
OPERATOR = "CN=MSS.gp.test,OU=1750000000,O=GP  ESSAI,ST=Paris (75),C=FR"
ANOTHER = "CN=mss.gp.test,OU=1750000999,O=GP ESSAI,ST=Paris (75),C=FR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operators:
    """A trust space of two: the GP's operator with its Postfix, and us with our certificate."""

    mx: Postfix
    roots: Path
    ours: KeyPair
    stranger: KeyPair


def pair(folder: Path, name: str, leaf: trustme.LeafCert) -> KeyPair:
    made = KeyPair(folder / f"{name}.pem", folder / f"{name}.key")
    made.certificate.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    made.key.write_bytes(leaf.private_key_pem.bytes())
    return made


@pytest.fixture(scope="module")
def operators(authority: Authority, dovecot: Dovecot) -> Iterator[Operators]:
    """A Postfix that takes no mail of anybody without a certificate of the trust space."""
    space = trustme.CA(organization_name="AC TEST ORGANISATIONS")
    with open_folder("trust-space") as folder:
        roots = folder / "roots.pem"
        space.cert_pem.write_to_path(str(roots))
        names = {"common_name": "mss.gp.test", "organization_unit_name": "1750000000", "organization_name": "GP ESSAI"}
        server = pair(folder, "server", space.issue_cert("localhost", **names))
        ours = pair(folder, "ours", space.issue_cert("mss.hospital.test", common_name="mss.hospital.test"))
        chain = Chain(mailboxes={GP_DOMAIN: dovecot.lmtp_port}, pair=server, demand_client_certificate=True)
        with running_postfix(replace(authority, roots=roots), chain) as mx:
            yield Operators(mx=mx, roots=roots, ours=ours, stranger=authority.client)


@pytest.fixture
async def named() -> AsyncIterator[DnsServer]:
    async with running_dns({GP_DOMAIN: ("10 localhost.",)}) as server:
        yield server


@dataclass(slots=True, kw_only=True)
class Place:
    """What an installation that delivers to the MX is made of."""

    folder: Path
    postfix: Postfix
    dovecot: Dovecot
    operators: Operators
    dns: DnsServer
    gp: str
    sender: str

    @contextlib.asynccontextmanager
    async def opened(
        self, *, listed: dict[str, str] | None = None, ours: KeyPair | None = None
    ) -> AsyncIterator[Hospital]:
        """The gateway with a white list of ``listed``, or with none; words back go by the hospital's own route."""

        def change(text: str) -> str:
            shown = ours or self.operators.ours
            text = text.replace("[courier]\n", '[courier]\ndeliver = "mx"\n')
            text = text.replace("[courier.operator]\n", f'[courier.routes."{HOSPITAL_DOMAIN}"]\n')
            return (
                text
                + f"""
[courier.mx]
ca = "{self.operators.roots}"
certificate = "{shown.certificate}"
key = "{shown.key}"
port = {self.operators.mx.port}
nameservers = ["{self.dns.host}:{self.dns.port}"]
"""
            )

        def learn(folder: Path) -> None:
            if listed:
                issuer = signing.authority()
                content = signing.sign(signing.list_xml(listed), signing.signer_of(issuer))
                update_white_list(
                    folder / "data",
                    content,
                    authorities=issuer.pem,
                    common_name=signing.SIGNER,
                    clock=lambda: signing.NOW,
                )

        async with hospital(
            self.folder, self.postfix, self.dovecot, gp=self.gp, sender=self.sender, change=change, learn=learn
        ) as alive:
            yield alive


@pytest.fixture
def place(
    tmp_path: Path,
    postfix: Postfix,
    dovecot: Dovecot,
    operators: Operators,
    named: DnsServer,
    mailbox: str,
    hospital_mailbox: str,
) -> Place:
    return Place(
        folder=tmp_path,
        postfix=postfix,
        dovecot=dovecot,
        operators=operators,
        dns=named,
        gp=mailbox,
        sender=hospital_mailbox,
    )


async def sent(ward: Hospital) -> None:
    await ward.mail(letters.hprim_mail(RECORD), f"{letters.GP}@rpps.hospital.test")


async def deferred(ward: Hospital) -> str:
    """The status with which the letter waits; nothing has reached the GP."""
    found: list[str] = []

    def waits() -> bool:
        found[:] = [row["status"] for row in ward.deliveries() if row["state"] == "ready" and row["status"]]
        return bool(found)

    await until(waits)
    assert await asyncio.to_thread(ward.dovecot.mails, ward.gp.mailbox) == []
    return found[0]


async def test_a_letter_goes_to_the_mx_of_a_white_listed_domain_with_both_certificates_shown(place: Place) -> None:
    async with place.opened(listed={GP_DOMAIN: OPERATOR}) as ward:
        await sent(ward)
        found = files_of(ward.gp.open_with_openssl(await ward.letter_in_mailbox()))
    assert RECORD in found.values()
    assert place.dns.asked[0] == f"{GP_DOMAIN}/MX/udp"
    assert "Trusted TLS connection established" in place.operators.mx.log


async def test_the_certificate_of_another_operator_gets_nothing_and_the_letter_waits(place: Place) -> None:
    async with place.opened(listed={GP_DOMAIN: ANOTHER}) as ward:
        await sent(ward)
        assert await deferred(ward) == "4.7.5"
    assert f"to=<{ward.gp.mailbox}>" not in place.operators.mx.log


async def test_an_mx_that_does_not_know_our_authority_gets_nothing_and_the_letter_waits(place: Place) -> None:
    async with place.opened(listed={GP_DOMAIN: OPERATOR}, ours=place.operators.stranger) as ward:
        await sent(ward)
        assert (await deferred(ward)).startswith("4.")


async def test_a_domain_outside_the_white_list_is_never_connected_to(place: Place) -> None:
    async with place.opened(listed={"elsewhere.test": OPERATOR}) as ward:
        await sent(ward)
        await until(lambda: any(row["state"] == "failed" for row in ward.deliveries()))
        assert ward.deliveries()[0]["status"] == "5.7.1"
    assert place.dns.asked == []


async def test_without_any_white_list_the_letter_waits_for_one(place: Place) -> None:
    async with place.opened() as ward:
        await sent(ward)
        assert await deferred(ward) == "4.3.5"
        assert place.dns.asked == []


async def test_a_route_of_the_settings_wins_over_the_mx(place: Place) -> None:
    place.dns.records = {}
    async with place.opened(listed={GP_DOMAIN: OPERATOR, HOSPITAL_DOMAIN: ANOTHER}) as ward:
        (hop,) = await ward.running._gateway.courier._routes.hops(HOSPITAL_DOMAIN)
        assert hop.port == place.postfix.port
