"""E7: every floor against everything that would take us below it, with an observer in the middle who reads along."""

from __future__ import annotations

import asyncio
import os
import ssl
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import TransientFailure
from gateway.identifiers import DeliveryId, LetterId
from gateway.letter import SealedMail
from gateway.moments import utc_now
from gateway.smtp.courier import Courier, HandOverFailure, Hop, Security, StaticRoutes, client_context
from gateway.smtp.courier.tls import Floor, OurCertificate
from tests.faults.campaigns import Row, row
from tests.peers.authority import Authority, KeyPair, make_authority
from tests.peers.chaos import chaos_proxy
from tests.peers.hostile_smtp import scripted_hop

MAILBOX = "dr.canari@gp.test"
CONTENT = b"Subject: lettre\r\n\r\ncanari-clinique\r\n"
CLEAR_SIGNS = (b"MAIL", b"RCPT", b"canari", b"DATA")
ROUNDS = int(os.environ.get("FAULT_E7_ROUNDS", "20"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """What the way or the server does; ``below`` are the floors it takes a session under."""

    shows: Callable[[Authority], KeyPair] = lambda authority: authority.server
    tamper: Callable[[bytes], bytes] = bytes
    below: Floor = Floor.ENCRYPT
    old: bool = False
    is_void: bool = False
    """Whether what is said before the handshake may just be forgotten, and the letter go inside TLS (E2)."""


def _strip(said: bytes) -> bytes:
    return said.replace(b"250-STARTTLS\r\n", b"")


def _refuse(said: bytes) -> bytes:
    return b"454 4.7.0 TLS not available\r\n" if said.startswith(b"220 2.0.0 go") else said


def _inject(said: bytes) -> bytes:
    forged = b"250-mx.test\r\n250 SIZE 99\r\n250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 go on\r\n250 2.0.0 Ok: queued\r\n"
    return said + forged if said.startswith(b"220 2.0.0 go") else said


def _garbage(said: bytes) -> bytes:
    return b"220 2.0.0 go ahead\r\n" + b"\x00\xffgarbage" * 20 if said.startswith(b"220 2.0.0 go") else said


ATTACKS = {
    "STARTTLS stripped from EHLO": Attack(tamper=_strip),
    "454 to STARTTLS": Attack(tamper=_refuse),
    "garbage behind the 220": Attack(tamper=_garbage, is_void=True),
    "forged replies behind the 220": Attack(tamper=_inject, is_void=True),
    "TLS 1.0 only": Attack(old=True),
    "a certificate for another name": Attack(shows=lambda authority: authority.wrong_name, below=Floor.VERIFY),
    "an expired certificate": Attack(shows=lambda authority: authority.expired, below=Floor.VERIFY),
    "a certificate of nobody we know": Attack(shows=lambda authority: authority.unknown, below=Floor.VERIFY),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """One attempt: what the courier said, what the middle read, what the server heard inside and took."""

    failure: HandOverFailure | None
    read: bytes
    heard: tuple[bytes, ...]
    taken: int

    @property
    def spoke_in_clear(self) -> bool:
        """Whether anything about the letter could be read on the way."""
        return any(sign in self.read for sign in CLEAR_SIGNS)

    @property
    def held_back(self) -> bool:
        """Whether nothing of the letter left, not even inside TLS, and it waits."""
        named = any(line.startswith((b"MAIL", b"RCPT", b"DATA")) for line in self.heard)
        return isinstance(self.failure, TransientFailure) and not (named or self.taken or self.spoke_in_clear)

    def keeps(self, attack: Attack) -> bool:
        """Whether the promise held: nothing left, or all of it went where it should, inside TLS."""
        is_whole = self.failure is None and self.taken == 1 and not self.spoke_in_clear
        return self.held_back or (attack.is_void and is_whole)


def server_context(pair: KeyPair, *, old: bool = False) -> ssl.SSLContext:
    """A hop's own TLS side."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    if old:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    return context


async def attempt(authority: Authority, attack: Attack, floor: Floor) -> End:
    """One mail through the attack under the floor."""
    server = server_context(attack.shows(authority), old=attack.old)
    ours = OurCertificate(certificate=authority.client.certificate, key=authority.client.key)
    context = client_context(authority.roots, ours if floor is Floor.MUTUAL else None, floor)
    async with scripted_hop(upgrade=server) as hop, chaos_proxy(hop.port, tamper=attack.tamper) as proxy:
        route = Hop(
            host="127.0.0.1",
            port=proxy.port,
            server_name="mx.test",
            security=Security.STARTTLS,
            context=context,
            floor=floor,
        )
        courier = Courier(routes=StaticRoutes({}, route), clock=utc_now, our_name="gateway.test")
        failure = await _outcome(courier)
        await courier.end()
        return End(failure=failure, read=bytes(proxy.passed), heard=tuple(hop.heard), taken=len(hop.taken))


async def _outcome(courier: Courier) -> HandOverFailure | None:
    now = utc_now()
    mail = SealedMail(
        letter=LetterId("L1"),
        delivery=DeliveryId("D1"),
        message_id="<1@hospital.test>",
        sender="service@hospital.test",
        mailbox=MAILBOX,
        content=CONTENT,
        protected_by="smime-cbc",
        sealed_at=now,
    )
    try:
        async with asyncio.timeout(30):
            await courier.deliver(mail)
    except HandOverFailure as failure:
        return failure
    return None


async def e7(folder: Path) -> Row:
    """The whole matrix, again and again; the control sends in clear because it is told that it may."""
    authority = make_authority(folder)
    broken, attempts = [], 0
    for _ in range(ROUNDS):
        for name, attack in ATTACKS.items():
            for floor in (floor for floor in Floor if floor >= attack.below):
                attempts += 1
                if not (await attempt(authority, attack, floor)).keeps(attack):
                    broken.append(f"{name} under {floor.name}")
    for what in broken:
        print(f"E7: {what}", flush=True)
    lowered = await attempt(authority, ATTACKS["STARTTLS stripped from EHLO"], Floor.UNSAFE_OPPORTUNISTIC)
    control = lowered.spoke_in_clear and lowered.taken == 1
    return row("E7", control=control, rounds=ROUNDS, attempts=attempts, unexplained=len(broken))
