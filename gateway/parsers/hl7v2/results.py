"""Lab results of a plain ORU^R01 (HL7 2.3–2.6): a title line per OBR, a line per OBX, notes beside their object."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from gateway.document import Attachment, Finding, Result
from gateway.parsers.hl7_time import moment
from gateway.parsers.hl7v2.embedded import embedded
from gateway.parsers.hl7v2.er7 import Message, Segment
from gateway.parsers.hl7v2.ranges import read_range
from gateway.parsers.hl7v2.usual import FINAL, FLAGS, UsualResults
from gateway.parsers.hl7v2.values import LONG_TEXT, as_number, coded, name_of, read_value
from gateway.parsers.payload import check_pdf, is_pdf
from gateway.parsers.remarks import note, warning

_FILES = frozenset({"ED", "RP"})
_WITHDRAWN = frozenset({"D", "W", "X"})
_NOT_VALIDATED = frozenset({"I", "O", "P", "R", "S"})
_POWER_LOST = re.compile(r"[x×*.]?\s?10")
_EXTENSIONS = {"jpeg": "jpg", "plain": "txt"}


class Report:
    """Results, files and free notes of one patient's segments, in their order."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self.attachments: list[Attachment] = []
        self.notes: list[str] = []
        self.unreadable = False
        """Whether a file could not be read: told by its own finding, so that nothing else need be missed."""
        self._remarkable = False
        self._joinable: str | None = None
        self._orders: dict[str, str] = {}
        self._found: dict[tuple[str, str], str] = {}
        self._sampled: datetime | None = None
        self._moments: dict[str, datetime | None] = {}
        self._laboratory = ""
        self._cancelled = False

    def read(self, message: Message, findings: list[Finding]) -> None:
        """Add each OBR, OBX and NTE; other segments change nothing but what a note is about."""
        usual = UsualResults(message)
        for index, name in enumerate(message.names):
            if name == b"OBX":
                if result := self._quickly(usual, index):
                    self.results.append(result)
                    self._joinable, self._remarkable = None, True
                else:
                    self._take_obx(message.segment(index), findings)
            elif name == b"NTE":
                self._take_note(message.segment(index))
            elif name == b"OBR":
                self._take_obr(message.segment(index), findings)
            else:
                self._remarkable = False

    def _quickly(self, usual: UsualResults, index: int) -> Result | None:
        return None if self._cancelled else usual.result(index, self._observed_at)

    def _observed_at(self, stated: str) -> datetime | None:
        """OBX-14, else when the specimen was taken (OBR-7): forty results share one moment."""
        if stated not in self._moments:
            self._moments[stated] = moment(stated)
        return self._moments[stated] or self._sampled

    def _take_obr(self, obr: Segment, findings: list[Finding]) -> None:
        names = obr.components(4)
        self._sampled = moment(obr.get(7))
        self._cancelled = obr.get(25) == "X"
        if self._cancelled:
            words = "OBR-25 is X: the order is cancelled; each of its results says so"
            findings.append(warning("order-cancelled", obr.place(25), words))
        label = name_of(names)
        parent = self._parent(obr)
        title = Result(
            label=label,
            code=names[0] if names else "",
            status=obr.get(25),
            comment=f"Se rapporte à : {parent}" if parent else "",
        )
        for number in (2, 3):
            self._orders[obr.get(number)] = label
        self.results.append(title)
        self._joinable, self._remarkable = None, True

    def _parent(self, obr: Segment) -> str:
        """What an antibiogram is about: the germ of OBR-26, else the examination of OBR-29 (HL7 v2.5 §4.5.3.26)."""
        stated = obr.get(26, 3)
        germ = self._found.get((obr.get(26, 1), obr.get(26, 2)), "") if obr.raw_field(26) else ""
        placer, filler = obr.get(29, 1), obr.get(29, 2)
        order = (placer and self._orders.get(placer)) or (filler and self._orders.get(filler)) or ""
        return stated or germ or order

    def _take_obx(self, obx: Segment, findings: list[Finding]) -> None:
        kind = obx.get(2)
        if kind in _FILES:
            self._joinable, self._remarkable = None, False
            self._take_file(obx, kind, findings)
            return
        result = self._remarked(obx, read_result(obx, kind, findings))
        key = f"{kind}|{result.code}|{result.label}" if kind in LONG_TEXT else None
        if key and key == self._joinable:
            last = self.results[-1]
            self.results[-1] = replace(last, value=f"{last.value}\n{result.value}")
        else:
            self.results.append(result)
        if not result.numeric:
            self._found[result.code, obx.get(4)] = result.value
        self._joinable, self._remarkable = key, True

    def _remarked(self, obx: Segment, result: Result) -> Result:
        """With its moment, the method (OBX-17), and the laboratory that did it where that is another (OBX-23)."""
        laboratory = obx.get(23)
        self._laboratory = self._laboratory or laboratory
        said = (
            ("Méthode", ", ".join(coded(obx, 17))),
            ("Laboratoire", laboratory if laboratory != self._laboratory else ""),
        )
        cancelled = "Examen annulé par le laboratoire" if self._cancelled else ""
        words = (cancelled, result.comment, *(f"{name} : {text}" for name, text in said if text))
        observed = self._observed_at(obx.get(14)) if result.value else None
        return replace(result, observed_at=observed, comment="\n".join(filter(None, words)))

    def _take_file(self, obx: Segment, kind: str, findings: list[Finding]) -> None:
        place = obx.place(5)
        content = embedded(obx) if kind == "ED" else b""
        if isinstance(content, Finding):
            self.unreadable = True
            findings.append(content)
        elif not content:
            words = "a document is only referred to (RP); it is not fetched: send it in OBX-5 as base64"
            findings.append(warning("document-elsewhere", place, words))
        else:
            self.attachments.append(_attachment(obx, content, len(self.attachments) + 1))
            findings.extend(check_pdf(content, place) if self.attachments[-1].media_type == "application/pdf" else ())

    def _take_note(self, nte: Segment) -> None:
        words = "\n".join(element.lines for element in nte.elements(3))
        if not words:
            return
        if self._remarkable and self.results:
            last = self.results[-1]
            self.results[-1] = replace(last, comment=f"{last.comment}\n{words}" if last.comment else words)
        else:
            self.notes.append(words)


def read_result(obx: Segment, kind: str, findings: list[Finding]) -> Result:
    """One OBX as a line of the report; values are as sent, but that a decimal comma becomes a point."""
    names = obx.components(3)
    unit = name_of_unit(obx.components(6))
    low, high, words = read_range(obx.text(7), unit) if obx.raw_field(7) else ("", "", "")
    comparator, value, numeric = read_value(obx, kind, findings)
    if not numeric and kind in {"ST", ""} and (unit or low or high):
        comparator, value, numeric = as_number(obx, value, findings)
    return Result(
        label=name_of(names),
        code=names[0] if names else "",
        value=value,
        comparator=comparator,
        unit=unit,
        low=low,
        high=high,
        flag=_flag(obx, findings),
        status=_status(obx, findings),
        numeric=numeric,
        comment=f"Référence : {words}" if words else "",
    )


def name_of_unit(parts: list[str]) -> str:
    """The unit of OBX-6 (CE): its code as UCUM writes it, else its words."""
    first, second = (*parts, "", "")[:2]
    if _POWER_LOST.fullmatch(first) and second[:1].isdigit():
        return f"{first}^{second}"  # 10^9/L: the caret should have been escaped, a unit of 10 would be a wrong one
    return first or second


def _flag(obx: Segment, findings: list[Finding]) -> str:
    """OBX-8, its repetitions joined by commas; what is not in table 0078 is shown all the same."""
    raw = obx.raw_field(8)
    if not raw or raw in FLAGS:
        return raw
    flags = [element.get() for element in obx.elements(8)]
    if not FLAGS.issuperset(flags):
        words = "OBX-8 holds a flag that is not in table 0078; it is shown as it is"
        findings.append(note("result-flag", obx.place(8), words))
    return ",".join(flags)


def _status(obx: Segment, findings: list[Finding]) -> str:
    """OBX-11, with a warning for a result that nobody validated or that was withdrawn (D.6211-3 CSP)."""
    status = obx.get(11)
    if status in FINAL:
        return status
    if status in _WITHDRAWN:
        words = f"OBX-11 is {status}: this result is withdrawn or cannot be had; it is shown with that status"
        findings.append(warning("result-withdrawn", obx.place(11), words))
    elif status in _NOT_VALIDATED:
        words = f"OBX-11 is {status}: this result is not validated; it is shown with that status"
        findings.append(warning("result-not-validated", obx.place(11), words))
    else:
        words = "OBX-11 is not in table 0085; the result is not taken for final: send F, C or P"
        findings.append(warning("result-status", obx.place(11), words))
    return status


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
