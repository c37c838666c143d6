"""Random lives of stays against the slow oracle: ``python -m tests.bench.delays_streams [STREAMS] [FIRST]``.

Each stream is told in a random order of arrival; every tenth under each policy, in three orders, and drawn once more
from its journal. Ends with 1 when one differs; its seed tells it again. The short form is
tests/unit/delays/test_delays_streams.py.
"""

from __future__ import annotations

import sys
import time

from tests.unit.delays.test_delays_streams import check, check_whole
from tests.unit.delays.wards import new_ward

WHOLE = 10


def main(streams: int, first: int) -> int:
    """Tell the streams ``first`` to ``first + streams``, and say how far it is every thousand."""
    ward, begun, wrong = new_ward(), time.process_time(), 0
    for done, seed in enumerate(range(first, first + streams), start=1):
        try:
            (check if seed % WHOLE else check_whole)(ward, seed)
        except AssertionError as error:
            wrong += 1
            print(str(error).splitlines()[0], flush=True)
        if done % 1000 == 0 or done == streams:
            print(f"{done} streams, {wrong} differ, {time.process_time() - begun:.0f} s of CPU", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    asked = [int(word) for word in sys.argv[1:]] + [100_000, 0][len(sys.argv) - 1 :]
    raise SystemExit(main(*asked[:2]))
