"""HPRIM Santé, lines to segments: separators read from ``H``, ``A`` continuations joined exactly (hprim.md §2.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gateway.document import Finding
from gateway.parsers.hprim.lines import LONGEST, Line
from gateway.parsers.remarks import error, note, warning

LONGEST_LINE = 220
MOST_REPETITIONS = 1000
"""Of a field; more doctors than that are an error, more of anything else are no longer read."""
_LOOKED_AT = 10_000
"""Characters of a field in which an escape of unknown meaning is looked for: it is a remark, no more."""
_SEGMENTS = frozenset({"H", "P", "OBR", "OBX", "C", "A", "L", "AP", "AC", "FAC", "REG", "ACT", "ERR"})
_LONGEST_FIELDS = {
    "H": {3: 12, 5: 40, 6: 100, 7: 7, 10: 40, 12: 1, 13: 10, 14: 26},
    "P": {3: 36, 4: 16, 5: 16, 6: 48, 7: 24, 8: 26, 11: 200},
    "OBR": {3: 23, 4: 23, 12: 1, 14: 300, 15: 26, 16: 300, 23: 26, 26: 1},
    "OBX": {3: 3, 4: 120, 5: 20, 7: 20, 12: 2, 15: 26, 16: 60, 17: 60},
}  # fmt: skip
"""hprim.md §2.3; of fields that repeat, the length is that of one repetition and is not looked at."""
_BELOW_BLANK = "".join(map(chr, range(0x20)))
"""Ignored behind a line end; a blank is not, it may belong to a word that was cut there (hprim.md §2.1)."""
_LEADING = "\ufeff\x0b \t\r\n"
_START = re.compile(r"H(?P<field>[^\sA-Za-z0-9])(?P<others>[^\sA-Za-z0-9]{3,4})(?P=field)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Separators:
    """The five characters behind ``H``: note that the sub-field comes before the repeater, unlike in HL7."""

    field: str
    sub: str
    repeater: str
    escape: str
    subsub: str

    def unescape(self, text: str) -> str:
        r"""``\F\ \S\ \R\ \E\ \T\`` and a doubled escape as what they stand for; anything else stays (hprim.md §2.1)."""
        if self.escape not in text:
            return text
        stands = {"F": self.field, "S": self.sub, "R": self.repeater, "E": self.escape, "T": self.subsub}
        return re.sub(self._known(), lambda found: stands.get(found[1] or "E", ""), text)

    def pieces(self, text: str) -> list[str]:
        """The sub-sub-fields of a sub-field whose type has them."""
        return [self.unescape(piece).strip() for piece in text.split(self.subsub)]

    def leaves(self, text: str) -> bool:
        """Whether an escape in the text is none of those and stays as it is."""
        return self.escape in text and self.escape in re.sub(self._known(), "", text[:_LOOKED_AT])

    def _known(self) -> str:
        mark = re.escape(self.escape)
        return f"{mark}([FSRET]){mark}|{mark}{mark}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One logical segment; ``lines`` are the physical lines it was sent in."""

    name: str
    fields: tuple[str, ...] = field(repr=False)
    lines: tuple[Line, ...] = field(repr=False)
    separators: Separators

    @property
    def number(self) -> int:
        """The line it starts on."""
        return self.lines[0].number

    def raw(self, position: int) -> str:
        """Field ``s.position`` of the recommendation, undecoded; empty when it was not sent."""
        return self.fields[position - 1] if position <= len(self.fields) else ""

    def value(self, position: int) -> str:
        """The whole field as text."""
        return self.separators.unescape(self.raw(position)).strip()

    def subs(self, position: int) -> tuple[str, ...]:
        """The sub-fields of the field's first repetition."""
        return next(iter(self.repetitions(position)), ())

    def parts(self, position: int) -> tuple[str, ...]:
        """The sub-fields of a field that does not repeat: a repeater in it is a sign of its text (``10^9/L``)."""
        raw = self.raw(position)
        return tuple(self.separators.unescape(sub).strip() for sub in raw.split(self.separators.sub)) if raw else ()

    def repeated(self, position: int) -> bool:
        """Whether a repeater stands in the field."""
        return self.separators.repeater in self.raw(position)

    def repetitions(self, position: int) -> tuple[tuple[str, ...], ...]:
        """Each repetition of the field as its sub-fields; none for an empty field."""
        raw = self.raw(position)
        parts = raw.split(self.separators.repeater, MOST_REPETITIONS)[:MOST_REPETITIONS] if raw else ()
        return tuple(
            tuple(self.separators.unescape(sub).strip() for sub in part.split(self.separators.sub)) for part in parts
        )

    def text(self, position: int) -> str:
        """A TX field: the repeater is a line break."""
        lines = self.raw(position).split(self.separators.repeater)
        return "\n".join(self.separators.unescape(line) for line in lines).rstrip()

    def place(self, position: int | None = None) -> str:
        """Where it is, as findings name it; a name that no recommendation knows may be a piece of a patient's."""
        named = f"{self.name} line {self.number}" if self.name in _SEGMENTS else f"line {self.number}"
        return named + (f" field {position}" if position else "")


def starts_like_hprim_sante(text: str) -> bool:
    """Whether the text opens with ``H`` and separators."""
    return _START.match(text.lstrip(_LEADING)) is not None


def separators_of(text: str) -> tuple[Separators | None, tuple[Finding, ...]]:
    """Read the separators by their position; three characters instead of four are completed (seen in the wild)."""
    found = _START.match(text)
    if found is None:
        return None, (
            error("sante-no-h", "line 1", "no H segment with its five separators at the start: send nothing before it"),
        )
    others = found["others"]
    remarks: tuple[Finding, ...] = ()
    if len(others) == 3:
        others = f"{others[:2]}\\{others[2]}"
        remarks = (
            warning("sante-separators-short", "H line 1 field 2", "only four separators: the escape is taken as \\"),
        )
    if len({found["field"], *others}) != 5:
        return None, (
            error("sante-separators", "H line 1 field 2", "the separators are not five different characters"),
        )
    sub, repeater, escape, subsub = tuple(others)
    return Separators(field=found["field"], sub=sub, repeater=repeater, escape=escape, subsub=subsub), remarks


def segments_of(lines: Sequence[Line], separators: Separators) -> tuple[tuple[Segment, ...], tuple[Finding, ...]]:
    """Join continuations first, then split: a cut may fall inside a word or a field (hprim.md §2.1)."""
    joined: list[tuple[list[str], list[Line]]] = []
    findings: list[Finding] = []
    for line in lines:
        text = (line.text if joined else line.text.removeprefix("\ufeff")).lstrip(_BELOW_BLANK)
        if not text.strip(" \t\x1a\x1c"):
            continue
        findings += _long(line)
        if text.startswith("A" + separators.field) and joined:
            joined[-1][0].append(text[2:])
            joined[-1][1].append(line)
        else:
            joined.append(([text], [line]))
    segments = tuple(_segment("".join(texts), tuple(parts), separators) for texts, parts in joined)
    for segment in segments:
        findings += (*_escapes(segment), *_wide(segment), *_endless(segment))
    return segments, tuple(findings)


def _segment(text: str, lines: tuple[Line, ...], separators: Separators) -> Segment:
    fields = tuple(text.split(separators.field))
    return Segment(name=fields[0].strip()[:8], fields=fields, lines=lines, separators=separators)


def _escapes(segment: Segment) -> Iterator[Finding]:
    """Receivers disagree on what an escape means, so one that is not among the agreed ones is shown as it stands."""
    for position, text in enumerate(segment.fields, start=1):
        if segment.name != "H" and segment.separators.leaves(text):
            yield warning("sante-escape", segment.place(position), "escape of unknown meaning: shown as it stands")
            return


def _endless(segment: Segment) -> Iterator[Finding]:
    """A field that no letter has (promises.md §2, row 23); a file in base64 may be as long as the door allows."""
    for position, text in enumerate(segment.fields, start=1):
        file = segment.name == "OBX" and position == 6 and segment.raw(3).strip().upper() in {"PDF", "TIF"}
        if len(text) > LONGEST and not file:
            yield error("field-too-large", segment.place(position), f"more than {LONGEST:,} characters in a field")


def _wide(segment: Segment) -> Iterator[Finding]:
    for position, most in _LONGEST_FIELDS.get(segment.name, {}).items():
        if len(segment.raw(position)) > most:
            yield note(
                "sante-long-field", segment.place(position), f"more than the {most} characters the field may have"
            )


def _long(line: Line) -> Iterator[Finding]:
    if len(line.text) + 1 > LONGEST_LINE:
        yield note(
            "sante-long-line",
            f"line {line.number}",
            f"{len(line.text) + 1} characters in a line, {LONGEST_LINE} allowed",
        )
