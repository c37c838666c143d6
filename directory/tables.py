"""The tables of the national directory, the same in SQLite and PostgreSQL, in the schema ``{new}``; built in one go."""

from __future__ import annotations

VERSION = 3
"""Raise it with any change of the tables or of how keys and digests are made: rows of two versions never match."""

TABLES = (
    """CREATE TABLE {new}.mailbox (
        id INTEGER PRIMARY KEY, key BIGINT NOT NULL, digest BIGINT NOT NULL, kind TEXT NOT NULL,
        address TEXT NOT NULL, folded TEXT {bytes} NOT NULL,
        domain TEXT NOT NULL, national_id TEXT, structure TEXT NOT NULL, service TEXT NOT NULL,
        civility TEXT NOT NULL, family TEXT NOT NULL, given TEXT NOT NULL, profession TEXT NOT NULL,
        skill TEXT NOT NULL, accepts INTEGER, organisation TEXT NOT NULL, street TEXT NOT NULL,
        postcode TEXT NOT NULL, city TEXT NOT NULL)""",
    """CREATE TABLE {new}.activity (
        id INTEGER PRIMARY KEY, key BIGINT NOT NULL, digest BIGINT NOT NULL, national_id TEXT NOT NULL,
        civility TEXT NOT NULL, family TEXT NOT NULL, given TEXT NOT NULL, profession TEXT NOT NULL,
        skill TEXT NOT NULL, mode TEXT NOT NULL, siret TEXT NOT NULL, finess TEXT NOT NULL, technical TEXT NOT NULL,
        phone TEXT NOT NULL, organisation TEXT NOT NULL, street TEXT NOT NULL, postcode TEXT NOT NULL,
        city TEXT NOT NULL)""",
    """CREATE TABLE {new}.person (
        id INTEGER PRIMARY KEY, national_id TEXT NOT NULL, civility TEXT NOT NULL, family TEXT NOT NULL,
        given TEXT NOT NULL, profession TEXT NOT NULL,
        places TEXT NOT NULL, professions TEXT NOT NULL, skills TEXT NOT NULL)""",
    "CREATE TABLE {new}.label (kind TEXT NOT NULL, code TEXT NOT NULL, words TEXT NOT NULL, PRIMARY KEY (kind, code))",
    """CREATE TABLE {new}.file (
        kind TEXT PRIMARY KEY, name TEXT NOT NULL, published_at TEXT, imported_at TEXT NOT NULL,
        rows INTEGER NOT NULL, rejected INTEGER NOT NULL, duplicates INTEGER NOT NULL, sha256 TEXT NOT NULL)""",
    "CREATE TABLE {new}.fact (name TEXT PRIMARY KEY, value INTEGER NOT NULL)",
    # Spellings one letter away, see spelling.py: each pair is a form and the number of a word that has it.
    "CREATE TABLE {new}.word (id INTEGER PRIMARY KEY, text TEXT NOT NULL)",
    "CREATE TABLE {new}.near (pair {bigkey})",
)

TABLE_OF = {"mailboxes": "mailbox", "activities": "activity"}

ROW_INDEXES = (
    ("mailbox", "key", "(key, digest)"),
    ("mailbox", "address", "(folded)"),
    ("mailbox", "owner", "(national_id) WHERE national_id IS NOT NULL"),
    ("mailbox", "structure", "(structure) WHERE structure <> ''"),
    ("mailbox", "domain", "(domain)"),
    ("word", "text", "(text)"),
    ("activity", "key", "(key, digest)"),
    ("activity", "owner", "(national_id)"),
)
"""Table, name and what is indexed: made after loading, which is several times faster."""

FACTS = """INSERT INTO {new}.fact (name, value)
    SELECT 'mailboxes', count(DISTINCT folded) FROM {new}.mailbox
    UNION ALL SELECT 'domains', count(DISTINCT domain) FROM {new}.mailbox
    UNION ALL SELECT 'personal', count(*) FROM {new}.mailbox WHERE kind IN ('PER', 'CAB')
    UNION ALL SELECT 'organisations', count(*) FROM {new}.mailbox WHERE kind IN ('ORG', 'APP')
    UNION ALL SELECT 'practitioners', count(*) FROM {new}.person
    UNION ALL SELECT 'activities', count(*) FROM {new}.activity"""
