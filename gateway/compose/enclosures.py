"""Which files go with the text for one addressee, in the forms that his software reads, and what they do not carry.

Two promises hold for every mail. What was handed in is in it byte for byte: in a form asked for, else attached all
the same, a CDA inside MSSanté in an XDM archive (ECO.2.1.1 asks for one), anything else as the file it is. And what
a converted form has no place for is named in the text.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.compose import cda_n1, hprim
from gateway.compose.body import Told, introduction
from gateway.compose.cda_header import read_header
from gateway.compose.dispatch import Dispatch
from gateway.compose.hprim_header import can_be_written
from gateway.compose.losses import Loss, Target, Why, Written, without_repeats
from gateway.compose.metadata import Entry
from gateway.compose.mime import Part, charset_of, safe_media_type
from gateway.compose.names import Names, safe_name, stem
from gateway.compose.xdm import ARCHIVE, archive, holds
from gateway.document import Attachment, Document
from gateway.letter import Form

PDF = "application/pdf"
_FILES = {
    "cda": (".xml", "text/xml"),
    "hl7v2": (".hl7", "application/octet-stream"),
    "hprim-medecin": (".hpr", "text/plain"),
    "hprim-sante": ("_hprim-sante.txt", "text/plain"),
    "text": (".txt", "text/plain"),
    "xdm": (".zip", "application/zip"),
}
"""``.hpr`` is for HPRIM Médecin alone: practice software would import anything of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosures:
    """The files, the HPRIM record when it is the body, and what the headers must say about an archive."""

    files: tuple[Part, ...] = field(repr=False)
    record: Part | None = field(repr=False)
    has_xdm: bool
    codes: tuple[str, ...]
    labels: tuple[str, ...] = field(repr=False)
    losses: tuple[Loss, ...]
    untold: bool
    """The record that is the body came from outside and cannot say what goes with it: covering words, losses."""


def enclose(dispatch: Dispatch, told: Told) -> Enclosures:
    """All files of the letter, HPRIM records with the documents as ``told``.

    ``UnreadableDocument`` when a CDA that must be wrapped is none.
    """
    collected = _Collection(dispatch)
    for document, lines in zip(dispatch.documents, told, strict=True):
        collected.add(document, lines)
    return collected.closed()


class _Collection:
    """Takes the documents one after the other; each content once, each name once."""

    def __init__(self, dispatch: Dispatch) -> None:
        self._dispatch = dispatch
        self._names = Names()
        self._files: list[Part] = []
        self._record: Part | None = None
        self._entries: list[Entry] = []
        self._archives: list[bytes] = [dispatch.archive] if dispatch.archive else []
        self._losses: list[Loss] = []

    def add(self, document: Document, lines: list[str]) -> None:
        """One document: its PDF, its HPRIM, its CDA, its other files, then what is still missing of it."""
        name = stem(self._dispatch, document)
        pdfs = self._pdfs(document, name)
        self._hprim(document, name, lines)
        self._xdm(document, pdfs)
        for other in document.attachments:
            if not _is_pdf(other) and not self._is_packed(other.content):
                self._attach(other)
        self._original(document, name)

    def closed(self) -> Enclosures:
        """Everything, with the archive built around the CDA that were collected."""
        dispatch, zips = self._dispatch, list(self._archives)
        if self._entries:
            zips.append(archive(dispatch, tuple(self._entries)))
        packed = [Part(content=one, media_type="application/zip", name=self._names.take(ARCHIVE)) for one in zips]
        inside = [one for one in dispatch.documents if dispatch.archive or one.original.format == "xdm"]
        return Enclosures(
            files=(*self._files, *packed),
            record=self._record,
            has_xdm=bool(packed),
            codes=tuple(filter(None, (*(one.kind.loinc or "" for one in inside), *(e.code for e in self._entries)))),
            labels=(*(one.kind.label for one in inside), *(entry.label for entry in self._entries)),
            losses=without_repeats(self._losses),
            untold=self._is_untold(),
        )

    def _is_untold(self) -> bool:
        originals = [one.original.content for one in self._dispatch.documents if one.original.format == "hprim-medecin"]
        if self._record is None or self._record.content not in originals:
            return False
        return bool(self._losses or introduction(self._dispatch) or len(self._dispatch.documents) > 1)

    def _pdfs(self, document: Document, name: str) -> list[bytes]:
        pdfs = [one.content for one in document.attachments if _is_pdf(one)]
        if document.original.format == "pdf" and all(document.original.content != pdf for pdf in pdfs):
            pdfs.insert(0, document.original.content)
        if not pdfs and self._wants_pdf(document):
            pdfs = [self._rendered(document)]
        for pdf in pdfs:
            self._file(pdf, PDF, self._pdf_name(document, name, pdf))
        return pdfs

    @staticmethod
    def _pdf_name(document: Document, name: str, pdf: bytes) -> str:
        if document.patient is not None:
            return f"{name}.pdf"
        stated = next((one.name for one in document.attachments if one.content is pdf), "")
        return safe_name(stated, f"{name}.pdf")

    def _wants_pdf(self, document: Document) -> bool:
        # ECO.2.1.1: inside MSSanté the archive never goes without the same documents as PDF.
        beside = self._dispatch.in_mssante and self._wants_xdm(document)
        return document.patient is not None and (Form.PDF in self._dispatch.forms or beside)

    def _rendered(self, document: Document) -> bytes:
        from gateway.compose.pdf import render  # noqa: PLC0415 - typst only when a page is needed

        return self._kept(render(self._dispatch, document))

    def _hprim(self, document: Document, name: str, lines: list[str]) -> None:
        forms = self._dispatch.forms
        if not forms & {Form.HPRIM_BODY, Form.HPRIM_ATTACHED}:
            return
        content = self._hprim_record(document, lines)
        if content is None:
            return
        if Form.HPRIM_BODY in forms and self._record is None:
            self._record = Part(content=content, media_type="text/plain", charset=hprim.charset(document, content))
        if Form.HPRIM_ATTACHED in forms or (self._record is not None and self._record.content != content):
            self._file(content, "text/plain", f"{name}.hpr", charset=hprim.charset(document, content))

    def _hprim_record(self, document: Document, lines: list[str]) -> bytes | None:
        if document.original.format == "hprim-medecin":
            return document.original.content
        if document.patient is None:
            return None
        if not can_be_written(document):
            self._lost(Target.HPRIM, Why.NOT_MADE, "identity-missing", "patient")
            return None
        cover = introduction(self._dispatch) if document is self._dispatch.documents[0] else []
        return self._kept(hprim.write(self._dispatch, document, [*cover, *lines]))

    def _kept(self, written: Written) -> bytes:
        self._losses += written.losses
        return written.content

    def _lost(self, target: Target, why: Why, code: str, place: str) -> None:
        self._losses.append(Loss(target=target, why=why, code=code, place=place))

    def _wants_xdm(self, document: Document) -> bool:
        forms, kind = self._dispatch.forms, document.original.format
        if kind == "xdm" or self._dispatch.archive:
            return True
        if Form.XDM in forms:
            return kind == "cda" or cda_n1.can_be_made(document)
        return kind == "cda" and self._dispatch.in_mssante and Form.ORIGINAL not in forms

    def _xdm(self, document: Document, pdfs: list[bytes]) -> None:
        original = document.original
        if not self._wants_xdm(document):
            if Form.XDM in self._dispatch.forms and document.patient is not None:
                self._lost(Target.XDM, Why.NOT_MADE, "kind-missing", "kind.loinc")
        elif self._dispatch.archive:
            return  # it came packed and goes on as it is
        elif original.format == "xdm":
            if original.content not in self._archives:
                self._archives.append(original.content)
        elif original.format == "cda":
            self._entry(document, original.content)
        else:
            pdf = pdfs[0] if pdfs else self._rendered(document)
            self._entry(document, self._kept(cda_n1.cda_n1(self._dispatch, document, pdf)))

    def _entry(self, document: Document, content: bytes) -> None:
        if all(entry.content != content for entry in self._entries):
            header = read_header(content)
            self._entries.append(Entry(content=content, header=header, document=document))

    def _original(self, document: Document, name: str) -> None:
        original = document.original
        if original.format not in _FILES or not original.content or self._carries(original.content):
            return
        ending, media_type = _FILES[original.format]
        self._file(original.content, media_type, name + ending)

    def _carries(self, content: bytes) -> bool:
        held = [file.content for file in self._files]
        held += [entry.content for entry in self._entries] if Form.ORIGINAL not in self._dispatch.forms else []
        held += [self._record.content] if self._record is not None else []
        return content in held or content in self._archives or self._is_packed(content)

    def _is_packed(self, content: bytes) -> bool:
        return any(holds(packed, content) for packed in self._archives)

    def _attach(self, other: Attachment) -> None:
        media_type = safe_media_type(other.media_type)
        charset = charset_of(other.content) if media_type.startswith("text/") and not _is_xml(media_type) else ""
        self._file(other.content, media_type, safe_name(other.name, "document.bin"), charset=charset)

    def _file(self, content: bytes, media_type: str, name: str, *, charset: str = "") -> None:
        if all(content != file.content for file in self._files):
            told = charset or (charset_of(content) if media_type == "text/plain" else "")
            taken = self._names.take(name)
            self._files.append(Part(content=content, media_type=media_type, charset=told, name=taken))


def _is_pdf(attachment: Attachment) -> bool:
    return attachment.media_type.partition(";")[0].strip().lower() == PDF


def _is_xml(media_type: str) -> bool:
    return media_type.endswith(("/xml", "+xml"))
