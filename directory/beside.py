"""A large file is read and its rows are made in a process beside the one that writes them: two cores, half the time.

The child ends with its parent, however that ends: nobody reads its pipe then. Small files are not worth a process.
"""

from __future__ import annotations

import fcntl
import gc
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, cast

from directory.errors import DirectoryError
from directory.extraction import Extraction
from directory.packing import Packing, packer
from directory.taking import Batch, Loading, Piece, batch_of, pieces

LARGE = 32 * 2**20
"""Octets of text from which on a process is worth its start, some 0.3 s."""
_BUFFER = 1 << 20
_OURS = 5
"""Of so many pieces the parent takes one: to write rows is less work than to make them, and it would wait."""
_Told = Batch | Piece | Loading | DirectoryError | OSError


def read_beside(loading: Loading, packing: Packing, *, large: int) -> Iterator[Batch]:
    """Every batch of a file, most of them from a child when it has ``large`` octets or more; then ``loading`` is whole.

    Raises what reading raises (:class:`DirectoryError`, OSError), ``reader-ended`` when the child was killed, and
    ``reader-failed`` when it broke on something else: the same file would break it again.
    """
    pack = packer(packing)
    if loading.extraction.size < large:
        yield from (batch_of(loading, piece, pack) for piece in pieces(loading))
        return
    with _child(loading.extraction, packing) as child:
        while isinstance(told := _told(child, loading.extraction), Batch | Piece):
            yield told if isinstance(told, Batch) else batch_of(loading, told, pack)
    if not isinstance(told, Loading):
        raise told
    loading.add(told)


def _told(child: subprocess.Popen[bytes], extraction: Extraction) -> _Told:
    pipe = _pipe(child)
    try:
        told: _Told = pickle.load(pipe)  # noqa: S301 (our own child wrote it)
    except (EOFError, pickle.UnpicklingError) as error:
        pipe.close()  # nothing that it may still have to say holds it back
        if child.wait() >= 0:
            raise _failed(extraction, "without a word") from error
        raise _ended(extraction) from error
    return told


def _ended(extraction: Extraction) -> DirectoryError:
    return DirectoryError(
        "reader-ended", f"{extraction.name}: the process that read it was ended (memory?): import again"
    )


def _failed(extraction: Extraction, how: str) -> DirectoryError:
    words = f"{extraction.name}: the process that read it broke ({how}); tell the makers, the old directory stays"
    return DirectoryError("reader-failed", words)


def _pipe(child: subprocess.Popen[bytes]) -> IO[bytes]:
    """It was asked for."""
    return cast("IO[bytes]", child.stdout)


@contextmanager
def _child(extraction: Extraction, packing: Packing) -> Iterator[subprocess.Popen[bytes]]:
    """Its own session: Ctrl-C is for us to answer. Nothing of our environment; its words could quote, so none."""
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "directory.beside"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=_BUFFER,
        env={"PYTHONPATH": str(Path(__file__).parents[1]), "LANG": "C.UTF-8"},
        start_new_session=True,
    )
    try:
        with suppress(OSError):
            fcntl.fcntl(_pipe(child), fcntl.F_SETPIPE_SZ, _BUFFER)
        with cast("IO[bytes]", child.stdin) as task:
            pickle.dump((extraction, packing), task)
        yield child
    finally:
        child.kill()
        _pipe(child).close()
        child.wait()


def _read(task: IO[bytes], out: IO[bytes]) -> None:
    """What the child does: batches, and at the end the counts or what went wrong."""
    gc.disable()  # rows make no cycles: there is nothing to look for
    extraction, packing = pickle.load(task)  # noqa: S301 (our own parent wrote it)
    loading, pack = Loading(extraction), packer(packing)
    told: _Told = loading
    try:
        for number, piece in enumerate(pieces(loading), start=1):
            pickle.dump(batch_of(loading, piece, pack) if number % _OURS else piece, out)
    except (DirectoryError, OSError) as error:
        told = error
    except MemoryError:
        told = _ended(extraction)
    except Exception as error:  # noqa: BLE001 - its words could quote the file: its kind alone is told
        told = _failed(extraction, type(error).__name__)
    pickle.dump(told, out)
    out.flush()


if __name__ == "__main__":
    try:
        _read(sys.stdin.buffer, sys.stdout.buffer)
    except BrokenPipeError:
        os._exit(1)  # the parent is gone; the interpreter's own last flush would only fail again
