"""The SMTP door out of the settings: listeners, and one named source per piece of hospital software."""

from __future__ import annotations

from config.sections import Source
from config.settings import Settings, SettingsError, secret
from gateway.service.tls import server_context
from gateway.smtp.server.settings import LineEnds, SmtpDoorSettings, SmtpLimits, SmtpListener, SmtpSource


def smtp_settings(settings: Settings) -> SmtpDoorSettings | None:
    """What the SMTP door is told; ``None`` when no port is set."""
    smtp = settings.smtp
    ports = (("starttls", smtp.starttls_port, False), ("implicit", smtp.implicit_tls_port, True))
    wanted = [(name, port, implicit) for name, port, implicit in ports if port is not None]
    if not wanted:
        return None
    tls = server_context(smtp.certificate, smtp.key, client_ca=smtp.client_ca)
    listeners = tuple(
        SmtpListener(name=name, host=smtp.host, port=port, tls=tls, implicit_tls=implicit)
        for name, port, implicit in wanted
    )
    sources = tuple(_source(settings, name, source) for name, source in settings.sources.items() if source.senders)
    limits = SmtpLimits(
        max_size=smtp.max_size, max_recipients=smtp.max_recipients, max_connections=smtp.max_connections
    )
    return SmtpDoorSettings(hostname=settings.gateway.domain, listeners=listeners, sources=sources, limits=limits)


def _source(settings: Settings, name: str, source: Source) -> SmtpSource:
    subject = source.certificate_subject
    return SmtpSource(
        name=name,
        senders=frozenset(source.senders),
        login=source.login or name,
        password_hash=_hash(settings, name),
        certificate_names=frozenset({f"commonName={subject}"} if subject else ()),
        line_ends=LineEnds(source.line_endings),
        long_lines=source.long_lines,
    )


def _hash(settings: Settings, name: str) -> str:
    """The Argon2id hash of the source's password; empty when it proves itself by certificate alone."""
    try:
        return secret(settings, f"source-{name}").decode()
    except SettingsError:
        return ""
