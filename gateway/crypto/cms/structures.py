"""What asn1crypto 1.5.1 lacks, in one place, and the name we give to its untyped structures."""

from __future__ import annotations

from typing import Any

from asn1crypto import core

Asn1 = Any
"""An asn1crypto structure: the library has no types, its fields are reached by name and checked where they are used."""

BAD_BYTES = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError, MemoryError)
"""What asn1crypto and the primitives raise on foreign bytes."""


class OriginatorKey(core.Sequence):  # type: ignore[misc]  # asn1crypto has no types
    """OriginatorPublicKey; asn1crypto's own reading needs curve parameters that RFC 5753 lets senders leave out."""

    _fields = [("algorithm", core.Any), ("public_key", core.OctetBitString)]  # noqa: RUF012 - the form asn1crypto asks for


class GcmParameters(core.Sequence):  # type: ignore[misc]  # asn1crypto has no types
    """RFC 5084 §3.2."""

    _fields = [("nonce", core.OctetString), ("icv_length", core.Integer, {"default": 12})]  # noqa: RUF012 - the same
