"""TLS contexts out of the settings' files: never below 1.2, always with forward secrecy."""

from __future__ import annotations

import ssl
from pathlib import Path

from gateway.errors import SettingsRefused

SUITES = "ECDHE+AESGCM:ECDHE+CHACHA20"


def server_context(
    certificate: Path | None, key: Path | None, *, client_ca: Path | None = None, demand: bool = False
) -> ssl.SSLContext:
    """A server's context; with ``client_ca`` it asks for a client certificate, with ``demand`` it insists.

    Raises SettingsRefused when a file is missing or is not what it should be.
    """
    if certificate is None:
        raise SettingsRefused("a TLS port needs a certificate in its section")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(SUITES)
    try:
        context.load_cert_chain(certificate, key)
        if client_ca is not None:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED if demand else ssl.CERT_OPTIONAL
    except OSError as error:
        raise SettingsRefused(f"TLS files {certificate.name}: {type(error).__name__}") from error
    return context
