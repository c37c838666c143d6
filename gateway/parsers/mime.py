"""A mail read: medical files in it by their own readers, else an ordinary letter; a sealed mail is left alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parseaddr, parsedate_to_datetime
from zoneinfo import ZoneInfo

from gateway.document import Attachment, Document, Finding, Kind, Original, Professional, Reading, Wishes
from gateway.parsers.charsets import decode_declared, iana
from gateway.parsers.detect import Format, detect
from gateway.parsers.html_text import plain
from gateway.parsers.mime_header import clean
from gateway.parsers.mime_parts import Part, take_apart
from gateway.parsers.mime_sealed import sealed_as
from gateway.parsers.pdf import pdf_findings
from gateway.parsers.remarks import error, note, warning
from gateway.parsers.split import same_patient

ReadPart = Callable[[bytes, str], Reading]
"""The reader of an attachment: bytes and the sender's name for them."""

_READ = {Format.HPRIM_MEDECIN, Format.HPRIM_SANTE, Format.HL7V2, Format.CDA, Format.XDM}
_RECEIPTS = {"delivery-status", "disposition-notification", "feedback-report"}
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_RESERVED = re.compile(r"(?i)(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")
_LONGEST_NAME = 150


@dataclass(slots=True, kw_only=True)
class _Found:
    """What the parts amount to while they are walked."""

    texts: list[str] = field(default_factory=list)
    charset: str = ""
    attachments: list[Attachment] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def read_mime(content: bytes, read_part: ReadPart) -> Reading:
    """The documents of a mail; raises :class:`UnreadableDocument` past the limits of promises.md §2 (rows 16 to 18).

    Attachments that are HPRIM, HL7 v2, CDA or XDM are read by ``read_part`` and keep their bytes. A mail that is
    sealed as a whole gives ``already_sealed`` with how in ``variant`` (``smime-signed``, ``smime-encrypted``,
    ``openpgp-signed``, ``openpgp-encrypted``): signed alone is not confidential.
    """
    mail = take_apart(content)
    sealed = sealed_as(mail)
    if isinstance(sealed, str):
        return Reading(format="mime", variant=sealed, already_sealed=True)
    refused = (sealed,) if sealed else tuple(_not_a_letter(mail))
    if refused:
        return Reading(format="mime", findings=refused)
    found = _Found()
    for part in _shown(mail):
        _take(part, found, read_part)
    findings = (
        *_header_findings(mail),
        *(finding for part in mail.walk() for finding in part.findings),
        *found.findings,
    )
    if found.readings:
        return _with_documents(mail, found, findings)
    return _letter(mail, content, found, findings)


def _not_a_letter(mail: Part) -> Iterator[Finding]:
    if mail.content_type == "multipart/report" and mail.parameter("report-type") in _RECEIPTS:
        yield error(
            "mail-is-receipt",
            "Content-Type",
            "delivery report or receipt, not a letter: receipts have a mailbox of their own",
        )
    elif mail.header("auto-submitted").lower().startswith("auto-replied"):
        yield error("mail-is-automatic", "Auto-Submitted", "automatic answer, not a letter")


def _shown(part: Part) -> Iterator[Part]:
    """The leaves to read; of alternatives the plain text, else the HTML, and whatever is no rendering of the text."""
    if not part.children:
        yield part
        return
    leaves = [leaf for child in part.children for leaf in _shown(child)]
    if part.content_type == "multipart/alternative":
        plains = [leaf for leaf in leaves if leaf.content_type == "text/plain" and leaf.disposition != "attachment"]
        written = any(leaf.content()[0].strip() for leaf in plains)
        dropped = "text/html" if written else "text/plain"
        leaves = [leaf for leaf in leaves if leaf.content_type != dropped or leaf.disposition == "attachment"]
    yield from leaves


def _take(part: Part, found: _Found, read_part: ReadPart) -> None:
    content, remarks = part.content()
    found.findings += remarks
    if not content:
        return
    kind = detect(content, part.name)
    inline = part.content_type in {"text/plain", "text/html"} and part.disposition != "attachment" and not part.name
    if kind in _READ and part.content_type != "text/html":
        reading = read_part(content, part.name)
        found.readings.append(reading)
        found.findings += [replace(finding, place=f"part {part.path}: {finding.place}") for finding in reading.findings]
    elif inline:
        _write(part, content, found)
    else:
        _attach(part, content, kind, found)


def _write(part: Part, content: bytes, found: _Found) -> None:
    decoded = decode_declared(content, part.charset)
    text = (
        plain(decoded.text)
        if part.content_type == "text/html"
        else decoded.text.replace("\r\n", "\n").replace("\r", "\n")
    )
    found.findings += [replace(finding, place=f"part {part.path}: {finding.place}") for finding in decoded.findings]
    found.charset = found.charset or iana(decoded.charset)
    if text.strip():
        found.texts.append(text.strip("\n").rstrip())


def _attach(part: Part, content: bytes, kind: Format, found: _Found) -> None:
    name, place = safe_name(part.name), f"part {part.path}"
    if name != part.name:
        found.findings.append(
            note("attachment-name", place, "file name that could be a path or a disguise: changed", ascii(part.name))
        )
    media_type = "application/pdf" if kind is Format.PDF else part.content_type
    if media_type == "application/pdf":
        found.findings += pdf_findings(content, place)
    if part.content_type == "application/ms-tnef":
        found.findings.append(warning("attachment-tnef", place, "winmail.dat: only Outlook can open it"))
    found.attachments.append(Attachment(name=name or f"part-{part.path}", media_type=media_type, content=content))


def safe_name(name: str) -> str:
    """The last step of what may be a path, without control or direction characters (promises.md §2, row 21)."""
    last = _UNSAFE.sub("", name).replace("\\", "/").rpartition("/")[2].strip(" .")
    last = re.sub(r'[<>:"|?*]', "_", last)
    if _RESERVED.fullmatch(last):
        last = f"_{last}"
    stem, dot, ending = last.rpartition(".")
    return last if len(last) <= _LONGEST_NAME else (stem or last)[: _LONGEST_NAME - 12] + dot + ending[:10]


def _header_findings(mail: Part) -> Iterator[Finding]:
    names = [name for name, _ in mail.headers]
    for name in ("from", "subject", "date", "message-id", "to"):
        if names.count(name) > 1:
            yield warning(
                "mail-field-twice", name.capitalize(), "the field stands more than once: the first one counts"
            )


def _with_documents(mail: Part, found: _Found, findings: Sequence[Finding]) -> Reading:
    """Medical files found: the mail's own words and other files go with them only while one patient is concerned."""
    documents = [document for reading in found.readings for document in reading.documents]
    first = found.readings[0]
    more: list[Finding] = []
    cover = "\n\n".join(found.texts)
    if documents and (cover or found.attachments):
        if all(same_patient(documents[0].patient, document.patient) for document in documents[1:]):
            documents[0] = _covered(documents[0], cover, tuple(found.attachments))
        elif found.attachments:
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


def _covered(document: Document, cover: str, attachments: tuple[Attachment, ...]) -> Document:
    words = "\n\n".join(part for part in (document.wishes.body_for_professionals, cover) if part)
    wishes = replace(document.wishes, body_for_professionals=words)
    return replace(document, wishes=wishes, attachments=(*document.attachments, *attachments))


def _letter(mail: Part, content: bytes, found: _Found, findings: Sequence[Finding]) -> Reading:
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
