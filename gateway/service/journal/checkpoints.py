"""The journal's tree grows behind it, and its head is signed now and then: who keeps a checkpoint keeps us honest."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from gateway import journal_note
from gateway.errors import JournalRefused, StorageUnavailable
from gateway.journal_note import Checkpoint
from gateway.queue import tiles
from gateway.queue.bodies import AtRest
from gateway.queue.store import Store
from gateway.queue.tiles import Head, Signing, Tile
from gateway.service.journal.checkpoint_mail import CheckpointMail

KEY_FILE = "journal.vkey"


class Checkpoints:
    """Signs what the journal holds, never what somebody else wrote into it."""

    def __init__(
        self,
        store: Store,
        vault: AtRest,
        *,
        domain: str,
        clock: Callable[[], datetime],
        every: timedelta,
        folder: Path | None = None,
        mail: CheckpointMail | None = None,
    ) -> None:
        """``domain`` names the journal; ``folder`` is where checkpoints are written besides, one file each.

        ``mail`` sends one to somebody outside now and then.
        """
        self._store, self._vault, self._origin = store, vault, journal_note.origin(domain)
        self._clock, self._every, self._folder, self._mail = clock, every, folder, mail
        self._growing = asyncio.Lock()

    @property
    def verifier_key(self) -> str:
        """The line to be published: whoever has it can verify every checkpoint."""
        return journal_note.verifier_key(self._origin, self._vault.public_key())

    async def checkpoint(self) -> None:
        """One round: let the tree grow, sign when it is time, see that the newest is in the folder and mailed.

        Raises JournalRefused when the journal is not what was written, StorageUnavailable when the folder is not there,
        what the courier raises when the mail does not leave.
        """
        async with self._growing:
            while isinstance(await self._step(tiles.grown), list):
                pass
        newest = await asyncio.to_thread(self._newest)
        now = self._clock()
        # a clock that was set back must not make the next one wait for days
        if newest is None or not newest[1] <= now < newest[1] + self._every:
            await self.sign()
            newest = await asyncio.to_thread(self._newest)
        if newest and self._folder:
            await asyncio.to_thread(self._write, self._folder, newest[0])
        if newest and self._mail:
            signed = journal_note.opened(newest[0], self._vault.public_key())
            await self._mail.send(newest[0], signed, self.verifier_key)

    async def sign(self) -> str:
        """A checkpoint over the whole journal, the last one again when nothing came since; raises JournalRefused."""
        async with self._growing:
            while isinstance(head := await self._step(self._head), list):
                pass
            if head is None:
                newest = await asyncio.to_thread(self._newest)
                return newest[0] if newest else ""
            made = Checkpoint(origin=self._origin, size=head.size, root=head.root)
            note = journal_note.signed(made, self._vault.public_key(), self._vault.sign)
            await self._store.write(tiles.sign, Signing(head=head, note=note, at=self._clock()))
            return note

    async def _step(self, look: Callable[[Connection], list[Tile] | Head | None]) -> list[Tile] | Head | None:
        """Look in a thread of its own; what has grown is kept, and a list is given while more may follow."""
        found = await asyncio.to_thread(self._reading, look)
        if isinstance(found, list) and found:
            await self._store.write(tiles.keep, found)
        return found or None

    def _reading(self, look: Callable[[Connection], list[Tile] | Head | None]) -> list[Tile] | Head | None:
        with self._store.reading() as connection:
            return look(connection)

    def _head(self, connection: Connection) -> list[Tile] | Head | None:
        """What has grown, else the head; ``None`` when nothing came since the last checkpoint."""
        if made := tiles.grown(connection):
            return made
        head, newest = tiles.head(connection, self._vault.vouch), tiles.newest(connection)
        if newest is None:
            return head if head.size else None
        signed = journal_note.opened(newest.note, self._vault.public_key())
        if signed.size > head.size or tiles.StoredTree(connection).root(signed.size) != signed.root:
            raise JournalRefused("the journal is not the one that was signed: see `huitaine audit verify`")
        return head if head.size > signed.size else None

    def _newest(self) -> tuple[str, datetime] | None:
        with self._store.reading() as connection:
            found = tiles.newest(connection)
        return (found.note, found.at) if found else None

    def _write(self, folder: Path, note: str) -> None:
        """A file for each checkpoint, never written over: a journal that was put back has others of the same size."""
        signed = journal_note.opened(note, self._vault.public_key())
        name = f"{signed.size:012d}-{signed.root.hex()[:8]}.checkpoint"
        try:
            for file, text in ((name, note), (KEY_FILE, f"{self.verifier_key}\n")):
                if not (folder / file).exists():
                    _put(folder / file, text)
        except OSError as error:
            raise StorageUnavailable(f"checkpoints cannot be written to their folder: {error.strerror}") from error


def _put(path: Path, text: str) -> None:
    """Under its name once it is whole and on the disk."""
    beside = path.with_name(f".{path.name}.partial")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
