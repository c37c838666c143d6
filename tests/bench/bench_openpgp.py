"""What signing and encrypting a letter costs in process, beside python-gnupg with the same keys: CPU of all processes.

gpg is asked not to compress, as we do not: that is its faster way. Rounds are interleaved; run alone:
``python -m tests.bench.bench_openpgp``.
"""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import gnupg
import pybase64

from gateway.crypto.openpgp import OpenPgpSigner

SENDER, GP = "sortie@hopital-essai.mssante.fr", "dr.essai@medecin-essai.mssante.fr"
ROUNDS, OURS, THEIRS = 5, 100, 15
SIZE = 61_440
"""Bytes of the PDF in the letter: 85 KB of mail."""


def figures() -> list[dict[str, object]]:
    """The rows of bench/results.json."""
    with tempfile.TemporaryDirectory(prefix="hb") as home:
        try:
            return [_compared(Path(home))]
        finally:
            subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False, capture_output=True)


def _compared(home: Path) -> dict[str, object]:
    gpg = gnupg.GPG(gnupghome=str(home), options=["--compress-algo", "none"])
    signer, addressee = (OpenPgpSigner.generate(f"<{address}>") for address in (SENDER, GP))
    ours, theirs = OpenPgpSigner(signer), OpenPgpSigner(addressee).public_key
    (own,), (his,) = (_imported(gpg, key) for key in (signer, theirs))
    letter, at = _letter(), datetime.now(UTC)

    def sealed_here() -> None:
        assert ours.seal(letter, theirs, fingerprint="", address=GP, at=at)

    def sealed_by_gpg() -> None:
        assert gpg.encrypt(letter, his, sign=own, always_trust=True, armor=True).ok

    pairs = [(_seconds(sealed_here, OURS, home), _seconds(sealed_by_gpg, THEIRS, home)) for _ in range(ROUNDS)]
    return {
        "name": "openpgp_vs_python_gnupg",
        "ours": round(median(1 / mine for mine, _ in pairs), 1),
        "peer": round(median(1 / his for _, his in pairs), 1),
        "peer_name": "python-gnupg, gpg not compressing, Curve25519",
        "unit": "letters per second of CPU",
        "ratio": round(median(his / mine for mine, his in pairs), 1),
    }


def _imported(gpg: gnupg.GPG, key: bytes) -> list[str]:
    return list(dict.fromkeys(gpg.import_keys(key).fingerprints))


def _letter() -> bytes:
    """A MIME entity around a PDF."""
    body = pybase64.encodebytes(os.urandom(SIZE)).replace(b"\n", b"\r\n")
    return b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + body


def _seconds(work: Callable[[], None], times: int, home: Path) -> float:
    """CPU of one call: ours, our children's, and of the gpg-agent that signs for them."""
    before = _spent(home)
    for _ in range(times):
        work()
    return (_spent(home) - before) / times


def _spent(home: Path) -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime + _of_agent(home)


def _of_agent(home: Path) -> float:
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = process.read_bytes().split(b"\0")
            if words[0].endswith(b"gpg-agent") and str(home).encode() in words:
                times = process.with_name("stat").read_text().rpartition(")")[2].split()
                return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")
        except OSError:
            continue  # it ended while we looked
    return 0.0


if __name__ == "__main__":
    for row in figures():
        print(row)
