"""The public keys inside an OpenPGP certificate, as the audit measures them (RFC 9580 §5.5.2, §9.1)."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from pysequoia.packet import PacketPile, Tag

_RSA = frozenset({1, 2, 3})
_CURVES = frozenset({18, 19, 22, 25, 26, 27, 28})
"""ECDH, ECDSA, EdDSA of RFC 4880, X25519, X448, Ed25519, Ed448: OpenPGP's own choice of curves has no weak one."""
_PUBLIC = (Tag.PublicKey, Tag.PublicSubkey)
_HEAD = 6
"""Version 4: version, four octets of time, the algorithm."""


def public_keys_in(certificate: bytes) -> Iterator[rsa.RSAPublicKey | None]:
    """Each RSA key of the certificate, and ``None`` for one of an algorithm that nobody should use (DSA, ElGamal)."""
    for packet in PacketPile.from_bytes(certificate):
        if packet.tag not in _PUBLIC:
            continue
        body = bytes(packet.body)
        if body[0] == 4 and body[_HEAD - 1] in _RSA:
            yield _rsa(body[_HEAD:])
        elif body[_HEAD - 1] not in _CURVES:
            yield None


def _rsa(material: bytes) -> rsa.RSAPublicKey | None:
    modulus, rest = _number(material)
    exponent, _ = _number(rest)
    try:
        return rsa.RSAPublicNumbers(exponent, modulus).public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None


def _number(content: bytes) -> tuple[int, bytes]:
    """A multiprecision integer (RFC 9580 §3.2) and what follows it."""
    size = (int.from_bytes(content[:2], "big") + 7) // 8
    return int.from_bytes(content[2 : 2 + size], "big"), content[2 + size :]
