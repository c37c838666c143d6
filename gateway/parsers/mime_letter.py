"""The reading of a mail from what was found in it: its medical documents with their covering words, or a letter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parseaddr, parsedate_to_datetime
from zoneinfo import ZoneInfo

from gateway.document import Attachment, Document, Finding, Kind, Original, Professional, Reading, Wishes
from gateway.parsers.mime_header import clean
from gateway.parsers.mime_parts import Part
from gateway.parsers.remarks import error, warning
from gateway.parsers.split import same_patient


@dataclass(slots=True, kw_only=True)
class Found:
    """What the leaves of a mail amount to while they are walked."""

    texts: list[str] = field(default_factory=list)
    charset: str = ""
    attachments: list[Attachment] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def with_documents(found: Found, findings: Sequence[Finding]) -> Reading:
    """Medical files found: the mail's own words and other files go with them only while one patient is concerned."""
    documents = [document for reading in found.readings for document in reading.documents]
    first = found.readings[0]
    more: list[Finding] = list(_shared(documents, found.attachments))
    cover = "\n\n".join(found.texts)
    named = {_file(file) for document in documents for file in document.attachments}
    others = tuple(file for file in found.attachments if _file(file) not in named)
    if documents and (cover or others):
        if all(same_patient(documents[0].patient, document.patient) for document in documents[1:]):
            documents[0] = _covered(documents[0], cover, others)
        elif others:
            more.append(
                error(
                    "attachments-whose",
                    "mail",
                    "files about several patients beside other files: whose these are cannot be told",
                )
            )
        else:
            more.append(
                warning("cover-left-out", "mail", "the covering words of a mail about several patients are not sent on")
            )
    modes = {reading.processing for reading in found.readings if reading.processing}
    return Reading(
        format="mime",
        variant=" + ".join(dict.fromkeys(f"{reading.format} {reading.variant}".strip() for reading in found.readings)),
        charset=found.charset or first.charset,
        documents=tuple(documents),
        movements=tuple(movement for reading in found.readings for movement in reading.movements),
        findings=(*findings, *more),
        processing=next((mode for mode in ("D", "T", "P") if mode in modes), next(iter(modes), None)),
        control_id=first.control_id,
    )


def _file(file: Attachment) -> tuple[str, bytes]:
    return file.name, file.content


def _shared(documents: Sequence[Document], files: Sequence[Attachment]) -> Iterator[Finding]:
    """A file that the documents of two patients name (HPRIM Santé ``FIC``): whose it is cannot be told."""
    for name in map(_file, files):
        owners = [one.patient for one in documents if name in map(_file, one.attachments)]
        if any(not same_patient(owners[0], other) for other in owners[1:]):
            words = "two patients' results name the same file: whose it is cannot be told"
            yield error("attachments-whose", "mail", words)


def _covered(document: Document, cover: str, attachments: tuple[Attachment, ...]) -> Document:
    words = "\n\n".join(part for part in (document.wishes.body_for_professionals, cover) if part)
    wishes = replace(document.wishes, body_for_professionals=words)
    return replace(document, wishes=wishes, attachments=(*document.attachments, *attachments))


def letter(mail: Part, content: bytes, found: Found, findings: Sequence[Finding]) -> Reading:
    """A letter written by a secretary: kind and patient unknown, still signed, sealed, followed and timed."""
    if not found.texts and not found.attachments:
        return Reading(
            format="mime", findings=(*findings, error("mail-empty", "mail", "neither a text nor a file in the mail"))
        )
    document = Document(
        kind=Kind(loinc=None, label="Courrier"),
        original=Original(format="mime", content=content, media_type="message/rfc822"),
        author=_author(mail),
        written_at=_date(mail.header("date")),
        title=mail.header("subject"),
        text="\n\n".join(found.texts),
        attachments=tuple(found.attachments),
        urgent=mail.header("importance").lower() == "high" or mail.header("x-priority")[:1] in {"1", "2"},
        wishes=_wishes(mail),
    )
    return Reading(format="mime", charset=found.charset, documents=(document,), findings=tuple(findings))


def _author(mail: Part) -> Professional | None:
    name, address = _address(mail.header("from"))
    return Professional(organisation=name, telecom=(address,)) if name or address else None


def _wishes(mail: Part) -> Wishes:
    reply_to = _address(mail.header("reply-to"))[1] or None
    return Wishes(reply_to=reply_to, acknowledge_reading=True if mail.header("disposition-notification-to") else None)


def _address(text: str) -> tuple[str, str]:
    """One address with its name; ``email`` raises on some (traps.md, row 11) and is slow on long lists."""
    try:
        name, address = parseaddr(text[:1000])
    except (ValueError, IndexError, AttributeError, RecursionError):
        return "", ""
    return clean(name), address if "@" in address else ""


def _date(text: str) -> datetime | None:
    try:
        read = parsedate_to_datetime(text[:100])
        aware = read if read.tzinfo else read.replace(tzinfo=ZoneInfo("Europe/Paris"))
        return aware.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
