"""Which binds are refused before anything is checked, and which login a bind names; pure (RFC 4511 §4.2, RFC 4513)."""

from __future__ import annotations

from gateway.faces.ldap.names import BadName, parse_name
from gateway.faces.ldap.requests import Bind, Code

Answer = tuple[Code, str]
"""A result code, and words that name nobody."""


def refused_form(asked: Bind, *, unknown_control: bool) -> Answer | None:
    """A bind that is not of the kind we take; ``None`` when it is."""
    if asked.version != 3:
        return Code.PROTOCOL_ERROR, "only LDAP version 3"
    if unknown_control:
        return Code.UNAVAILABLE_CRITICAL_EXTENSION, ""
    if asked.password is None:
        return Code.AUTH_METHOD_NOT_SUPPORTED, "only simple binds, inside TLS"
    return None


def refused_login(asked: Bind, *, is_clear: bool, anonymous: bool) -> Answer | None:
    """Success for nobody in particular where that is allowed, a refusal, or ``None``: name and password decide."""
    if is_clear:
        return Code.CONFIDENTIALITY_REQUIRED, "StartTLS first"
    if not asked.name and not asked.password:
        return (Code.SUCCESS, "") if anonymous else (Code.INAPPROPRIATE_AUTHENTICATION, "log in")
    if not asked.name or not asked.password:
        return Code.UNWILLING_TO_PERFORM, "a login needs a name and a password"  # RFC 4513 §5.1.2
    return None


def login_in(name: str) -> str:
    """The login in a bind name: ``uid=secretariat,o=annuaire`` and ``secretariat`` are the same."""
    try:
        levels = parse_name(name)
    except BadName:
        return name
    lowest = sorted(levels[0]) if levels else []
    return next((value for kind, value in lowest if kind in {"cn", "uid"}), name)
