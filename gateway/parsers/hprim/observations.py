"""``OBX`` of HPRIM Santé: results, titles, the report as text, files (standards/hprim.md §2.3, OBX)."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pybase64

from gateway.document import Attachment, Finding, Result
from gateway.parsers.hprim.framing import Segment
from gateway.parsers.hprim.lines import without_html
from gateway.parsers.hprim.tree import Observation
from gateway.parsers.hprim.values import interval, point, quantity
from gateway.parsers.pdf import pdf_findings
from gateway.parsers.remarks import note, warning

_REPORT = re.compile(r"CR_?EDITABLE")
_IMAGE = re.compile(r"CR([MLPA])(?:FIC)?(PDF|TIF)")
_NORMALS_OPEN = re.compile(r"(-?)\s*([+-]?\d+(?:[.,]\d+)?)\s*(-?)")
_NOT_FINAL = {"R": "not technically validated", "P": "not validated by the biologist", "I": "received, not done"}
_WITHDRAWN = {"D": "withdrawn by the laboratory", "X": "cancelled"}
_FINAL = {"F", "C", "U", ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What the observations of one order amount to."""

    results: tuple[Result, ...] = field(repr=False, default=())
    text: str = field(repr=False, default="")
    attachments: tuple[Attachment, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def empty(self) -> bool:
        """Nothing that a doctor could read."""
        return not (self.results or self.text or self.attachments)


def read_observations(observations: Sequence[Observation]) -> Content:
    """All OBX in the order sent; comments stay with the result they follow."""
    results: list[Result] = []
    texts: list[str] = []
    attachments: list[Attachment] = []
    findings: list[Finding] = []
    for observation in observations:
        segment = observation.segment
        findings += _status(segment)
        comment = "\n".join(part.text(4) for part in observation.comments)
        code, kind = (*segment.subs(4), "")[0], segment.value(3).upper()
        if _REPORT.fullmatch(code) and kind in {"TX", "ST"}:
            texts += [without_html(segment.text(6)), comment]
        elif kind == "FIC" or (_IMAGE.fullmatch(code) and kind not in {"PDF", "TIF"}):
            findings.append(_missing_file(segment))
            texts.append(comment)
        elif kind in {"PDF", "TIF"}:
            attachment, remarks = _file(segment, code, kind)
            attachments += [attachment] if attachment else []
            findings += remarks
            texts.append(comment)
        else:
            result, remarks = _result(segment, kind, comment)
            results.append(result)
            findings += remarks
    text = "\n\n".join(part for part in texts if part)
    return Content(results=tuple(results), text=text, attachments=tuple(attachments), findings=tuple(findings))


def _result(segment: Segment, kind: str, comment: str) -> tuple[Result, tuple[Finding, ...]]:
    test = (*segment.subs(4), "", "")
    label = without_html(test[1] or test[0])
    findings = []
    if not test[0]:
        findings.append(warning("obx-no-code", segment.place(4), "result without a test code"))
    if kind == "TX" and segment.value(6) in {".", ""}:
        return Result(label=label, code=test[0], comment=comment), tuple(findings)
    low, high = normals(segment.value(8))
    if segment.value(8) and not (low or high):
        comment = "\n".join(part for part in (f"Normales : {segment.value(8)}", comment) if part)
    amount = quantity(_value(segment, kind), segment.value(7), numeric=kind == "NM")
    numeric = kind == "NM" and amount.numeric
    if kind == "NM" and amount.value and not numeric:
        findings.append(
            warning(
                "value-not-numeric", segment.place(6), "numeric result that is no number: shown as text", amount.value
            )
        )
    result = Result(
        label=label, code=test[0], value=without_html(amount.value), comparator=amount.comparator, unit=amount.unit,
        low=low, high=high, flag=" ".join(flag[0] for flag in segment.repetitions(9) if flag[0]),
        status=segment.value(12) or "F", numeric=numeric, comment=comment,
    )  # fmt: skip
    return result, tuple(findings)


def _value(segment: Segment, kind: str) -> str:
    """CE shows its label (``code~label~table``); everything else is text, with the repeater as a line break."""
    if kind == "CE":
        return "\n".join((*part, "")[1] or part[0] for part in segment.repetitions(6))
    return segment.text(6).strip()


def normals(text: str) -> tuple[str, str]:
    """10.8: ``low-high``, ``-high`` or ``low-``; any other wording is no limit (the caller keeps it as a comment)."""
    low, high = interval(text, "")
    if high or not text:
        return low, high
    found = _NORMALS_OPEN.fullmatch(text.strip())
    if found and found[1] and not found[3]:
        return "", point(found[2])
    return (point(found[2]) if found and found[3] else ""), ""


def _status(segment: Segment) -> Iterator[Finding]:
    status = segment.value(12)
    if status in _NOT_FINAL:
        yield warning(
            "result-not-validated", segment.place(12), f"result sent before it is final: {_NOT_FINAL[status]}"
        )
    elif status in _WITHDRAWN:
        yield warning("result-withdrawn", segment.place(12), f"result {_WITHDRAWN[status]}")
    elif status not in _FINAL:
        yield warning("result-status", segment.place(12), "unknown status: taken as not final", status)


def _missing_file(segment: Segment) -> Finding:
    """``FIC`` only names a file; a name, path or URL from a message is never opened (hprim.md §2.3)."""
    name = segment.value(6)
    return warning("sante-file-elsewhere", segment.place(6), "the message names a file and does not hold it", name)


def _file(segment: Segment, code: str, kind: str) -> tuple[Attachment | None, tuple[Finding, ...]]:
    whose = _IMAGE.fullmatch(code)
    if whose and whose[1] != "M":
        return None, (
            note("sante-other-copy", segment.place(4), "copy of the report that is not the doctor's: not sent"),
        )
    raw = re.sub(r"\s", "", segment.raw(6).rpartition(segment.separators.sub)[2])
    try:
        content = pybase64.b64decode(raw, validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if not content:
        return None, (warning("sante-file-base64", segment.place(6), "file in the message that is not valid base64"),)
    name, media_type = ("report.pdf", "application/pdf") if kind == "PDF" else ("report.tif", "image/tiff")
    remarks = pdf_findings(content, segment.place(6)) if kind == "PDF" else ()
    return Attachment(name=name, media_type=media_type, content=content), remarks
