"""The dated table of what is strong enough (``algorithms.toml``), and what it says of one certificate on one day."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519

from gateway.errors import SettingsRefused

SHIPPED = Path(__file__).with_name("algorithms.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRule:
    """Keys of this algorithm have at least so many bits, from that day on."""

    algorithm: str
    least: int
    since: date


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRule:
    """A certificate signed over this digest proves nothing, from that day on."""

    algorithm: str
    since: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithms:
    """The whole table; an algorithm that it does not name is not used at all."""

    keys: tuple[KeyRule, ...]
    signatures: tuple[SignatureRule, ...]

    def why_not(self, certificate: x509.Certificate, on: date) -> str:
        """``unknown-algorithm``, ``weak-key`` or ``weak-signature`` for use on that day; empty when it is strong."""
        return self.of_key(certificate.public_key(), on) or self._of_signature(certificate, on)

    def weak_from(self, certificate: x509.Certificate, now: date, end: date) -> date | None:
        """The first day after ``now``, and not after ``end``, from which a certificate that is strong is no more."""
        days = {rule.since for rule in self.keys} | {rule.since for rule in self.signatures}
        turns = sorted(day for day in days if now < day <= end)
        return next((day for day in turns if self.why_not(certificate, day)), None)

    def of_key(self, key: object, on: date) -> str:
        """``unknown-algorithm`` or ``weak-key`` for use of a bare public key on that day; empty when it is strong."""
        algorithm, bits = _measured(key)
        rules = [rule for rule in self.keys if rule.algorithm == algorithm]
        if not rules:
            return "unknown-algorithm"
        return "weak-key" if any(bits < rule.least for rule in rules if rule.since <= on) else ""

    def _of_signature(self, certificate: x509.Certificate, on: date) -> str:
        try:
            digest = certificate.signature_hash_algorithm
        except UnsupportedAlgorithm:
            return "weak-signature"
        refused = {rule.algorithm for rule in self.signatures if rule.since <= on}
        return "weak-signature" if digest is not None and digest.name in refused else ""


def read_algorithms(path: Path = SHIPPED) -> Algorithms:
    """The table in a TOML file; SettingsRefused when it is none."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return Algorithms(keys=tuple(map(_key, table["key"])), signatures=tuple(map(_signature, table["signature"])))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsRefused(f"{path.name}: not a table of algorithms") from error


def _key(row: dict[str, Any]) -> KeyRule:  # Any: TOML
    return KeyRule(algorithm=row["algorithm"], least=int(row["least"]), since=_day(row["from"]))


def _signature(row: dict[str, Any]) -> SignatureRule:  # Any: TOML
    return SignatureRule(algorithm=row["algorithm"], since=_day(row["refused"]))


def _day(value: object) -> date:
    if not isinstance(value, date):
        raise TypeError("not a date")
    return value


def _measured(key: object) -> tuple[str, int]:
    """The table's word for the algorithm, and the bits of the key."""
    match key:
        case rsa.RSAPublicKey():
            return "rsa", key.key_size
        case ec.EllipticCurvePublicKey():
            return "ec", key.key_size
        case ed25519.Ed25519PublicKey():
            return "ed25519", 256
        case x25519.X25519PublicKey():
            return "x25519", 256
    return type(key).__name__, 0
