"""Promise E8, short form: every fuzz target on its seeds and mutations of them, and Atheris itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import run
from tests.fuzz.target import CONTROL, NAMES, Target, load

MUTATIONS = 200
SHORT = settings(max_examples=MUTATIONS, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
loaded = cache(load)


def broken(target: Target, data: bytes) -> bytes | None:
    """The input itself when it needed more than a second; raises what the target raises."""
    began = time.process_time()
    target.run(data)
    return data if time.process_time() - began > run.SLOW else None


@st.composite
def mutations(draw: st.DrawFn, target: Target) -> bytes:
    """A seed with a few places cut, doubled or overwritten, by words of the target's dictionary or by any bytes."""
    mutated = bytearray(draw(st.sampled_from(target.seeds)))
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(mutated)))
        length = draw(st.sampled_from([0, 0, 1, 1, 4, 40, 400]))
        mutated[at : at + length] = draw(st.one_of(st.sampled_from(target.words or [b"x"]), st.binary(max_size=12)))
    return bytes(mutated)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_e8_no_seed_and_no_mutation_breaks_a_reader(name: str) -> None:
    target = loaded(name)
    assert [seed for seed in target.seeds if broken(target, seed)] == []

    @given(data=mutations(target))
    @SHORT
    def search(data: bytes) -> None:
        assert broken(target, data) is None

    search()


def fuzzed(name: str, folder: Path, enough: Callable[[run.Found], bool]) -> run.Found:
    """Few seconds, and more of them where the machine has much else to do: the corpus is gone on from."""
    for seconds in (2, 5, 20, 60):
        found = run.fuzz(name, seconds, folder)
        if enough(found):
            break
    return found


def test_e8_the_fuzzer_itself_finds_nothing_in_a_good_target(tmp_path: Path) -> None:
    found = fuzzed("dsn_parameters", tmp_path, lambda found: found.inputs > 100)
    assert found.good, found
    assert found.inputs > 100


def test_e8_control_the_fuzzer_finds_a_planted_crash(tmp_path: Path) -> None:
    found = fuzzed(CONTROL, tmp_path, lambda found: not found.good)
    assert not found.good
    assert any("planted" in kind for kind in found.crashes.values()), found


def test_e8_control_a_mutation_that_breaks_a_reader_is_seen() -> None:
    with pytest.raises(KeyError, match="planted"):
        broken(load(CONTROL), b"H!8")
