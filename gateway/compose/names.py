"""Names of files: what a practice sorts by, in ASCII, and never a path."""

from __future__ import annotations

import re

from gateway.compose.dispatch import PARIS, Dispatch
from gateway.compose.text import folded, one_line
from gateway.document import Document

_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9]+")
_UNSAFE = re.compile(r'[\\/:*?"<>|\ufffd%;=,]+')
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")


def stem(dispatch: Dispatch, document: Document) -> str:
    """``<date acte>_<type>_<NOM>_<prenom>[_<n° dossier>]`` (référentiel #2, ECO.2.1.6)."""
    about = document.written_at or document.validated_at or dispatch.about
    fields = [about.astimezone(PARIS).strftime("%Y%m%d"), _field(document.kind.label, 30) or "document"]
    if document.patient is not None:
        fields += [_field(document.patient.family, 40).upper(), _field(document.patient.given, 30)]
    if document.stay is not None:
        fields.append(_field(document.stay.file_number or document.stay.visit or "", 20))
    return "_".join(filter(None, fields))


def safe_name(name: str, fallback: str) -> str:
    """What the sender called a file, without path, device name, control or hidden extension (traps.md, 17)."""
    base = one_line(name).replace("\\", "/").rpartition("/")[2]
    clean = _UNSAFE.sub("_", base).strip(" .")
    if not clean or _RESERVED.fullmatch(clean):
        return fallback
    head, dot, extension = clean.rpartition(".")
    return f"{head[:80]}{dot}{extension[:10]}" if head else clean[:80]


class Names:
    """Hands out each name once in a mail; the second taker gets ``_2`` before the extension."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, name: str) -> str:
        """``name``, or the next free one like it (case does not count: mailers save on any file system)."""
        head, dot, extension = name.rpartition(".")
        number, free = 1, name
        while free.lower() in self._taken:
            number += 1
            free = f"{head}_{number}{dot}{extension}" if head else f"{name}_{number}"
        self._taken.add(free.lower())
        return free


def _field(text: str, limit: int) -> str:
    return _NOT_IN_NAME.sub("-", folded(one_line(text))).strip("-")[:limit].strip("-")
