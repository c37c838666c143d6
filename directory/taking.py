"""One national file, turned into packed rows: every line is a row, or is counted as rejected with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from directory.extraction import LONGEST_LINE, Extraction
from directory.layout import FileKind, Layout
from directory.packing import Pack
from directory.rows import RejectedRow, SqlRow, activity_row, mailbox_row

EXAMPLES = 1000
"""How many rejected rows are named one by one; all of them are counted."""
_PROFESSION = {FileKind.MAILBOXES: 10, FileKind.ACTIVITIES: 6}
"""Where the profession's code stands; the skill's follows, the labels of both are columns 20 and 21."""
_ROW_OF = {FileKind.MAILBOXES: mailbox_row, FileKind.ACTIVITIES: activity_row}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A line that was not taken: where and why."""

    file: str
    line: int
    code: str
    words: str


@dataclass(slots=True)
class Loading:
    """The running counts of one file; only this module changes it."""

    extraction: Extraction
    rows: int = 0
    rejected: int = 0
    whole: bool = True
    """Whether the last line was ended: if not, the file may be cut."""
    examples: list[Rejected] = field(default_factory=list)
    labels: dict[str, dict[str, str]] = field(default_factory=lambda: {"profession": {}, "skill": {}})
    """Words of the codes by kind."""
    sha256: str = ""

    @property
    def lines(self) -> int:
        """Of the file, its header included."""
        return 1 + self.rows + self.rejected

    def add(self, other: Loading) -> None:
        """Count what another process read and took of the same file."""
        self.rows += other.rows
        self.rejected += other.rejected
        self.examples = sorted(self.examples + other.examples, key=lambda one: one.line)[:EXAMPLES]
        self.labels = {kind: words | self.labels[kind] for kind, words in other.labels.items()}
        self.whole, self.sha256 = other.whole, other.sha256


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines that stand together, without their ends; the number of the first, and how many of the bytes were read."""

    first: int
    lines: list[bytes] = field(repr=False)
    bytes_done: int


@dataclass(frozen=True, slots=True)
class Batch:
    """The good rows of one piece, packed, and how many they are."""

    packed: bytes = field(repr=False)
    rows: int
    bytes_done: int


def pieces(loading: Loading) -> Iterator[Piece]:
    """The whole file but its header; ``loading`` knows at the end what was read."""
    digest, done, number, rest = sha256(), 0, 1, b""
    for block in loading.extraction.blocks():
        digest.update(block)
        done += len(block)
        lines = (rest + block).split(b"\n")
        rest = lines.pop()[:LONGEST_LINE]  # of an overlong line only the beginning is kept
        header = lines[:1] if number == 1 else []
        yield Piece(number + len(header), lines[len(header) :], done)
        number += len(lines)
    loading.sha256, loading.whole = digest.hexdigest(), not rest
    if rest and number > 1:
        yield Piece(number, [rest], done)


def batch_of(loading: Loading, piece: Piece, pack: Pack) -> Batch:
    """Make the rows of a piece, each with its line's number; ``loading`` counts them and the rejected ones."""
    rows = list(_rows(loading, piece))
    loading.rows += len(rows)
    return Batch(pack(rows), len(rows), piece.bytes_done)


def _rows(loading: Loading, piece: Piece) -> Iterator[SqlRow]:
    layout, labelled = loading.extraction.layout, set[tuple[str, ...]]()
    to_row, place = _ROW_OF[layout.kind], _PROFESSION[layout.kind]
    for number, line in enumerate(piece.lines, start=piece.first):
        try:
            values = _values(line, layout)
            row = to_row(line, values)
        except RejectedRow as rejected:
            _reject(loading, number, rejected)
            continue
        codes = values[place : place + 2]
        if codes not in labelled:
            labelled.add(codes)
            _label(loading, codes, values)
        yield (number, *row)


def _values(line: bytes, layout: Layout) -> tuple[str, ...]:
    """Split on the bar alone: quotes are text in these files (csv.QUOTE_NONE)."""
    if len(line) >= LONGEST_LINE:
        raise RejectedRow("too-long", f"longer than {LONGEST_LINE} bytes")
    try:
        values = (line.decode() if line[-1:] != b"\r" else line[:-1].decode()).split("|")
    except UnicodeDecodeError as error:
        raise RejectedRow("not-utf8", f"byte {error.start} is not UTF-8") from error
    found = len(values)
    # Some extractions end every line with a bar.
    if found != layout.width and (found != layout.width + 1 or values[-1]):
        raise RejectedRow("columns", f"{found} columns instead of {layout.width}")
    return layout.pick(values)


def _reject(loading: Loading, line: int, why: RejectedRow) -> None:
    loading.rejected += 1
    if len(loading.examples) < EXAMPLES:
        rejected = Rejected(file=loading.extraction.name, line=line, code=why.code, words=str(why))
        loading.examples.append(rejected)


def _label(loading: Loading, codes: tuple[str, ...], values: tuple[str, ...]) -> None:
    for kind, code, words in zip(("profession", "skill"), codes, values[20:22], strict=True):
        loading.labels[kind].setdefault(code, words)
