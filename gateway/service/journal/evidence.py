"""Proof files: what the journal says of one letter, or that it only grew, for somebody who trusts no program of ours.

How they are checked is told in docs/evidence.md; ``tools/verify_proof.py`` does it with the standard library alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, select

from gateway import journal_tree
from gateway.errors import JournalRefused
from gateway.identifiers import LetterId
from gateway.journal_note import Checkpoint
from gateway.queue import entries
from gateway.queue.entries import ENTRY, Line
from gateway.queue.tiles import StoredTree
from gateway.service.journal.event_words import HOW_TO_CHECK, meaning

LETTER, CONSISTENCY = "huitaine-proof-1", "huitaine-consistency-1"


def about_letter(
    connection: Connection, letter: LetterId, checkpoint: Checkpoint, *, note: str, key: str, at: datetime
) -> dict[str, Any] | None:
    """Every entry about ``letter`` and its parts that ``checkpoint`` covers, each with its path to the signed root.

    ``None`` when there is none: no such letter, or its entries were erased. Raises JournalRefused when an entry is not
    what was written: nothing false is ever put into such a file.
    """
    tree = StoredTree(connection)
    proofs = [_proof(connection, tree, seq, checkpoint) for seq in _about(connection, letter)]
    found = [proof for proof in proofs if proof]
    return (
        {
            "format": LETTER,
            "letter": letter,
            "made_at": at.isoformat(),
            "how_to_check": HOW_TO_CHECK,
            "key": key,
            "checkpoint": note,
            "entries": found,
        }
        if found
        else None
    )


def about_growth(
    connection: Connection, old: Checkpoint, new: Checkpoint, *, notes: tuple[str, str], key: str
) -> dict[str, Any]:
    """That the journal of ``new`` begins with all of that of ``old``; raises JournalRefused when it does not."""
    tree = StoredTree(connection)
    for each in (old, new):
        if each.size > new.size or tree.root(each.size) != each.root:
            raise JournalRefused(f"the checkpoint of {each.size} entries is not of this journal")
    if not old.size:
        raise JournalRefused("the older checkpoint covers no entry: there is nothing to prove")
    path = journal_tree.consistency(old.size, new.size, tree.node)
    return {"format": CONSISTENCY, "key": key, "old": notes[0], "new": notes[1], "path": [step.hex() for step in path]}


def _about(connection: Connection, letter: LetterId) -> Sequence[int]:
    own = or_(ENTRY.c.letter_id == letter, ENTRY.c.letter_id.startswith(f"{letter}-", autoescape=True))
    return connection.execute(select(ENTRY.c.seq).where(own).order_by(ENTRY.c.seq)).scalars().all()


def _proof(connection: Connection, tree: StoredTree, seq: int, checkpoint: Checkpoint) -> dict[str, Any] | None:
    index = tree.place(seq)
    if index >= checkpoint.size:
        return None
    line = next(entries.told(connection, seq - 1, at_most=1))
    before = connection.execute(select(ENTRY.c.hash).where(ENTRY.c.seq < seq).order_by(ENTRY.c.seq.desc()).limit(1))
    last = before.scalar() or entries.START
    if not entries.sound(last, line):
        raise JournalRefused(f"journal line {seq} was changed: see `huitaine audit verify`")
    path = journal_tree.inclusion(index, checkpoint.size, tree.node)
    told = {"index": index, **_words(line, last), "path": [step.hex() for step in path]}
    return told | {"meaning": meaning(line[2])}


def _words(line: Line, last: bytes) -> dict[str, str]:
    """What the leaf covers: salt and words, or, of before the salts, the chained hash over the words."""
    if line[9] is None:
        return {"before": last.hex(), "words": entries.old_words(line[1:8]).decode()}
    return {"salt": line[9].hex(), "words": journal_tree.written(line[1:8]).decode()}
