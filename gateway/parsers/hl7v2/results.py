"""Lab results of a plain ORU^R01 (HL7 2.3–2.6): a title line per OBR, a line per OBX, notes beside their object."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from gateway.document import Attachment, Finding, Result
from gateway.parsers.hl7v2.embedded import embedded
from gateway.parsers.hl7v2.er7 import Segment
from gateway.parsers.payload import check_pdf, is_pdf
from gateway.parsers.remarks import note, warning

_NUMBER = r"[+-]?[0-9]+(?:[.,][0-9]+)?"
_NUMERIC = re.compile(rf"(?P<comparator><=|>=|<|>|≤|≥)?\s*(?P<value>{_NUMBER})")
_RANGE = re.compile(rf"\s*(?P<low>{_NUMBER})\s*(?:-|–|à|a)\s*(?P<high>{_NUMBER})\s*")
_BOUND = re.compile(rf"\s*(?P<side><=|>=|<|>|≤|≥)\s*(?P<value>{_NUMBER})\s*")
_BELOW = {"<", "<=", "≤"}
_LONG_TEXT = {"TX", "FT"}
_CODED = {"CE", "CWE", "CNE", "CF"}
_FILES = {"ED": "embedded", "RP": "pointer"}
_WITHDRAWN = {"D", "W", "X"}
_EXTENSIONS = {"jpeg": "jpg", "plain": "txt"}


class Report:
    """Results, files and free notes gathered segment by segment; ``results`` and the others are read at the end."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self.attachments: list[Attachment] = []
        self.notes: list[str] = []
        self._after: bytes = b""
        self._joinable: str | None = None

    def take(self, segment: Segment, findings: list[Finding]) -> None:
        """Add one OBR, OBX or NTE; other segments change nothing but what a note is about."""
        if segment.name == b"OBX":
            self._take_obx(segment, findings)
        elif segment.name == b"NTE":
            self._take_note(segment)
            return
        elif segment.name == b"OBR":
            self._joinable = None
            self.results.append(Result(label=_label(segment, 4), code=segment.get(4), status=segment.get(25)))
        self._after = segment.name

    def _take_obx(self, obx: Segment, findings: list[Finding]) -> None:
        kind = obx.get(2)
        if kind in _FILES:
            self._joinable = None
            self._take_file(obx, kind, findings)
            return
        result = read_result(obx, findings)
        key = f"{kind}|{result.code}|{result.label}" if kind in _LONG_TEXT else None
        if key and key == self._joinable:
            last = self.results[-1]
            self.results[-1] = replace(last, value=f"{last.value}\n{result.value}")
        else:
            self.results.append(result)
        self._joinable = key

    def _take_file(self, obx: Segment, kind: str, findings: list[Finding]) -> None:
        place = obx.place(5)
        content = embedded(obx) if kind == "ED" else b""
        if isinstance(content, Finding):
            findings.append(content)
        elif not content:
            words = "a document is only referred to (RP); it is not fetched: send it in OBX-5 as base64"
            findings.append(warning("document-elsewhere", place, words))
        else:
            self.attachments.append(_attachment(obx, content, len(self.attachments) + 1))
            findings.extend(check_pdf(content, place) if self.attachments[-1].media_type == "application/pdf" else ())

    def _take_note(self, nte: Segment) -> None:
        words = "\n".join(element.text for element in nte.elements(3))
        if self._after in {b"OBR", b"OBX"} and self.results:
            last = self.results[-1]
            self.results[-1] = replace(last, comment="\n".join(filter(None, (last.comment, words))))
        elif words:
            self.notes.append(words)


def read_result(obx: Segment, findings: list[Finding]) -> Result:
    """One OBX as a line of the report; values are as sent, but that a decimal comma becomes a point."""
    comparator, value, numeric = _value(obx, findings)
    low, high, words = _range(obx.element(7).text)
    status = obx.get(11)
    if status in _WITHDRAWN:
        message = f"OBX-11 is {status}: this result is withdrawn or cannot be had; it is shown with that status"
        findings.append(warning("result-withdrawn", obx.place(11), message))
    return Result(
        label=_label(obx, 3),
        code=obx.get(3),
        value=value,
        comparator=comparator,
        unit=obx.get(6) or obx.get(6, 2),
        low=low,
        high=high,
        flag=",".join(element.get() for element in obx.elements(8)),
        status=status,
        numeric=numeric,
        comment=f"Référence : {words}" if words else "",
    )


def _label(segment: Segment, number: int) -> str:
    """The name of a test or panel: the text of the code, the alternative text, else the code."""
    element = segment.element(number)
    return element.get(2) or element.get(5) or element.get(1)


def _value(obx: Segment, findings: list[Finding]) -> tuple[str | None, str, bool]:
    """Comparator, value and whether it is a number, by the type that OBX-2 states."""
    kind, element = obx.get(2), obx.element(5)
    if kind == "NM":
        return _numeric(obx, element.text, findings)
    if kind == "SN":
        return _structured(obx)
    if kind in _CODED:
        return None, "\n".join(_coded(obx)), False
    return None, "\n".join(one.text for one in obx.elements(5)), False


def _numeric(obx: Segment, text: str, findings: list[Finding]) -> tuple[str | None, str, bool]:
    found = _NUMERIC.fullmatch(text)
    if found is None:
        if text:
            words = "typed NM but not a number; it is passed on as text: send it as ST or SN"
            findings.append(warning("nm-not-a-number", obx.place(5), words))
        return None, text, False
    if "," in text:
        findings.append(note("decimal-comma", obx.place(5), "a decimal comma was read as a point", text))
    return found["comparator"], found["value"].replace(",", "."), True


def _structured(obx: Segment) -> tuple[str | None, str, bool]:
    """SN: comparator, number, separator or suffix, number (``^1^:^128``, ``^2^-^4``, ``^3^+``)."""
    element = obx.element(5)
    parts = [element.get(component).replace(",", ".") for component in (2, 3, 4)]
    return element.get(1) or None, "".join(parts), bool(re.fullmatch(_NUMBER, parts[0])) and not any(parts[1:])


def _coded(obx: Segment) -> Iterable[str]:
    return [element.get(2) or element.get(5) or element.get(1) for element in obx.elements(5)]


def _range(text: str) -> tuple[str, str, str]:
    """Low, high, and the words of a reference that is no range (OBX-7 is free text)."""
    if found := _RANGE.fullmatch(text):
        return found["low"].replace(",", "."), found["high"].replace(",", "."), ""
    if found := _BOUND.fullmatch(text):
        value = found["value"].replace(",", ".")
        return ("", value, "") if found["side"] in _BELOW else (value, "", "")
    return "", "", text


def _attachment(obx: Segment, content: bytes, number: int) -> Attachment:
    """A file whose type is what the bytes show for a PDF, else what OBX-5 says (ED-2 and ED-3)."""
    main, sub = obx.get(5, 2).lower() or "application", obx.get(5, 3).lower()
    media_type = "application/pdf" if is_pdf(content) or sub == "pdf" else f"{main}/{sub or 'octet-stream'}"
    if not re.fullmatch(r"[a-z]{1,20}/[a-z0-9.+-]{1,60}", media_type):
        media_type = "application/octet-stream"
    extension = media_type.partition("/")[2]
    extension = _EXTENSIONS.get(extension, extension if extension.isalnum() and len(extension) < 5 else "bin")
    suffix = "" if number == 1 else f"-{number}"
    return Attachment(name=f"document{suffix}.{extension}", media_type=media_type, content=content)
