"""What the operator's Prometheus may ask, on loopback only; no label ever holds a name, an address or a letter id."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.queue import queries
from gateway.queue.store import Store

STATES = ("ready", "leased", "held", "done", "failed", "expired", "cancelled")


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


def open_metrics(port: int, store: Store, clock: Callable[[], datetime]) -> WSGIServer:
    """Serve the figures on 127.0.0.1; the caller shuts the server down."""
    registry = CollectorRegistry()
    registry.register(StoreCollector(store, clock))
    server, _thread = start_http_server(port, addr="127.0.0.1", registry=registry)
    return server
