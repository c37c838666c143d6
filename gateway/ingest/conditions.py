"""HL7 table 0357: which condition an ERR segment states for each of our findings, pure.

207 (application internal error) is never a finding's: it says that the fault is ours, and software sends again.
"""

from __future__ import annotations

from gateway.document import Finding

CONDITIONS = {
    "0": "Message accepted",
    "100": "Segment sequence error",
    "101": "Required field missing",
    "102": "Data type error",
    "103": "Table value not found",
    "198": "Non-Conformant Cardinality",
    "199": "Other HL7 Error",
    "200": "Unsupported message type",
    "201": "Unsupported event code",
    "202": "Unsupported processing id",
    "203": "Unsupported version id",
    "204": "Unknown key identifier",
    "205": "Duplicate key identifier",
    "206": "Application record locked",
    "207": "Application internal error",
}
"""The conditions that HL7 2.5 and the CI-SIS guide list."""

_BEFORE_2_5 = {"198": "100", "199": "207"}
"""Younger than the table of those versions."""

_BY_CODE = {
    "100": ("results-before-patient", "segment-not-told"),
    "101": (
        *("no-patient", "no-results", "no-prior-patient", "no-msh", "no-control-id", "nothing-in-it"),
        *("patient-without-name", "document-missing", "discharge-without-time", "cda-empty"),
    ),
    "102": (
        *("bad-delimiters", "utf-16", "mixed-charsets", "mixed-line-ends", "segment-too-long", "ins-key-wrong"),
        "too-many-escapes",
        *("base64-invalid", "base64-truncated", "hex-invalid", "document-unreadable", "not-a-pdf", "pdf-truncated"),
        *("patient-incomplete", "birth-date-unreadable"),
    ),
    "103": ("encoding-unknown", "unknown-application", "unknown-certificate"),
    "198": ("several-patients", "several-messages", "batch", "too-many-segments", "too-many-lines"),
    "199": (
        *("order-status-contradiction", "movement-contradiction", "patient-not-allowed", "professionals-not-allowed"),
        *("patient-mismatch", "wrong-world-identity", "too-large"),
    ),
    "200": ("message-type-unsupported", "format-unknown"),
    "201": ("event-unsupported",),
    "202": ("test-message", "processing-unknown"),
    "203": ("version-unsupported",),
}
CONDITION_OF_CODE = {code: condition for condition, codes in _BY_CODE.items() for code in codes}
"""Every error that the reader of HL7 v2, the rule of admission and the MLLP door can find."""


def condition_of(finding: Finding) -> str:
    """The condition that comes nearest; what is wrong inside a document of OBX-5 is its data.

    A missing segment, which has a place without a field, is a sequence error.
    """
    found = CONDITION_OF_CODE.get(finding.code) or ("102" if finding.place.startswith("OBX") else "199")
    return "100" if found == "101" and "-" not in finding.place else found


def stated(condition: str, version: tuple[int, ...]) -> tuple[str, str]:
    """The code and the words of a condition in the table of that version of HL7."""
    known = _BEFORE_2_5.get(condition, condition) if version < (2, 5) else condition
    return known, CONDITIONS[known]
