"""Look-ups in the national directory: by number, by mailbox, by structure, by words."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from directory.database import Row
from directory.fold import fold_mailbox, structure_number
from directory.hits import hits
from directory.records import Found, Mailbox, MailboxKind, Office, Practitioner
from directory.searching import Wanted, numbers
from directory.shelf import Shelf

MAILBOX_FIELDS = (
    "kind, address, folded, domain, national_id, structure, service, family, given, profession, skill, accepts, "
    "organisation, street, postcode, city"
)
BY_OWNER = f"SELECT {MAILBOX_FIELDS} FROM mailbox WHERE national_id = ?"  # noqa: S608 (own names)
BY_ADDRESS = f"SELECT {MAILBOX_FIELDS} FROM mailbox WHERE folded = ?"  # noqa: S608 (own names)
BY_STRUCTURE = f"SELECT {MAILBOX_FIELDS} FROM mailbox WHERE structure = ? AND structure <> '' AND kind = 'ORG'"  # noqa: S608
PERSON = "SELECT national_id, civility, family, given, profession FROM person WHERE national_id = ?"
OFFICES = (
    "SELECT profession, skill, mode, finess, siret, technical, entity, phone, organisation, street, postcode, city "
    "FROM activity WHERE national_id = ?"
)
ADDRESSES_FROM = "SELECT DISTINCT folded FROM mailbox WHERE folded >= ? AND folded < ? ORDER BY folded LIMIT ?"
ADDRESSES_WITH = "SELECT DISTINCT folded FROM mailbox WHERE folded LIKE ? ESCAPE '!' ORDER BY folded LIMIT ?"
DOMAIN = "SELECT 1 FROM mailbox WHERE domain = ? LIMIT 1"
LABEL = "SELECT words FROM label WHERE kind = ? AND code = ?"
FACTS = "SELECT name, value FROM fact WHERE substr(name, 1, 5) <> 'last-'"
FILES = "SELECT kind, name, published_at, imported_at, rows, rejected, duplicates, sha256 FROM file ORDER BY kind"


class National:
    """The national extractions, read-only."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def rows(self, statement: str, *values: object) -> list[Row]:
        """Rows of one of this module's statements."""
        return self._shelf.rows(statement, values)

    def close(self) -> None:
        """Let go of the shelf."""
        self._shelf.close()

    def by_owner(self, national_id: str) -> list[Mailbox]:
        """All mailboxes of one person."""
        return _mailboxes(self.rows(BY_OWNER, national_id))

    def by_address(self, address: str) -> list[Mailbox]:
        """Everyone whose mailbox this is, case folded."""
        return _mailboxes(self.rows(BY_ADDRESS, fold_mailbox(address)))

    def addresses(self, piece: str, *, anywhere: bool, limit: int) -> list[str]:
        """Addresses that begin with ``piece`` or hold it; ``piece`` is folded, ``folded`` sorted by code points."""
        if not anywhere:
            return [row[0] for row in self.rows(ADDRESSES_FROM, piece, f"{piece}\U0010ffff", limit)]
        literal = re.sub("[!%_]", r"!\g<0>", piece)
        return [row[0] for row in self.rows(ADDRESSES_WITH, f"%{literal}%", limit)]

    def by_structure(self, number: str) -> list[Mailbox]:
        """The organisational mailboxes of a FINESS or SIRET."""
        return _mailboxes(self.rows(BY_STRUCTURE, structure_number(number)))

    def practitioner(self, national_id: str) -> Practitioner | None:
        """The person and every place of activity; ``None`` when the directory does not know the number."""
        for number, civility, family, given, profession in self.rows(PERSON, national_id):
            offices = dict.fromkeys(_office(row) for row in self.rows(OFFICES, national_id))
            return Practitioner(
                national_id=number,
                civility=civility,
                family=family,
                given=given,
                profession=profession,
                offices=tuple(offices),
            )
        return None

    def search(self, wanted: Wanted, *, limit: int) -> list[Found]:
        """Persons and organisations whose name holds all the words; see :func:`directory.searching.numbers`."""
        return hits(self._shelf, numbers(self._shelf, wanted, limit))

    def label(self, kind: str, code: str) -> str:
        """The words of a code; the code itself when there are none."""
        rows = self.rows(LABEL, kind, code) if code else []
        return str(rows[0][0]) if rows else code


def _mailboxes(rows: Iterable[Row]) -> list[Mailbox]:
    """One record per address, owner and structure: several lines differ only by savoir-faire (169 of them)."""
    grouped: dict[tuple[str, str | None, str], list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row[2], row[4], row[5]].append(row)
    return [_mailbox(lines) for lines in grouped.values()]


def _mailbox(lines: list[Row]) -> Mailbox:
    kind, address, _, domain, national_id, structure, service, family, given, profession, *_ = lines[0]
    organisation, street, postcode, city = lines[0][12:16]
    answers = {line[11] for line in lines}
    return Mailbox(
        kind=MailboxKind(kind),
        address=address,
        domain=domain,
        national_id=national_id,
        structure=structure,
        service=service,
        family=family,
        given=given,
        profession=profession,
        skills=tuple(dict.fromkeys(line[10] for line in lines if line[10])),
        # One line that refuses is a refusal.
        accepts=False if 0 in answers else (True if 1 in answers else None),
        organisation=organisation,
        street=street,
        postcode=postcode,
        city=city,
    )


def _office(row: Row) -> Office:
    profession, skill, mode, finess, siret, technical, entity, phone, organisation, street, postcode, city = row
    return Office(
        profession=profession,
        skill=skill,
        mode=mode,
        structures=tuple(number for number in (finess, siret, technical) if number),
        entity=entity,
        phone=phone,
        organisation=organisation,
        street=street,
        postcode=postcode,
        city=city,
    )
