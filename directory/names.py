"""Distinguished names as the white list writes them: only CN and OU count, case and blanks folded."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import NameOID

# A value is quoted only when its closing quote ends it: O=CENTRE HOSPITALIER "FRANCK-JOLY" is not.
_PART = re.compile(r'\s*([A-Za-z0-9.]+)\s*=\s*("(?:[^"\\]|\\.)*"(?=\s*(?:,|$))|(?:[^,\\]|\\.)*)(?:,|$)')
_BLANKS = re.compile(r"[\s\u00a0]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Who may hand over mail of a domain: the CN and the OUs of his certificate, folded for comparison."""

    cn: str
    units: frozenset[str]
    """OU: type digit and structure id, ``1`` + FINESS or ``3`` + SIRET."""

    @classmethod
    def of_name(cls, text: str) -> Operator | None:
        """From the text of ``DNCertificatOperateur``; ``None`` without a CN."""
        parts = [(name.upper(), _folded(_unquoted(value))) for name, value in _PART.findall(text)]
        cn = next((value for name, value in parts if name == "CN"), "")
        return cls(cn=cn, units=frozenset(value for name, value in parts if name == "OU")) if cn else None

    @classmethod
    def of_certificate(cls, der: bytes) -> Operator | None:
        """From the subject of a peer's certificate; ``None`` when it has not exactly one CN."""
        subject = x509.load_der_x509_certificate(der).subject
        names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        units = subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
        if len(names) != 1:
            return None
        return cls(cn=_folded(str(names[0].value)), units=frozenset(_folded(str(unit.value)) for unit in units))


def _unquoted(value: str) -> str:
    value = value.strip()
    if len(value) > 1 and value.startswith('"') and value.endswith('"'):
        value = value[1:-1]
    return re.sub(r"\\(.)", r"\1", value)


def _folded(value: str) -> str:
    return _BLANKS.sub(" ", value).strip().casefold()
