"""The statements are spelt so that PostgreSQL takes them too."""

import pytest
from sqlalchemy.dialects import postgresql

from gateway.delays.clock import EIGHT_DAYS
from gateway.delays.figures import By
from gateway.delays.query import counted_apart, group_of, in_period, measured, unmatched
from gateway.delays.statements import insert_new, upsert
from gateway.delays.tables import timing
from tests.unit.delays.wards import at, moved, patient


@pytest.mark.parametrize("by", list(By))
def test_groups_are_named_by_their_label_so_that_no_parameter_is_compared_with_another(ward, by):
    ward.move(moved("A03", "13 10:00"), moved("A03", "13 10:00", hospital="CH-Y", who=patient(2)))
    group = group_of(ward.connection, by)
    for query in (measured(EIGHT_DAYS, group, at("31 12:00")), counted_apart(group, unmatched(ward.connection))):
        spelt = str(query.where(in_period(None, None)).compile(dialect=postgresql.dialect()))
        assert "GROUP BY grouped_by" in spelt
        assert "group_concat" not in spelt


def test_inserts_name_their_conflict():
    class Recorder:
        dialect = postgresql.dialect()
        rowcount = 0

        def __init__(self) -> None:
            self.said: list[str] = []

        @property
        def connection(self):
            return self

        def cursor(self):
            return self

        def executemany(self, sql, _rows):
            self.said.append(sql)

    recorder = Recorder()
    assert not insert_new(recorder, timing, [{"key": "k"}])
    upsert(recorder, timing, [{"key": "k", "hospital": "H"}])
    upsert(recorder, timing, [])
    assert "ON CONFLICT DO NOTHING" in recorder.said[0]
    assert "ON CONFLICT (key) DO UPDATE SET hospital = excluded.hospital" in recorder.said[1]
    assert len(recorder.said) == 2
