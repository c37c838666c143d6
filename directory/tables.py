"""The tables of the national directory, the same in SQLite and PostgreSQL, in the schema ``{new}``; built in one go."""

from __future__ import annotations

VERSION = 4
"""Raise it with any change of the tables or of how keys and digests are made: rows of two versions never match."""

TABLES = (
    """CREATE TABLE {new}.mailbox (
        id INTEGER PRIMARY KEY, key BIGINT NOT NULL, digest BIGINT NOT NULL, kind {text} NOT NULL,
        address {text} NOT NULL, folded {text} NOT NULL,
        domain {text} NOT NULL, national_id {text}, structure {text} NOT NULL, service {text} NOT NULL,
        civility {text} NOT NULL, family {text} NOT NULL, given {text} NOT NULL, profession {text} NOT NULL,
        skill {text} NOT NULL, accepts INTEGER, organisation {text} NOT NULL, street {text} NOT NULL,
        postcode {text} NOT NULL, city {text} NOT NULL)""",
    """CREATE TABLE {new}.activity (
        id INTEGER PRIMARY KEY, key BIGINT NOT NULL, digest BIGINT NOT NULL, national_id {text} NOT NULL,
        civility {text} NOT NULL, family {text} NOT NULL, given {text} NOT NULL, profession {text} NOT NULL,
        skill {text} NOT NULL, mode {text} NOT NULL, siret {text} NOT NULL, finess {text} NOT NULL,
        technical {text} NOT NULL, entity {text} NOT NULL, phone {text} NOT NULL, organisation {text} NOT NULL,
        street {text} NOT NULL, postcode {text} NOT NULL, city {text} NOT NULL)""",
    """CREATE TABLE {new}.person (
        id INTEGER PRIMARY KEY, national_id {text} NOT NULL, civility {text} NOT NULL, family {text} NOT NULL,
        given {text} NOT NULL, profession {text} NOT NULL,
        places {text} NOT NULL, professions {text} NOT NULL, skills {text} NOT NULL)""",
    """CREATE TABLE {new}.label (
        kind {text} NOT NULL, code {text} NOT NULL, words {text} NOT NULL, PRIMARY KEY (kind, code))""",
    """CREATE TABLE {new}.file (
        kind {text} PRIMARY KEY, name {text} NOT NULL, published_at {text}, imported_at {text} NOT NULL,
        rows INTEGER NOT NULL, rejected INTEGER NOT NULL, duplicates INTEGER NOT NULL, sha256 {text} NOT NULL)""",
    # Whose rows a delta changed, and when it was begun, see later.py.
    """CREATE TABLE {new}.told (
        rows_of {text} NOT NULL, place INTEGER NOT NULL, owner {text} NOT NULL, told_at {text} NOT NULL,
        PRIMARY KEY (rows_of, place, owner))""",
    "CREATE TABLE {new}.fact (name {text} PRIMARY KEY, value INTEGER NOT NULL)",
    # Spellings one letter away, see spelling.py: each pair is a form and the number of a word that has it.
    "CREATE TABLE {new}.word (id INTEGER PRIMARY KEY, text {text} NOT NULL)",
    "CREATE TABLE {new}.near (pair {bigkey})",
)

COLUMNS = {
    "mailbox": "key, digest, kind, address, folded, domain, national_id, structure, service, civility, family, given, "
    "profession, skill, accepts, organisation, street, postcode, city",
    "activity": "key, digest, national_id, civility, family, given, profession, skill, mode, siret, finess, technical, "
    "entity, phone, organisation, street, postcode, city",
}
"""All but ``id``."""
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
