"""Which sources are told back, by which ways, out of the settings; what a way cannot be is said at the start."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from config.sections import Source, WebhookTo, ZamTo
from config.settings import Settings, SettingsError, secret
from gateway.errors import SettingsRefused
from gateway.letter import ReceiptKind
from gateway.queue.answers import Channel
from gateway.receipts.mllp_client import MllpPeer
from gateway.receipts.webhook import WebhookPeer
from gateway.receipts.zam import Ends, zam_says
from gateway.smtp.courier.tls import OurCertificate, client_context

ZAM, WEBHOOK, FILE = "zam", "webhook", "file"
LEAST_KEY = 16
_HERE = frozenset({"127.0.0.1", "::1", "localhost"})
_ZAM_SAYS = {kind.value: says for kind in ReceiptKind if (says := zam_says(kind))}
_ASKED = {"Z02Y": "reception", "Z02N": "reception", "Z03Y": "reading", "Z03N": "reading"}
"""A ZAM goes out only where the letter's ACK_RECEPTION, ACK_LECTURE_MSS said Y (CI-SIS, mssante.md §3.2)."""
_SAYS = {kind.value: kind.value for kind in ReceiptKind if kind is not ReceiptKind.DELAYED}
"""JSON has a word for everything that changes something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePeer:
    """The folder, and whether it takes ``json`` or ``hl7``."""

    folder: Path
    form: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """One source's. ``ends`` are who speaks to whom in a ZAM."""

    ends: Ends
    zam: MllpPeer | None = None
    webhook: WebhookPeer | None = field(repr=False, default=None)
    file: FilePeer | None = None

    def channels(self) -> tuple[Channel, ...]:
        """As the store puts answers into its outbox."""
        found = [_in_hl7(ZAM)] if self.zam else []
        found += [_in_json(WEBHOOK)] if self.webhook else []
        if self.file:
            found.append(_in_hl7(FILE) if self.file.form == "hl7" else _in_json(FILE))
        return tuple(found)


def _in_hl7(name: str) -> Channel:
    return Channel(name=name, says=_ZAM_SAYS, asked=_ASKED)


def _in_json(name: str) -> Channel:
    return Channel(name=name, says=_SAYS, asked={})


def answering_ways(settings: Settings) -> Mapping[str, Ways]:
    """The sources that hear back otherwise than by mail; raises SettingsRefused with one clear line."""
    return {name: _ways(settings, name, source) for name, source in settings.sources.items() if _others(source)}


def told_otherwise(settings: Settings) -> frozenset[str]:
    """Sources that want no mail about what a way that never asks for a wish tells them anyway."""
    sure = {WEBHOOK, FILE}
    return frozenset(
        name
        for name, source in settings.sources.items()
        if "dsn" not in source.receipts and sure & set(source.receipts) and _tells_failures(source)
    )


def _tells_failures(source: Source) -> bool:
    """A folder for HL7 hears only what a message asked for: mail stays the way to hear of a failure."""
    return WEBHOOK in source.receipts or bool(source.file and source.file.format == "json")


def _others(source: Source) -> set[str]:
    return {way for way in source.receipts if way != "dsn"}


def _ways(settings: Settings, name: str, source: Source) -> Ways:
    place = f"[sources.{name}]"
    for way, told in ((ZAM, source.zam), (WEBHOOK, source.webhook), (FILE, source.file)):
        if way in source.receipts and told is None:
            raise SettingsRefused(f'{place} receipts has "{way}": it needs [sources.{name}.{way}]')
    application, _, facility = _application(source).partition("|")
    ends = Ends(
        our_application="HUITAINE",
        our_facility=settings.gateway.structure_id or settings.gateway.domain,
        application=application,
        facility=facility,
        processing="P" if settings.gateway.mode == "production" else "T",
    )
    wanted = _others(source)
    return Ways(
        ends=ends,
        zam=_mllp(place, source.zam) if source.zam and ZAM in wanted else None,
        webhook=_webhook(settings, place, source.webhook) if source.webhook and WEBHOOK in wanted else None,
        file=FilePeer(folder=_folder(place, source.file.path), form=source.file.format)
        if source.file and FILE in wanted
        else None,
    )


def _application(source: Source) -> str:
    stated = source.zam.application if source.zam else ""
    return stated or next(iter(source.applications), "")


def _mllp(place: str, told: ZamTo) -> MllpPeer:
    if not told.tls and told.host not in _HERE:
        raise SettingsRefused(f"{place} zam: tls = false is for a listener on this machine alone")
    return MllpPeer(
        host=told.host,
        port=told.port,
        tls=_context(told) if told.tls else None,
        server_name=told.server_name,
        seconds=told.seconds,
    )


def _webhook(settings: Settings, place: str, told: WebhookTo) -> WebhookPeer:
    try:
        key = secret(settings, told.key_secret)
    except SettingsError as error:
        raise SettingsRefused(f"{place} webhook: {error}") from error
    if len(key) < LEAST_KEY:
        raise SettingsRefused(f"{place} webhook: secret {told.key_secret} has fewer than {LEAST_KEY} octets")
    return WebhookPeer(url=told.url, key=key, tls=_context(told), seconds=told.seconds)


def _context(told: ZamTo | WebhookTo) -> ssl.SSLContext:
    ours = OurCertificate(certificate=told.certificate, key=told.key or told.certificate) if told.certificate else None
    return client_context(told.ca, ours)


def _folder(place: str, path: Path) -> Path:
    if not path.is_dir():
        raise SettingsRefused(f"{place} file: the folder does not exist")
    return path
