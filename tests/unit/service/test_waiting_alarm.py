"""The operator hears once that letters wait, and once that they flow again."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from structlog.testing import capture_logs

from gateway.service import alarm
from gateway.service.alarm import WaitingAlarm

NOON = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


class Shelf:
    """A store of which only the oldest open delivery is known."""

    def __init__(self) -> None:
        self.oldest: datetime | None = None

    @contextmanager
    def reading(self):
        yield self


async def test_one_line_when_letters_begin_to_wait_and_one_when_it_is_over(monkeypatch):
    monkeypatch.setattr(alarm.queries, "oldest_due", lambda shelf: shelf.oldest)
    shelf, now = Shelf(), [NOON]
    watching = WaitingAlarm(shelf, timedelta(minutes=15), clock=lambda: now[0])
    with capture_logs() as lines:
        shelf.oldest = NOON
        for minutes in (5, 14, 16, 20, 30):
            now[0] = NOON + timedelta(minutes=minutes)
            await watching.look()
        shelf.oldest = None
        await watching.look()
        await watching.look()
    assert [line["event"] for line in lines] == ["letters-wait", "letters-flow-again"]
