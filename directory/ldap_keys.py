"""Certificates of addressees out of somebody's LDAP directory (the extra ``ldap``): by hand, never on the road.

The least trusted source (CR-15), and what is found here never comes before a key that came otherwise; unless the
administrator says that it is the trust space's own directory, which is the most trusted one.
"""

from __future__ import annotations

import contextlib
import importlib
import ssl
import warnings
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from directory.changes import add_certificate, checked_mailbox
from directory.errors import DirectoryError
from directory.records import Certificate, Source

_ATTRIBUTES = ("userCertificate;binary", "userCertificate", "userSMIMECertificate")
_MOST_ENTRIES, _MOST_CERTIFICATES, _LARGEST = 10, 20, 64 << 10
_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class LdapServer:
    """Where to ask: ``ldaps://host[:port]``, or ``ldap://`` with StartTLS; in clear never."""

    url: str
    base: str
    ca: Path | None = None
    """Who vouches for the server; by default the system's authorities."""
    user: str = ""
    password: str = field(repr=False, default="")
    authoritative: bool = False
    """Whether it is the trust space's own directory."""

    @property
    def source(self) -> Source:
        """As what its certificates are kept."""
        return Source.DIRECTORY if self.authoritative else Source.LDAP


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedUp:
    """What became of a look-up: the certificates kept, and for each that was refused its reason."""

    kept: tuple[Certificate, ...] = ()
    refused: tuple[str, ...] = ()


def look_up_certificates(
    folder: Path, mailbox: str, server: LdapServer, *, organisations: Collection[str] = ()
) -> LookedUp:
    """Keep the certificates that ``server`` has for ``mailbox`` as keys of its source; one bad one blocks no other.

    ``organisations`` as in :func:`directory.changes.add_certificate`.

    Blocks for as long as the server takes, at most some seconds: not for an event loop. Raises :class:`DirectoryError`
    ``bad-address``, ``no-ldap`` (the extra is missing), ``lookup-failed`` (the server, its certificate, the login).
    """
    kept, refused = [], []
    for content in dict.fromkeys(_certificates(_asked(server, checked_mailbox(mailbox)))):
        try:
            kept.append(add_certificate(folder, mailbox, content, source=server.source, organisations=organisations))
        except DirectoryError as error:
            refused.append(error.code)
    return LookedUp(kept=tuple(kept), refused=tuple(refused))


def _asked(server: LdapServer, mailbox: str) -> list[dict[str, Any]]:
    """The raw attributes of each entry with that address."""
    with _quiet():
        ldap3 = _library()
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(server.ca) if server.ca else None)
        host = ldap3.Server(server.url, tls=tls, connect_timeout=_SECONDS, get_info=ldap3.NONE)
        connection = ldap3.Connection(
            host,
            server.user or None,
            server.password or None,
            receive_timeout=_SECONDS,
            read_only=True,
            auto_referrals=False,  # or the password goes to whatever server this one names, in clear too
            check_names=False,
            raise_exceptions=True,
        )
        try:
            _log_in(connection, server)
            wanted = f"(mail={ldap3.utils.conv.escape_filter_chars(mailbox)})"
            connection.search(server.base, wanted, attributes=list(_ATTRIBUTES), size_limit=_MOST_ENTRIES)
            return [one["raw_attributes"] for one in connection.response or () if "raw_attributes" in one]
        except Exception as error:  # LDAPException, OSError; KeyError and more for octets that are no LDAP
            raise DirectoryError("lookup-failed", f"the LDAP server gives no answer: {type(error).__name__}") from error
        finally:
            with contextlib.suppress(Exception):
                connection.unbind()


def _log_in(connection: Any, server: LdapServer) -> None:  # noqa: ANN401  ldap3 has no types
    """TLS first, and nothing without it."""
    connection.open()
    if not server.url.startswith("ldaps://"):
        connection.start_tls()
    connection.bind()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """ldap3 2.9 uses what pyasn1 and the standard library have renamed since, and is warned of it at every step."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def _library() -> Any:  # noqa: ANN401  it has no types
    try:
        ldap3 = importlib.import_module("ldap3")
        importlib.import_module("ldap3.utils.conv")
    except ImportError as error:
        raise DirectoryError("no-ldap", "looking up keys needs the extra: pip install huitaine[ldap]") from error
    return ldap3


def _certificates(entries: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """Single ones as they are, and those of each PKCS #7 bundle (RFC 2798 §2.8)."""
    found = (
        (name, value)
        for entry in entries
        for name, values in entry.items()
        for value in values
        if len(value) <= _LARGEST
    )
    for number, (name, value) in enumerate(found):
        if number >= _MOST_CERTIFICATES:
            return
        if name.lower().startswith("usersmimecertificate"):
            yield from _bundled(value)
        else:
            yield value


def _bundled(value: bytes) -> Iterator[bytes]:
    try:
        for certificate in pkcs7.load_der_pkcs7_certificates(value):
            yield certificate.public_bytes(Encoding.DER)
    except ValueError:
        return
