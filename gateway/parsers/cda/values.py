"""Data types of a CDA observation as the text of a result: PQ, INT, REAL, ST, ED, CD, CO, BL, IVL, RTO, TS (HL7 V3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from lxml import etree

from gateway.document import Measure
from gateway.parsers.cda.elements import attribute, child, children, words

XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"

_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?", re.ASCII)
_TRUTH = {"true": "oui", "false": "non", "1": "oui", "0": "non"}
"""BL: the document is French, so is the word a doctor reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What one ``value`` element says; ``missing`` is its nullFlavor when it says that there is nothing to say."""

    text: str = field(repr=False, default="")
    comparator: str | None = None
    unit: str = ""
    numeric: bool = False
    second: Measure | None = None
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """An interval of quantities; a bound that is not stated is empty. Each side says whether it counts itself in."""

    low: str = ""
    high: str = ""
    low_closed: bool = True
    high_closed: bool = True
    unit: str = ""


def value_of(element: etree._Element) -> Value:
    """The value as text; a type that is not known is shown by its words, never dropped.

    A nullFlavor with words beside it (``originalText``) is those words.
    """
    kind = type_of(element)
    read = _TYPES.get(kind)
    value = read(element) if read else Value(text=_coded_words(element) or attribute(element, "value"))
    if value.text or not element.get("nullFlavor"):
        return value
    return Value(text=words(element, "originalText"), missing=element.get("nullFlavor", "")[:10])


def type_of(element: etree._Element) -> str:
    """The name after the prefix in xsi:type; what an element without one most likely is."""
    stated = element.get(XSI_TYPE, "").rpartition(":")[2].strip()
    if stated:
        return stated
    if child(element, "low") is not None or child(element, "high") is not None:
        return "IVL_PQ"
    if element.get("unit") is not None:
        return "PQ"
    return "CD" if element.get("code") is not None else "ST"


def range_of(element: etree._Element) -> Range:
    """The bounds of an IVL; ``center`` with ``width`` is not used by anybody and not read."""
    low, high = child(element, "low"), child(element, "high")
    return Range(
        low=_bound(low),
        high=_bound(high),
        low_closed=attribute(low, "inclusive") != "false",
        high_closed=attribute(high, "inclusive") != "false",
        unit=_unit(low) or _unit(high),
    )


def label_of(element: etree._Element | None) -> str:
    """How a coded value is called: displayName, else its own words, else those of a translation, else the code."""
    if element is None:
        return ""
    own = attribute(element, "displayName") or words(element, "originalText")
    other = next((name for one in children(element, "translation") if (name := attribute(one, "displayName"))), "")
    return own or other or attribute(element, "code")


def _bound(element: etree._Element | None) -> str:
    return "" if element is None or element.get("nullFlavor") else point(attribute(element, "value"))


def point(number: str) -> str:
    """A decimal comma read as a point; CDA knows no comma, some senders write one."""
    return number.replace(",", ".") if _NUMBER.fullmatch(number.replace(",", ".")) else number


def is_number(text: str) -> bool:
    """Whether the text is a decimal number of a length that a laboratory writes."""
    return _NUMBER.fullmatch(text) is not None


def _unit(element: etree._Element | None) -> str:
    """UCUM as sent; ``1`` is UCUM's way to say that there is none."""
    unit = attribute(element, "unit")
    return "" if unit == "1" else unit


def _quantity(element: etree._Element) -> Value:
    text = point(attribute(element, "value"))
    return Value(text=text, unit=_unit(element), numeric=is_number(text), second=_translated(element, text))


def _translated(element: etree._Element, text: str) -> Measure | None:
    """The same quantity in another unit (PQ ``translation``): its unit is a code, UCUM or not."""
    for one in children(element, "translation"):
        value = point(attribute(one, "value"))
        unit = attribute(one, "code") or attribute(one, "displayName") or attribute(one, "unit")
        if value and (value, unit) != (text, _unit(element)):
            return Measure(value=value, unit=unit)
    return None


def _coded_words(element: etree._Element) -> str:
    return label_of(element) or words(element)


def _coded(element: etree._Element) -> Value:
    return Value(text=_coded_words(element))


def _plain(element: etree._Element) -> Value:
    """ST and ED: blanks folded within a line, lines kept."""
    lines = "".join(map(str, element.itertext())).splitlines()
    folded = "\n".join(line for one in lines if (line := " ".join(one.split())))
    return Value(text=folded or attribute(element, "value"))


def _boolean(element: etree._Element) -> Value:
    stated = attribute(element, "value")
    return Value(text=_TRUTH.get(stated, stated))


def _interval(element: etree._Element) -> Value:
    bounds = range_of(element)
    if bounds.low and bounds.high:
        return Value(text=f"{bounds.low} - {bounds.high}", unit=bounds.unit)
    one = bounds.low or bounds.high
    if not one:
        return _quantity(element)
    open_sign = ">" if bounds.low else "<"
    closed = bounds.low_closed if bounds.low else bounds.high_closed
    sign = f"{open_sign}=" if closed else open_sign
    return Value(text=one, comparator=sign, unit=bounds.unit, numeric=is_number(one))


def _ratio(element: etree._Element) -> Value:
    """A titre, ``1:128``; both sides with their unit where they have one."""
    sides = [child(element, name) for name in ("numerator", "denominator")]
    written = [" ".join(filter(None, (point(attribute(side, "value")), _unit(side)))) for side in sides]
    return Value(text=":".join(filter(None, written)))


def _moment(element: etree._Element) -> Value:
    digits = attribute(element, "value")
    if len(digits) >= 8 and digits[:8].isdigit():
        clock = f" {digits[8:10]}:{digits[10:12]}" if digits[8:12].isdigit() and len(digits) >= 12 else ""
        return Value(text=f"{digits[6:8]}/{digits[4:6]}/{digits[:4]}{clock}")
    return Value(text=digits)


_TYPES: dict[str, Callable[[etree._Element], Value]] = {
    **dict.fromkeys(("PQ", "INT", "REAL", "MO", "PPD_PQ"), _quantity),
    **dict.fromkeys(("CD", "CE", "CV", "CO", "CS", "BXIT_CD"), _coded),
    **dict.fromkeys(("ST", "ED", "SC"), _plain),
    **dict.fromkeys(("BL", "BN"), _boolean),
    **dict.fromkeys(("IVL_PQ", "IVL_INT", "IVL_REAL", "IVL_PPD_PQ"), _interval),
    **dict.fromkeys(("RTO", "RTO_PQ_PQ", "RTO_QTY_QTY", "RTO_INT_INT", "RTO_MO_PQ"), _ratio),
    **dict.fromkeys(("TS", "PPD_TS"), _moment),
}
