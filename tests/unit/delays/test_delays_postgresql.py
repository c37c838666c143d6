"""The statements are spelt so that PostgreSQL takes them too."""

from sqlalchemy.dialects import postgresql

from gateway.delays.clock import EIGHT_DAYS
from gateway.delays.query import wanted
from gateway.delays.statements import insert_new, upsert
from gateway.delays.tables import timing


def test_what_a_report_reads_is_spelt_for_postgresql_too():
    spelt = str(wanted(EIGHT_DAYS, None, None).compile(dialect=postgresql.dialect()))
    assert "FROM timing" in spelt


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
