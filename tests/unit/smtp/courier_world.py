"""A domain outside the trust space, on loopback: its DNS, its policy server, its mail host, and who certifies it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.errors import TransientFailure
from gateway.identifiers import DeliveryId, LetterId
from gateway.letter import Done, SealedMail
from gateway.moments import utc_now
from gateway.smtp.courier import Courier, HandOverFailure, client_context
from gateway.smtp.courier.found import NameServer
from gateway.smtp.courier.outside import Habits, OutsideRoutes
from gateway.smtp.courier.resolver import DnsResolver
from gateway.smtp.courier.sts_https import HttpsFetch
from gateway.smtp.courier.sts_policies import StsPolicies
from gateway.smtp.courier.tls import Floor
from tests.peers.dns import DnsServer
from tests.peers.hostile_smtp import ScriptedHop, scripted_hop
from tests.peers.running import LOOPBACK

DOMAIN, HOST = "cabinet.test", "mx.cabinet.test"
ENFORCE = "version: STSv1\r\nmode: enforce\r\nmx: mx.cabinet.test\r\nmax_age: 86400\r\n"


@dataclass
class Clock:
    ahead: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


@dataclass
class PolicyServer:
    """``https://mta-sts.cabinet.test`` on loopback: what it serves, how often it was asked."""

    port: int
    body: str = ENFORCE
    head: str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
    asked: list[bytes] = field(default_factory=list)


@contextlib.asynccontextmanager
async def policy_server(context: ssl.SSLContext) -> AsyncIterator[PolicyServer]:
    served = PolicyServer(port=0)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            served.asked.append(await reader.readuntil(b"\r\n\r\n"))
            length = f"Content-Length: {len(served.body)}\r\nConnection: close\r\n\r\n"
            writer.write((served.head + length + served.body).encode())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, LOOPBACK, 0, ssl=context)
    served.port = server.sockets[0].getsockname()[1]
    async with server:
        yield served


class Certificates:
    """The public authorities' world: one that everybody knows, one that nobody does."""

    def __init__(self, folder: Path) -> None:
        self.public, self.private = trustme.CA(), trustme.CA()
        self._folder = folder
        self.roots = folder / "public.pem"
        self.public.cert_pem.write_to_path(str(self.roots))

    def context(self, leaf: trustme.LeafCert) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        shown = self._folder / f"{id(leaf)}.pem"
        shown.write_bytes(b"".join(blob.bytes() for blob in (leaf.private_key_pem, *leaf.cert_chain_pems)))
        context.load_cert_chain(shown)
        return context


@dataclass
class World:
    """One domain with its DNS, its policy server and its mail host, and a courier that writes to it."""

    dns: DnsServer
    policies: PolicyServer
    certificates: Certificates
    port: int
    clock: Clock = field(default_factory=Clock)
    floor: Floor = Floor.ENCRYPT
    host_address: str = LOOPBACK

    def courier(self) -> Courier:
        resolver = DnsResolver((NameServer(address=self.dns.host, port=self.dns.port),), seconds=5, validates=True)
        verifying = client_context(self.certificates.roots)
        habits = Habits(
            floor=self.floor, verifying=verifying, encrypting=client_context(floor=Floor.ENCRYPT), port=self.port
        )
        fetch = HttpsFetch(resolver, verifying, port=self.policies.port, seconds=10)
        routes = OutsideRoutes(resolver, StsPolicies(resolver, fetch, clock=self.clock), habits)
        return Courier(routes=routes, clock=utc_now, our_name="gateway.test")

    @contextlib.asynccontextmanager
    async def host(self, leaf: trustme.LeafCert | None) -> AsyncIterator[ScriptedHop]:
        """Their mail host, with this certificate, or without TLS at all."""
        upgrade = self.certificates.context(leaf) if leaf else None
        async with scripted_hop(upgrade=upgrade, host=self.host_address, port=self.port) as hop:
            yield hop

    async def end(self, leaf: trustme.LeafCert | None) -> Done | HandOverFailure:
        """What becomes of one mail to a host with this certificate."""
        async with self.host(leaf) as hop:
            courier = self.courier()
            try:
                return await courier.deliver(mail())
            except HandOverFailure as failure:
                end = failure
            finally:
                await courier.end()
        assert isinstance(end, TransientFailure)
        assert not hop.taken
        assert not any(line.startswith((b"MAIL", b"RCPT")) for line in hop.heard)
        return end

    def publish(self, *tlsa: str) -> None:
        self.dns.records = {**self.dns.records, f"_{self.port}._tcp.{HOST}/TLSA": tlsa}

    def announce(self, record: str = "v=STSv1; id=1;") -> None:
        self.dns.records = {**self.dns.records, f"_mta-sts.{DOMAIN}/TXT": (f'"{record}"',)}


def mail() -> SealedMail:
    return SealedMail(
        letter=LetterId("L1"),
        delivery=DeliveryId("D1"),
        message_id="<1@hospital.test>",
        sender="service@hospital.test",
        mailbox=f"gp@{DOMAIN}",
        content=b"Subject: lettre\r\n\r\nBonjour\r\n",
        protected_by="smime-cbc",
        sealed_at=utc_now(),
    )


def der(leaf: trustme.LeafCert) -> bytes:
    return x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes()).public_bytes(Encoding.DER)


def spki(leaf: trustme.LeafCert) -> bytes:
    key = x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes()).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def authority_der(authority: trustme.CA) -> bytes:
    return x509.load_pem_x509_certificate(authority.cert_pem.bytes()).public_bytes(Encoding.DER)


def chained(leaf: trustme.LeafCert, authority: trustme.CA) -> trustme.LeafCert:
    """The leaf with its authority in the chain it shows, as RFC 7672 §3.1.2 asks of servers."""
    leaf.cert_chain_pems.append(authority.cert_pem)
    return leaf


def key_of(certificate: bytes) -> bytes:
    key = x509.load_der_x509_certificate(certificate).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


async def anew(courier: Courier) -> Done:
    """One mail over a new connection, however tired of failures the courier is of this destination."""
    courier._destinations._known.clear()
    return await courier.deliver(mail())
