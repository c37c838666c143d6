"""The keys between the master and the letters, in the database: made at the opening, changed in the writer's thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Connection, Row, and_, func, insert, select, update

from gateway import journal
from gateway.errors import HuitaineError, KeyStoreRefused, NoSuchAddressee
from gateway.queue import entries
from gateway.queue.accept import LETTER
from gateway.queue.bodies import AtRest
from gateway.queue.sqlite import owe_checkpoint
from gateway.queue.tables import VaultKey
from gateway.wrapped_key import WrappedKey

VAULT_KEY = VaultKey.__table__  # type: ignore[attr-defined]  # SQLModel makes it at run time
AT_ONCE = 200
"""Letters rewrapped in one transaction: doors wait behind it (about 10 ms)."""
_TRIED = 5
"""Of the newest letters, how many show at a start whether the keys are theirs."""
_OF_0_1 = b"\x01"
_ALL = "~"
"""Behind every letter's id: nothing is left to look at."""
_LETTERS = select(LETTER.c.id, LETTER.c.source, LETTER.c.body_key)
_LIVING = VAULT_KEY.c.wrapped != b""
_HELD = select(*(VAULT_KEY.c[each.name] for each in fields(WrappedKey))).where(_LIVING).order_by(VAULT_KEY.c.created_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turning:
    """A tenant's key gives way to a new one."""

    tenant: str
    now: datetime
    vault: AtRest = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Destroying:
    """End the former keys that were retired before ``horizon``."""

    now: datetime
    horizon: datetime
    vault: AtRest = field(repr=False)


def held(connection: Connection) -> Sequence[WrappedKey]:
    """The keys that are not destroyed."""
    rows = connection.execute(_HELD).all()
    return [WrappedKey(**row._mapping) for row in rows]


def made_before(connection: Connection, when: datetime) -> list[str]:
    """The tenants whose current key is older than that."""
    current = (_LIVING, VAULT_KEY.c.purpose == "tenant", VAULT_KEY.c.current.is_(True), VAULT_KEY.c.created_at <= when)
    return list(connection.execute(select(VAULT_KEY.c.name).where(*current)).scalars())


def open_ring(connection: Connection, vault: AtRest, now: datetime) -> bool:
    """Let ``vault`` hold the keys of this database, and make those that are missing; whether it had none at all.

    Raises KeyStoreRefused when they are another master key's, or when there are letters and no keys for them. One
    damaged row among the newest stops nothing: that letter is held by itself when its turn comes.
    """
    keys = held(connection)
    vault.hold(keys)
    _opens_one(connection, vault)
    there = {(key.purpose, key.name) for key in keys if key.current}
    wanted = {("tenant", tenant) for tenant in vault.tenants} | {
        ("pseudonyms", ""),
        ("journal", ""),
        ("checkpoints", ""),
    }
    of_0_1 = not keys and entries.length(connection) > 0
    for purpose, name in sorted(wanted - there):
        _keep(connection, vault.new_key(purpose, name, as_in_0_1=of_0_1 and purpose == "pseudonyms"), now)
    vault.hold(held(connection))
    return not keys


def _opens_one(connection: Connection, vault: AtRest) -> None:
    sealed = select(LETTER.c.body_key).where(LETTER.c.body_key != b"").order_by(LETTER.c.id.desc()).limit(_TRIED)
    trouble: KeyStoreRefused | None = None
    for newest in connection.execute(sealed).scalars():
        try:
            vault.unwrap(newest)
        except KeyStoreRefused as refused:
            trouble = trouble or refused
        else:
            return
    if trouble:
        raise trouble


def turn(connection: Connection, jobs: Sequence[Turning]) -> Sequence[None]:
    """Give a tenant a new key; what its former key wraps is taken from it later (:func:`rewrap`)."""
    for job in jobs:
        mine = (VAULT_KEY.c.purpose == "tenant", VAULT_KEY.c.name == job.tenant, VAULT_KEY.c.current.is_(True))
        retired = update(VAULT_KEY).where(*mine).values(current=False, retired_at=job.now, rewrapped_to="")
        if not connection.execute(retired).rowcount:
            raise NoSuchAddressee("no such tenant", status="5.1.1", words="no such tenant")
        _keep(connection, job.vault.new_key("tenant", job.tenant), job.now)
        entries.append(connection, [journal.key_turned(job.now, what="tenant", name=job.tenant)])
    return [None] * len(jobs)


def under_another_master(connection: Connection, jobs: Sequence[tuple[AtRest, datetime]]) -> Sequence[int]:
    """Wrap every key under the vault's current master key; gives how many.

    A letter of version 0.1 is wrapped by the former master itself: while there is one, the master cannot go.
    """
    done = []
    for vault, now in jobs:
        keys = held(connection)
        for key in keys:
            anew = vault.under_current_master(key)
            connection.execute(update(VAULT_KEY).where(VAULT_KEY.c.id == key.id).values(wrapped=anew))
        entries.append(connection, [journal.key_turned(now, what="master", name="")])
        done.append(len(keys))
    return done


def left_of_0_1(connection: Connection) -> int:
    """Letters whose key the master key wraps directly."""
    direct = (LETTER.c.body_key >= _OF_0_1, LETTER.c.body_key < b"\x02")
    return int(connection.execute(select(func.count()).select_from(LETTER).where(*direct)).scalar_one())


def under(connection: Connection, key: str) -> int:
    """Letters whose key is wrapped under this one."""
    return int(connection.execute(select(func.count()).select_from(LETTER).where(_under(key))).scalar_one())


def left(connection: Connection) -> int:
    """Letters that are still to be moved to their tenant's current key."""
    former = (each.id for each in held(connection) if each.purpose == "tenant" and not each.current)
    return left_of_0_1(connection) + sum(under(connection, key) for key in former)


def rewrap(connection: Connection, jobs: Sequence[AtRest]) -> Sequence[bool]:
    """Take the next letters away from a former key; ``False`` when no former key has any left."""
    return [_step(connection, vault) for vault in jobs]


def destroy(connection: Connection, jobs: Sequence[Destroying]) -> Sequence[list[str]]:
    """End the keys that no letter needs any more and that were retired long enough ago; gives their ids."""
    return [_destroy(connection, job) for job in jobs]


def rewrap_0_1(connection: Connection, jobs: Sequence[AtRest]) -> Sequence[int]:
    """Give some letters of version 0.1 to their tenant's key; gives how many."""
    direct = (LETTER.c.body_key >= _OF_0_1, LETTER.c.body_key < b"\x02")
    some = _LETTERS.where(*direct).limit(AT_ONCE)
    return [_anew(connection, vault, connection.execute(some).all()) for vault in jobs]


def _step(connection: Connection, vault: AtRest) -> bool:
    former = select(VAULT_KEY).where(_LIVING, VAULT_KEY.c.current.is_(False), VAULT_KEY.c.rewrapped_to != _ALL)
    key = connection.execute(former.order_by(VAULT_KEY.c.retired_at).limit(1)).one_or_none()
    if key is None:
        return False
    behind = _LETTERS.where(LETTER.c.id > key.rewrapped_to).order_by(LETTER.c.id).limit(AT_ONCE)
    letters = connection.execute(behind).all()
    start = b"\x02" + bytes.fromhex(key.id)
    _anew(connection, vault, [each for each in letters if each.body_key.startswith(start)])
    _note(connection, key.id, rewrapped_to=letters[-1].id if letters else _ALL)
    return True


def _destroy(connection: Connection, job: Destroying) -> list[str]:
    """What was planned while a key was retired may still be under it: it is looked for once more.

    A key that the vault itself takes for the current one stays: letters would go back under it.
    """
    over = (_LIVING, VAULT_KEY.c.current.is_(False), VAULT_KEY.c.rewrapped_to == _ALL)
    keys = connection.execute(select(VAULT_KEY).where(*over, VAULT_KEY.c.retired_at <= job.horizon)).all()
    gone = [key for key in keys if _emptied(connection, job.vault, key.id)]
    for key in gone:
        _note(connection, key.id, wrapped=b"")
    owe_checkpoint(connection, erased=bool(gone))
    entries.append(connection, [journal.key_destroyed(job.now, key=key.id, name=key.name) for key in gone])
    return [key.id for key in gone]


def _emptied(connection: Connection, vault: AtRest, key: str) -> bool:
    """Whether the last letters under the key, but damaged ones, are now under another."""
    letters = connection.execute(_LETTERS.where(_under(key))).all()
    damaged = len(letters) - _anew(connection, vault, letters)
    if under(connection, key) <= damaged:
        return True
    structlog.get_logger().critical("key-not-destroyed", key=key, why="the vault still wraps under it", do="restart")
    return False


def _under(key: str) -> ColumnElement[bool]:
    start = b"\x02" + bytes.fromhex(key)
    return and_(LETTER.c.body_key >= start, LETTER.c.body_key <= start + b"\xff" * 61)


def _anew(connection: Connection, vault: AtRest, letters: Sequence[Row[Any]]) -> int:
    """A letter whose key is damaged keeps it: it opens no more and no less than before."""
    done = 0
    for each in letters:
        try:
            wrapped = vault.rewrap(each.body_key, each.source)
        except HuitaineError as error:
            structlog.get_logger().error("letter-key-damaged", letter_id=each.id, status=error.status)
        else:
            connection.execute(update(LETTER).where(LETTER.c.id == each.id).values(body_key=wrapped))
            done += 1
    return done


def _note(connection: Connection, key: str, **values: object) -> None:
    connection.execute(update(VAULT_KEY).where(VAULT_KEY.c.id == key).values(**values))


def _keep(connection: Connection, key: WrappedKey, now: datetime) -> None:
    row = {"id": key.id, "purpose": key.purpose, "name": key.name, "wrapped": key.wrapped, "current": True}
    connection.execute(insert(VAULT_KEY), [row | {"created_at": now, "retired_at": None, "rewrapped_to": ""}])
