"""The national directory at its real size: import, look-up, search; in SQLite and in PostgreSQL.

``python -m tests.bench.bench_directory [SHARE [sqlite|postgresql]]`` (1.0: 535,928 mailboxes and 2.2 million
activities, all invented). The import runs in a process of its own, so that its memory is its own. Look-ups are told in
CPU milliseconds, of PostgreSQL the client's and its backend's together: what they would take alone on the machine.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import psycopg

from directory import Directory, Wanted, import_into, shelf_of
from tests.peers.postgresql import running_postgresql
from tests.unit.directory.country import ACTIVITY_ROWS, MAILBOX_ROWS, Country, activity_lines, mailbox_lines
from tests.unit.directory.synthetic import write

SHARE = float(os.environ.get("BENCH_DIRECTORY", "1.0"))
QUERIES = 2000
ROOT = Path(__file__).resolve().parents[2]
Clock = Callable[[], float]


def national_files(folder: Path, share: float) -> Country:
    """Writes both files, as large a share of the real ones as wanted."""
    activities = int(ACTIVITY_ROWS * share)
    country = Country(max(100, int(activities * 0.88)))
    write(folder / "m_202611220300.txt", mailbox_lines(country, int(MAILBOX_ROWS * share)))
    write(folder / "a_202611220300.txt", activity_lines(country, activities))
    return country


def searches(country: Country, number: int) -> Wanted:
    """What people type: mostly a whole name, often with where or what, sometimes a beginning, sometimes a mistake."""
    draw = Random(number)  # noqa: S311 (no secret)
    one = draw.randrange(country.persons)
    person, place, kind = country.person(one), country.where(one), draw.random()
    if kind < 0.4:
        return Wanted(words=f"{person.given} {person.family}")
    if kind < 0.6:
        return Wanted(words=person.family, city=place.town)
    if kind < 0.75:
        return Wanted(words=f"{person.family[:4]} {person.given}")
    if kind < 0.9:
        cut = draw.randrange(1, len(person.family))
        return Wanted(words=f"{person.family[: cut - 1]}{person.family[cut:]} {person.given}")
    return Wanted(words=person.family, postcode=place.department, profession=person.profession[1])


def timed(clock: Clock, work: Callable[[int], object]) -> list[float]:
    """Milliseconds of each of the queries, sorted."""
    times = []
    for number in range(QUERIES):
        began = clock()
        work(number)
        times.append((clock() - began) * 1000)
    return sorted(times)


def looked_up(directory: Directory, country: Country, clock: Clock) -> dict[str, float]:
    """p99 and median of both kinds of question."""
    draw = Random(3)  # noqa: S311 (no secret)
    numbers = [country.person(draw.randrange(country.persons)).rpps for _ in range(QUERIES)]
    by_number = timed(clock, lambda number: directory.by_rpps(numbers[number]))
    by_words = timed(clock, lambda number: directory.find(searches(country, number)))
    at = int(QUERIES * 0.99)
    return {
        "directory_rpps_p99_ms": by_number[at],
        "directory_rpps_p50_ms": statistics.median(by_number),
        "directory_search_p99_ms": by_words[at],
        "directory_search_p50_ms": statistics.median(by_words),
    }


def clock_of(directory: Directory, database: str) -> Clock:
    """CPU seconds of this process and of the backend that serves it, if there is one."""
    if not database:
        return time.process_time
    directory.status()  # opens the connection
    asked = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    with psycopg.connect(database) as connection:
        pids = [pid for (pid,) in connection.execute(asked)]
    # The number of another process's clock is as in clock_getcpuclockid(3).
    return lambda: time.process_time() + sum(time.clock_gettime(~pid << 3 | 2) for pid in pids)


def server_cpu(database: str) -> float:
    """CPU seconds of a whole server and of all its processes that have ended."""
    if not database:
        return 0.0
    folder = Path(database.partition("host=")[2])
    pid = (folder / "data" / "postmaster.pid").read_text().split()[0]
    times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")


def imported(folder: Path, database: str) -> dict[str, float]:
    """One import in a process of its own: CPU and clock seconds, of the server's too, and its own peak memory."""
    before = server_cpu(database)
    command = [sys.executable, "-m", "tests.bench.bench_directory", "import", str(folder), database]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told | {"cpu": told["cpu"] + server_cpu(database) - before}


def import_here(folder: Path, database: str) -> None:
    """What that process does."""
    began, shelf = time.perf_counter(), shelf_of(folder, database)
    import_into(shelf, sorted(folder.glob("*.txt")), confirm=True)
    used = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime + children.ru_utime + children.ru_stime
    told = {"cpu": cpu, "clock": time.perf_counter() - began, "mb": (used.ru_maxrss + children.ru_maxrss) / 1024}
    print(json.dumps(told))


def figures(share: float = SHARE, *, only: str = "") -> list[dict[str, object]]:
    """The rows of ``bench/results.json``."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as place, running_postgresql() as running:
        folder, address = Path(place), running.replace("+psycopg", "")
        country = national_files(folder, share)
        found: dict[str, float] = {}
        engines = {"sqlite": ("", ""), "postgresql": ("_postgresql", address)}
        for suffix, database in (engines[only],) if only else engines.values():
            told = imported(folder, database)
            found[f"directory_import_s{suffix}"] = told["clock"]
            found[f"directory_import_cpu_s{suffix}"] = told["cpu"]
            found[f"directory_import_mb{suffix}"] = told["mb"]
            directory = Directory.open(folder, database)
            found |= {
                name + suffix: value
                for name, value in looked_up(directory, country, clock_of(directory, database)).items()
            }
            directory.close()
    size = f"{int(MAILBOX_ROWS * share):,} mailboxes, {int(ACTIVITY_ROWS * share):,} activities"
    return [
        {"name": name, "ours": round(value, 3), "peer": None, "peer_name": None, "unit": size, "ratio": None}
        for name, value in found.items()
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["import"]:
        import_here(Path(sys.argv[2]), sys.argv[3])
    else:
        share, only = (*sys.argv[1:], *("", "")[len(sys.argv[1:]) :])[:2]
        for row in figures(float(share or SHARE), only=only):
            print(f"{row['name']}: {row['ours']} ({row['unit']})")
