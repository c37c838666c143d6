"""The encapsulated data of an OBX-5 (ED): ``source^type^subtype^encoding^data``."""

from __future__ import annotations

from gateway.document import Finding
from gateway.parsers.hl7v2.er7 import Segment
from gateway.parsers.payload import decode_base64
from gateway.parsers.remarks import error


def embedded(obx: Segment) -> bytes | Finding:
    """The decoded bytes, or the error that says why they cannot be had (table 0299: A, Hex, Base64)."""
    element, place = obx.element(5), obx.place(5)
    encoding, data = element.get(4).lower(), element.component(5)
    if not data.strip():
        return error("document-missing", place, "there is no document in OBX-5.5; send it as base64")
    if encoding == "base64":
        return decode_base64(_without_escapes(obx, data), place)
    if encoding == "hex":
        return _from_hex(data, place)
    if encoding == "a":
        return obx.message.text(data).encode()
    return error("encoding-unknown", place, "OBX-5.4 must be Base64, Hex or A; say how the document is encoded")


def _without_escapes(obx: Segment, data: str) -> bytes:
    r"""Some senders escape the line breaks of base64 (``\X0A\``, ``\.br\``)."""
    mark = obx.message.delimiters.escape
    if mark in data:
        for usual in (".br", "X0D", "X0A", "X0D0A"):
            data = data.replace(f"{mark}{usual}{mark}", "")
        data = obx.message.text(data)
    return data.encode("ascii", "replace")


def _from_hex(data: str, place: str) -> bytes | Finding:
    try:
        return bytes.fromhex(data)
    except ValueError:
        return error("hex-invalid", place, "OBX-5.5 is not hexadecimal; send the document as base64")
