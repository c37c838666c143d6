"""The tables of ``directory.db``; built in one go, never changed afterwards."""

from __future__ import annotations

VERSION = 1
"""Raise it with any change of the tables or of how keys and digests are made: rows of two versions never match."""

TABLES = (
    """CREATE TABLE mailbox (
        key INTEGER NOT NULL, digest INTEGER NOT NULL, kind TEXT NOT NULL, address TEXT NOT NULL, folded TEXT NOT NULL,
        domain TEXT NOT NULL, national_id TEXT, structure TEXT NOT NULL, service TEXT NOT NULL,
        civility TEXT NOT NULL, family TEXT NOT NULL, given TEXT NOT NULL, profession TEXT NOT NULL,
        skill TEXT NOT NULL, accepts INTEGER, organisation TEXT NOT NULL, street TEXT NOT NULL,
        postcode TEXT NOT NULL, city TEXT NOT NULL)""",
    """CREATE TABLE activity (
        key INTEGER NOT NULL, digest INTEGER NOT NULL, national_id TEXT NOT NULL, civility TEXT NOT NULL,
        family TEXT NOT NULL, given TEXT NOT NULL, profession TEXT NOT NULL, skill TEXT NOT NULL, mode TEXT NOT NULL,
        siret TEXT NOT NULL, finess TEXT NOT NULL, technical TEXT NOT NULL, organisation TEXT NOT NULL,
        street TEXT NOT NULL, postcode TEXT NOT NULL, city TEXT NOT NULL)""",
    """CREATE TABLE person (
        id INTEGER PRIMARY KEY, national_id TEXT NOT NULL, civility TEXT NOT NULL, family TEXT NOT NULL,
        given TEXT NOT NULL, profession TEXT NOT NULL)""",
    "CREATE TABLE label (kind TEXT NOT NULL, code TEXT NOT NULL, words TEXT NOT NULL, PRIMARY KEY (kind, code))",
    """CREATE TABLE file (
        kind TEXT PRIMARY KEY, name TEXT NOT NULL, published_at TEXT, imported_at TEXT NOT NULL,
        rows INTEGER NOT NULL, rejected INTEGER NOT NULL, duplicates INTEGER NOT NULL, sha256 TEXT NOT NULL)""",
    "CREATE TABLE fact (name TEXT PRIMARY KEY, value INTEGER NOT NULL)",
    # Words of persons (rowid of person) and of organisations' mailboxes (minus the rowid of mailbox).
    "CREATE VIRTUAL TABLE words USING fts5(name, town, content='', detail='column', tokenize='ascii')",
)

COLUMNS = {"mailboxes": 19, "activities": 16}
TABLE_OF = {"mailboxes": "mailbox", "activities": "activity"}

ROW_INDEXES = {
    "mailboxes": (
        "CREATE INDEX mailbox_key ON mailbox (key, digest)",
        "CREATE INDEX mailbox_address ON mailbox (folded)",
        "CREATE INDEX mailbox_owner ON mailbox (national_id) WHERE national_id IS NOT NULL",
        "CREATE INDEX mailbox_structure ON mailbox (structure) WHERE structure <> ''",
        "CREATE INDEX mailbox_domain ON mailbox (domain)",
    ),
    "activities": (
        "CREATE INDEX activity_key ON activity (key, digest)",
        "CREATE INDEX activity_owner ON activity (national_id)",
    ),
}

PERSONS = (
    # The bare columns of a GROUP BY come from one row of the group: any spelling of the name will do for a search.
    """INSERT INTO person (national_id, civility, family, given, profession)
        SELECT national_id, civility, family, given, profession FROM activity GROUP BY national_id""",
    "CREATE UNIQUE INDEX person_number ON person (national_id)",
    """INSERT OR IGNORE INTO person (national_id, civility, family, given, profession)
        SELECT national_id, civility, family, given, profession FROM mailbox
        WHERE national_id IS NOT NULL ORDER BY national_id""",
    # FTS5 writes a segment whenever a rowid is below the one before: rising order, the negative ones first.
    """INSERT INTO words (rowid, name, town)
        SELECT -rowid, fold(organisation || ' ' || service), fold(city) FROM mailbox
        WHERE kind IN ('ORG', 'APP') ORDER BY rowid DESC""",
    """INSERT INTO words (rowid, name, town)
        SELECT p.id, fold(p.family || ' ' || p.given), fold(coalesce((
            SELECT group_concat(city, ' ') FROM (
                SELECT city FROM activity WHERE national_id = p.national_id
                UNION SELECT city FROM mailbox WHERE national_id = p.national_id)), '')) FROM person p
        ORDER BY p.id""",
    """INSERT INTO fact (name, value)
        SELECT 'mailboxes', count(DISTINCT folded) FROM mailbox
        UNION ALL SELECT 'domains', count(DISTINCT domain) FROM mailbox
        UNION ALL SELECT 'personal', count(*) FROM mailbox WHERE kind IN ('PER', 'CAB')
        UNION ALL SELECT 'organisations', count(*) FROM mailbox WHERE kind IN ('ORG', 'APP')
        UNION ALL SELECT 'practitioners', count(*) FROM person
        UNION ALL SELECT 'activities', count(*) FROM activity""",
)
