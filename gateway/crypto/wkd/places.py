"""Where a mailbox's key would be: the advanced place, then the direct one (draft-koch-openpgp-webkey-service §3.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha1
from urllib.parse import quote

from gateway.crypto.certificates import ascii_domain

_ALPHABET = "ybndrfg8ejkmcpqxot1uwisza345h769"
"""z-base-32: five bits a letter (RFC 6189 §5.1.6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A host and the path on it, both ready for a URL."""

    method: str
    """``advanced`` or ``direct``."""
    host: str
    path: str = field(repr=False)


def places(mailbox: str) -> tuple[Place, Place]:
    """The two places in the order to look: the second one counts only when the first one's host does not exist.

    Raises ValueError for what is no mail address, or a domain that IDNA cannot write.
    """
    local, at, domain = mailbox.strip().rpartition("@")
    if not (local and at and domain):
        raise ValueError("not a mail address")
    host = ascii_domain(domain)
    if not host.isascii() or any(not 0 < len(label) < 64 for label in host.split(".")):
        raise ValueError("not a domain of the DNS")
    name = f"hu/{hashed(local)}?l={quote(local, safe='')}"
    return (
        Place(method="advanced", host=f"openpgpkey.{host}", path=f"/.well-known/openpgpkey/{host}/{name}"),
        Place(method="direct", host=host, path=f"/.well-known/openpgpkey/{name}"),
    )


def hashed(local: str) -> str:
    """The 32 letters that stand for a local part; ASCII case does not count."""
    lowered = "".join(each.lower() if each.isascii() else each for each in local)
    return zbase32(sha1(lowered.encode(), usedforsecurity=False).digest())


def zbase32(octets: bytes) -> str:
    """For a whole number of 40-bit groups, which is all that a digest of 160 bits needs."""
    bits = int.from_bytes(octets, "big")
    letters = len(octets) * 8 // 5
    return "".join(_ALPHABET[bits >> 5 * place & 31] for place in reversed(range(letters)))
