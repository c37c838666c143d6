"""``OBX`` of HPRIM Santé: results, titles, the report as text, files (standards/hprim.md §2.3, OBX)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.document import Attachment, Finding, Result
from gateway.parsers.hprim.files import KINDS, embedded_file, is_image, named_file
from gateway.parsers.hprim.framing import Segment
from gateway.parsers.hprim.lines import without_html
from gateway.parsers.hprim.tree import Observation
from gateway.parsers.hprim.values import interval, point, quantity
from gateway.parsers.remarks import note, warning

_REPORT = re.compile(r"CR_?EDITABLE")
_GRAPHS = {"GC", "GB", "GN"}
_PARTS = {"AD", "CNA", "PN", "CK"}
_TYPES = {"NM", "CE", "TX", "ST", "DT", "TN", "TS", *_PARTS}
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


def read_observations(
    observations: Sequence[Observation], drop: Mapping[str, bytes], *, sampled: datetime | None = None
) -> Content:
    """All OBX in the order sent; comments stay with the result they follow.

    ``drop`` holds, by name, the files that came with the message: ``FIC`` may name one of them. ``sampled`` is when the
    order's specimen was taken.
    """
    results: list[Result] = []
    texts: list[str] = []
    attachments: list[Attachment] = []
    findings: list[Finding] = []
    doubles = _told_apart(observations)
    for observation in observations:
        segment, comment = observation.segment, "\n".join(part.text(4) for part in observation.comments)
        code, kind = (*segment.parts(4), "")[0], segment.value(3).upper()
        findings += _status(segment)
        if _REPORT.fullmatch(code) and kind in {"TX", "ST"}:
            texts += [without_html(segment.text(6)), comment]
        elif kind == "FIC" or kind in KINDS or is_image(code):
            file, remarks = embedded_file(segment, code, kind) if kind in KINDS else named_file(segment, code, drop)
            attachments += [file] if file else []
            findings += remarks
            texts.append(comment)
        else:
            result, remarks = _result(segment, kind, "\n".join(filter(None, (doubles.get(segment), comment))))
            results.append(replace(result, observed_at=sampled) if sampled and result.value else result)
            findings += remarks
    text = "\n\n".join(part for part in texts if part)
    return Content(results=tuple(results), text=text, attachments=tuple(attachments), findings=tuple(findings))


def _told_apart(observations: Sequence[Observation]) -> Mapping[Segment, str]:
    """The sub-identifier (10.5) where one examination stands several times: two germs, each with its antibiotics."""
    stands = Counter((*one.segment.parts(4), "")[0] for one in observations if one.segment.value(5))
    return {
        one.segment: f"Rang {one.segment.value(5)}"
        for one in observations
        if one.segment.value(5) and stands[(*one.segment.parts(4), "")[0]] > 1
    }


def _result(segment: Segment, kind: str, comment: str) -> tuple[Result, tuple[Finding, ...]]:
    test = (*segment.parts(4), *[""] * 6)[:6]
    label = without_html(test[1] or test[4] or test[0])
    findings = list(_test_findings(segment, test, kind))
    if kind in _GRAPHS:
        return Result(label=label, code=test[0], comment=comment), tuple(findings)
    if kind == "TX" and segment.value(6) in {".", ""}:
        return Result(label=label, code=test[0], comment=comment), tuple(findings)
    low, high = normals(segment.value(8))
    if segment.value(8) and not (low or high):
        comment = "\n".join(part for part in (f"Normales : {segment.value(8)}", comment) if part)
    amount = quantity(_value(segment, kind), segment.value(7), numeric=kind == "NM")
    numeric = kind == "NM" and amount.numeric
    if kind == "NM" and amount.value and not numeric:
        words = "numeric result that is no number: shown as text"
        findings.append(warning("value-not-numeric", segment.place(6), words, amount.value))
    result = Result(
        label=label, code=test[0], value=without_html(amount.value), comparator=amount.comparator, unit=amount.unit,
        low=low, high=high, flag=" ".join(flag[0] for flag in segment.repetitions(9) if flag[0]),
        status=segment.value(12) or "F", numeric=numeric, comment=comment, alternate_code=test[3],
    )  # fmt: skip
    return result, tuple(findings)


def _test_findings(segment: Segment, test: Sequence[str], kind: str) -> Iterator[Finding]:
    if not test[0]:
        yield warning("obx-no-code", segment.place(4), "result without a test code")
    if kind in _GRAPHS:
        yield warning("sante-graph", segment.place(6), "a graph is not drawn here: it stays in the original")
    elif kind not in _TYPES:
        yield note("obx-type", segment.place(3), "type of result that no recommendation lists: shown as text", kind)


def _value(segment: Segment, kind: str) -> str:
    """CE shows its label (``code~label~table``), names and addresses their parts; the repeater is a line break."""
    if kind == "CE":
        return "\n".join((*part, "")[1] or part[0] for part in segment.repetitions(6))
    if kind in _PARTS:
        shown = (
            sub.replace(segment.separators.subsub, " ")
            for part in segment.repetitions(6)
            for sub in (" ".join(filter(None, part)),)
        )
        return "\n".join(shown)
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
