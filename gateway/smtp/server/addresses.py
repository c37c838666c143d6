"""Envelope addresses, pure: RFC 5321 §4.1.2 paths, strictly, because what passes here is written on a wire again."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address

from gateway.smtp.reply import Refusal

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_PATH = re.compile(rf'<((?:{_QUOTED}|[^"<>])*)>(?:[ \t]+(.*))?')
_NAKED = re.compile(rf'((?:{_QUOTED}|[^"<>\s])+)(?:[ \t]+(.*))?')
_ADDRESS = re.compile(rf"({_QUOTED}|[^\"@]+)@([^@]+)")
_ATOM_ASCII = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
_DOT_STRING = re.compile(rf"[{_ATOM_ASCII}\u00a0-\U0010ffff]+(?:\.[{_ATOM_ASCII}\u00a0-\U0010ffff]+)*")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")

_BAD_SENDER, _BAD_RECIPIENT = "5.1.7", "5.1.3"


def parse_path(text: str, *, recipient: bool) -> tuple[str, str]:
    """The address (empty for ``<>``) and the parameters behind it; raises ``Refusal`` with ``501``.

    Source routes, missing domains and spaces are malformed; a control character is named as such (promises.md §2, 3).
    """
    if _CONTROL.search(text):
        who, status = ("recipient", _BAD_RECIPIENT) if recipient else ("sender", _BAD_SENDER)
        raise Refusal(501, status, f"Control character in {who} address")
    found = _PATH.fullmatch(text) or _NAKED.fullmatch(text)
    if not found:
        raise _malformed()
    address, parameters = found[1], found[2] or ""
    if address or recipient:
        _check(address)
    return address, parameters


def check_utf8(address: str, *, smtputf8: bool) -> None:
    """RFC 6531 §3.4: an address outside ASCII needs SMTPUTF8 in its MAIL command."""
    if not address.isascii() and not smtputf8:
        raise Refusal(553, "5.6.7", "Address needs SMTPUTF8")


def network_of(address: str) -> str:
    """What a guesser can change his address within: himself in IPv4, his /64 in IPv6 (promise E5)."""
    if ":" not in address:
        return address
    six = IPv6Address(address.partition("%")[0])
    if six.ipv4_mapped is not None:  # all of IPv4 would be one network
        return str(six.ipv4_mapped)
    return f"{IPv6Address(int(six) >> 64 << 64)}/64"


def _malformed() -> Refusal:
    return Refusal(501, "5.1.3", "Malformed address")


def _check(address: str) -> None:
    found = _ADDRESS.fullmatch(address)
    if not found or len(address.encode(errors="replace")) > 254:  # RFC 5321 §4.5.3.1.3, brackets excepted
        raise _malformed()
    local, domain = found[1], found[2]
    plain = local.startswith('"') or _DOT_STRING.fullmatch(local)
    if not plain or not local.isprintable() or len(local.encode(errors="replace")) > 64:  # §4.5.3.1.1
        raise _malformed()
    if not (_is_literal(domain) if domain.startswith("[") else _is_domain(domain)):
        raise _malformed()


def _is_domain(domain: str) -> bool:
    try:
        ascii_domain = domain if domain.isascii() else _a_labels(domain)
    except UnicodeError:
        return False
    return len(ascii_domain) <= 255 and all(_LABEL.fullmatch(label) for label in ascii_domain.split("."))


def _a_labels(domain: str) -> str:
    """IDNA 2008 (RFC 5891), as the courier asks the DNS for it; Python's own codec would let other domains pass."""
    import idna  # noqa: PLC0415 - tables that hardly a session needs

    return idna.encode(domain, uts46=True).decode("ascii")


def _is_literal(domain: str) -> bool:
    inside = domain[1:-1] if domain.endswith("]") else ""
    try:
        IPv6Address(inside[5:]) if inside.upper().startswith("IPV6:") else IPv4Address(inside)
    except ValueError:
        return False
    return True
