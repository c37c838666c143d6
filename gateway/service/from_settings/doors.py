"""The doors out of the settings: listeners, and one named source per piece of hospital software."""

from __future__ import annotations

from datetime import timedelta

from config.sections import Mailbox, Smtp, Source
from config.settings import Settings, SettingsError, secret
from gateway.errors import SettingsRefused
from gateway.imap import Account
from gateway.ingest.folder import FolderSettings, Origin
from gateway.ingest.imap import ImapDoorSettings
from gateway.ingest.mllp.settings import MllpDoorSettings, MllpLimits, MllpListener, MllpSource
from gateway.parsers.french import in_french
from gateway.passing import loop_marker
from gateway.service.from_settings.tls import server_context
from gateway.smtp.courier.tls import OurCertificate, client_context
from gateway.smtp.server.settings import LineEnds, SmtpDoorSettings, SmtpLimits, SmtpListener, SmtpSource


def smtp_settings(settings: Settings) -> SmtpDoorSettings | None:
    """What the SMTP door is told; ``None`` when no port is set."""
    smtp = settings.smtp
    ports = (
        ("starttls", smtp.starttls_port),
        ("implicit", smtp.implicit_tls_port),
        ("certificate", smtp.certificate_port),
    )
    listeners = tuple(_listener(smtp, name, port) for name, port in ports if port is not None)
    if not listeners:
        return None
    sources = tuple(_source(settings, name, source) for name, source in settings.sources.items() if source.senders)
    return SmtpDoorSettings(
        hostname=settings.gateway.domain,
        listeners=listeners,
        sources=sources,
        limits=smtp_limits(smtp),
        loop_marker=loop_marker(settings.gateway.domain),
        known=settings.gateway.data / "known-networks",
    )


def _listener(smtp: Smtp, name: str, port: int) -> SmtpListener:
    demand = name == "certificate"
    tls = server_context(
        smtp.certificate, smtp.key, client_ca=smtp.client_ca, client_crl=smtp.client_crl, demand=demand
    )
    return SmtpListener(
        name=name,
        host=smtp.host,
        port=port,
        tls=tls,
        implicit_tls=name != "starttls",
        demand_certificate=demand,
        proxies=smtp.proxies,
    )


def smtp_limits(smtp: Smtp) -> SmtpLimits:
    """What one client of an SMTP door, and all of them, may ask for."""
    return SmtpLimits(
        max_size=smtp.max_size,
        max_recipients=smtp.max_recipients,
        max_connections=smtp.max_connections,
        max_connections_per_address=smtp.max_connections_per_network,
        max_connections_per_minute=smtp.max_connections_per_minute,
        grace=timedelta(seconds=smtp.grace_seconds),
        bytes_per_second=smtp.min_bytes_per_second,
        max_errors=smtp.max_errors,
        max_junk=smtp.max_junk,
        max_guesses=smtp.max_guesses,
    )


def mllp_settings(settings: Settings) -> MllpDoorSettings | None:
    """What the MLLP door is told; ``None`` when no port is set."""
    mllp = settings.mllp
    listeners = []
    if mllp.port is not None:
        listeners.append(MllpListener(name="mllp", host=mllp.host, port=mllp.port, source=mllp.source))
    if mllp.tls_port is not None:
        tls = server_context(
            mllp.certificate,
            mllp.key,
            client_ca=mllp.client_ca,
            client_crl=mllp.client_crl,
            demand=mllp.client_ca is not None,
        )
        listeners.append(MllpListener(name="mllps", host=mllp.host, port=mllp.tls_port, tls=tls, source=mllp.source))
    if not listeners:
        return None
    sources = tuple(
        MllpSource(
            name=name,
            applications=frozenset(source.applications),
            certificate_names=_certificate_names(source),
            report_to=source.report_to or "",
        )
        for name, source in {mllp.source: Source(), **settings.sources}.items()
    )
    return MllpDoorSettings(
        recipient=automatic(settings),
        listeners=tuple(listeners),
        sources=sources,
        limits=MllpLimits(max_size=mllp.max_size, max_connections=mllp.max_connections),
    )


def automatic(settings: Settings) -> str:
    """The recipient that stands for whoever the document names."""
    return f"auto@{settings.gateway.domain}"


def folder_settings(settings: Settings) -> FolderSettings | None:
    """What the folder door is told; ``None`` when no folder is set."""
    folder = settings.folder
    if folder.path is None:
        return None
    return FolderSettings(
        path=folder.path,
        origin=folder_origin(settings),
        interval=timedelta(seconds=folder.interval_seconds),
        settle=timedelta(seconds=folder.settle_seconds),
        witness=folder.witness,
        hprim_err=folder.hprim_err,
        in_french=in_french,
    )


def folder_origin(settings: Settings, *, to: str | None = None) -> Origin:
    """On whose behalf a file is handed in, and to whom: by default whoever the document names."""
    name = settings.folder.source
    source = settings.sources.get(name, Source())
    return Origin(
        source=name,
        recipients=(to or automatic(settings),),
        report_to=source.report_to or "",
        max_size=settings.smtp.max_size,
    )


def imap_door(settings: Settings) -> ImapDoorSettings:
    """What the IMAP door is told."""
    imap = settings.imap
    senders = settings.sources.get(imap.source, Source()).senders or (f"@{settings.gateway.domain}",)
    return ImapDoorSettings(
        source=imap.source,
        senders=frozenset(senders),
        own=frozenset({imap.user} if "@" in imap.user else ()),
        automatic=automatic(settings),
        taken=imap.taken,
        refused=imap.refused,
    )


def account(settings: Settings, mailbox: Mailbox, name: str) -> Account:
    """How a watched mailbox is reached; raises SettingsRefused."""
    if mailbox.host is None:
        raise SettingsRefused(f"{name}: no host")
    ours = None
    if mailbox.certificate:
        ours = OurCertificate(certificate=mailbox.certificate, key=mailbox.key or mailbox.certificate)
    try:
        password = secret(settings, mailbox.password_secret).decode()
    except SettingsError as error:
        raise SettingsRefused(str(error)) from error
    return Account(
        name=name,
        host=mailbox.host,
        port=mailbox.port,
        user=mailbox.user,
        password=password,
        context=client_context(mailbox.ca, ours),
        mailbox=mailbox.folder,
    )


def _certificate_names(source: Source) -> frozenset[str]:
    subject = source.certificate_subject
    return frozenset({*source.certificate_names, *([f"commonName={subject}"] if subject else [])})


def _source(settings: Settings, name: str, source: Source) -> SmtpSource:
    return SmtpSource(
        name=name,
        senders=frozenset(source.senders),
        login=source.login or name,
        password_hash=_hash(settings, name),
        certificate_names=_certificate_names(source),
        line_ends=LineEnds(source.line_endings),
        long_lines=source.long_lines,
    )


def _hash(settings: Settings, name: str) -> str:
    """The Argon2id hash of the source's password; empty when it proves itself by certificate alone."""
    try:
        return secret(settings, f"source-{name}").decode()
    except SettingsError:
        return ""
