"""A mail of 85 KB with a PDF and an HPRIM file, from bytes to Document in the reading child: ``mail_read_ms`` of CPU.

``python -m tests.bench.bench_mail_read``. The child is the real one, confined; its CPU time is the kernel's
(``/proc/PID/schedstat``, nanoseconds), so it holds the pipe, the reading and the answer. Beside it the same mail by the
standard library alone: taken apart, decoded, nothing read in it.
"""

from __future__ import annotations

import email
import random
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from email import policy
from email.message import EmailMessage
from pathlib import Path

import gateway
from gateway.parsers.children import MEMORY
from gateway.parsers.wire import PREFIX, Answered, Request, answer_in, frame, length_of

ROOT = Path(__file__).resolve().parents[2]
_LETTERS, _ROUNDS = 200, 5


def mail() -> bytes:
    """What a hospital's laboratory sends: a covering word, the PDF, the HPRIM file."""
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = "Laboratoire d'essai <labo@ch-essai.example>"
    message["To"] = "camille.exemple@medecin.example"
    message["Date"] = "Thu, 15 Jan 2026 10:30:00 +0100"
    message["Subject"] = "Résultats de biologie"
    message["Message-ID"] = "<1@ch-essai.example>"
    message.set_content("Cher confrère,\nci-joint les résultats.\n")
    # Incompressible, and the same each time: no secret.
    pdf = b"%PDF-1.4\n" + random.Random(8).randbytes(59 * 1024) + b"\n%%EOF\n"  # noqa: S311
    message.add_attachment(pdf, maintype="application", subtype="pdf", filename="résultats.pdf")
    hprim = (ROOT / "tests" / "vectors" / "hprim" / "hprim_medecin_lab.hpr").read_bytes()
    message.add_attachment(hprim, maintype="application", subtype="octet-stream", filename="bilan.hpr")
    return bytes(message)


class Child:
    """The reading child, asked from here one letter at a time."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            for end in (self._socket, theirs):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "gateway.parsers.child", str(MEMORY), "3600"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                env={"PYTHONPATH": str(Path(gateway.__file__).parents[1]), "LANG": "C.UTF-8"},
                cwd="/",
            )
        self._hear()

    def read(self, content: bytes) -> None:
        """One letter; anything but a reading is a failure of the bench."""
        self._socket.sendall(frame(Request(content, "", True)))
        answer = answer_in(self._hear())
        if not isinstance(answer, Answered) or not answer.reading.accepted:
            raise SystemExit(f"not read: {type(answer).__name__}")

    def cpu(self) -> float:
        """Milliseconds on a processor so far."""
        return int(Path(f"/proc/{self.process.pid}/schedstat").read_text().split()[0]) / 1e6

    def end(self) -> None:
        self._socket.close()
        self.process.wait(10)

    def _hear(self) -> bytes:
        return self._exactly(length_of(self._exactly(PREFIX)))

    def _exactly(self, size: int) -> bytes:
        found = bytearray()
        while len(found) < size:
            piece = self._socket.recv(size - len(found))
            if not piece:
                raise SystemExit("the reading child is gone")
            found += piece
        return bytes(found)


def by_library(content: bytes) -> int:
    """The standard library with its default policy: a tree, names and decoded files."""
    message = email.message_from_bytes(content, policy=policy.default)
    return sum(len(part.get_payload(decode=True) or b"") + len(part.get_filename() or "") for part in message.walk())


def measure() -> list[dict[str, object]]:
    """The rows of bench/results.json; the best round's mean: the others hold what the machine did beside."""
    content, child = mail(), Child()
    ours, theirs = [], []
    try:
        for _ in range(_LETTERS):
            child.read(content)
        for _ in range(_ROUNDS):
            ours.append(_timed(lambda: child.read(content), child.cpu))
            theirs.append(_timed(lambda: by_library(content), lambda: time.process_time() * 1000))
    finally:
        child.end()
    ratio = statistics.median(mine / his for mine, his in zip(ours, theirs, strict=True))
    return [
        {
            "name": "mail_read_ms",
            "ours": round(min(ours), 3),
            "peer": round(min(theirs), 3),
            "peer_name": "email, default policy: taken apart and decoded only",
            "unit": f"ms of CPU in the child, {len(content) // 1000} KB with PDF and HPRIM",
            "ratio": round(ratio, 3),
        }
    ]


def _timed(once: Callable[[], object], clock: Callable[[], float]) -> float:
    """Milliseconds for one letter."""
    before = clock()
    for _ in range(_LETTERS):
        once()
    return float(clock() - before) / _LETTERS


if __name__ == "__main__":
    for row in measure():
        print(f"{row['name']}: {row['ours']} {row['unit']}; {row['peer_name']}: {row['peer']} (ratio {row['ratio']})")
