"""What other threads and stations count raises its alarm at the next look, and no later look counts it again."""

from __future__ import annotations

from threading import Thread
from types import SimpleNamespace

from config.sections import Alarms
from gateway.service.alarms import MEANING, Incidents, Watch
from gateway.service.alarms.incidents import ADDRESSEES_UNCHECKED, CODES, SIGNERS_UNCHECKED
from gateway.service.alarms.watch import Found


def test_threads_count_together_and_each_code_alone():
    incidents = Incidents()
    count = incidents.counting(ADDRESSEES_UNCHECKED)
    threads = [Thread(target=lambda: [count() for _ in range(1000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert incidents.times() == {code: 4000 if code == ADDRESSEES_UNCHECKED else 0 for code in CODES}


def test_every_incident_has_a_meaning_and_a_figure(tmp_path):
    watch = _watch(tmp_path)
    watch._count(Found())
    assert set(CODES) <= set(MEANING)
    assert set(CODES) <= {measure.code for measure in watch._of_the_process()}


def test_what_was_counted_once_is_news_once(tmp_path):
    watch = _watch(tmp_path)
    watch.incidents.counting(SIGNERS_UNCHECKED)()
    for _ in range(3):
        watch._count(Found())
        figures = {measure.code: measure for measure in watch._of_the_process()}
        assert figures[SIGNERS_UNCHECKED].value == 1
        assert figures[SIGNERS_UNCHECKED].bad
        assert not figures[ADDRESSEES_UNCHECKED].bad


def _watch(folder) -> Watch:
    return Watch(
        store=SimpleNamespace(commit_times=list),
        directory=None,
        ends=None,
        limits=Alarms(),
        letters_wait=None,
        folder=folder,
        fallen=lambda: 0,
        list_needed=False,
        directory_stale=None,
        clock=None,
    )
