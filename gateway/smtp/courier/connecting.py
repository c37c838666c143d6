"""Opens a session with aiosmtplib (greeting, EHLO, TLS, login) and hands its transport over to our dialogue.

The one place that knows aiosmtplib. Its sending half is not used: one timeout would cover the wait after the final
dot, and its two regular expressions over the body cost seven times the rest of a hand-over.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import aiosmtplib

from gateway.smtp.courier.commands import Offers
from gateway.smtp.courier.dialogue import Dialogue
from gateway.smtp.courier.failures import (
    HandOverFailure,
    HopBelowFloor,
    HopDeferred,
    HopTimedOut,
    HopUnreachable,
    Phase,
)
from gateway.smtp.courier.replies import escaped
from gateway.smtp.courier.routes import Hop, Security
from gateway.smtp.courier.timeouts import Timeouts


async def open_dialogue(hop: Hop, our_name: str, timeouts: Timeouts) -> tuple[Dialogue, Offers]:
    """A session ready for MAIL; raises ``HandOverFailure`` of phase ``connect``, always transient."""
    with _told_as_connecting():
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
            raise HopBelowFloor("STARTTLS not offered", phase=Phase.CONNECT)
        await client.starttls(server_hostname=hop.name)
        await client.ehlo()
    _check_subject(client, hop)


def _check_subject(client: aiosmtplib.SMTP, hop: Hop) -> None:
    if hop.subjects and not _is_of(client.get_transport_info("peercert") or {}, hop.subjects):
        raise HopBelowFloor("certificate of another operator", phase=Phase.CONNECT)


def _is_of(certificate: Mapping[str, Any], subjects: frozenset[tuple[str, str]]) -> bool:
    """Whether CN and OU are one of the pairs; a subject with several CN could be read in several ways and is not."""
    shown = [pair for pairs in certificate.get("subject", ()) for pair in pairs]
    names = [value for key, value in shown if key == "commonName"]
    units = [value for key, value in shown if key == "organizationalUnitName"] or [""]
    listed = {_folded(subject) for subject in subjects}
    return len(names) == 1 and any(_folded((names[0], unit)) in listed for unit in units)


def _folded(subject: tuple[str, str]) -> tuple[str, str]:
    common_name, unit = (" ".join(text.split()).casefold() for text in subject)
    return common_name, unit


async def _connected(hop: Hop, seconds: float) -> socket.socket:
    """A connected socket to the first address that answers, within ``seconds`` for all of them."""
    loop = asyncio.get_running_loop()
    failure: OSError = OSError("no address")
    async with asyncio.timeout(seconds):
        for family, kind, protocol, _, address in await loop.getaddrinfo(hop.host, hop.port, type=socket.SOCK_STREAM):
            found = socket.socket(family, kind, protocol)
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


@contextmanager
def _told_as_connecting() -> Iterator[None]:
    """Aiosmtplib's and the socket's exceptions to ours. A 5xx here is about us and this hop, never about the letter."""
    try:
        yield
    except HandOverFailure:
        raise
    except aiosmtplib.SMTPAuthenticationError as error:
        raise HopDeferred(_shown(error), phase=Phase.CONNECT, code=error.code, status="4.7.8") from error
    except aiosmtplib.SMTPResponseException as error:
        code = error.code if 200 <= error.code <= 599 else None
        raise HopDeferred(_shown(error), phase=Phase.CONNECT, code=code, status="4.5.0") from error
    except (TimeoutError, aiosmtplib.SMTPTimeoutError) as error:
        raise HopTimedOut("silence", phase=Phase.CONNECT) from error
    except (OSError, aiosmtplib.SMTPException) as error:
        if (below := _tls_error(error)) is not None:
            raise HopBelowFloor(escaped(str(below).encode()), phase=Phase.CONNECT) from error
        raise HopUnreachable(escaped(str(error).encode()), phase=Phase.CONNECT) from error
    except ValueError as error:  # aiosmtplib's own words for what it will not write or cannot read
        raise HopDeferred(escaped(str(error).encode()), phase=Phase.CONNECT) from error


def _shown(error: aiosmtplib.SMTPResponseException) -> str:
    return escaped(f"{error.code} {error.message}".encode(errors="replace"))


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    """The TLS failure behind an exception: a TLS 1.3 server refuses our certificate only in its first answer."""
    for _ in range(10):
        if error is None or isinstance(error, ssl.SSLError):
            return error
        error = error.__cause__ or error.__context__
    return None
