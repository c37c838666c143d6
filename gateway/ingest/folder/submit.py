"""One file in, one letter kept and read: for the watched folder and for ``huitaine send``."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import stat
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from gateway.beside import beside
from gateway.errors import TooLarge, TransientFailure
from gateway.identifiers import LetterId
from gateway.ingest.folder.settings import Origin
from gateway.ingest.folder.watch import Sighting
from gateway.ingest.intake import Clock, Ids, Intake
from gateway.letter import Door, Envelope, KeptLetter, ReceivedLetter, Recipient

_OPEN = "open for writing"
_SAFE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class StillWritten(TransientFailure):
    """The file changed while it was read, or since it was seen, or a program has it open for writing."""

    status, words = "4.3.0", "File is still being written, try again later"

    @property
    def is_open(self) -> bool:
        """Whether it only is open: nothing about it changed."""
        return self.detail == _OPEN


async def submit_file(path: Path, origin: Origin, intake: Intake, clock: Clock, ids: Ids) -> KeptLetter:
    """Hand one file in; on return it is durable and readable, and the file is where it was.

    Raises ``OSError`` when it cannot be read (a link or a folder included), ``StillWritten``, ``TooLarge``,
    ``UnreadableDocument`` with the findings, or ``TransientFailure``. The same file, unmoved, is the same letter.
    """
    sighting = Sighting.of(path.name, await asyncio.to_thread(os.lstat, path))
    content = await asyncio.to_thread(read_whole, path, sighting, origin.max_size)
    received = await beside(len(content), letter_of, sighting, content, origin, at=clock(), letter=ids())
    return await intake.keep_and_read(received)


def letter_of(sighting: Sighting, content: bytes, origin: Origin, *, at: datetime, letter: LetterId) -> ReceivedLetter:
    """The letter that a file is."""
    recipients = tuple(Recipient(address=address) for address in origin.recipients)
    return ReceivedLetter(
        id=letter,
        door=Door.FOLDER,
        source=origin.source,
        envelope=Envelope(sender=origin.report_to, recipients=recipients),
        content=content,
        received_at=at,
        name=shown(sighting.name),
        replay_key=replay_key(sighting, origin, content),
    )


def read_whole(path: Path, sighting: Sighting, limit: int, *, may_be_open: bool = False) -> bytes:
    """All octets of a regular file that nobody wrote to meanwhile, nor, but with ``may_be_open``, might write to."""
    if sighting.size > limit:
        raise TooLarge(f"{sighting.size} octets")
    descriptor = os.open(path, _SAFE)
    with open(descriptor, "rb") as file:  # noqa: PTH123  it is open already, and not by its path
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise IsADirectoryError("not a regular file")
        if not sighting.unmoved(status):
            raise StillWritten
        if not may_be_open:
            refuse_open_for_writing(descriptor)
        content = file.read(limit + 1)
        if not sighting.unmoved(os.fstat(descriptor)) or len(content) != sighting.size:
            raise StillWritten
    return content


def refuse_open_for_writing(descriptor: int) -> None:
    """Raises ``StillWritten`` while a program of this machine has the file open for writing, however long it pauses.

    A read lease can be had only when nobody writes (fcntl(2), F_SETLEASE). Where leases are not to be had (another
    user's file without CAP_LEASE, a network share) nothing is known, and standing still has to be enough.
    """
    fcntl.fcntl(
        descriptor, fcntl.F_SETSIG, signal.SIGURG
    )  # whoever opens it just now breaks the lease; SIGIO would end us
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError as error:
        raise StillWritten(_OPEN) from error
    except OSError:
        return
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)


def replay_key(sighting: Sighting, origin: Origin, content: bytes) -> bytes:
    """What makes a file that a crash left in place recognisable: name, time of writing and octets.

    The time of writing tells a crash from a second drop: a file that is dropped again on purpose was written again, and
    is a new letter. One that is put back unchanged, with its old time, within 72 hours, is the same (promise A8).
    """
    digest = sha256(b"folder")
    name = os.fsencode(sighting.name)
    recipients = [address.encode() for address in sorted(origin.recipients)]
    for part in (origin.source.encode(), name, str(sighting.modified_ns).encode(), *recipients):
        digest.update(len(part).to_bytes(4, "big") + part)
    digest.update(content)
    return digest.digest()


def shown(name: str) -> str:
    """A file's name as text of one line: never a path, and nothing that a terminal would obey."""
    plain = os.fsencode(name).decode("utf-8", "replace")
    return "".join(mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in plain)
