"""Whose certificate the next hop showed: one that its domain published, one of a listed operator."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.smtp.courier.dane import vouches
from gateway.smtp.courier.failures import Below, HopBelowFloor
from gateway.smtp.courier.routes import Hop


def check_peer(transport: asyncio.BaseTransport | None, hop: Hop) -> None:
    """What OpenSSL does not check for us, after the handshake; raises ``HopBelowFloor``."""
    connection = transport.get_extra_info("ssl_object") if transport else None
    if connection is None:
        raise HopBelowFloor("no TLS after the handshake", why=Below.BROKEN)
    if hop.tlsa and not vouches(hop.tlsa, chain_of(connection), hop.tlsa_names, datetime.now(UTC)):
        raise HopBelowFloor("no TLSA record matches", why=Below.NO_TLSA)
    if hop.subjects and not is_of(connection.getpeercert() or {}, hop.subjects):
        raise HopBelowFloor("certificate of another operator", why=Below.OTHER_OPERATOR)


def chain_of(connection: ssl.SSLObject) -> list[bytes]:
    """The certificates that the server sent, its own first (DER).

    Public only from Python 3.13 on; before, the method is there on the object behind (contract test).
    """
    if hasattr(connection, "get_unverified_chain"):
        return list(connection.get_unverified_chain())
    inner: Any = connection._sslobj  # type: ignore[attr-defined]
    return [certificate.public_bytes(_DER) for certificate in inner.get_unverified_chain() or ()]


_DER = 2
"""``_ssl.ENCODING_DER``."""


def is_of(certificate: Mapping[str, Any], subjects: frozenset[tuple[str, str]]) -> bool:
    """Whether CN and OU are one of the pairs; a subject with several CN could be read in several ways and is not."""
    shown = [pair for pairs in certificate.get("subject", ()) for pair in pairs]
    names = [value for key, value in shown if key == "commonName"]
    units = [value for key, value in shown if key == "organizationalUnitName"] or [""]
    listed = {folded(subject) for subject in subjects}
    return len(names) == 1 and any(folded((names[0], unit)) in listed for unit in units)


def folded(subject: tuple[str, str]) -> tuple[str, str]:
    """Without case, spaces as one."""
    common_name, unit = (" ".join(text.split()).casefold() for text in subject)
    return common_name, unit
