"""A mail read: medical files in it by their own readers, else an ordinary letter; a sealed mail is left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Protocol

from gateway.document import Finding, Reading
from gateway.parsers.charsets import decode_declared, iana
from gateway.parsers.detect import Format, detect
from gateway.parsers.flowed import unflowed
from gateway.parsers.html_text import plain
from gateway.parsers.mime_files import attach, safe_name
from gateway.parsers.mime_leaf import Leaf, leaves_of, piece_of
from gateway.parsers.mime_letter import Found, letter, with_documents
from gateway.parsers.mime_parts import Part, take_apart
from gateway.parsers.mime_sealed import sealed_as
from gateway.parsers.remarks import error, warning
from gateway.parsers.tnef import is_tnef, unpack


class ReadPart(Protocol):
    """The reader of an attachment: its bytes, the sender's name for them, and the mail's other files by bare name."""

    def __call__(self, content: bytes, name: str, *, drop: Mapping[str, bytes], found: Format) -> Reading:
        """Read what is in the format ``found``, or give a reading with the error that refuses it."""


_Reader = Callable[..., Reading]
_READ = {Format.HPRIM_MEDECIN, Format.HPRIM_SANTE, Format.HL7V2, Format.CDA, Format.XDM}
_RECEIPTS = {"delivery-status", "disposition-notification", "feedback-report"}


def read_mime(content: bytes, read_part: ReadPart) -> Reading:
    """The documents of a mail; raises :class:`UnreadableDocument` past the limits of promises.md §2 (rows 16 to 18).

    Attachments that are HPRIM, HL7 v2, CDA or XDM are read by ``read_part`` and keep their bytes; those of a
    winmail.dat and of a mail inside the mail too. A mail that is sealed as a whole gives ``already_sealed`` with how
    in ``variant`` (``smime-signed``, ``smime-encrypted``, ``openpgp-signed``, ``openpgp-encrypted``): signed alone is
    not confidential.
    """
    mail = take_apart(content)
    sealed = sealed_as(mail)
    if isinstance(sealed, str):
        return Reading(format="mime", variant=sealed, already_sealed=True)
    refused = (sealed,) if sealed else tuple(_not_a_letter(mail))
    if refused:
        return Reading(format="mime", findings=refused)
    found = Found()
    leaves = list(leaves_of(mail, content))
    files = {safe_name(leaf.name): leaf.content for leaf in leaves if leaf.name and leaf.content}
    for leaf in leaves:
        _take(leaf, found, partial(read_part, drop=files))
    findings = (
        *_header_findings(mail),
        *(finding for part in mail.walk() for finding in part.findings),
        *found.findings,
    )
    if found.readings:
        return with_documents(found, findings)
    return letter(mail, content, found, findings)


def _not_a_letter(mail: Part) -> Iterator[Finding]:
    if mail.content_type == "multipart/report" and mail.parameter("report-type") in _RECEIPTS:
        yield error(
            "mail-is-receipt",
            "Content-Type",
            "delivery report or receipt, not a letter: receipts have a mailbox of their own",
        )
    elif mail.header("auto-submitted").lower().startswith("auto-replied"):
        yield error("mail-is-automatic", "Auto-Submitted", "automatic answer, not a letter")
    elif piece := piece_of(mail):
        yield piece


def _take(leaf: Leaf, found: Found, read_part: _Reader) -> None:
    found.findings += leaf.findings
    if not leaf.content:
        return
    if is_tnef(leaf.content):
        _take_tnef(leaf, found, read_part)
        return
    kind = detect(leaf.content, leaf.name)
    if kind in _READ and leaf.content_type != "text/html":
        reading = read_part(leaf.content, leaf.name, found=kind)
        found.readings.append(reading)
        found.findings += [replace(one, place=f"{leaf.place}: {one.place}") for one in reading.findings]
    elif leaf.is_words:
        _write(leaf, found)
    else:
        attach(leaf, kind, found)


def _write(leaf: Leaf, found: Found) -> None:
    decoded = decode_declared(leaf.content, leaf.charset)
    text = decoded.text.replace("\r\n", "\n").replace("\r", "\n")
    if leaf.content_type == "text/html":
        text = plain(text)
    elif leaf.flowed:
        text = unflowed(text, delsp=leaf.delsp)
    found.findings += [replace(one, place=f"{leaf.place}: {one.place}") for one in decoded.findings]
    found.charset = found.charset or iana(decoded.charset)
    if text.strip():
        found.texts.append(text.strip("\n").rstrip())


def _take_tnef(leaf: Leaf, found: Found, read_part: _Reader) -> None:
    """A winmail.dat: its files as those of the mail; its words only where the mail itself has none."""
    unpacked = unpack(leaf.content, leaf.place)
    found.findings += unpacked.findings
    if unpacked.text and not found.texts:
        found.texts.append(unpacked.text)
    elif unpacked.rtf and not found.texts:
        place = f"{leaf.place} winmail.dat"
        words = "the words of the mail are RTF inside winmail.dat: they go on as a file"
        found.findings.append(warning("tnef-rtf", place, words))
        content_type, name = "application/rtf", "message.rtf"
        attach(Leaf(place=place, content_type=content_type, name=name, content=unpacked.rtf), Format.UNKNOWN, found)
    for file in unpacked.files:
        inner = Leaf(
            place=f"{leaf.place} winmail.dat", content_type=file.media_type, name=file.name, content=file.content,
            attached=True,
        )  # fmt: skip
        if is_tnef(file.content):
            attach(inner, Format.UNKNOWN, found)
        else:
            _take(inner, found, read_part)


def _header_findings(mail: Part) -> Iterator[Finding]:
    names = [name for name, _ in mail.headers]
    for name in ("from", "subject", "date", "message-id", "to"):
        if names.count(name) > 1:
            yield warning(
                "mail-field-twice", name.capitalize(), "the field stands more than once: the first one counts"
            )
