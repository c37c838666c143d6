"""Watches a drop folder: hand in, then move (design.md, decision 1); what cannot be taken now stays where it is."""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from gateway.document import Finding, Severity
from gateway.errors import HuitaineError, TooLarge, UnreadableDocument
from gateway.identifiers import LetterId
from gateway.ingest.folder.moving import REFUSED, TAKEN, move_to_refused, move_to_taken, remove_witness
from gateway.ingest.folder.reason import reason_text
from gateway.ingest.folder.settings import FolderSettings
from gateway.ingest.folder.submit import StillWritten, letter_of, read_whole
from gateway.ingest.folder.watch import Sighting, Watch, look_into
from gateway.ingest.intake import Clock, Ids, Intake
from gateway.letter import ReceivedLetter

_log = structlog.get_logger()


class FolderDoor:
    """One watched folder.

    A crash after the letter was kept and before the file was moved leaves the file in place; the next look hands it in
    again, the replay key tells that it is the same, and it is moved under the first letter's id.
    """

    def __init__(self, settings: FolderSettings, intake: Intake, clock: Clock, ids: Ids) -> None:
        self._settings = settings
        self._intake = intake
        self._clock = clock
        self._ids = ids
        self._watch = Watch(settle=settings.settle.total_seconds(), witness_needed=settings.witness)
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._complained: dict[str, Sighting] = {}
        self._trouble = 0

    async def open(self) -> None:
        """Make ``taken`` and ``refused`` and start looking; raises ``OSError`` when that is impossible."""
        for name in (TAKEN, REFUSED):
            await asyncio.to_thread((self._settings.path / name).mkdir, mode=0o770, parents=True, exist_ok=True)
        self._task = asyncio.create_task(self._run())
        _log.info("folder_open", source=self._settings.origin.source)

    async def close(self) -> None:
        """Finish the files that are being handed in; on return nothing is looked at any more."""
        self._closing.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while not self._closing.is_set():
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001  a share that went away comes back; the watcher must be there then
                self._trouble += 1
                _log.error("folder_not_seen", error=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), self._pause())

    def _pause(self) -> float:
        interval, longest = self._settings.interval.total_seconds(), self._settings.longest_pause.total_seconds()
        return max(interval, min(longest, interval * 2.0 ** min(self._trouble, 16))) if self._trouble else interval

    async def look(self) -> int:
        """Look once and hand in what is whole; how many files left the folder."""
        sightings = await asyncio.to_thread(look_into, self._settings.path)
        self._complained = {s.name: s for s in sightings if self._complained.get(s.name) == s}
        whole = self._watch.whole(sightings, asyncio.get_running_loop().time())
        room = asyncio.Semaphore(self._settings.at_once)

        async def one(sighting: Sighting) -> bool | None:
            async with room:
                return None if self._closing.is_set() else await self._hand_in(sighting)

        outcomes = await asyncio.gather(*(one(sighting) for sighting in whole))
        self._trouble = self._trouble + 1 if None in outcomes else 0
        return sum(outcome is True for outcome in outcomes)

    async def _hand_in(self, sighting: Sighting) -> bool | None:
        """Whether the file left the folder; ``None`` when letters cannot be taken now."""
        letter = self._ids()
        try:
            content = await asyncio.to_thread(
                read_whole, self._settings.path / sighting.name, sighting, self._settings.origin.max_size
            )
        except (StillWritten, FileNotFoundError):
            return False
        except TooLarge as error:
            return await self._move(sighting, letter, findings=(_finding(error),))
        except OSError as error:
            return self._complain(sighting, error)
        return await self._offer(
            sighting, letter_of(sighting, content, self._settings.origin, at=self._clock(), letter=letter)
        )

    async def _offer(self, sighting: Sighting, letter: ReceivedLetter) -> bool | None:
        try:
            kept = await self._intake.keep_and_read(letter)
        except UnreadableDocument as error:
            return await self._move(sighting, letter.id, findings=error.findings)
        except HuitaineError as error:
            if error.permanent:
                return await self._move(sighting, letter.id, findings=(_finding(error),))
            _log.warning("folder_not_taken", letter_id=letter.id, status=error.status, detail=error.detail)
            return None
        except Exception as error:  # noqa: BLE001  one file's fault must not end the watcher (promise A4)
            _log.error("folder_fault", letter_id=letter.id, error=type(error).__name__)
            return None
        _log.info("folder_kept", letter_id=kept.id, source=letter.source, again=kept.again)
        return await self._move(sighting, kept.id)

    async def _move(self, sighting: Sighting, letter: LetterId, findings: tuple[Finding, ...] = ()) -> bool:
        """Out of the folder: taken, or refused for ``findings``. A move that fails is tried again at the next look."""
        try:
            if findings:
                _log.info("folder_refused", letter_id=letter, codes=[finding.code for finding in findings])
                text = reason_text(findings, letter=letter, at=self._clock(), in_french=self._settings.in_french)
                moved = await asyncio.to_thread(move_to_refused, self._settings.path, sighting, text)
            else:
                moved = await asyncio.to_thread(move_to_taken, self._settings.path, sighting, letter)
            if moved:
                await asyncio.to_thread(remove_witness, self._settings.path, sighting)
        except OSError as error:
            return self._complain(sighting, error)
        return moved

    def _complain(self, sighting: Sighting, error: OSError) -> bool:
        """Once per file as it is: its name may be a patient's, so the journal gets its inode."""
        if self._complained.get(sighting.name) != sighting:
            self._complained[sighting.name] = sighting
            _log.warning("folder_file_unusable", inode=sighting.inode, error=type(error).__name__, errno=error.errno)
        return False


def _finding(error: HuitaineError) -> Finding:
    return Finding(severity=Severity.ERROR, place="-", code=error.status, message=error.words)


async def open_folder_door(settings: FolderSettings, intake: Intake, clock: Clock, ids: Ids) -> FolderDoor:
    """Watch ``settings.path`` until closed; raises ``OSError`` when it cannot be used."""
    door = FolderDoor(settings, intake, clock, ids)
    await door.open()
    return door
