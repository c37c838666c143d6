"""Opens a session with aiosmtplib (greeting, EHLO, TLS, login) and hands its transport over to our dialogue.

The one place that knows aiosmtplib. Its sending half is not used: one timeout would cover the wait after the final
dot, and its two regular expressions over the body cost seven times the rest of a hand-over.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Any

import aiosmtplib

from gateway.smtp.courier.commands import Offers
from gateway.smtp.courier.dialogue import Dialogue
from gateway.smtp.courier.failures import Below, HopBelowFloor, HopUnreachable, Phase
from gateway.smtp.courier.opening import told_as_connecting
from gateway.smtp.courier.peer import check_peer
from gateway.smtp.courier.routes import Hop, Security
from gateway.smtp.courier.timeouts import Timeouts
from gateway.smtp.courier.tls import Floor


async def open_dialogue(hop: Hop, our_name: str, timeouts: Timeouts) -> tuple[Dialogue, Offers]:
    """A session ready for MAIL; raises ``HandOverFailure`` of phase ``connect``, always transient."""
    with told_as_connecting():
        async with asyncio.timeout(timeouts.opening):
            client = await _greeted(hop, our_name, timeouts)
            try:
                await _secured(client, hop)
                if hop.login is not None:
                    await client.login(hop.login.user, hop.login.password)
                if client.is_ehlo_or_helo_needed:
                    await client.ehlo()
            except BaseException:
                client.close()
                raise
    if not isinstance(client.transport, asyncio.Transport):
        raise HopUnreachable("closed during the greeting", phase=Phase.CONNECT)
    offers = Offers.of(client.esmtp_extensions)
    return Dialogue(client.transport), offers


async def _greeted(hop: Hop, our_name: str, timeouts: Timeouts) -> aiosmtplib.SMTP:
    """TCP, then the greeting; inside TLS already where the port is made for it."""
    connected = await _connected(hop, timeouts.connect)
    is_implicit = hop.security is Security.IMPLICIT
    client = aiosmtplib.SMTP(hostname=hop.name, local_hostname=our_name, timeout=timeouts.command)
    try:
        await client.connect(sock=connected, use_tls=is_implicit, start_tls=False, tls_context=hop.context)
    except BaseException:
        connected.close()
        raise
    return client


async def _secured(client: aiosmtplib.SMTP, hop: Hop) -> None:
    """EHLO, then STARTTLS where it belongs; returns only when the connection is what the hop's policy asks for."""
    await client.ehlo()
    if hop.security is Security.UNSAFE_CLEAR_ON_LOOPBACK:
        return
    if hop.security is Security.STARTTLS:
        if not client.supports_extension("starttls"):
            if hop.floor is Floor.UNSAFE_OPPORTUNISTIC:
                return
            raise HopBelowFloor("STARTTLS not offered", why=Below.NO_TLS)
        await _upgraded(client, hop)
        await client.ehlo()
    check_peer(client.transport, hop)


async def _upgraded(client: aiosmtplib.SMTP, hop: Hop) -> None:
    try:
        await client.starttls(server_hostname=hop.name)
    except aiosmtplib.SMTPResponseException as error:
        raise HopBelowFloor(f"STARTTLS: {error.code}", why=Below.NOT_STARTED) from error
    except aiosmtplib.SMTPServerDisconnected as error:
        raise HopBelowFloor("lost in the handshake", why=Below.BROKEN_OFF) from error


async def _connected(hop: Hop, seconds: float) -> socket.socket:
    """A connected socket to the first address that answers, within ``seconds`` for all of them."""
    loop = asyncio.get_running_loop()
    failure: OSError = OSError("no address")
    async with asyncio.timeout(seconds):
        for family, address in await _addresses(hop):
            found = socket.socket(family, socket.SOCK_STREAM)
            found.settimeout(0)
            try:
                await loop.sock_connect(found, address)
            except OSError as error:
                failure = error
                found.close()
            except BaseException:
                found.close()
                raise
            else:
                return found
    raise failure


async def _addresses(hop: Hop) -> list[tuple[int, tuple[Any, ...]]]:
    """Where to connect, nothing twice; an address that is written as one is asked of nobody."""
    if hop.addresses or _is_address(hop.host):
        written = hop.addresses or (hop.host,)
        return [(socket.AF_INET6 if ":" in one else socket.AF_INET, (one, hop.port)) for one in dict.fromkeys(written)]
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(hop.host, hop.port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
