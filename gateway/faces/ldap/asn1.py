"""What a client sends, in the ASN.1 of RFC 4511 appendix B and of RFC 2696; answers are written in ``answers``."""

# ruff: noqa: RUF012  asn1crypto declares by class attributes, and reads them before anybody could change them
# mypy: disallow_subclassing_any=False
# asn1crypto has no types.

from __future__ import annotations

from asn1crypto.core import (
    Boolean,
    Choice,
    Enumerated,
    Integer,
    Null,
    OctetString,
    Sequence,
    SequenceOf,
    SetOf,
)


class AttributeValueAssertion(Sequence):
    """RFC 4511 §4.1.6."""

    _fields = [("attribute", OctetString), ("value", OctetString)]


class Fragment(Choice):
    """One piece of a substrings assertion, §4.5.1.7.2."""

    _alternatives = [
        ("initial", OctetString, {"implicit": 0}),
        ("any", OctetString, {"implicit": 1}),
        ("final", OctetString, {"implicit": 2}),
    ]


class Fragments(SequenceOf):
    """Pieces in their order."""

    _child_spec = Fragment


class SubstringFilter(Sequence):
    """§4.5.1.7.2."""

    _fields = [("type", OctetString), ("substrings", Fragments)]


class MatchingRuleAssertion(Sequence):
    """§4.5.1.7.7."""

    _fields = [
        ("rule", OctetString, {"implicit": 1, "optional": True}),
        ("type", OctetString, {"implicit": 2, "optional": True}),
        ("value", OctetString, {"implicit": 3}),
        ("dn", Boolean, {"implicit": 4, "default": False}),
    ]


class Filter(Choice):
    """§4.5.1.7; its alternatives follow, because they hold filters again."""


class Filters(SetOf):
    """What "and" and "or" join."""

    _child_spec = Filter


Filter._alternatives = [
    ("and", Filters, {"implicit": 0}),
    ("or", Filters, {"implicit": 1}),
    ("not", Filter, {"explicit": 2}),
    ("equal", AttributeValueAssertion, {"implicit": 3}),
    ("substrings", SubstringFilter, {"implicit": 4}),
    ("at_least", AttributeValueAssertion, {"implicit": 5}),
    ("at_most", AttributeValueAssertion, {"implicit": 6}),
    ("present", OctetString, {"implicit": 7}),
    ("approx", AttributeValueAssertion, {"implicit": 8}),
    ("extensible", MatchingRuleAssertion, {"implicit": 9}),
]


class Scope(Enumerated):
    """§4.5.1.2."""

    _map = {0: "base", 1: "one", 2: "sub"}


class Deref(Enumerated):
    """§4.5.1.3; there are no aliases here."""

    _map = {0: "never", 1: "searching", 2: "finding", 3: "always"}


class Strings(SequenceOf):
    """Attribute descriptions."""

    _child_spec = OctetString


class SearchRequest(Sequence):
    """§4.5.1."""

    _fields = [
        ("base", OctetString),
        ("scope", Scope),
        ("deref", Deref),
        ("size_limit", Integer),
        ("time_limit", Integer),
        ("types_only", Boolean),
        ("filter", Filter),
        ("attributes", Strings),
    ]


class SaslCredentials(Sequence):
    """§4.2."""

    _fields = [("mechanism", OctetString), ("credentials", OctetString, {"optional": True})]


class Authentication(Choice):
    """§4.2."""

    _alternatives = [
        ("simple", OctetString, {"implicit": 0}),
        ("sasl", SaslCredentials, {"implicit": 3}),
    ]


class BindRequest(Sequence):
    """§4.2."""

    _fields = [("version", Integer), ("name", OctetString), ("authentication", Authentication)]


class ExtendedRequest(Sequence):
    """§4.12."""

    _fields = [
        ("name", OctetString, {"implicit": 0}),
        ("value", OctetString, {"implicit": 1, "optional": True}),
    ]


class Control(Sequence):
    """§4.1.11."""

    _fields = [
        ("type", OctetString),
        ("critical", Boolean, {"default": False}),
        ("value", OctetString, {"optional": True}),
    ]


class Controls(SequenceOf):
    """§4.1.11."""

    _child_spec = Control


class Operation(Choice):
    """§4.1.1: what may be asked; of what would change an entry, only that it was asked."""

    _alternatives = [
        ("bind", BindRequest, {"implicit": ("application", 0)}),
        ("unbind", Null, {"implicit": ("application", 2)}),
        ("search", SearchRequest, {"implicit": ("application", 3)}),
        ("modify", Sequence, {"implicit": ("application", 6)}),
        ("add", Sequence, {"implicit": ("application", 8)}),
        ("delete", OctetString, {"implicit": ("application", 10)}),
        ("rename", Sequence, {"implicit": ("application", 12)}),
        ("compare", Sequence, {"implicit": ("application", 14)}),
        ("abandon", Integer, {"implicit": ("application", 16)}),
        ("extended", ExtendedRequest, {"implicit": ("application", 23)}),
    ]


class LdapMessage(Sequence):
    """§4.1.1: the envelope."""

    _fields = [
        ("id", Integer),
        ("operation", Operation),
        ("controls", Controls, {"implicit": 0, "optional": True}),
    ]


class Page(Sequence):
    """RFC 2696 §2: the value of the simple paged results control."""

    _fields = [("size", Integer), ("cookie", OctetString)]
