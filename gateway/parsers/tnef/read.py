"""A winmail.dat taken apart: the words and the files of the mail in it, also of mails inside that one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gateway.document import Finding
from gateway.parsers.charsets import decode, decode_declared
from gateway.parsers.html_text import plain
from gateway.parsers.remarks import error, note, warning
from gateway.parsers.tnef import properties as mapi
from gateway.parsers.tnef.properties import Property
from gateway.parsers.tnef.rtf import decompressed
from gateway.parsers.tnef.stream import SIGNATURE, Attribute, DamagedTnef, attributes

MOST_FILES = 200
_MOST_LEVELS = 5

_MESSAGE_CLASS = 0x00078008
_BODY = 0x0002800C
_OEM_CODEPAGE = 0x00069007
_MAPI = 0x00069003
_ATTACH_REND = 0x00069002
_ATTACH_TITLE = 0x00018010
_ATTACH_DATA = 0x0006800F
_ATTACH_MAPI = 0x00069005
_INSIDE = b"\x07\x03\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46"
"""IID_IMessage before an attachment that is a mail itself (MS-OXTNEF §2.1.3.3.15)."""
_CODEPAGES = {437: "cp437", 850: "cp850", 858: "cp858", 1250: "cp1250", 1252: "cp1252", 1254: "cp1254",
              10000: "mac-roman", 20127: "ascii", 28591: "iso8859-1", 28605: "iso8859-15", 65001: "utf-8"}  # fmt: skip
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,60}")
_SEALED = re.compile(rb"(?i)smime")
_SEALED_TYPES = {"multipart/signed", "application/pkcs7-mime", "application/x-pkcs7-mime", "multipart/encrypted"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapped:
    """A file of the mail; its bytes are exactly those that the sender attached."""

    name: str = field(repr=False)
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """All there is in a winmail.dat: words as text, or else as RTF, and files."""

    text: str = field(repr=False, default="")
    rtf: bytes = field(repr=False, default=b"")
    files: tuple[Wrapped, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(slots=True, kw_only=True)
class _Open:
    """One mail while its attributes are read; ``files`` and ``findings`` are shared with the mails inside."""

    place: str
    level: int
    files: list[Wrapped]
    findings: list[Finding]
    codepage: str = ""
    text: str = ""
    html: str = ""
    rtf: bytes = b""
    title: str = ""
    content: bytes | None = None
    tagged: dict[int, Property] = field(default_factory=dict)
    damaged: bool = False
    below: list[str] = field(default_factory=list)

    def said(self) -> str:
        """Its own words, from HTML where it has no plain ones, then those of the mails inside it."""
        own = self.text if self.text.strip() else plain(self.html)
        lines = own.replace("\r\n", "\n").replace("\r", "\n").strip("\n").rstrip()
        return "\n\n".join(filter(None, (lines, *self.below)))


def is_tnef(content: bytes) -> bool:
    """Whether the bytes open as a TNEF stream does."""
    return content.startswith(SIGNATURE)


def unpack(content: bytes, place: str) -> Unpacked:
    """What is in it. Never raises: a stream that stops in the middle is an error finding and gives nothing.

    A mail that Outlook signed or encrypted before wrapping is an error too: its seal cannot be kept.
    """
    mail = _Open(place=place, level=0, files=[], findings=[])
    try:
        _read(content, mail)
    except DamagedTnef as damage:
        message = f"winmail.dat cannot be taken apart: it {damage}; send the mail as plain text or HTML"
        return Unpacked(findings=(error("tnef-damaged", place, message),))
    if mail.damaged:
        mail.findings.append(note("tnef-checksum", place, "a checksum in winmail.dat is wrong; its content was whole"))
    return Unpacked(text=mail.said(), rtf=mail.rtf, files=tuple(mail.files), findings=tuple(mail.findings))


def _read(content: bytes, mail: _Open) -> None:
    if not is_tnef(content):
        raise DamagedTnef("does not begin as one")
    for attribute in attributes(content):
        mail.damaged = mail.damaged or not attribute.intact
        if attribute.id == _ATTACH_REND:
            _close(mail)
            mail.content = b""
        elif mail.content is not None:
            _of_file(attribute, mail)
        else:
            _of_mail(attribute, mail)
    _close(mail)


def _of_mail(attribute: Attribute, mail: _Open) -> None:
    if attribute.id == _OEM_CODEPAGE:
        mail.codepage = _codepage(attribute.data)
    elif attribute.id == _BODY:
        mail.text = mail.text or _string(bytes(attribute.data), mail)
    elif attribute.id == _MAPI:
        _body(attribute.data, mail)
    elif attribute.id == _MESSAGE_CLASS and _SEALED.search(bytes(attribute.data)):
        _sealed(mail)


def _body(data: memoryview, mail: _Open) -> None:
    """Words as text, as HTML, or as RTF: Outlook writes one of the three."""
    found = {one.id: one for one in mapi.properties(data)}
    page = _codepage(found[mapi.INTERNET_CODEPAGE].data) if mapi.INTERNET_CODEPAGE in found else mail.codepage
    if body := found.get(mapi.BODY):
        mail.text = mail.text or _value(body, mail)
    if body := found.get(mapi.BODY_HTML):
        mail.html = _value(body, mail) if body.type != mapi.BINARY else _decoded(bytes(body.data), page).rstrip("\0")
    if body := found.get(mapi.RTF_COMPRESSED):
        mail.rtf = decompressed(bytes(body.data))


def _of_file(attribute: Attribute, mail: _Open) -> None:
    if attribute.id == _ATTACH_TITLE:
        mail.title = _string(bytes(attribute.data), mail)
    elif attribute.id == _ATTACH_DATA:
        mail.content = bytes(attribute.data)
    elif attribute.id == _ATTACH_MAPI:
        mail.tagged |= {one.id: one for one in mapi.properties(attribute.data)}


def _close(mail: _Open) -> None:
    """The file whose attributes are all read joins the others; a mail inside gives its words and files."""
    if mail.content is None:
        return
    content, tagged = mail.content, mail.tagged
    name = _named(tagged, mail)
    mail.content, mail.tagged, mail.title = None, {}, ""
    if not content and mapi.ATTACH_DATA in tagged:
        content = bytes(tagged[mapi.ATTACH_DATA].data)
    if content.startswith(_INSIDE):
        if is_tnef(content[len(_INSIDE) :]):
            _inside(content[len(_INSIDE) :], mail)
            return
        message = "an Office object in the mail (OLE) is left out: attach it as a file"
        mail.findings.append(warning("tnef-object", mail.place, message))
        return
    if len(mail.files) >= MOST_FILES:
        raise DamagedTnef(f"holds more than {MOST_FILES} files")
    media_type = _value(tagged[mapi.ATTACH_MIME_TAG], mail).lower() if mapi.ATTACH_MIME_TAG in tagged else ""
    if media_type in _SEALED_TYPES:
        _sealed(mail)
    known = media_type if _MEDIA_TYPE.fullmatch(media_type) else "application/octet-stream"
    mail.files.append(Wrapped(name=name, media_type=known, content=content))


def _named(tagged: dict[int, Property], mail: _Open) -> str:
    """The long name before the short one; whoever saves it must not take it for a path."""
    for number in (mapi.ATTACH_LONG_FILENAME, mapi.ATTACH_FILENAME, mapi.DISPLAY_NAME):
        if number in tagged and (name := _value(tagged[number], mail)):
            return name
    return mail.title


def _inside(content: bytes, mail: _Open) -> None:
    if mail.level >= _MOST_LEVELS:
        raise DamagedTnef(f"holds mails more than {_MOST_LEVELS} levels deep")
    inner = _Open(place=mail.place, level=mail.level + 1, files=mail.files, findings=mail.findings)
    _read(content, inner)
    mail.below.append(inner.said())
    mail.rtf, mail.damaged = mail.rtf or inner.rtf, mail.damaged or inner.damaged


def _sealed(mail: _Open) -> None:
    message = "a signed or encrypted mail inside winmail.dat: send it from Outlook in the S/MIME format, not wrapped"
    mail.findings.append(error("tnef-sealed", mail.place, message))


def _value(one: Property, mail: _Open) -> str:
    if one.type == mapi.UNICODE:
        return bytes(one.data).decode("utf-16-le", "replace").rstrip("\0")
    return _string(bytes(one.data), mail) if one.type in {mapi.STRING, mapi.BINARY} else ""


def _string(data: bytes, mail: _Open) -> str:
    return _decoded(data.rstrip(b"\0"), mail.codepage)


def _decoded(data: bytes, codepage: str) -> str:
    return decode_declared(data, codepage).text if codepage else decode(data).text


def _codepage(data: memoryview) -> str:
    return _CODEPAGES.get(int.from_bytes(data[:4], "little"), "")
