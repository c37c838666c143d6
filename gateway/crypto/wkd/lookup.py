"""Asks a domain's Web Key Directory over HTTPS: bounded in time and size, no redirects, nobody inside our network.

What is found is as trustworthy as the domain's web server: good enough where there is no other key, never instead of
one (CR-15). Nobody asks here while a mail server waits for an answer.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

import httpx2
import pysequoia

from gateway.crypto.bounded_http import NoAnswer, fetch
from gateway.crypto.certificates import same_address
from gateway.crypto.openpgp import addresses_of, public_keys
from gateway.crypto.wkd.places import Place, places
from gateway.errors import KeyStoreRefused, PeerUnreachable

_LARGEST = 1 << 20
_STEP = 10.0
"""Seconds for the connection, its TLS, or one read."""
_TRANSLATED = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96"))
"""NAT64 (RFC 6052 §2.1) and IPv4-compatible addresses (RFC 4291 §2.5.5.1): the last 32 bits say who is reached."""
Resolve = Callable[[str], tuple[str, ...]]
"""Addresses of a host, none when it does not exist; PeerUnreachable when that cannot be known now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundKey:
    """A transferable public key (binary) that names the mailbox, and by which method it was found."""

    key: bytes = field(repr=False)
    fingerprint: str
    addresses: tuple[str, ...] = field(repr=False)
    method: str


class WebKeyDirectory:
    """Looks mailboxes up."""

    def __init__(
        self,
        *,
        resolve: Resolve | None = None,
        context: ssl.SSLContext | None = None,
        port: int = 443,
        seconds: float = 30,
    ) -> None:
        """``context`` verifies the server; ``seconds`` bounds one look-up as a whole."""
        self._resolve, self._context = resolve or public_addresses, context or ssl.create_default_context()
        self._port, self._seconds = port, seconds

    def look_up(self, mailbox: str) -> tuple[FoundKey, ...]:
        """The keys published for ``mailbox``, those that do not name it left out; none when it publishes none.

        Raises ValueError for what is no mail address, PeerUnreachable when the domain gives no answer.
        """
        until = monotonic() + self._seconds
        for place in places(mailbox):
            addresses = self._resolve(place.host)
            if addresses:
                return _naming(mailbox, self._asked(place, addresses[0], until - monotonic()), place.method)
        return ()

    def _asked(self, place: Place, address: str, seconds: float) -> bytes:
        shown = f"[{address}]" if ":" in address else address
        # trust_env: what the machine's environment says of proxies has no say in which key is believed.
        with httpx2.Client(verify=self._context, trust_env=False, timeout=min(_STEP, self._seconds)) as client:
            request = client.build_request(
                "GET",
                f"https://{shown}:{self._port}{place.path}",
                headers={"Host": place.host},
                extensions={"sni_hostname": place.host},
            )
            try:
                answer = fetch(client, request, seconds=seconds, largest=_LARGEST)
            except NoAnswer as error:
                raise PeerUnreachable(f"wkd: {error}") from error
        if answer.status not in {httpx2.codes.OK, httpx2.codes.NOT_FOUND}:
            raise PeerUnreachable(f"wkd: HTTP {answer.status}")
        return answer.content


def public_addresses(host: str) -> tuple[str, ...]:
    """Addresses of a host on the public network; PeerUnreachable for one inside ours, or when nobody can tell now."""
    try:
        found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}:
            return ()
        raise PeerUnreachable("wkd: the name cannot be looked up now") from error
    addresses = tuple(dict.fromkeys(str(each[4][0]) for each in found))
    if not all(is_public(each) for each in addresses):
        raise PeerUnreachable("wkd: the host is not on the public network")  # a mailbox chooses who is asked: never us
    return addresses


def is_public(address: str) -> bool:
    """Whether an address, and an IPv4 address that is inside it, is one host's on the public network."""
    told = ipaddress.ip_address(address)
    inside: list[ipaddress.IPv4Address | None] = []
    if isinstance(told, ipaddress.IPv6Address):
        behind = ipaddress.IPv4Address(int(told) & 0xFFFF_FFFF) if any(told in each for each in _TRANSLATED) else None
        inside = [told.ipv4_mapped, told.sixtofour, behind]
    return all(each.is_global and not each.is_multicast for each in (told, *inside) if each is not None)


def _naming(mailbox: str, content: bytes, method: str) -> tuple[FoundKey, ...]:
    try:
        found = public_keys(content) if content else ()
    except KeyStoreRefused as error:
        raise PeerUnreachable("wkd: the answer is no key") from error
    return tuple(_found(key, method) for key in found if any(same_address(each, mailbox) for each in addresses_of(key)))


def _found(key: pysequoia.Cert, method: str) -> FoundKey:
    return FoundKey(key=bytes(key), fingerprint=key.fingerprint, addresses=addresses_of(key), method=method)
