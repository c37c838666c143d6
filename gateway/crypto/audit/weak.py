"""RSA moduli that a known fault of their maker gives away: primes too close, or made by the ROCA library.

Only what the modulus alone shows; a key that passes may still be weak in other ways.
"""

from __future__ import annotations

from math import isqrt

from cryptography.hazmat.primitives.asymmetric import rsa

_ROUNDS = 1000
"""Far more than a sound key of 2048 bits could ever need by chance, and a few milliseconds."""
_GENERATOR = 65537
_SMALL_PRIMES = tuple(n for n in range(3, 168, 2) if all(n % d for d in range(3, n, 2)))


def weakness_of(key: object) -> str:
    """``roca`` (CVE-2017-15361), ``close-primes`` (Fermat), ``low-exponent``; empty for any other key."""
    if not isinstance(key, rsa.RSAPublicKey):
        return ""
    numbers = key.public_numbers()
    if is_roca(numbers.n):
        return "roca"
    if has_close_primes(numbers.n):
        return "close-primes"
    return "low-exponent" if numbers.e < _GENERATOR else ""


def is_roca(modulus: int) -> bool:
    """Whether the modulus is a power of 65537 modulo every small prime, as all of that library are.

    Of sound keys one in about 2^28 looks so too (Nemec and others, CCS 2017, §3.1: fingerprinting).
    """
    return all(modulus % prime in _powers(prime) for prime in _SMALL_PRIMES)


def has_close_primes(modulus: int, rounds: int = _ROUNDS) -> bool:
    """Whether Fermat's way of factoring ends within so many rounds."""
    root = isqrt(modulus)
    middle = root if root * root == modulus else root + 1
    for _ in range(rounds):
        square = middle * middle - modulus
        if isqrt(square) ** 2 == square:
            return True
        middle += 1
    return False


def _powers(prime: int) -> set[int]:
    found, power = {1}, _GENERATOR % prime
    while power not in found:
        found.add(power)
        power = power * _GENERATOR % prime
    return found
