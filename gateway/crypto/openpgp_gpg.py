"""Signatures inside compressed OpenPGP messages, which gpg writes by default and PySequoia 0.1.35 will not judge.

gpg judges them instead, in a home that exists for one message, in memory only and readable by nobody else. Where there
is no such place, or no gpg, the signature stays unjudged: that is told, never guessed.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import gnupg
import pysequoia

from gateway.crypto.openpgp_process import end_agent

MEMORY = Path("/dev/shm")  # noqa: S108 - Linux's file system in memory; mkdtemp makes a folder of 0700 in it
_LARGEST = 100 << 20


def signer_of_compressed(
    message: bytes, content: bytes, secret: tuple[bytes, str | None], known: Sequence[pysequoia.Cert]
) -> str | None:
    """Fingerprint of the known certificate whose signature over exactly ``content`` holds, or ``None``."""
    if shutil.which("gpg") is None or not MEMORY.is_dir():
        return None
    with tempfile.TemporaryDirectory(prefix="hz", dir=MEMORY) as home:
        try:
            return _judged(home, message, content, secret, known)
        finally:
            end_agent(Path(home))


def _judged(
    home: str, message: bytes, content: bytes, secret: tuple[bytes, str | None], known: Sequence[pysequoia.Cert]
) -> str | None:
    key, password = secret  # python-gnupg: an empty password would swallow the first line of the message; none does not
    gpg = gnupg.GPG(gnupghome=home, options=["--max-output", str(_LARGEST), "--no-auto-key-retrieve"])
    gpg.import_keys(key, passphrase=password or None)
    for certificate in known:
        gpg.import_keys(bytes(certificate))
    result = gpg.decrypt(message, always_trust=True, passphrase=password or None)
    fingerprint = str(result.pubkey_fingerprint or "").lower()
    trusted = {certificate.fingerprint for certificate in known}
    return fingerprint if result.ok and result.valid and result.data == content and fingerprint in trusted else None
