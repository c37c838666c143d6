"""The short way to a ``Result`` and a ``Measure`` gives what their constructors give, in all that can be seen of it."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, fields, replace
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.document import Measure, Result
from gateway.parsers import quick
from gateway.parsers.quick import quick_measure, quick_result

words = st.text("aé 1.,", max_size=5)
measures = st.fixed_dictionaries({"value": words, "unit": words, "low": words, "high": words})
needed = dict.fromkeys(("label", "code", "value", "unit", "low", "high", "flag", "status"), words)
results = st.fixed_dictionaries(
    {**needed, "comparator": st.none() | words, "numeric": st.booleans()},
    optional={
        "second": st.none() | measures.map(lambda made: Measure(**made)),
        "comment": words,
        "alternate_code": words,
        "observed_at": st.none() | st.datetimes(timezones=st.just(UTC)),
    },
)


@given(made=results)
def test_a_quick_result_is_the_result_of_the_constructor(made: dict[str, object]) -> None:
    quickly, slowly = quick_result(**made), Result(**made)  # type: ignore[arg-type]  # drawn by name
    assert (quickly, type(quickly), hash(quickly), repr(quickly)) == (slowly, Result, hash(slowly), repr(slowly))
    assert msgspec.msgpack.encode(quickly) == msgspec.msgpack.encode(slowly)
    assert pickle.dumps(quickly) == pickle.dumps(slowly)


@given(made=measures)
def test_a_quick_measure_is_the_measure_of_the_constructor(made: dict[str, str]) -> None:
    quickly, slowly = quick_measure(**made), Measure(**made)
    assert (quickly, type(quickly), hash(quickly), repr(quickly)) == (slowly, Measure, hash(slowly), repr(slowly))


def test_what_was_made_quickly_is_as_frozen_and_as_easily_replaced() -> None:
    made = dict.fromkeys(needed, "x")
    one = quick_result(**made, comparator=None, numeric=True, observed_at=datetime(2026, 1, 1, tzinfo=UTC))  # type: ignore[arg-type]
    with pytest.raises(FrozenInstanceError):
        one.value = "y"  # type: ignore[misc]  # that it cannot be set is what is tested
    assert (replace(one, value="y").value, copy.deepcopy(one)) == ("y", one)
    assert not hasattr(one, "__dict__")


def test_a_field_that_came_later_has_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "_LATER", [("comment", "from a later version")])
    made = dict.fromkeys(needed, "x")
    assert quick_result(**made, comparator=None, numeric=True).comment == "from a later version"  # type: ignore[arg-type]


def test_no_field_is_left_unset() -> None:
    made = dict.fromkeys(needed, "x")
    one = quick_result(**made, comparator=None, numeric=True)  # type: ignore[arg-type]
    assert all(hasattr(one, field.name) for field in fields(Result))
    assert all(hasattr(quick_measure(value="1", unit="", low="", high=""), field.name) for field in fields(Measure))
