"""A trap of msgspec: two threads that decode a dataclass for the first time together end the process by SIGSEGV."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys, threading, msgspec
from gateway.letter import Envelope, Recipient
from gateway.queue import bodies

class Open:
    def open_chunk(self, key, letter_id, n, sealed):
        return sealed

summary = bodies.Summary(envelope=Envelope(sender="a", recipients=(Recipient(address="b"),)))
sealed, ready, same = msgspec.msgpack.encode(summary), threading.Barrier(8), []

def unseal():
    ready.wait()
    same.append(bodies.unseal(Open(), b"", ("letter", bodies.SUMMARY), sealed, bodies.Summary) == summary)

sys.setswitchinterval(1e-6)
threads = [threading.Thread(target=unseal) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sys.exit(same != [True] * 8)
"""


def test_summaries_are_unsealed_in_many_threads_from_the_first_moment():
    """About one process in eight died before the shapes were learnt at import; the learnt decoder is the cure."""
    for _ in range(3):
        assert subprocess.run([sys.executable, "-c", PROGRAM], check=False, timeout=60).returncode == 0


def test_every_shape_that_is_sealed_has_its_decoder_before_the_first_thread():
    program = "from gateway.queue import bodies; assert set(bodies._DECODERS) == {bodies.Summary, bodies.Target}"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0
