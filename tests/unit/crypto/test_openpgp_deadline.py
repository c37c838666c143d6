"""Where gpg or a card does not even begin: a call that outlasts its time, a card that makes half a certificate."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import pytest

from gateway.crypto.openpgp_card import Card
from gateway.crypto.openpgp_process import TimedGpg
from gateway.errors import TokenUnavailable
from tests.peers.running import need, open_folder


@pytest.mark.peer
def test_a_call_that_outlasts_its_time_before_gpg_runs_is_told(monkeypatch):
    need("gpg", "gpgconf")
    over = Event()
    monkeypatch.setattr("gateway.crypto.openpgp_process.end_agent", lambda _: None)
    with open_folder("late") as home:
        gpg = TimedGpg(home, seconds=0.05)
        gpg._process = None  # its constructor asked gpg for its version
        monkeypatch.setattr("gateway.crypto.openpgp_process.Timer", _at_once(over))
        with pytest.raises(TimeoutError):
            gpg.within(lambda: over.wait(60))


def _at_once(over: Event) -> type:
    class Timer:
        """Time is over at once."""

        daemon = False

        def __init__(self, _seconds: float, end) -> None:
            self._end = end

        def start(self) -> None:
            self._end()
            over.set()

        def cancel(self) -> None:
            """Too late."""

    return Timer


def test_a_card_whose_second_key_gpg_does_not_take_is_told(monkeypatch, tmp_path: Path):
    answers = iter(("[GNUPG:] KEY_CREATED P " + "A" * 40, ""))
    card = Card(tmp_path, "123456")
    monkeypatch.setattr(card, "_gpg", lambda *_, **__: next(answers))
    with pytest.raises(TokenUnavailable) as refused:
        card.certify("CH d'essai <a@b.example>", signing="B" * 40, opening="C" * 40)
    assert refused.value.detail == "gpg: no key that opens"
