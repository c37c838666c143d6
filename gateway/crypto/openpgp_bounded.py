"""Decrypts an OpenPGP message into no more memory than it may take: what is compressed in it could be of any size.

PySequoia 0.1.35 gives the whole text at once, without a bound, and keeps the interpreter to itself meanwhile. So it
writes into a pipe whose other end is a child process that stops reading (``head``); nothing of it touches a disk.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pysequoia

from gateway.errors import NotOpened, ReaderUnavailable

LARGEST = 100 << 20


def decrypt_bounded(message: bytes, decryptor: pysequoia.PyDecryptor, largest: int = LARGEST) -> bytes:
    """The content, signatures not judged; what PySequoia raises, BrokenPipeError or NotOpened when it is too large.

    ReaderUnavailable where no such child can be started: that says nothing of the message.
    """
    with _in_memory("sealed") as sealed, _in_memory("clear") as clear:
        with open(sealed, "wb", closefd=False) as file:
            file.write(message)
        _decrypt_through_pipe(sealed, clear, decryptor, largest)
        size = os.fstat(clear).st_size
        if size > largest:
            raise NotOpened("not-decrypted")
        os.lseek(clear, 0, os.SEEK_SET)
        with open(clear, "rb", closefd=False) as file:
            return file.read()


def _decrypt_through_pipe(sealed: int, clear: int, decryptor: pysequoia.PyDecryptor, largest: int) -> None:
    reading, writing = os.pipe()
    try:
        child = subprocess.Popen(["head", "-c", str(largest + 1)], stdin=reading, stdout=clear)
    except OSError as error:
        os.close(writing)
        raise ReaderUnavailable("head") from error
    finally:
        os.close(reading)
    try:
        pysequoia.decrypt_file(_path(sealed), _path(writing), decryptor=decryptor)
    finally:
        os.close(writing)
        child.wait()


def _path(descriptor: int) -> str:
    return f"/proc/self/fd/{descriptor}"


@contextmanager
def _in_memory(name: str) -> Iterator[int]:
    """A file that has no name, on no disk."""
    descriptor = os.memfd_create(name)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
