"""Files inside a CDA: the PDF that is its whole body, and those that its entries carry (observationMedia)."""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree

from gateway.document import Attachment, Finding
from gateway.parsers.cda.elements import V3, child, words
from gateway.parsers.payload import check_pdf, decode_base64
from gateway.parsers.pdf import conformance_of
from gateway.parsers.remarks import error, warning

_EXTENSIONS = {
    "application/pdf": "pdf",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/tiff": "tif",
    "image/gif": "gif",
    "text/plain": "txt",
    "text/rtf": "rtf",
}
_MAX_FILES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """The files of a CDA, the text of a body that is plain text, and what was wrong with any of them."""

    attachments: tuple[Attachment, ...] = ()
    text: str = field(repr=False, default="")
    findings: tuple[Finding, ...] = ()


def media_of(root: etree._Element) -> Media:
    """All files, the body's first; a body that cannot be had is an error, so is any PDF that was cut."""
    attachments: list[Attachment] = []
    findings: list[Finding] = []
    text = ""
    for element, place in _elements(root):
        if element.get("representation") != "B64" and element.get("mediaType", "text/plain") == "text/plain":
            text = text or words(element)
            continue
        found = _file(element, place, len(attachments) + 1)
        if isinstance(found, Attachment):
            attachments.append(found)
            findings.extend(check_pdf(found.content, place) if found.media_type == "application/pdf" else ())
        else:
            findings.append(found)
    return Media(attachments=tuple(attachments), text=text, findings=tuple(findings))


def _elements(root: etree._Element) -> list[tuple[etree._Element, str]]:
    body = child(root, "component", "nonXMLBody", "text")
    found = [] if body is None else [(body, "nonXMLBody/text")]
    for index, media in enumerate(root.iter(V3 + "observationMedia"), start=1):
        value = child(media, "value")
        if value is not None and index <= _MAX_FILES:
            found.append((value, f"observationMedia[{index}]/value"))
    return found


def _file(element: etree._Element, place: str, number: int) -> Attachment | Finding:
    media_type = element.get("mediaType", "application/octet-stream").strip().lower()
    if child(element, "reference") is not None:
        return warning(
            "media-elsewhere", place, "the file is only referred to; it is not fetched: put it into the document"
        )
    if element.get("compression"):
        return error("media-compressed", place, "the file is compressed inside the CDA; put it in as it is (CI-SIS)")
    if element.get("representation") != "B64":
        return error("media-not-base64", place, "a file must have representation B64; encode it so", media_type[:80])
    content = decode_base64("".join(map(str, element.itertext())).encode(), place)
    if isinstance(content, Finding):
        return content
    suffix = "" if number == 1 else f"-{number}"
    name = f"document{suffix}.{_EXTENSIONS.get(media_type, 'bin')}"
    claim = conformance_of(content) if media_type == "application/pdf" else ""
    return Attachment(name=name, media_type=media_type, content=content, conformance=claim)
