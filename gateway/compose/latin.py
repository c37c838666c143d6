"""Text for ISO-8859-1, the one charset that every HPRIM Médecin reader takes (hprim.md §1.9)."""

from __future__ import annotations

import re
import unicodedata

_SPELLED = {
    "‘": "'", "’": "'", "‚": ",", "‛": "'", "“": '"', "”": '"', "„": '"', "′": "'", "″": '"', "‹": "<", "›": ">",
    "…": "...", "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "−": "-", "•": "-", "●": "-", "▪": "-",
    "œ": "oe", "Œ": "OE", "ÿ": "ÿ", "Ÿ": "Y", "ĳ": "ij", "ﬁ": "fi", "ﬂ": "fl",
    "≤": "<=", "≥": ">=", "≠": "<>", "≈": "~", "∼": "~", "≃": "~", "→": "->", "←": "<-", "⇒": "=>", "↑": "^", "↓": "v",
    "↗": "/^", "↘": "\\v", "∞": "infini", "√": "V", "∅": "0", "⌀": "diam.", "‰": "o/oo", "‱": "o/ooo",
    "€": "EUR", "™": "(TM)", "№": "n°", "℃": "°C", "Ω": "ohm", "℮": "e", "ℓ": "l",
    "α": "alpha", "β": "bêta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "κ": "kappa", "λ": "lambda", "μ": "µ",
    "π": "pi", "σ": "sigma", "τ": "tau", "φ": "phi", "ω": "oméga", "Δ": "Delta", "Γ": "Gamma", "Σ": "Somme",
    "☐": "[ ]", "☑": "[x]", "☒": "[x]", "✓": "[x]", "✔": "[x]", "✗": "[ ]",
    "\u2002": " ", "\u2003": " ", "\u2004": " ", "\u2005": " ", "\u2007": " ", "\u2008": " ", "\u2009": " ",
    "\u200a": " ", "\u202f": " ", "\u205f": " ", "\u3000": " ", "\u00a0": " ",
    "\u200b": "", "\u200c": "", "\u200d": "", "\u2060": "", "\ufeff": "", "\u00ad": "",
    "\ufffd": "?",
}  # fmt: skip
_TABLE = str.maketrans(_SPELLED)
_TAG = re.compile(r"\*{3,}\s*(LAB|FIN|FINFICHIER)\s*\*{3,}", re.IGNORECASE)
_SEGMENT = re.compile(r"^(\s*(?:RES|TEX))\|")
_SCRIPTS = {"<super>": "^", "<sub>": ""}


class Latin1:
    """Spells text in characters of ISO-8859-1 and remembers what it could only show as ``?``, or without its accent."""

    def __init__(self) -> None:
        self.lost: set[str] = set()
        self.alike: set[str] = set()

    def __call__(self, text: str) -> str:
        """``text`` with ligatures, signs and Greek letters spelled; never a control character that was not there."""
        if text.isascii():
            return text
        spelled = unicodedata.normalize("NFC", text).translate(_TABLE)
        try:
            spelled.encode("iso-8859-1")
        except UnicodeEncodeError:
            return "".join(character if character <= "\xff" else self._spell(character) for character in spelled)
        return spelled

    def _spell(self, character: str) -> str:
        piece = _alike(character)
        if piece is None:
            self.lost.add(character)
        elif any(unicodedata.combining(mark) for mark in unicodedata.normalize("NFKD", character)):
            self.alike.add(character)
        return "?" if piece is None else piece


def harmless(line: str) -> str:
    """A line that cannot pass for a tag (hprim.md §1.9, 5), wherever in it a reader looks for one, or for a segment."""
    if "*" not in line and "|" not in line:
        return line
    return _SEGMENT.sub(r"\1/", _TAG.sub(r"** \1 **", line))


def _alike(character: str) -> str | None:
    """The same letter without what Latin-1 has not: an accent, a raised or lowered position."""
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return ""
    decomposed = unicodedata.normalize("NFKD", character).translate(_TABLE)
    kept = "".join(piece for piece in decomposed if not unicodedata.combining(piece))
    if not kept or any(piece > "\xff" for piece in kept):
        return None
    kind = unicodedata.decomposition(character).partition(" ")[0]
    return _SCRIPTS.get(kind, "") + kept
