"""`make bench`: the whole road against Postfix merely relaying the same letters, pair by pair, and CPU by station."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench import bench_directory, bench_hl7, bench_hprim, bench_mail_read, bench_openpgp, bench_seal
from tests.bench.road import GP, Installed, install_bench
from tests.bench.stations import cpu_by_station
from tests.peers.authority import Authority, make_authority
from tests.peers.postfix import Chain, running_postfix

ROOT = Path(__file__).resolve().parents[2]
LETTERS, ROUNDS, CONNECTIONS = int(os.environ.get("BENCH_LETTERS", "600")), int(os.environ.get("BENCH_ROUNDS", "5")), 8
TUNED = {
    "smtp_tls_security_level": "encrypt",
    "smtp_tls_connection_reuse": "yes",
    "smtp_tls_loglevel": "0",
    "smtpd_tls_loglevel": "0",
    "smtp_tls_session_cache_database": "btree:${data_directory}/smtp_scache",
    "smtpd_tls_session_cache_database": "btree:${data_directory}/smtpd_scache",
    "default_destination_concurrency_limit": "20",
    "smtp_tls_connection_reuse_time_limit": "300s",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One round of one contender."""

    rate: float
    p50: float
    p99: float


@contextlib.contextmanager
def process(*command: str, **options: object) -> Iterator[subprocess.Popen[str]]:
    """A process of ours, ended by its id."""
    started = subprocess.Popen(command, cwd=ROOT, text=True, **options)  # type: ignore[call-overload]
    try:
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            started.wait(30)
        started.kill()


class Sink:
    """The next hop both hand over to."""

    def __init__(self, count: Path, port: int) -> None:
        self._count, self.port = count, port

    def wait_for(self, number: int, seconds: float = 300) -> float:
        """The moment when ``number`` letters have arrived."""
        until = time.time() + seconds
        while time.time() < until:
            with contextlib.suppress(OSError, ValueError):
                if int(self._count.read_text()) >= number:
                    return time.time()
            time.sleep(0.02)
        raise SystemExit(f"only {self._count.read_text()} of {number} letters arrived")

    @property
    def seen(self) -> int:
        """How many have arrived; the file is empty for an instant each time it is written."""
        for _ in range(100):
            with contextlib.suppress(ValueError):
                return int(self._count.read_text())
            time.sleep(0.002)
        raise SystemExit("the sink's count cannot be read")


def blast(sink: Sink, port: int, ca: Path, *extra: str, letters: int = LETTERS) -> Figure:
    """One round: from the first byte to the last letter at the sink."""
    before = sink.seen
    command = (sys.executable, "-m", "tests.bench.blaster", str(port), str(ca), str(letters), str(CONNECTIONS), *extra)
    told = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    seconds = sink.wait_for(before + letters) - told["start"]
    return Figure(letters / seconds, told["p50"] * 1000, told["p99"] * 1000)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and of its living children."""
    tick = os.sysconf("SC_CLK_TCK")
    pids = [pid, *(int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    total = 0.0
    for each in pids:
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / tick
    return total


def main() -> int:
    """Run the rounds, write bench/results.json, print the table."""
    folder = Path(tempfile.mkdtemp(prefix="hb", dir="/var/tmp"))
    folder.chmod(0o755)
    (folder / "tls").mkdir()
    authority = make_authority(folder / "tls")
    results: list[dict[str, object]] = []
    count = folder / "count"
    count.write_text("0")
    sink_command = ("-m", "tests.bench.sink", str(authority.server.certificate), str(authority.server.key), str(count))
    with process(sys.executable, *sink_command, stdout=subprocess.PIPE) as sinking:
        sink = Sink(count, int(sinking.stdout.readline()))  # type: ignore[union-attr]
        here = install_bench(folder / "gateway", authority, sink.port)
        chain = Chain(relay=f"[127.0.0.1]:{sink.port}", settings=TUNED)
        with running_postfix(authority, chain) as postfix, serving(here, folder) as gateway:
            rows = rounds(sink, here, gateway.pid, postfix.port, authority)
        stations = cpu_by_station(authority, sink.port)
    results += rows
    results += bench_mail_read.measure()
    results += [
        {"name": f"cpu_ms_per_letter:{name}", "ours": ms, "peer": None, "peer_name": None, "unit": "ms", "ratio": None}
        for name, ms in stations.items()
    ]
    results += bench_hprim.figures()
    results += bench_hl7.figures()
    results += bench_openpgp.figures()
    results += bench_seal.figures()
    results += bench_directory.figures()
    (ROOT / "bench").mkdir(exist_ok=True)
    (ROOT / "bench" / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    show(results)
    return 0


@contextlib.contextmanager
def serving(here: Installed, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """`huitaine serve` as a process of its own."""
    command = (sys.executable, "cli.py", "--config", str(here.settings), "serve")
    with (folder / "serve.log").open("w") as log, process(*command, stderr=log) as gateway:
        until = time.time() + 60
        while "gateway-open" not in (folder / "serve.log").read_text():
            if time.time() > until or gateway.poll() is not None:
                raise SystemExit((folder / "serve.log").read_text()[-2000:])
            time.sleep(0.1)
        yield gateway


def rounds(sink: Sink, here: Installed, pid: int, postfix_port: int, authority: Authority) -> list[dict[str, object]]:
    """Ours and Postfix's turn by turn; the ratio is the median of the pairs' ratios."""
    ours: list[Figure] = []
    theirs: list[Figure] = []
    mine = (here.port, here.ca, GP, here.login, here.password)
    blast(sink, mine[0], mine[1], *mine[2:], letters=100)
    blast(sink, postfix_port, authority.roots, "gp@gp.test", letters=100)
    spent = 0.0
    for number in range(ROUNDS):
        before = cpu_seconds(pid)
        ours.append(blast(sink, mine[0], mine[1], *mine[2:]))
        spent += cpu_seconds(pid) - before
        theirs.append(blast(sink, postfix_port, authority.roots, "gp@gp.test"))
        print(f"round {number + 1}: ours {ours[-1].rate:.0f}/s, Postfix {theirs[-1].rate:.0f}/s", flush=True)
    return [
        row("sealed_vs_postfix_tls", [f.rate for f in ours], [f.rate for f in theirs], "letters/s"),
        row("accept_latency", [f.p99 for f in ours], [f.p99 for f in theirs], "ms p99 dot→250"),
        row("accept_latency_p50", [f.p50 for f in ours], [f.p50 for f in theirs], "ms p50 dot→250"),
        {
            "name": "cpu_ms_per_letter",
            "ours": round(spent * 1000 / (LETTERS * ROUNDS), 2),
            "peer": None,
            "peer_name": None,
            "unit": "ms, all processes of the gateway",
            "ratio": None,
        },
    ]


def row(name: str, ours: list[float], theirs: list[float], unit: str) -> dict[str, object]:
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    return {
        "name": name,
        "ours": round(statistics.median(ours), 2),
        "peer": round(statistics.median(theirs), 2),
        "peer_name": "Postfix TLS relay, tuned (no crypto)",
        "unit": unit,
        "ratio": round(ratio, 3),
    }


def show(results: list[dict[str, object]]) -> None:
    table = Table(title="bench", show_edge=False)
    for name in ("name", "ours", "peer", "ratio", "unit"):
        table.add_column(name)
    for each in results:
        table.add_row(
            *(str(each[name] if each[name] is not None else "") for name in ("name", "ours", "peer", "ratio", "unit"))
        )
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
