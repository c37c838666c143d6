"""What the operator's Prometheus may ask, on loopback only; no label ever holds a name, an address or a letter id."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.queue import queries
from gateway.queue.store import Store
from gateway.service.alarms import MEANING, Watch

STATES = ("ready", "leased", "held", "done", "failed", "expired", "cancelled")
LABELLED = {
    "deferred": ("huitaine_deferred", "Deliveries put off, by the status of the last attempt", "status"),
    "certificate-ends": ("huitaine_certificate_days", "Days left of our certificates", "which"),
    "crl-ends": ("huitaine_crl_days", "Days until the next update of revocation lists is due", "which"),
}
PLAIN = {
    "commits-slow": ("huitaine_commit_p99_seconds", "What 99 of 100 commits of the last minute took at most"),
    "loop-lags": ("huitaine_loop_lag_seconds", "Longest standstill of the event loop within a minute"),
    "disk-low": ("huitaine_free_share", "Free share of the disk that holds the letters"),
    "white-list-old": ("huitaine_white_list_days", "Age of the list of MSSanté domains"),
    "directory-old": ("huitaine_directory_days", "Age of the national directory"),
    "key-of-another": ("huitaine_keys_of_another", "Addressees' keys under a mailbox that they do not name as well"),
    "letters-held": ("huitaine_oldest_held_seconds", "Age of the oldest held delivery"),
    "journal-still": ("huitaine_journal_still_seconds", "Silence of the journal while deliveries are due"),
    "readers-restart": ("huitaine_readers_fallen", "Reading children that fell lately"),
    "leases-lost": ("huitaine_leases_lost", "Deliveries taken over lately while they were on their way"),
}


class StoreCollector(Collector):
    """Reads the figures from the store when asked: nothing is counted on the hot path."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        """``clock`` tells how old the oldest is."""
        self._store, self._clock = store, clock

    def collect(self) -> Iterator[Metric]:
        """Deliveries by state, what is held by reason, the oldest that waits, commits."""
        with self._store.reading() as connection:
            counts, oldest = queries.counts(connection), queries.oldest_due(connection)
            held, unsure = queries.held_by_reason(connection), queries.ambiguous(connection)
            unplanned, since = queries.unplanned(connection)
        deliveries = GaugeMetricFamily("huitaine_deliveries", "Deliveries by state", labels=["state"])
        for state in STATES:
            deliveries.add_metric([state], counts.get(state, 0))
        yield deliveries
        waiting = GaugeMetricFamily("huitaine_held", "Held deliveries by reason", labels=["reason"])
        for reason, number in held.items():
            waiting.add_metric([reason], number)
        yield waiting
        yield GaugeMetricFamily("huitaine_unplanned", "Letters taken that have no addressee yet", value=unplanned)
        stuck = (self._clock() - since).total_seconds() if since else 0.0
        yield GaugeMetricFamily("huitaine_unplanned_seconds", "Age of the oldest of them", value=stuck)
        age = (self._clock() - oldest).total_seconds() if oldest else 0.0
        yield GaugeMetricFamily("huitaine_oldest_open_seconds", "Age of the oldest open delivery", value=age)
        yield GaugeMetricFamily("huitaine_ambiguous", "Deliveries that may have left twice", value=unsure)
        yield CounterMetricFamily("huitaine_commits", "Group commits since the start", value=self._store.commits)


class AlarmCollector(Collector):
    """The figures of the alarms' last look, and which alarms are on."""

    def __init__(self, watch: Watch) -> None:
        """``watch`` looks by itself; nothing is asked anew here."""
        self._watch = watch

    def collect(self) -> Iterator[Metric]:
        """One gauge per figure; ``huitaine_alarm`` is 1 for what is on."""
        alarms = GaugeMetricFamily("huitaine_alarm", "Alarms: 1 when on", labels=["code"])
        for code in MEANING:
            alarms.add_metric([code], code in self._watch.board.open)
        yield alarms
        families = {
            code: GaugeMetricFamily(name, words, labels=[label]) for code, (name, words, label) in LABELLED.items()
        }
        for measure in self._watch.measures:
            if measure.code in families:
                families[measure.code].add_metric([measure.which], measure.value)
            elif measure.code in PLAIN and math.isfinite(measure.value):
                name, words = PLAIN[measure.code]
                yield GaugeMetricFamily(name, words, value=measure.value)
        yield from families.values()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    """No line on standard error for each question."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
        """Nothing."""


def open_metrics(
    port: int, store: Store, clock: Callable[[], datetime], watch: Watch, live: Callable[[], bool]
) -> WSGIServer:
    """Serve ``/metrics`` and ``/health`` on 127.0.0.1; the caller shuts the server down."""
    registry = CollectorRegistry()
    registry.register(StoreCollector(store, clock))
    registry.register(AlarmCollector(watch))
    figures = make_wsgi_app(registry)

    def answer(environ: dict[str, Any], start: Any) -> Iterable[bytes]:  # noqa: ANN401 (PEP 3333)
        return _health(start, watch, live) if environ["PATH_INFO"] == "/health" else figures(environ, start)

    server = make_server("127.0.0.1", port, answer, _Server, handler_class=_Silent)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server


def _health(start: Any, watch: Watch, live: Callable[[], bool]) -> Iterable[bytes]:  # noqa: ANN401 (PEP 3333)
    """200 while letters can be taken, 503 otherwise; alarms are named and do not make it 503."""
    well = live()
    start("200 OK" if well else "503 Service Unavailable", [("Content-Type", "application/json")])
    return [json.dumps({"ready": well, "alarms": sorted(watch.board.open)}).encode() + b"\n"]
