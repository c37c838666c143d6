"""The sections of the settings, one class a table; what each key means stands in ``huitaine.toml``."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork


class Section(BaseModel):
    """One table of the TOML file; a key it does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Port = Annotated[int, Field(ge=0, le=65535)]
CertificateName = Annotated[str, Field(pattern=r"^(commonName=|DNS:|email:|URI:).+")]
RppsNumber = Annotated[str, Field(pattern=r"^[0-9]{11}$")]
FormName = Literal["pdf", "hprim-body", "hprim-attached", "xdm", "original"]


class Gateway(Section):
    """Who we are."""

    mode: Literal["test", "production"] = "test"
    domain: str = "huitaine.invalid"
    oid: str = ""
    structure_id: str = ""
    hospital: str = "Centre hospitalier"
    address: Annotated[tuple[Annotated[str, Field(max_length=38)], ...], Field(max_length=5)] = ()
    data: Path = Path("data")
    secrets: Path = Path("secrets")
    test_domains: tuple[str, ...] = ()
    readers: Annotated[int, Field(ge=1, le=16)] = 2
    metrics_port: Port = 9388
    log: Literal["text", "json"] = "json"


class Smtp(Section):
    """The submission doors."""

    host: str = "127.0.0.1"
    starttls_port: Port | None = None
    implicit_tls_port: Port | None = None
    certificate: Path | None = None
    key: Path | None = None
    certificate_port: Port | None = None
    client_ca: Path | None = None
    client_crl: Path | None = None
    proxies: tuple[IPvAnyNetwork, ...] = ()
    max_size: int = 26_214_400
    max_recipients: int = 1000
    max_connections: Annotated[int, Field(ge=1)] = 1000
    max_connections_per_network: Annotated[int, Field(ge=1)] = 100
    max_connections_per_minute: Annotated[int, Field(ge=1)] = 2000
    grace_seconds: Annotated[float, Field(gt=0)] = 30.0
    min_bytes_per_second: Annotated[int, Field(ge=1)] = 500
    max_errors: Annotated[int, Field(ge=1)] = 20
    max_junk: Annotated[int, Field(ge=1)] = 100
    max_guesses: Annotated[int, Field(ge=1)] = 10


class Mllp(Section):
    """The HL7 listener."""

    host: str = "127.0.0.1"
    port: Port | None = None
    tls_port: Port | None = None
    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None
    client_crl: Path | None = None
    max_size: int = 26_214_400
    max_connections: Annotated[int, Field(ge=1)] = 1000
    source: str = "mllp"


class Folder(Section):
    """The drop folder."""

    path: Path | None = None
    interval_seconds: float = 2.0
    settle_seconds: float = 5.0
    witness: bool = False
    hprim_err: bool = False
    source: str = "folder"


class Mailbox(Section):
    """An IMAP mailbox that is watched."""

    host: str | None = None
    port: Port = 993
    user: str = ""
    password_secret: str = ""
    folder: str = "INBOX"
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    poll_seconds: float = 30.0


class Imap(Mailbox):
    """The IMAP door."""

    password_secret: str = "imap-password"  # noqa: S105 (the name of a file)
    taken: str = "Taken"
    refused: str = "Refused"
    source: str = "imap"


class Receipts(Mailbox):
    """The mailbox that DSN and MDN come back to."""

    password_secret: str = "receipts-password"  # noqa: S105 (the name of a file)
    processed: str = "Processed"
    replies: str = "Replies"
    ask_dsn: bool = True
    ask_mdn: bool = True


class ZamTo(Section):
    """Where a source's software takes ZAM messages."""

    host: str
    port: Port
    application: str = ""
    tls: bool = True
    server_name: str | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    seconds: Annotated[float, Field(gt=0, le=300)] = 30.0


class WebhookTo(Section):
    """Where a source's software takes receipts over HTTPS."""

    url: Annotated[str, Field(pattern=r"^https://[^\s@]+$")]
    key_secret: str = "webhook-key"  # noqa: S105 (the name of a file)
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    seconds: Annotated[float, Field(gt=0, le=300)] = 30.0


class FileTo(Section):
    """The folder where a source's software takes receipts."""

    path: Path
    format: Literal["json", "hl7"] = "json"


class Source(Section):
    """A piece of hospital software that hands letters in."""

    senders: tuple[str, ...] = ()
    login: str | None = None
    certificate_subject: str | None = None
    certificate_names: tuple[CertificateName, ...] = ()
    applications: tuple[str, ...] = ()
    line_endings: Literal["refuse", "normalise"] = "refuse"
    long_lines: bool = False
    unknown_mailbox: Literal["hold", "allow"] = "hold"
    report_to: str | None = None
    correspondents: dict[str, RppsNumber] = {}
    opposition: Literal["PD1-12", "none"] = "PD1-12"
    tenant: Annotated[str, Field(pattern=r"^[a-z0-9-]{0,32}$")] = ""
    receipts: tuple[Literal["dsn", "zam", "webhook", "file"], ...] = ("dsn",)
    zam: ZamTo | None = None
    webhook: WebhookTo | None = None
    file: FileTo | None = None


class Route(Section):
    """One next hop."""

    host: str
    port: Port = 587
    tls: Literal["starttls", "implicit"] = "starttls"
    tls_floor: Literal["opportunistic", "encrypt", "verify", "mutual"] = "verify"
    server_name: str | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    user: str | None = None
    password_secret: str = "courier-password"  # noqa: S105 (the name of a file)


class Mx(Section):
    """Straight to the MX of white-listed domains, and of others where that is wanted."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    port: Port = 25
    nameservers: tuple[str, ...] = ()
    dnssec_resolver: str | None = None
    outside: Literal["refuse", "encrypt", "verify"] = "refuse"
    public_ca: Path | None = None


class Courier(Section):
    """How sealed mails leave."""

    deliver: Literal["operator", "mx"] = "operator"
    sender: str = ""
    display_name: str = ""
    reply_to: str | None = None
    operator: Route | None = None
    routes: dict[str, Route] = {}
    mx: Mx = Mx()
    connections: Annotated[int, Field(ge=1, le=20)] = 20
    letters_per_connection: Annotated[int, Field(ge=1, le=100)] = 100
    idle_seconds: float = 30.0
    rest_after: Annotated[int, Field(ge=1)] = 3
    rest_minutes: tuple[float, float] = (1, 5)
    nil: str = "DEV000000"


class Queue(Section):
    """When to try again, and when to stop."""

    workers: Annotated[int, Field(ge=1, le=200)] = 50
    retry_minutes: tuple[float, ...] = (1, 2, 5, 10, 20, 60)
    expire_hours: Annotated[float, Field(gt=0, le=120)] = 48.0
    jitter: float = 0.2
    lease_seconds: Annotated[float, Field(ge=20)] = 120.0
    record_dot: bool = True
    held_days: Annotated[float, Field(gt=0)] = 2.0
    replay_hours: float = 72.0
    min_free_share: float = 0.1


class DelayLimit(Section):
    """Another limit for one source, service, kind of letter, or for urgent ones; what is left out fits all."""

    policy: Literal["8-days", "same-day", "same-working-day", "lab-results"]
    hospital: str | None = None
    unit: str | None = None
    kind: str | None = None
    urgent: bool | None = None
    days: Annotated[int, Field(ge=0)] = 0
    hours: Annotated[float, Field(gt=0)] | None = None


class Delays(Section):
    """Which clock the reports run, and what stops it."""

    policy: Literal["8-days", "same-day", "same-working-day", "lab-results"] = "8-days"
    region: Literal["", "57", "67", "68", "971", "972", "973", "974", "976"] = ""
    closes_at: time | None = None
    stops_at: Literal["sent", "delivered", "read", "integrated"] = "sent"
    partial_counts: bool = True
    lab_hours: Annotated[float, Field(gt=0)] = 24.0
    limits: tuple[DelayLimit, ...] = ()


class Alarms(Section):
    """When the operator hears of trouble: one journal line, and a metric."""

    every_seconds: Annotated[float, Field(gt=0, le=60)] = 15.0
    recent_minutes: float = 15.0
    deferred: int = 100
    ambiguous: int = 5
    leases_lost: int = 0
    readers: int = 3
    rounds: int = 2
    commit_seconds: float = 1.0
    loop_seconds: float = 1.0
    free_share: float = 0.15
    held_hours: float = 24.0
    unplanned_minutes: float = 15.0
    still_minutes: float = 70.0
    certificate_days: float = 30.0
    crl_days: float = 1.0
    white_list_days: float = 10.0
    answers_minutes: float = 60.0
    unchecked: int = 0
    openings: int = 0


class Retention(Section):
    """How long what is kept is kept."""

    body_hours: Annotated[float, Field(ge=0, le=720)] = 24.0
    metadata_months: Annotated[int, Field(ge=1, le=120)] = 12


class Audit(Section):
    """The journal as evidence: how often its head is signed, and where the checkpoints go besides the database."""

    checkpoint_minutes: Annotated[float, Field(gt=0, le=1440)] = 60.0
    checkpoints: Path | None = None
    checkpoint_to: Annotated[str, Field(pattern=r"^([^@\s]+@[^@\s]+)?$")] = ""
    mail_hours: Annotated[float, Field(gt=0, le=744)] = 24.0
