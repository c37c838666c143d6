"""What is odd in rows that were taken all the same: told one by one, so that a person can look."""

from __future__ import annotations

from collections.abc import Iterator

from directory.fold import same_family
from directory.layout import FileKind
from directory.shelf import Building, Shelf
from directory.tables import TABLE_OF
from directory.taking import Rejected
from directory.whitelist import WhiteList


def two_names(building: Building, kind: FileKind, file: str, *, lines: int) -> Iterator[Rejected]:
    """Numbers that two different family names bear in one file: one of the lines is somebody else's.

    Each with the line where the second name stands first; ``lines`` is how many the file has, header included.
    """
    table = TABLE_OF[kind]
    statement = (
        f"SELECT national_id, min(family), max(family), min(id) FROM {{new}}.{table} "  # noqa: S608 (own names)
        "WHERE national_id IS NOT NULL GROUP BY national_id HAVING min(family) <> max(family) ORDER BY min(id)"
    )
    for number, first, last, _ in building.rows(statement):
        if not same_family(first, last):
            line = _second_name(building, table, number)
            words = f"{number}: two different names; kept, look at it"
            # A row's number is its line's; what a delta told and is kept has higher ones.
            yield Rejected(file=file, line=line if line <= lines else 0, code="two-names", words=words)


def _second_name(building: Building, table: str, number: str) -> int:
    statement = f"SELECT family, min(id) FROM {{new}}.{table} WHERE national_id = ? GROUP BY family ORDER BY 2"  # noqa: S608
    (first, _), *others = building.rows(statement, number)
    # DURAND-MARTIN first and then each half of it: neither is another name than the first.
    return next((int(line) for family, line in others if not same_family(first, family)), 0)


def unlisted(shelf: Shelf, white_list: WhiteList) -> Iterator[Rejected]:
    """Mailboxes whose domain is not in the white list (any more): nothing is sent to them while it is not."""
    if not white_list.loaded:
        return
    for (domain,) in shelf.rows("SELECT DISTINCT domain FROM mailbox ORDER BY domain"):
        if not white_list.contains(domain):
            for (address,) in shelf.rows("SELECT DISTINCT folded FROM mailbox WHERE domain = ?", (domain,)):
                words = f"{address}: its domain is not in the white list; kept, nothing is sent there"
                yield Rejected(file="", line=0, code="not-listed", words=words)
