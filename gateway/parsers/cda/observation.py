"""One laboratory observation of a CDA as a line of the report (CI-SIS, volet CR-BIO; IHE PaLM XD-LAB)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from lxml import etree

from gateway.document import Finding, Measure, Result
from gateway.parsers.cda.elements import attribute, child, children, words
from gateway.parsers.cda.references import References
from gateway.parsers.cda.values import Range, Value, label_of, range_of, type_of, value_of
from gateway.parsers.hl7_time import moment
from gateway.parsers.remarks import warning

_STATUSES = {
    "completed": "F", "active": "P", "new": "P", "held": "P", "suspended": "P", "aborted": "X", "cancelled": "X",
    "obsolete": "D", "nullified": "W",
}  # fmt: skip
"""ActStatus as HL7 table 0085 says it, which every other reader and writer here uses."""

_WITHDRAWN = {"X", "D", "W"}
_NORMAL = {"", "N"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reference:
    """The range that the value can be held against, and what the laboratory said besides."""

    low: str = ""
    high: str = ""
    second: Measure | None = None
    """The value's own second measure, with its range where one is stated in that unit."""
    remarks: tuple[str, ...] = field(default=(), repr=False)


def result_of(
    observation: etree._Element, references: References, *, inherited: str, place: str
) -> tuple[Result, list[Finding]]:
    """The result with what is doubtful about it; ``inherited`` is the status of what it stands in."""
    findings: list[Finding] = []
    value = _value(observation, place, findings)
    reference = _reference(observation, references, value, place, findings)
    missing = f"Sans valeur ({value.missing})" if value.missing and not value.text else ""
    said = (missing, _method(observation, references), *reference.remarks, words(observation, "text"))
    result = replace(
        named(observation, references),
        value=value.text,
        comparator=value.comparator,
        unit=value.unit,
        numeric=value.numeric,
        second=reference.second,
        low=reference.low,
        high=reference.high,
        flag=",".join(attribute(one, "code") for one in _interpretations(observation)),
        status=_status(observation, inherited, place, findings),
        observed_at=_observed_at(observation),
        comment="\n".join(filter(None, said)),
    )
    return _negated(result, observation, place, findings), findings


def named(element: etree._Element, references: References) -> Result:
    """Label and codes alone: a title, or what a result is completed from.

    The laboratory's own words come before the LOINC display name: they are what the doctor knows.
    """
    code = child(element, "code")
    own = attribute(code, "code")
    other = next((found for one in children(code, "translation") if (found := attribute(one, "code"))), "")
    label = references.words(child(code, "originalText")) or label_of(code)
    return Result(label=label, code=own or other, alternate_code=other if own else "")


def status_of(element: etree._Element, inherited: str) -> str:
    """``statusCode`` in the words of HL7 table 0085; a code that is not known stays as sent: it is not final."""
    stated = attribute(element, "code", "statusCode")
    return _STATUSES.get(stated, stated.upper()) if stated else inherited


def in_words(result: Result) -> str:
    """A value with its unit on one line, for a comment."""
    return " ".join(filter(None, (result.comparator or "", result.value.replace("\n", ", "), result.unit)))


def _value(observation: etree._Element, place: str, findings: list[Finding]) -> Value:
    """All ``value`` elements; several are lines of a text. Without any the interpretation is what was found (R, S)."""
    shown = [one for one in children(observation, "value") if one.get("representation") != "B64"]
    values = [value_of(one) for one in shown]
    if len(values) > 1:
        lines = (" ".join(filter(None, (one.comparator, one.text, one.unit))) for one in values)
        return Value(text="\n".join(filter(None, lines)))
    value = values[0] if values else Value(missing="" if child(observation, "value") is not None else "NI")
    if value.missing and not value.text:
        value = replace(value, text=", ".join(label_of(one) for one in _interpretations(observation)))
    if value.missing and not value.text:
        message = f"the result has no value ({value.missing}): it is shown without one"
        findings.append(warning("result-without-value", place, message))
    if not value.numeric and not value.missing and value.text and type_of(shown[0]) in {"PQ", "INT", "REAL"}:
        message = "the value is typed as a quantity and is no number: it is shown as text; send it as ST"
        findings.append(warning("value-not-numeric", place, message))
    return value


def _reference(
    observation: etree._Element, references: References, value: Value, place: str, findings: list[Finding]
) -> _Reference:
    """The normal range, when it is in the unit of the value; others, and words, are remarks."""
    chosen: Range | None = None
    second, remarks = value.second, list[str]()
    for about in (child(one, "observationRange") for one in children(observation, "referenceRange")):
        found, said = _range(about, references)
        if found is None:
            pass
        elif second and found.unit == second.unit != value.unit:
            second, found = replace(second, low=found.low, high=found.high), None
        elif found.unit and value.unit and found.unit != value.unit:
            message = "the reference range is in another unit than the value: it is shown as a remark, not compared"
            findings.append(warning("range-other-unit", place, message))
        elif chosen is None and attribute(about, "code", "interpretationCode") in _NORMAL:
            chosen, found = found, None
        if found is not None and not said:
            said = f"{_bounds(found)} {label_of(child(about, 'interpretationCode'))}".strip()
        remarks += [f"Référence : {said}"] if said else []
    low, high = (chosen.low, chosen.high) if chosen else ("", "")
    return _Reference(low=low, high=high, second=second, remarks=tuple(remarks))


def _range(about: etree._Element | None, references: References) -> tuple[Range | None, str]:
    """Bounds, when the range has some, and the words that stand for it or beside it."""
    bounds, said = child(about, "value"), references.words(child(about, "text"))
    if bounds is not None and type_of(bounds).startswith("IVL_"):
        return range_of(bounds), said
    return None, said or ("" if bounds is None else value_of(bounds).text)


def _bounds(found: Range) -> str:
    """A range in words, ``0.27 - 4.2 mUI/L``, ``< 4.2 mUI/L``."""
    if found.low and found.high:
        bounds = f"{found.low} - {found.high}"
    else:
        bounds = f"> {found.low}" if found.low else f"< {found.high}" if found.high else ""
    return f"{bounds} {found.unit}".strip()


def _interpretations(observation: etree._Element) -> list[etree._Element]:
    """All interpretation codes (HL7 ObservationInterpretation), as OBX-8 would repeat them."""
    return [one for one in children(observation, "interpretationCode") if attribute(one, "code")]


def _status(observation: etree._Element, inherited: str, place: str, findings: list[Finding]) -> str:
    status = status_of(observation, inherited)
    if status in _WITHDRAWN:
        message = "statusCode says that this result is withdrawn or cannot be had; it is shown with that status"
        findings.append(warning("result-withdrawn", place, message))
    elif status not in {"", "F"}:
        message = "statusCode says that this result is not final; it is shown with that status"
        findings.append(warning("result-not-validated", place, message))
    return status


def _method(observation: etree._Element, references: References) -> str:
    method = child(observation, "methodCode")
    said = references.words(child(method, "originalText")) or attribute(method, "displayName")
    return f"Méthode : {said}" if said else ""


def _observed_at(observation: etree._Element) -> datetime | None:
    """A point in time, or the end of an interval."""
    time = child(observation, "effectiveTime")
    stated = (attribute(time, "value"), attribute(time, "value", "high"), attribute(time, "value", "low"))
    return moment(next(filter(None, stated), ""))


def _negated(result: Result, observation: etree._Element, place: str, findings: list[Finding]) -> Result:
    """``negationInd`` turns the statement round: it must never be read as found."""
    if observation.get("negationInd", "").strip() not in {"true", "1"}:
        return result
    message = "negationInd says that the value was not found; it is shown as negated"
    findings.append(warning("result-negated", place, message))
    return replace(result, value=f"NON : {result.value}".strip(" :") or "NON", numeric=False, comparator=None)
