"""Where the mail of a domain goes according to the DNS (RFC 5321 §5.1, RFC 7505); the one place that knows dnspython.

What the DNS says is trusted only as far as a validating resolver of ours vouches for it (the AD bit, RFC 4035 §3.2.3);
else the white list decides whose certificate may take the mail (mssante.md §1.2), or the policy of the destination.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from itertools import groupby, zip_longest
from typing import TypeVar

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.inet
import dns.message
import dns.name
import dns.nameserver
import dns.rdata
import dns.resolver
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TLSA import TLSA
from dns.rdtypes.ANY.TXT import TXT
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA

from gateway.errors import SettingsRefused
from gateway.smtp.courier.dane import Tlsa
from gateway.smtp.courier.failures import HopDeferred, HopRefused, HopTimedOut, Phase
from gateway.smtp.courier.found import Found, NameServer

R = TypeVar("R", bound=dns.rdata.Rdata)

MOST_HOSTS = 5
"""A domain that names more is tried no longer than Postfix would (``smtp_mx_address_limit``)."""
REMEMBERED = 5000
_CODEC = dns.name.IDNA2008Codec(uts_46=True, allow_pure_ascii=True)
"""Not dnspython's own default, IDNA 2003, which asks for another domain: ``straße`` would become ``strasse``."""
_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_HOST = re.compile(rf"(?:{_LABEL}\.)*(?![0-9]+$){_LABEL}")


class DnsResolver:
    """Implements ``MxResolver``. Answers are remembered as long as they say, at most ``REMEMBERED`` of them."""

    def __init__(self, servers: Sequence[NameServer] = (), *, seconds: float = 10.0, validates: bool = False) -> None:
        """Without ``servers`` the system's are asked; ``seconds`` bounds a whole question with its retries.

        ``validates`` says that all of ``servers`` check DNSSEC and that nobody stands between them and us: only then
        is the AD bit asked for and believed. Raises ``SettingsRefused`` when a server is not an address or the system
        has none.
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
        self._validates = validates and bool(servers)
        if self._validates:
            self._resolver.flags = dns.flags.RD | dns.flags.AD  # RFC 6840 §5.7: AD in the question asks for it

    async def mx(self, domain: str) -> tuple[str, ...]:
        """As :meth:`hosts`, the names alone."""
        return (await self.hosts(domain)).records

    async def hosts(self, domain: str) -> Found[str]:
        """Host names, preferred first, equals in random order; the domain itself when it has no MX.

        Raises ``HopRefused`` 5.1.2 (no such domain, or not a domain name) or 5.1.10 (null MX: it takes no mail),
        ``HopTimedOut`` or ``HopDeferred`` 4.4.3 (the DNS does not answer), ``HopDeferred`` 4.4.4 (no MX is usable).
        """
        name = _absolute(domain)
        try:
            found = await self._ask(name, MX)
        except dns.resolver.NXDOMAIN as error:
            raise HopRefused("no such domain", phase=Phase.CONNECT, status="5.1.2") from error
        if not found.records:
            return Found(records=(_text(name),), is_secure=found.is_secure)
        if all(_text(one.exchange) == "" for one in found.records):
            raise HopRefused("null MX", phase=Phase.CONNECT, status="5.1.10")
        hosts = dict.fromkeys(host for host in _by_preference(found.records) if _HOST.fullmatch(host))
        if not hosts:
            raise HopDeferred("no usable MX", phase=Phase.CONNECT, status="4.4.4")
        return Found(records=tuple(hosts)[:MOST_HOSTS], is_secure=found.is_secure)

    async def located(self, host: str) -> Found[str]:
        """A host's addresses, IPv6 and IPv4 by turns; ``HopDeferred`` 4.4.4 when it has none, else as :meth:`hosts`."""
        six, four = await self._ask_kindly(host, AAAA), await self._ask_kindly(host, A)
        pairs = zip_longest([one.address for one in six.records], [one.address for one in four.records])
        addresses = tuple(address for pair in pairs for address in pair if address)
        if not addresses:
            raise HopDeferred("a host without address", phase=Phase.CONNECT, status="4.4.4")
        return Found(records=addresses, is_secure=six.is_secure and four.is_secure)

    async def addresses(self, host: str) -> tuple[str, ...]:
        """As :meth:`located`, the addresses alone."""
        return (await self.located(host)).records

    async def tlsa(self, host: str, port: int) -> tuple[Tlsa, ...]:
        """The TLSA records that are vouched for (RFC 7672 §2.1); empty where there are none, or none vouches.

        Raises ``HopTimedOut`` or ``HopDeferred`` when it cannot be known: that is not the same as none.
        """
        if not self._validates:
            return ()
        found = await self._ask_kindly(f"_{port}._tcp.{host}", TLSA)
        records = found.records if found.is_secure else ()
        return tuple(Tlsa(usage=one.usage, selector=one.selector, matching=one.mtype, data=one.cert) for one in records)

    async def txt(self, name: str) -> tuple[str, ...]:
        """The texts at a name, the strings of each joined (RFC 8461 §3.1); bytes that are not ASCII as ?."""
        found = await self._ask_kindly(name, TXT)
        return tuple(b"".join(one.strings).decode("ascii", "replace") for one in found.records)

    async def _ask_kindly(self, name: str, kind: type[R]) -> Found[R]:
        """As :meth:`_ask`; a name that is not there has no records."""
        try:
            return await self._ask(_absolute(name), kind)
        except dns.resolver.NXDOMAIN as error:
            responses: dict[dns.name.Name, dns.message.Message] = error.responses()  # type: ignore[no-untyped-call]
            return Found(records=(), is_secure=all(map(self._vouches, responses.values())))

    async def _ask(self, name: dns.name.Name, kind: type[R]) -> Found[R]:
        try:
            answer = await self._resolver.resolve(
                name, kind.__name__, search=False, raise_on_no_answer=False, lifetime=self._seconds
            )
        except dns.resolver.NXDOMAIN:
            raise
        except dns.exception.Timeout as error:
            raise HopTimedOut("the DNS is silent", phase=Phase.CONNECT, status="4.4.3") from error
        except (dns.exception.DNSException, OSError) as error:  # the words hold names, the class says enough
            raise HopDeferred(f"DNS: {type(error).__name__}", phase=Phase.CONNECT, status="4.4.3") from error
        records = tuple(one for one in answer.rrset or () if isinstance(one, kind))
        return Found(records=records, is_secure=self._vouches(answer.response))

    def _vouches(self, response: dns.message.Message) -> bool:
        return self._validates and bool(response.flags & dns.flags.AD)


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
