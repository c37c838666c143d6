"""Watches a drop folder: hand in, then move (design.md, decision 1); what cannot be taken now stays where it is."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, replace

import structlog

from gateway.document import Finding, Severity
from gateway.errors import HuitaineError, TooLarge, UnreadableDocument
from gateway.identifiers import LetterId
from gateway.ingest.folder.beside import Beside, together
from gateway.ingest.folder.claim import Claim
from gateway.ingest.folder.moving import REFUSED, TAKEN, move_to_refused, move_to_taken, remove_witness, write_answer
from gateway.ingest.folder.reason import reason_text
from gateway.ingest.folder.settings import FolderSettings
from gateway.ingest.folder.submit import StillWritten, letter_of, read_whole
from gateway.ingest.folder.watch import Notes, Sighting, Watch, look_into
from gateway.ingest.hprim_err import ErrFile, err_file
from gateway.ingest.intake import Clock, Ids, Intake, is_ours
from gateway.letter import ReceivedLetter

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    """What was decided of a file: kept as ``letter``, or refused for ``findings``. Only its move may be missing."""

    letter: LetterId
    findings: tuple[Finding, ...] = ()
    answer: ErrFile | None = None
    beside: tuple[Sighting, ...] = ()
    """Files that the message names: they go where it goes, before it."""


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
        self._claim = Claim(settings.path)
        self._watch = Watch(settle=settings.settle.total_seconds(), witness_needed=settings.witness)
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._complained: Notes[bool] = Notes()
        self._verdicts: Notes[_Verdict] = Notes()
        self._open_since: Notes[float] = Notes()
        self._beside = Beside(settings)
        self._trouble = 0

    async def open(self) -> None:
        """Make the folder if it can be made, and start looking; a share that is not there yet is waited for."""
        try:
            await asyncio.to_thread(self._settings.path.mkdir, mode=0o770, parents=True, exist_ok=True)
        except OSError as error:
            _log.error("folder_not_seen", error=type(error).__name__)
        self._task = asyncio.create_task(self._run())
        _log.info("folder_open", source=self._settings.origin.source)

    async def close(self) -> None:
        """Finish the files that are being handed in; on return nothing is looked at any more."""
        self._closing.set()
        if self._task is not None:
            await self._task
        self._claim.release()

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
        """Look once and hand in what is whole; how many files left the folder. Nothing when it is another gateway's."""
        if not await asyncio.to_thread(self._claimed):
            self._trouble += 1
            _log.error("folder_held_by_another_gateway", source=self._settings.origin.source)
            return 0
        sightings = await asyncio.to_thread(look_into, self._settings.path)
        for notes in (self._complained, self._verdicts, self._open_since):
            notes.keep(sightings)
        whole = self._watch.whole(sightings, asyncio.get_running_loop().time())
        room = asyncio.Semaphore(self._settings.at_once)

        async def one(sighting: Sighting) -> bool | None:
            async with room:
                return None if self._closing.is_set() else await self._hand_in(sighting)

        outcomes = await asyncio.gather(*(one(sighting) for sighting in whole))
        self._trouble = self._trouble + 1 if None in outcomes else 0
        return sum(outcome is True for outcome in outcomes)

    def _claimed(self) -> bool:
        if not self._claim.hold():
            return False
        for name in (TAKEN, REFUSED):
            (self._settings.path / name).mkdir(mode=0o770, exist_ok=True)
        return True

    async def _hand_in(self, sighting: Sighting) -> bool | None:
        """Whether the file left the folder; ``None`` when letters cannot be taken now."""
        try:
            verdict = self._verdicts.get(sighting) or await self._judge(sighting)
        except OSError as error:
            return self._complain(sighting, error)
        except StillWritten:
            return False
        except HuitaineError as error:
            _log.warning("folder_not_taken", status=error.status, detail=error.detail)
            return None
        except Exception as error:  # noqa: BLE001  one file's fault must not end the watcher (promise A4)
            _log.error("folder_fault", error=type(error).__name__)
            return None
        return await self._move(sighting, self._verdicts.put(sighting, verdict))

    async def _judge(self, sighting: Sighting) -> _Verdict:
        """Raises ``OSError`` when the file cannot be read, ``StillWritten``, or what keeps letters from being taken."""
        letter, content = self._ids(), b""
        files: dict[Sighting, bytes] = {}
        try:
            content = await self._read(sighting)
            files = await self._beside.files(content)
            origin, at = self._settings.origin, self._clock()
            received = await asyncio.to_thread(letter_of, sighting, content, origin, at=at, letter=letter)
            if files:  # the key stays that of the message alone: a crash may come when its files are moved already
                named = {one.name: octets for one, octets in files.items()}
                whole = await asyncio.to_thread(together, content, sighting.name, named)
                received = replace(received, content=whole)
            return replace(await self._keep(received), beside=tuple(files))
        except UnreadableDocument as error:
            place = "part 1: " if files else ""
            told = tuple(replace(one, place=one.place.removeprefix(place)) for one in error.findings)
            return replace(self._refused(letter, told, content), beside=tuple(files))
        except HuitaineError as error:
            if not error.permanent or is_ours(error):
                raise
            return self._refused(letter, (_finding(error),), content)

    async def _read(self, sighting: Sighting) -> bytes:
        if sighting.size > self._settings.origin.max_size:
            raise TooLarge(f"{sighting.size} octets")
        now = asyncio.get_running_loop().time()
        since = self._open_since.get(sighting)
        patient = since is None or now - since < self._settings.longest_open.total_seconds()
        path, largest = self._settings.path / sighting.name, self._settings.origin.max_size
        try:
            return await asyncio.to_thread(read_whole, path, sighting, largest, may_be_open=not patient)
        except FileNotFoundError as error:
            raise StillWritten from error
        except StillWritten as error:
            if error.is_open and since is None:
                self._open_since.put(sighting, now)
                _log.info("folder_file_open", inode=sighting.inode)
            raise

    async def _keep(self, letter: ReceivedLetter) -> _Verdict:
        try:
            kept = await self._intake.keep_and_read(letter)
        except OSError as error:  # the store's, not the file's
            raise RuntimeError(type(error).__name__) from error
        _log.info("folder_kept", letter_id=kept.id, source=letter.source, again=kept.again)
        return _Verdict(letter=kept.id)

    def _refused(self, letter: LetterId, findings: tuple[Finding, ...], content: bytes) -> _Verdict:
        _log.info("folder_refused", letter_id=letter, codes=[finding.code for finding in findings])
        answer = None
        if self._settings.hprim_err:
            answer = err_file(content, findings, at=self._clock(), in_french=self._settings.in_french)
        return _Verdict(letter=letter, findings=findings, answer=answer)

    async def _move(self, sighting: Sighting, verdict: _Verdict) -> bool:
        """Out of the folder: taken or refused. A move that fails is tried again at the next look, and only the move."""
        folder, letter = self._settings.path, verdict.letter
        try:
            if verdict.findings:
                in_french = self._settings.in_french
                text = reason_text(verdict.findings, letter=letter, at=self._clock(), in_french=in_french)
                if verdict.answer:
                    await asyncio.to_thread(write_answer, folder, verdict.answer.name, verdict.answer.content)
                for one in verdict.beside:
                    with contextlib.suppress(FileNotFoundError):
                        await asyncio.to_thread(move_to_refused, folder, one, text)
                moved = await asyncio.to_thread(move_to_refused, folder, sighting, text)
            else:
                for one in verdict.beside:
                    with contextlib.suppress(FileNotFoundError):
                        await asyncio.to_thread(move_to_taken, folder, one, letter)
                moved = await asyncio.to_thread(move_to_taken, folder, sighting, letter)
            if moved:
                await asyncio.to_thread(remove_witness, folder, sighting)
        except OSError as error:
            return self._complain(sighting, error)
        return moved

    def _complain(self, sighting: Sighting, error: OSError) -> bool:
        """Once per file as it is: its name may be a patient's, so the journal gets its inode."""
        if self._complained.get(sighting) is None:
            self._complained.put(sighting, True)  # noqa: FBT003
            _log.warning("folder_file_unusable", inode=sighting.inode, error=type(error).__name__, errno=error.errno)
        return False


def _finding(error: HuitaineError) -> Finding:
    return Finding(severity=Severity.ERROR, place="-", code=error.status, message=error.words)


async def open_folder_door(settings: FolderSettings, intake: Intake, clock: Clock, ids: Ids) -> FolderDoor:
    """Watch ``settings.path`` until closed."""
    door = FolderDoor(settings, intake, clock, ids)
    await door.open()
    return door
