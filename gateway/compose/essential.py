"""Finding in a letter what a GP looks for first: conclusion, treatment, what to do, next dates (needs.md, row 13).

The passages are shown before the text and the text follows whole: an author's letter is never taken apart.
"""

from __future__ import annotations

import re

_HEADINGS = re.compile(
    r"""(?ix)
    (?: en \s )? conclusions?
    | synth[èe]se (?: \s m[ée]dicale )? (?: \s d[ue] \s [\w'’ ]+ )? | au \s total | en \s r[ée]sum[ée]
    | diagnostics? (?: \s (?: de \s sortie | retenus? | principal | final ) )
    | (?: traitements? | ordonnance | prescriptions? | m[ée]dicaments? )
        \s (?: de \s sortie | [àa] \s la \s sortie | [àa] \s poursuivre |
            (?: arr[êe]t[ée]s? | modifi[ée]s? ) (?: \s [\w'’ ]{1,30} )? )
    | conduite \s [àa] \s tenir | [àa] \s faire | suivi (?: \s [\w'’ ]{1,30} )? | surveillance (?: \s [\w'’ ]{1,30} )?
    | rendez-?vous (?: \s [\w'’àé ]{1,30} )? | prochains? \s rendez-?vous | suites? \s [àa] \s donner
    | r[ée]sultats? \s [\w'’/ ]{0,50} (?: en \s attente | attendus? )
    | (?: discharge \s )? (?: diagnosis | medication s? ) | follow-?up | plan | summary
    """
)
_DECORATION = " \t-–—*=#_.•>0123456789)"
_NEXT_HEADING = re.compile(r"[^\W\d_][^.;:]{2,60}:\s*$|[A-ZÀ-Þ][A-ZÀ-Þ '’/()-]{4,60}:?\s*$")
_CLOSING = re.compile(r"(?i)\W*(bien )?(confraternel|cordial|amical|je vous prie|veuillez|avec mes|dr |pr |docteur )")
_ITEM = re.compile(r"\s*([-–—•*+>]|[0-9]{1,2}[.)])\s*\S")
_WEAK_HEADING = re.compile(r"[A-ZÀ-Þ](?:[^\W\d]|[ '’/()-](?! ))*")
_LONGEST = 40
_SHARE = 0.6


def passages(lines: list[str], goes_on: str) -> list[str]:
    """The recognised passages in their order, a blank line between them, at most sixty lines in a hundred.

    A passage ends at the next heading or the closing formula: one that stopped at a blank line could show half of a
    treatment. Where forty lines are not enough, or where only the look of a line says that the passage is over,
    ``goes_on`` is its last line.
    """
    found: list[list[str]] = []
    start = 0
    while start < len(lines):
        end = _end(lines, start) if is_heading(lines[start]) else start
        if end > start:
            passage = lines[start : min(end, start + _LONGEST)]
            cut = end > start + _LONGEST or _ends_weakly(lines, end)
            while not passage[-1].strip():
                passage.pop()
            found.append([*passage, goes_on] if cut else passage)
        start = max(end, start + 1)
    kept = _short_enough(found, round(_SHARE * sum(1 for line in lines if line.strip())))
    return [line for passage in kept for line in (*passage, "")][:-1]


def _short_enough(found: list[list[str]], room: int) -> list[list[str]]:
    """The passages in their order, the longest left to the full text when all together would repeat most of it."""
    chosen: set[int] = set()
    for index in sorted(range(len(found)), key=lambda index: len(found[index])):
        room -= len(found[index])
        if room >= 0:
            chosen.add(index)
    return [passage for index, passage in enumerate(found) if index in chosen]


def is_heading(line: str) -> bool:
    """Whether the line is one of the headings that a GP looks for, perhaps with its words behind a colon."""
    bare = line.strip(_DECORATION)
    matched = _HEADINGS.match(bare)
    if matched is None:
        return False
    after = bare[matched.end() :].lstrip()
    return not after or after.startswith(":")


def _end(lines: list[str], start: int) -> int:
    """The line after the passage that ``start`` opens; ``start`` itself when nothing is said under the heading."""
    sentence = bool(lines[start].partition(":")[2].strip())
    said = sentence
    for index in range(start + 1, len(lines)):
        line = lines[index].strip()
        if line and (is_heading(line) or _NEXT_HEADING.match(line) or _CLOSING.match(line)):
            return index if said else start
        if said and _is_weak_heading(lines, index):
            return index
        if not line and sentence and not _goes_on(lines, index):
            return index
        said = said or bool(line)
    return len(lines) if said else start


def _is_weak_heading(lines: list[str], index: int) -> bool:
    """A short line of words alone between a blank line and text: a heading, or a drug without a dose."""
    line = lines[index].strip()
    between = not lines[index - 1].strip() and index + 1 < len(lines) and bool(lines[index + 1].strip())
    return between and len(line) <= 60 and _WEAK_HEADING.fullmatch(line) is not None


def _ends_weakly(lines: list[str], end: int) -> bool:
    if end >= len(lines) or not _is_weak_heading(lines, end):
        return False
    line = lines[end].strip()
    return not (is_heading(line) or _NEXT_HEADING.match(line) or _CLOSING.match(line))


def _goes_on(lines: list[str], blank: int) -> bool:
    """Whether a list goes on after a blank line."""
    following = next((line for line in lines[blank + 1 :] if line.strip()), "")
    return _ITEM.match(following) is not None
