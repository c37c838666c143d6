"""Who is behind a stay's pseudonym: sealed beside the stay as long as its letter is missing, shown on demand alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from sqlalchemy import Connection, bindparam, select, update

from gateway.delays.tables import stay
from gateway.document import Movement
from gateway.errors import HuitaineError
from gateway.queue.bodies import AtRest

_PLACE = 0
_WRITE = update(stay).where(stay.c.key == bindparam("this_key")).values(details=bindparam("new_details"))


@dataclass(frozen=True, slots=True, kw_only=True)
class StayName:
    """What a person needs to find the stay in the hospital's own software."""

    visit: str = field(repr=False, default="")
    file_number: str = field(repr=False, default="")
    family: str = field(repr=False, default="")
    given: str = field(repr=False, default="")
    birth_date: str = field(repr=False, default="")


@dataclass(frozen=True, slots=True)
class _Kept:
    key: bytes
    """The stay's own key, wrapped under its tenant's."""
    sealed: bytes


_KEPT, _NAME = msgspec.msgpack.Decoder(_Kept), msgspec.msgpack.Decoder(StayName)


def seal_name(vault: AtRest, stay_key: str, heard: Movement, source: str) -> bytes:
    """What ``stay.details`` holds: sealed under a key of the stay's own, wrapped under that of ``source``'s tenant."""
    patient = heard.patient
    name = StayName(
        visit=heard.stay.visit or "",
        file_number=heard.stay.file_number or "",
        family=patient.family if patient else "",
        given=patient.given if patient else "",
        birth_date=(patient.birth_date or "") if patient else "",
    )
    key, wrapped = vault.new_letter_key(source)
    sealed = vault.seal_chunk(key, stay_key, _PLACE, msgspec.msgpack.encode(name))
    return msgspec.msgpack.encode(_Kept(wrapped, sealed))


def names_of(connection: Connection, vault: AtRest, keys: Sequence[str]) -> dict[str, StayName]:
    """Who is behind these stays; one whose name is gone, was never told or is damaged is left out."""
    found: dict[str, StayName] = {}
    for first in range(0, len(keys), 500):
        mine = stay.c.key.in_(keys[first : first + 500])
        for row in connection.execute(select(stay.c.key, stay.c.details).where(mine, stay.c.details.is_not(None))):
            try:
                kept = _KEPT.decode(row.details)
                found[row.key] = _NAME.decode(vault.open_chunk(vault.unwrap(kept.key), row.key, _PLACE, kept.sealed))
            except (HuitaineError, msgspec.DecodeError):
                continue
    return found


def keep_readable(connection: Connection, jobs: Sequence[AtRest]) -> Sequence[int]:
    """Writer's verb: wrap the stays' keys under their tenants' current ones, before the former are destroyed."""
    return [_keep_readable(connection, vault) for vault in jobs]


def _keep_readable(connection: Connection, vault: AtRest) -> int:
    changed = []
    for row in connection.execute(select(stay.c.key, stay.c.details).where(stay.c.details.is_not(None))):
        try:
            kept = _KEPT.decode(row.details)
            wrapped = vault.rewrap(kept.key)
        except (HuitaineError, msgspec.DecodeError):
            continue
        if wrapped != kept.key:
            anew = msgspec.msgpack.encode(_Kept(wrapped, kept.sealed))
            changed.append({"this_key": row.key, "new_details": anew})
    if changed:
        connection.execute(_WRITE, changed)
    return len(changed)
