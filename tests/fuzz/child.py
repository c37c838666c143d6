"""One target in a process of its own, fuzzed by Atheris: ``python -m tests.fuzz.child NAME SECONDS FOLDER``.

Writes what it saw to ``FOLDER/seen.json`` as it goes (libFuzzer ends the process itself), each new kind of crash and
the slowest input as files beside it.

``--plain NAME FILE`` runs one input without instrumentation and prints its seconds.
"""

from __future__ import annotations

import json
import logging
import resource
import sys
import time
import traceback
import warnings
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from tests.fuzz.target import Target, load

WATCHED = ("gateway", "config", "email", "zipfile", "aiosmtpd", "aioimaplib", "asn1crypto", "tests.fuzz.planted")
LONGEST = 1 << 16
MEMORY = 200
"""Megabytes that inputs may take beyond what the program itself needs (promise E8)."""
_HANG_SECONDS = 25
_EVERY = 0.5


@dataclass(slots=True)
class Seen:
    """Counts, and one file per kind of crash."""

    folder: Path
    inputs: int = 0
    slowest: float = 0.0
    before: int = 0
    crashes: dict[str, str] = field(default_factory=dict)
    _told: float = 0.0

    def one(self, target: Target, data: bytes) -> None:
        """Run the input; an exception is kept and the search goes on."""
        self.inputs += 1
        began = time.process_time()
        try:
            target.run(data)
        except Exception as error:  # noqa: BLE001  a target that raises anything has crashed
            self._crashed(data, error)
        took = time.process_time() - began
        if took > self.slowest:
            self.slowest = took
            (self.folder / "slowest").write_bytes(data)
        if time.monotonic() - self._told > _EVERY:
            self.tell()

    def _crashed(self, data: bytes, error: Exception) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if "/gateway/" in frame.filename or "/config/" in frame.filename]
        last = (ours or frames)[-1]
        kind = f"{type(error).__name__} {Path(last.filename).name}:{last.lineno} {str(error)[:120]!r}"
        name = sha256(f"{type(error).__name__}{last.filename}{last.lineno}".encode()).hexdigest()[:12]
        known = self.folder / f"crash-{name}"
        if name not in self.crashes or len(data) < known.stat().st_size:
            known.write_bytes(data)
        self.crashes.setdefault(name, kind)

    def tell(self) -> None:
        """Write down what is known so far."""
        self._told = time.monotonic()
        peak = max(0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - self.before) / 1024
        told = {"inputs": self.inputs, "slowest": self.slowest, "peak": peak, "crashes": self.crashes}
        (self.folder / "seen.json").write_text(json.dumps(told))


def fuzz(name: str, seconds: int, folder: Path) -> None:
    """Until ``seconds`` are over; never returns."""
    import atheris

    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")  # as in the gateway, where a warning is no error
    with atheris.instrument_imports(include=list(WATCHED), enable_loader_override=False):
        target = load(name)
    _silence()
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds:
        (corpus / sha256(seed).hexdigest()[:16]).write_bytes(seed)
        _survive(target, seed)
    words = folder / "words"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words or [b"Huitaine"]))  # it refuses none
    seen = Seen(folder, before=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    limits = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-timeout={_HANG_SECONDS}"]
    limits += [f"-rss_limit_mb={seen.before // 1024 + 2 * MEMORY}", f"-artifact_prefix={folder}/hard-", "-verbosity=0"]
    atheris.Setup([sys.argv[0], *limits, f"-dict={words}", str(corpus)], lambda data: seen.one(target, data))
    atheris.Fuzz()


def _survive(target: Target, seed: bytes) -> None:
    """Everything that is loaded on first use is the program's own, and not what an input takes."""
    try:
        target.run(seed)
    except Exception:  # noqa: BLE001  it will be found again, and counted
        return


def _silence() -> None:
    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def plain(name: str, file: Path) -> None:
    """CPU seconds of one input, the second time it is seen."""
    target, data = load(name), file.read_bytes()
    _silence()
    _survive(target, data)
    began = time.process_time()
    _survive(target, data)
    print(time.process_time() - began)


if __name__ == "__main__":
    if sys.argv[1] == "--plain":
        plain(sys.argv[2], Path(sys.argv[3]))
    else:
        fuzz(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
