"""TLS contexts out of the settings' files: never below 1.2, always with forward secrecy, as fresh as the files are."""

from __future__ import annotations

import re
import ssl
import tempfile
from asyncio.sslproto import SSLProtocol
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.errors import SettingsRefused

SUITES = "ECDHE+AESGCM:ECDHE+CHACHA20"

READ_BUFFER = 32 << 10
"""Octets that asyncio reserves, and touches, for each TLS connection: 256 KiB of its own accord (promise D3)."""

_PEM = re.compile(rb"-----BEGIN X509 CRL-----.+?-----END X509 CRL-----", re.DOTALL)
_NEVER = datetime.max.replace(tzinfo=UTC)

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """What a listener's TLS is made of."""

    certificate: Path
    key: Path | None = None
    client_ca: Path | None = None
    client_crl: Path | None = None
    """Revocation lists of every authority in a client's chain, PEM or DER: one file, or a folder of them."""
    demand: bool = False

    def stamp(self) -> tuple[object, ...]:
        """Changes when a file does; raises ``OSError``."""
        paths = [path for path in (self.certificate, self.key, self.client_ca) if path is not None]
        return tuple(
            (found.st_mtime_ns, found.st_size, found.st_ino) for found in map(Path.stat, [*paths, *self.crls()])
        )

    def crls(self) -> list[Path]:
        """The files that hold revocation lists."""
        given = self.client_crl
        if given is None:
            return []
        return sorted(path for path in given.iterdir() if path.is_file()) if given.is_dir() else [given]


def server_context(
    certificate: Path | None,
    key: Path | None,
    *,
    client_ca: Path | None = None,
    client_crl: Path | None = None,
    demand: bool = False,
) -> ssl.SSLContext:
    """A server's context; with ``client_ca`` it asks for a client certificate, with ``demand`` it insists.

    With ``client_crl`` a revoked certificate, one whose authority gave no list, and every one after a list has run out,
    end the handshake. Files that change are read again at the next handshake; while they cannot be used, the last good
    ones stay. Raises SettingsRefused when a file is missing or is not what it should be.
    """
    SSLProtocol.max_size = READ_BUFFER
    if certificate is None:
        raise SettingsRefused("a TLS port needs a certificate in its section")
    if client_ca is None and (demand or client_crl is not None):
        raise SettingsRefused("client certificates need a client_ca in the section")
    files = TlsFiles(certificate=certificate, key=key, client_ca=client_ca, client_crl=client_crl, demand=demand)
    try:
        return LiveContext(files)
    except (OSError, ValueError) as error:
        raise SettingsRefused(f"TLS files {certificate.name}: {type(error).__name__}") from error


class LiveContext(ssl.SSLContext):
    """Looks at its files before each handshake; what it was made of first is what it shows of itself.

    Built anew rather than added to: OpenSSL would keep superseded lists, and resume sessions that an older one allowed.
    """

    _files: TlsFiles
    _stamp: tuple[object, ...]
    _until: datetime
    _fresh: ssl.SSLContext | None

    def __new__(cls, files: TlsFiles) -> LiveContext:  # noqa: PYI034  Self cannot be told from what OpenSSL gives
        """Raises ``OSError`` or ``ValueError`` for files that cannot be used."""
        context = super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)
        context._files, context._fresh = files, None
        context._stamp = files.stamp()
        context._until = _furnish(context, files)
        return context

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:  # noqa: ANN401  as asyncio calls it
        """Begin one more handshake, with the files as they are now."""
        self._refresh()
        if self._fresh is not None:
            return self._fresh.wrap_bio(*args, **kwargs)
        return super().wrap_bio(*args, **kwargs)

    def _refresh(self) -> None:
        over = datetime.now(UTC) >= self._until
        try:
            stamp = self._files.stamp()
            if stamp == self._stamp and not over:
                return
            self._stamp, self._until = stamp, _NEVER  # not tried again before something changes
            fresh = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._until = _furnish(fresh, self._files)
        except (OSError, ValueError) as error:
            _log.error("tls_files_not_read", error=type(error).__name__, now="the last good ones stay in use")
            return
        self._fresh = fresh
        _log.info("tls_files_read")


def _furnish(context: ssl.SSLContext, files: TlsFiles) -> datetime:
    """Give the context all it needs; when the first of its revocation lists runs out."""
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(SUITES)
    context.load_cert_chain(files.certificate, files.key)
    if files.client_ca is None:
        return _NEVER
    context.load_verify_locations(files.client_ca)
    context.verify_mode = ssl.CERT_REQUIRED if files.demand else ssl.CERT_OPTIONAL
    # A resumed session is not verified again: who was revoked meanwhile would go on for hours.
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    return _NEVER if files.client_crl is None else _demand_lists(context, files.crls())


def _demand_lists(context: ssl.SSLContext, paths: list[Path]) -> datetime:
    lists = [one for path in paths for one in revocation_lists(path.read_bytes())]
    if not lists:
        raise ValueError("no revocation list")
    with tempfile.NamedTemporaryFile(suffix=".pem") as pem:  # Python reads lists from a file of PEM alone
        pem.write(b"".join(one.public_bytes(Encoding.PEM) for one in lists))
        pem.flush()
        context.load_verify_locations(pem.name)
    context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_CHAIN
    return _first_end(lists)


def revocation_lists(octets: bytes) -> list[x509.CertificateRevocationList]:
    """All lists of a file, PEM or DER; raises ``ValueError``."""
    found = _PEM.findall(octets)
    return [x509.load_pem_x509_crl(pem) for pem in found] if found else [x509.load_der_x509_crl(octets)]


def _first_end(lists: list[x509.CertificateRevocationList]) -> datetime:
    now = datetime.now(UTC)
    ends = [one.next_update_utc or _NEVER for one in lists]
    over = sum(end <= now for end in ends)
    if over:
        _log.error("client_crl_expired", lists=over, now="client certificates of these authorities are refused")
    return min((end for end in ends if end > now), default=_NEVER)
