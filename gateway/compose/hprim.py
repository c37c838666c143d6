"""Writing an HPRIM Médecin record by the generator profile (hprim.md §1.9): what all readers looked at accept.

Twelve header lines whose position is everything, one empty line, readable text, then ``RES`` and ``TEX`` lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gateway.compose.body import lost_section
from gateway.compose.dispatch import Dispatch
from gateway.compose.hprim_header import head
from gateway.compose.hprim_losses import header_losses
from gateway.compose.hprim_results import lab_block
from gateway.compose.latin import Latin1, harmless
from gateway.compose.losses import Loss, Target, Why, Written
from gateway.compose.mime import charset_of
from gateway.compose.text import visible, wrapped
from gateway.compose.words import Words
from gateway.document import Document

_CHARSET = re.compile(r"[a-z0-9][a-z0-9._-]{1,30}")
_WIDTH = 78


def write(dispatch: Dispatch, document: Document, text: Sequence[str]) -> Written:
    """One record for one patient with ``text`` as its readable part; ``can_be_written`` must hold.

    The record tells its own losses behind ``text``: where it is the body of the mail, no other text does.
    """
    spell = Latin1()
    top = head(dispatch, document, spell)
    body = list(_text(text, spell))
    block, losses = _block(document, spell, dispatch.words)
    losses = [*header_losses(document), *top.losses, *losses, *_characters(spell)]
    said = _text(lost_section(losses, dispatch.profile.language, dispatch.words), Latin1())
    lines = (*top.lines, "", *body, *said, *block, "****FIN****", "****FINFICHIER****", "")
    return Written(content="\r\n".join(lines).encode("iso-8859-1"), losses=tuple(losses))


def charset(document: Document, content: bytes) -> str:
    """What the reader found an original record to be; ISO-8859-1 is what we write."""
    if document.original.content is not content:
        return "iso-8859-1"
    found = document.original.media_type.partition("charset=")[2].strip(' "').lower()
    if not _CHARSET.fullmatch(found):
        found = charset_of(content)
    return "iso-8859-1" if found == "us-ascii" else found


def _block(document: Document, spell: Latin1, words: Words) -> tuple[list[str], list[Loss]]:
    """No block without a value: readers take a record with one for a laboratory's (hprim.md §1.9, 3)."""
    if any(result.value.strip() for result in document.results):
        return lab_block(document.results, spell, words)
    return [], []


def _characters(spell: Latin1) -> Iterator[Loss]:
    for code, found in (("characters", spell.lost), ("characters-alike", spell.alike)):
        if found:
            shown = ", ".join(f"{sign} (U+{ord(sign):04X})" for sign in sorted(found))
            yield Loss(target=Target.HPRIM, why=Why.CHANGED, code=code, place="document", what=shown)


def _text(lines: Sequence[str], spell: Latin1) -> Iterator[str]:
    """The readable part: no line may pass for a tag or a segment, all are at most 78 columns wide."""
    for line in lines:
        shown = harmless(spell(line if line.isprintable() else visible(line).replace("\n", " ")))
        yield from wrapped(shown, _WIDTH, hard=True)
