"""`huitaine check tls`: every certificate, key and list that the settings name, and the key that signs letters."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from pydantic import BaseModel

from commands.checking import Finding, error, warning
from commands.french_lines import in_french
from commands.setup import installation
from config.settings import Settings
from gateway.crypto.certificates import addresses_of, check_certificate
from gateway.errors import HuitaineError, NoProtection
from gateway.moments import utc_now
from gateway.service.alarms.ends import Ends
from gateway.service.upkeep.installing import key_store


def check_tls() -> list[Finding]:
    """Look at files only: nobody is connected to."""
    settings = installation().settings
    found = [finding for place, section in _sections(settings) for finding in _pair(place, section)]
    found += [finding for place, section in _sections(settings) for finding in _authorities(place, section)]
    return [*found, *_doors(settings), *_dates(settings), *_signing(settings)]


def _sections(model: BaseModel, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every section that may name a certificate, with its place."""
    if "certificate" in type(model).model_fields:
        yield place, model
    for name in type(model).model_fields:
        value, here = getattr(model, name), f"{place}.{name}".lstrip(".")
        inner = value.items() if isinstance(value, dict) else [("", value)]
        for key, each in inner:
            if isinstance(each, BaseModel):
                yield from _sections(each, f"{here}.{key}".rstrip("."))


def _pair(place: str, section: Any) -> Iterator[Finding]:  # noqa: ANN401 (one of several sections)
    if section.certificate is None:
        return
    certificate, key = section.certificate, section.key or section.certificate
    for path in (certificate, key):
        if not path.is_file():
            yield error(place, "file-missing", f"{path}: no such file", f"{path} : fichier introuvable")
            return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except (ssl.SSLError, OSError) as refused:
        why = getattr(refused, "reason", None) or type(refused).__name__
        yield error(
            place,
            "pair-refused",
            f"certificate and key do not go together, or are no PEM ({why}): {certificate.name}, {key.name}",
            f"certificat et clé ne vont pas ensemble, ou ne sont pas du PEM ({why}) : {certificate.name}, {key.name}",
        )
    if key.stat().st_mode & 0o077:
        yield warning(place, "key-open-to-others", f"run: chmod 600 {key}", f"lancez : chmod 600 {key}")


def _authorities(place: str, section: Any) -> Iterator[Finding]:  # noqa: ANN401 (one of several sections)
    for name in ("ca", "client_ca"):
        path = getattr(section, name, None)
        if path is None:
            continue
        try:
            x509.load_pem_x509_certificates(Path(path).read_bytes())
        except (OSError, ValueError):
            yield error(f"{place}.{name}", "no-authorities", f"{path}: no certificates in PEM there",
                        f"{path} : aucun certificat PEM")  # fmt: skip


def _doors(settings: Settings) -> Iterator[Finding]:
    smtp, mllp = settings.smtp, settings.mllp
    for place, section, wanted in (
        ("smtp", smtp, smtp.starttls_port is not None or smtp.implicit_tls_port is not None),
        ("mllp", mllp, mllp.tls_port is not None),
    ):
        if wanted and section.certificate is None:
            yield error(place, "no-certificate", "a TLS port needs a certificate in its section",
                        "un port TLS a besoin d'un certificat dans sa section")  # fmt: skip


def _dates(settings: Settings) -> Iterator[Finding]:
    now, ends = utc_now(), Ends(settings)
    limits = settings.alarms
    for end in sorted(ends.certificates(), key=lambda end: end.at):
        days = (end.at - now) // timedelta(days=1)
        if end.at <= now:
            yield error(end.name, "certificate-ended", f"ended on {end.at:%Y-%m-%d}; renew it",
                        f"périmé depuis le {end.at:%d/%m/%Y} ; à renouveler")  # fmt: skip
        elif days < limits.certificate_days:
            yield warning(end.name, "certificate-ends", f"{days} days left; renew it",
                          f"encore {days} jours ; à renouveler")  # fmt: skip
    for end in ends.lists():
        if end.at <= now:
            yield error(f"{end.name}.client_crl", "crl-ended", "the revocation list is over: certificates are refused",
                        "la liste de révocation est périmée : les certificats sont refusés")  # fmt: skip


def _signing(settings: Settings) -> Iterator[Finding]:
    """What an addressee's software would hold against the certificate that signs."""
    place = f"crypto.identity {settings.crypto.identity}"
    try:
        keys = key_store(settings.gateway.data, b"").list()
    except HuitaineError as refused:
        line = refused.detail or str(refused)
        yield error(place, "key-store", line, in_french(line))
        return
    mine = next((key for key in keys if key.name == settings.crypto.identity and key.certificates), None)
    if mine is None:
        yield error(place, "no-signing-key", "no such key: `huitaine keys import NAME KEY.p12`",
                    "aucune clé de ce nom : `huitaine keys import NOM CLE.p12`")  # fmt: skip
        return
    try:
        check_certificate(mine.certificates[0], (addresses_of(mine.certificates[0]) or ("",))[0], utc_now())
    except NoProtection as refused:
        if refused.detail != "expired":
            yield error(place, refused.detail, "addressees would refuse this certificate; see docs/operations.md",
                        "les destinataires refuseraient ce certificat ; voir docs/operations.md")  # fmt: skip
