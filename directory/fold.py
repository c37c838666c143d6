"""One spelling for each thing that is compared: names, mailboxes, domains, structure numbers."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_NOT_ALPHANUMERIC = re.compile(r"[^0-9A-Z]+")
_LIGATURES = str.maketrans({"Œ": "OE", "Æ": "AE", "Ø": "O", "Ł": "L", "Đ": "D"})
_CEDEX = re.compile(r"\s+CEDEX(\s+\d+)?$")
_LOCAL = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f\ud800-\udfff]{1,64}")
_DOMAIN = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f\ud800-\udfff]{1,253}")


@lru_cache(maxsize=131_072)
def fold(text: str) -> str:
    """Capitals without accents; every hyphen, apostrophe and blank one space: ``Léa-Noëlle`` → ``LEA NOELLE``."""
    capitals = text.upper().translate(_LIGATURES)
    if not capitals.isascii():
        decomposed = unicodedata.normalize("NFKD", capitals)
        capitals = "".join(character for character in decomposed if not unicodedata.combining(character))
    return _NOT_ALPHANUMERIC.sub(" ", capitals).strip()


def same_family(one: str, other: str) -> bool:
    """Whether two family names may be one person's: MARTIN and MARTIN-LEROUX are before and after a marriage."""
    words, others = set(fold(one).split()), set(fold(other).split())
    return words <= others or others <= words


def fold_mailbox(address: str) -> str:
    """Lower case, local part included: MSSanté addresses differ by more than case."""
    return unicodedata.normalize("NFC", address.strip()).lower()


def is_mailbox(address: str) -> bool:
    """Whether it can stand in RCPT TO: one ``@``, a dotted domain, no blank or control (RFC 5321 §4.5.3.1)."""
    local, _, domain = address.rpartition("@")
    sound = bool(_LOCAL.fullmatch(local)) and not local.startswith(".") and ".." not in local
    return sound and _is_domain(domain)


@lru_cache(maxsize=4096)
def _is_domain(domain: str) -> bool:
    """Half a million mailboxes lie in some thousand domains."""
    dotted = "." in domain and not domain.startswith(".") and ".." not in domain
    return dotted and bool(_DOMAIN.fullmatch(domain))


def domain_of(address: str) -> str:
    """The folded domain of a mailbox; empty when there is none."""
    return fold_domain(address.rpartition("@")[2]) if "@" in address else ""


def fold_domain(domain: str) -> str:
    """Lower case, without the root dot."""
    return domain.strip().lower().rstrip(".")


def structure_number(text: str) -> str:
    """FINESS (9) or SIRET (14) without the type digit of IDNST: ``1750803447`` → ``750803447`` (DTFR, XON-10)."""
    if not text or (len(text) in {9, 14} and text.isascii() and text.isdigit()):
        return text
    number = text.strip().upper().replace(" ", "")
    if (len(number), number[:1]) in {(10, "1"), (15, "3")}:
        return number[1:]
    return number


@lru_cache(maxsize=65536)
def town(delivery_line: str, postcode: str) -> str:
    """The town of the last postal line: ``75007 PARIS CEDEX 07`` → ``PARIS``."""
    line = delivery_line.strip().upper().removeprefix(postcode).strip()
    return _CEDEX.sub("", line)
