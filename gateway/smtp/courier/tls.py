"""The TLS side of a client: never below TLS 1.2, verified as the floor asks, with our certificate where it belongs."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from gateway.errors import SettingsRefused


class Floor(IntEnum):
    """What a session must be at least before anything of a letter is said; there is no way down from it (E7)."""

    UNSAFE_OPPORTUNISTIC = 0
    """Clear text where TLS is not offered: for trials; settings of production refuse it."""
    ENCRYPT = 1
    """TLS, whoever it is with: keeps out those who only listen."""
    VERIFY = 2
    """TLS with a certificate that is valid for the name, or that DANE vouches for."""
    MUTUAL = 3
    """As ``VERIFY``, and our own certificate is shown."""

    @classmethod
    def named(cls, word: str) -> Floor:
        """The floor that the settings call ``opportunistic``, ``encrypt``, ``verify`` or ``mutual``."""
        return cls["UNSAFE_OPPORTUNISTIC" if word == "opportunistic" else word.upper()]


SUITES = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-SHA256"
"""TLS 1.2 suites, all with forward secrecy; the last two are ECO.1.1.3's C028 and C027 for older operators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OurCertificate:
    """The PEM files that a client certificate is made of."""

    certificate: Path
    key: Path
    password: str | None = field(default=None, repr=False)


def client_context(
    roots: Path | None = None, ours: OurCertificate | None = None, floor: Floor = Floor.VERIFY
) -> ssl.SSLContext:
    """A context that verifies chain and name against ``roots`` alone (the system's when ``None``) from VERIFY on.

    Raises ``SettingsRefused`` when a file is missing, unreadable or not what it should be.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(SUITES)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    if floor < Floor.VERIFY:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        if roots is None:
            context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        else:
            context.load_verify_locations(cafile=str(roots))
        if ours is not None:
            # An empty password keeps OpenSSL from asking the terminal when the key is encrypted and none was given.
            context.load_cert_chain(str(ours.certificate), str(ours.key), password=ours.password or "")
    except OSError as error:  # ssl.SSLError is one
        raise SettingsRefused(f"TLS files cannot be loaded: {error}") from error
    return context


def check_context(context: ssl.SSLContext, *, verifies: bool) -> None:
    """Raises ``SettingsRefused`` for a context that goes below TLS 1.2, or does not verify although it should."""
    if verifies and (context.verify_mode is not ssl.CERT_REQUIRED or not context.check_hostname):
        raise SettingsRefused("a TLS context that does not verify the next hop's certificate and name")
    if context.minimum_version not in {ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3}:
        raise SettingsRefused("a TLS context that allows less than TLS 1.2")
