"""One thread owns the only writing connection and commits in groups: take all that waits, one transaction, one fsync.

While a commit runs the next group piles up, so that the group grows with the disk's slowness by itself; no timer.
A verb is a function over a *list* of payloads, so that a group becomes a few ``executemany``.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from gateway.errors import HuitaineError, StorageFull, StorageUnavailable
from gateway.queue import entries
from gateway.queue.sqlite import settle_log

MAX_JOBS = 64
MAX_BYTES = 16 * 2**20

Verb = Callable[[Connection, Sequence[Any]], Sequence[Any]]


@dataclass(frozen=True, slots=True)
class _Job:
    verb: Verb
    payload: Any = field(repr=False)
    size: int
    done: asyncio.Future[Any]
    asked: float = field(default_factory=time.monotonic)


class Writer:
    """The group commit. Raises StorageUnavailable or StorageFull to each caller of a group that did not commit.

    A failed commit that is not about a full disk is final (fsync may have lied): ``broken`` is set, every later call
    is refused, and the service leaves so that a restart recovers from what is really on the disk (promises.md A5).
    """

    def __init__(self, engine: Engine) -> None:
        """Start the thread; :meth:`close` ends it."""
        self.broken = threading.Event()
        self.commits = 0
        self.commit_times: deque[tuple[float, float]] = deque(maxlen=2048)
        self._closed = False
        self._since: float | None = None
        self._engine = engine
        self._asked: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
        self._jobs: queue.SimpleQueue[list[_Job] | None] = queue.SimpleQueue()
        self._left: deque[_Job] = deque()
        self._gone = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    async def do(self, verb: Verb, payload: object, *, size: int = 0) -> Any:  # noqa: ANN401 (what the verb gives)
        """Run ``verb`` on ``payload`` in the next group; on return it is committed and fsynced.

        A cancelled caller does not undo the commit: shield where the outcome must be known.
        """
        if self.broken.is_set():
            raise StorageUnavailable("an earlier commit failed")
        if self._closed:
            raise StorageUnavailable("closed")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()
        asked = self._asked.setdefault(loop, [])
        asked.append(_Job(verb, payload, size, done))
        if len(asked) == 1:
            loop.call_soon(self._hand_over, loop)
        return await done

    @property
    def waited(self) -> float:
        """For how many seconds the oldest job of the group in hand has been waiting; zero while there is none."""
        since = self._since
        return 0.0 if since is None else time.monotonic() - since

    def close(self) -> None:
        """Commit what waits, then end the thread; a second time does nothing."""
        self._closed = True
        for loop in list(self._asked):
            self._hand_over(loop)
        self._jobs.put(None)
        self._thread.join()

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        """What one round of the loop asked for goes together: to wake the thread costs more than many a job."""
        if asked := self._asked.pop(loop, None):
            self._jobs.put(asked)
            if self._gone.is_set():
                self._refuse_rest()

    def _run(self) -> None:
        group: list[_Job] | None = None
        try:
            with self._engine.connect() as connection:
                while (group := self._take()) is not None:
                    self._since = group[0].asked
                    self._commit(connection, group)
                    self._since = None
        except BaseException as error:
            self.broken.set()
            self._gone.set()
            _refuse(group or [])
            structlog.get_logger().critical("writer-ended", error=type(error).__name__)
            raise
        finally:
            self._gone.set()
            self._refuse_rest()

    def _refuse_rest(self) -> None:
        """The thread has ended: whoever was not answered, or asked behind the end, is not left waiting for ever."""
        rest: list[_Job] = []
        with contextlib.suppress(IndexError):
            while True:
                rest.append(self._left.popleft())
        with contextlib.suppress(queue.Empty):
            while True:
                rest += self._jobs.get_nowait() or []
        _refuse(rest)

    def _take(self) -> list[_Job] | None:
        """All that waits, at least one job, within the caps; ``None`` when closing."""
        group: list[_Job] = []
        size = 0
        while len(group) < MAX_JOBS and size < MAX_BYTES:
            if not self._left and not self._more(wait=not group):
                break
            group.append(self._left.popleft())
            size += group[-1].size
        return group or None

    def _more(self, *, wait: bool) -> bool:
        """Whether there was more; ``wait`` until there is, or until the end."""
        try:
            jobs = self._jobs.get(block=wait)
        except queue.Empty:
            return False
        if jobs is None:
            self._jobs.put(None)
            return False
        self._left.extend(jobs)
        return True

    def _commit(self, connection: Connection, group: list[_Job]) -> None:
        """One transaction for the group; when a verb fails, each job alone, so that only the guilty one is refused."""
        try:
            answers = self._transact(connection, group)
        except Exception as error:  # noqa: BLE001 (every caller gets an error of ours)
            if len(group) == 1:
                _tell(group, [self._own(error)])
                return
            structlog.get_logger().warning("group-split", error=type(error).__name__, jobs=len(group))
            for job in group:
                self._commit(connection, [job])
            return
        self.commits += 1
        settle_log(connection)
        _tell(group, answers)

    def _transact(self, connection: Connection, group: list[_Job]) -> list[Any]:
        answers: dict[int, Any] = {}
        if self.broken.is_set():
            raise StorageUnavailable("an earlier commit failed")
        transaction = connection.begin()
        try:
            for verb, jobs in _by_verb(group).items():
                given = verb(connection, [job.payload for job in jobs])
                answers.update((id(job), answer) for job, answer in zip(jobs, given, strict=True))
        except BaseException:
            entries.forget(connection)
            transaction.rollback()
            raise
        began = time.monotonic()
        try:
            transaction.commit()
        except Exception as error:
            self._failed_commit(connection, error)
            raise
        finally:
            self.commit_times.append((began, time.monotonic() - began))
        return [answers[id(job)] for job in group]

    def _failed_commit(self, connection: Connection, error: Exception) -> None:
        if not (isinstance(error, OperationalError) and "full" in str(error.orig)):
            self.broken.set()
            structlog.get_logger().critical("commit-failed", error=type(error).__name__)
        entries.forget(connection)
        connection.rollback()

    @staticmethod
    def _own(error: Exception) -> HuitaineError:
        if isinstance(error, HuitaineError):
            return error
        if "database or disk is full" in str(error):
            return StorageFull(type(error).__name__)
        structlog.get_logger().error("write-failed", error=type(error).__name__)
        return StorageUnavailable(type(error).__name__)


def _refuse(group: Sequence[_Job]) -> None:
    """Who was answered already hears nothing of it."""
    _tell(group, [StorageUnavailable("the writer ended")] * len(group))


def _tell(group: Sequence[_Job], answers: Sequence[Any]) -> None:
    """Wake the callers: one call into each loop for the whole group, not one for each caller.

    An answer that is an error of ours is raised. A loop that is closed has nobody left to be told.
    """
    told: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for job, answer in zip(group, answers, strict=True):
        told.setdefault(job.done.get_loop(), []).append((job.done, answer))
    for loop, each in told.items():
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_wake, each)


def _wake(told: Iterable[tuple[asyncio.Future[Any], Any]]) -> None:
    """On the loop; a caller who left meanwhile is passed over."""
    for done, answer in told:
        if done.done():
            continue
        if isinstance(answer, HuitaineError):
            done.set_exception(answer)
        else:
            done.set_result(answer)


def _by_verb(group: list[_Job]) -> dict[Verb, list[_Job]]:
    """The jobs of each verb together; callers wait for their own answer, so the order between verbs is free."""
    found: dict[Verb, list[_Job]] = {}
    for job in group:
        found.setdefault(job.verb, []).append(job)
    return found
