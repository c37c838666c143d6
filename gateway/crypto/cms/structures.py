"""What asn1crypto 1.5.1 lacks, in one place, and the name we give to its untyped structures."""

from __future__ import annotations

from typing import Any

from asn1crypto import cms, core, tsp

Asn1 = Any
"""An asn1crypto structure: the library has no types, its fields are reached by name and checked where they are used."""

BAD_BYTES = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError, MemoryError)
"""What asn1crypto and the primitives raise on foreign bytes."""

SIGNING_CERTIFICATE = tsp.SigningCertificateV2
"""Importing it teaches asn1crypto the attribute: read before that, it stays opaque, and pyHanko overlooks it."""


def check_version(structure: Asn1, wanted: int) -> None:
    """ValueError unless ``version`` is the one that RFC 5652 gives this form: no byte of a message may be changed."""
    if int(core.Integer.load(structure["version"].untag().dump())) != wanted:
        raise ValueError("version")


# ruff: noqa: RUF012 - class attributes are the form that asn1crypto asks for


class OriginatorKey(core.Sequence):  # type: ignore[misc]  # asn1crypto has no types
    """OriginatorPublicKey; asn1crypto's own reading needs curve parameters that RFC 5753 lets senders leave out."""

    _fields = [("algorithm", core.Any), ("public_key", core.OctetBitString)]


class GcmParameters(core.Sequence):  # type: ignore[misc]  # asn1crypto has no types
    """RFC 5084 §3.2."""

    _fields = [("nonce", core.OctetString), ("icv_length", core.Integer, {"default": 12})]


class PlainAlgorithm(core.Sequence):  # type: ignore[misc]  # asn1crypto has no types
    """AlgorithmIdentifier without a word about what its parameters are."""

    _fields = [("algorithm", core.ObjectIdentifier), ("parameters", core.Any, {"optional": True})]


class KemRecipientInfo(core.Sequence):  # type: ignore[misc]  # asn1crypto has no types
    """RFC 9629 §3."""

    _fields = [
        ("version", core.Integer),
        ("rid", cms.RecipientIdentifier),
        ("kem", PlainAlgorithm),
        ("kemct", core.OctetString),
        ("kdf", PlainAlgorithm),
        ("kek_length", core.Integer),
        ("ukm", core.OctetString, {"explicit": 0, "optional": True}),
        ("wrap", PlainAlgorithm),
        ("encrypted_key", core.OctetString),
    ]
