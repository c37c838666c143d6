"""Whether everything that is kept is whole: pages, journal, links between rows, keys, and each letter's bytes."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Row, exists, select
from sqlalchemy.exc import DatabaseError

from gateway.errors import HuitaineError
from gateway.queue import bodies, entries
from gateway.queue.accept import CHUNK, DELIVERY, LETTER, REPLAY
from gateway.queue.bodies import AtRest, Summary, Target


def problems(connection: Connection, vault: AtRest | None) -> Iterator[str]:
    """A line for each thing that is wrong: what and where, no name. Without ``vault`` nothing is opened."""
    try:
        yield from _pages(connection)
        yield from (f"journal line {seq}: changed, or after a removed one" for seq in entries.broken_links(connection))
        yield from _links(connection)
        if vault is not None:
            yield from _tail(connection, vault)
            yield from _letters(connection, vault)
    except DatabaseError as error:
        yield f"database: {error.orig}"


def _pages(connection: Connection) -> Iterator[str]:
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql("PRAGMA integrity_check").scalars()
        yield from (f"database: {line}" for line in found if line != "ok")


def _links(connection: Connection) -> Iterator[str]:
    whole = LETTER.alias()
    for what, column, target in (
        ("chunk", CHUNK.c.letter_id, LETTER.c.id),
        ("delivery", DELIVERY.c.letter_id, LETTER.c.id),
        ("replay", REPLAY.c.letter_id, LETTER.c.id),
        ("part", LETTER.c.whole, whole.c.id),
    ):
        lost = select(column).where(~exists().where(target == column)).distinct()
        yield from (
            f"{what} of letter {letter}: the letter is missing" for letter in connection.execute(lost).scalars()
        )


def _tail(connection: Connection, vault: AtRest) -> Iterator[str]:
    missing = entries.missing_tail(connection, vault.vouch)
    if missing > 0:
        yield f"journal: {missing} lines are missing at its end"
    elif missing < 0:
        yield "journal: its end is not the one that was sealed"


def _letters(connection: Connection, vault: AtRest) -> Iterator[str]:
    ids = connection.execute(select(LETTER.c.id).where(LETTER.c.body_key != b"").order_by(LETTER.c.id)).scalars().all()
    for letter in ids:
        try:
            yield from _letter(connection, vault, letter)
        except HuitaineError as error:
            yield f"letter {letter}: {error.detail}"


def _letter(connection: Connection, vault: AtRest, letter: str) -> Iterator[str]:
    row = connection.execute(select(LETTER).where(LETTER.c.id == letter)).one_or_none()
    if row is None or not row.body_key:
        return
    key = vault.unwrap(row.body_key)
    bodies.unseal(vault, key, (letter, bodies.SUMMARY), row.sealed, Summary)
    parcels = select(DELIVERY.c.id, DELIVERY.c.addressee).where(DELIVERY.c.letter_id == letter)
    for parcel in connection.execute(parcels):
        if parcel.addressee:
            bodies.unseal(vault, key, (parcel.id, bodies.ADDRESSEE), parcel.addressee, Target)
    yield from _body(connection, vault, key, row)


def _body(connection: Connection, vault: AtRest, key: bytes, row: Row[Any]) -> Iterator[str]:
    if row.part:
        return
    digest, number = sha256(), 0
    for chunk in connection.execute(select(CHUNK).where(CHUNK.c.letter_id == row.id).order_by(CHUNK.c.n)):
        digest.update(vault.open_chunk(key, row.id, chunk.n, chunk.data))
        number += 1
    if not number and (row.state == "open" or row.erase_after):
        yield f"letter {row.id}: its bytes are missing"
    if number and digest.hexdigest() != row.sha256:
        yield f"letter {row.id}: its bytes are not those that came"
