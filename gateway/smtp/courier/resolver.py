"""Where the mail of a domain goes according to the DNS (RFC 5321 §5.1, RFC 7505); the one place that knows dnspython.

Addresses of the hosts are the system's business when the connection is made. What the DNS says is not trusted further
than that: the white list decides whose certificate may take the mail (mssante.md §1.2).
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import dns.asyncresolver
import dns.exception
import dns.inet
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver
from dns.rdtypes.ANY.MX import MX

from gateway.errors import SettingsRefused
from gateway.smtp.courier.failures import HopDeferred, HopRefused, HopTimedOut, Phase

MOST_HOSTS = 5
"""A domain that names more is tried no longer than Postfix would (``smtp_mx_address_limit``)."""
REMEMBERED = 5000
_CODEC = dns.name.IDNA2008Codec(uts_46=True, allow_pure_ascii=True)
"""Not dnspython's own default, IDNA 2003, which asks for another domain: ``straße`` would become ``strasse``."""
_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_HOST = re.compile(rf"(?:{_LABEL}\.)*(?![0-9]+$){_LABEL}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NameServer:
    """A recursive server, by address; ours should validate DNSSEC and be on this machine."""

    address: str
    port: int = 53


class DnsResolver:
    """Implements ``MxResolver``. Answers are remembered as long as they say, at most ``REMEMBERED`` of them."""

    def __init__(self, servers: Sequence[NameServer] = (), *, seconds: float = 10.0) -> None:
        """Without ``servers`` the system's are asked; ``seconds`` bounds a whole question with its retries.

        Raises ``SettingsRefused`` when a server is not an address or the system has none.
        """
        try:
            self._resolver = dns.asyncresolver.Resolver(configure=not servers)
            if servers:
                self._resolver.nameservers = [dns.nameserver.Do53Nameserver(one.address, one.port) for one in servers]
                _check_addresses(servers)
        except (dns.exception.DNSException, ValueError) as error:
            raise SettingsRefused(f"DNS servers: {error}") from error
        self._resolver.cache = dns.resolver.LRUCache(REMEMBERED)
        self._seconds = seconds

    async def mx(self, domain: str) -> tuple[str, ...]:
        """Host names, preferred first, equals in random order; the domain itself when it has no MX.

        Raises ``HopRefused`` 5.1.2 (no such domain, or not a domain name) or 5.1.10 (null MX: it takes no mail),
        ``HopTimedOut`` or ``HopDeferred`` 4.4.3 (the DNS does not answer), ``HopDeferred`` 4.4.4 (no MX is usable).
        """
        name = _absolute(domain)
        found = await self._ask(name)
        if not found:
            return (_text(name),)
        if all(_text(one.exchange) == "" for one in found):
            raise HopRefused("null MX", phase=Phase.CONNECT, status="5.1.10")
        hosts = tuple(host for host in _by_preference(found) if _HOST.fullmatch(host))
        if not hosts:
            raise HopDeferred("no usable MX", phase=Phase.CONNECT, status="4.4.4")
        return hosts[:MOST_HOSTS]

    async def _ask(self, name: dns.name.Name) -> list[MX]:
        try:
            answer = await self._resolver.resolve(
                name, dns.rdatatype.MX, search=False, raise_on_no_answer=False, lifetime=self._seconds
            )
        except dns.resolver.NXDOMAIN as error:
            raise HopRefused("no such domain", phase=Phase.CONNECT, status="5.1.2") from error
        except dns.exception.Timeout as error:
            raise HopTimedOut("the DNS is silent", phase=Phase.CONNECT, status="4.4.3") from error
        except (dns.exception.DNSException, OSError) as error:  # the words hold names, the class says enough
            raise HopDeferred(f"DNS: {type(error).__name__}", phase=Phase.CONNECT, status="4.4.3") from error
        return [one for one in answer.rrset or () if isinstance(one, MX)]


def _check_addresses(servers: Iterable[NameServer]) -> None:
    for one in servers:
        if not dns.inet.is_address(one.address):
            raise ValueError(f"{one.address} is not an address")


def _absolute(domain: str) -> dns.name.Name:
    """The domain as it is asked for: absolute, so that no search list of the machine is ever appended."""
    try:
        name = dns.name.from_text(domain, idna_codec=_CODEC)
    except (dns.exception.DNSException, UnicodeError) as error:
        raise HopRefused("not a domain name", phase=Phase.CONNECT, status="5.1.2") from error
    if not _HOST.fullmatch(_text(name)):
        raise HopRefused("not a domain name", phase=Phase.CONNECT, status="5.1.2")
    return name


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower().removesuffix(".")


def _by_preference(found: Iterable[MX]) -> Iterable[str]:
    """RFC 5321 §5.1: the lowest first, equals mixed so that they share the load."""
    ordered = sorted(found, key=lambda one: one.preference)
    for _, equals in groupby(ordered, key=lambda one: one.preference):
        hosts = [_text(one.exchange) for one in equals]
        yield from random.sample(hosts, len(hosts))
