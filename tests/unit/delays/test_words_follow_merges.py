"""A patient's word outlives a redrawing from the journal, and is found without reading every movement."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, text

from gateway.delays import facts
from gateway.delays.identity import _FROM
from gateway.delays.stays import movement_row
from gateway.delays.tables import movement
from gateway.delays.wishes import _SAID
from gateway.prepared import Prepared
from tests.unit.delays.wards import Ward, at, moved, patient, pseudonym

OLD = patient(1, ipp="IPP9")


def identity(trigger: str, when: str, **more: object):
    return moved(trigger, when, visit=None, **more)


@pytest.mark.parametrize("overruled", [False, True])
def test_the_journal_draws_the_same_opposition_as_was_heard(ward: Ward, overruled: bool):
    ward.move(moved("A01", "10 09:00"), identity("A31", "11 09:00", who=OLD, protected=True))
    ward.move(identity("A40", "12 09:00", prior_patient=OLD))
    if overruled:
        ward.move(identity("A40", "13 09:00", who=patient(2), prior_patient=OLD))
    heard = ward.stay()["opposed_at"]
    assert (heard is None) is overruled
    lines = [facts.movement_heard(told.row, at("14 09:00")) for told in ward.told if told.row]
    for table in ("movement", "stay", "clock", "timing"):
        ward.connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608
    facts.draw(ward.connection, lines)
    assert ward.stay()["opposed_at"] == heard


@pytest.mark.parametrize(("statement", "index"), [(_SAID, "movement_wish_"), (_FROM, "movement_merge_")])
def test_words_and_merges_are_read_off_their_own_indexes(ward: Ward, statement: Prepared, index: str):
    heard = (moved("A02", "10 09:00", who=patient(n)) for n in range(99))
    rows = [movement_row(each, source="gam", pseudonym=pseudonym) for each in heard]
    ward.connection.execute(insert(movement), [row | {"at": at("10 09:00")} for row in rows])
    for analysed in (False, True):
        if analysed:
            ward.connection.execute(text("ANALYZE"))
        asked = statement._for(ward.connection.dialect, 2)
        given = asked.filled({"these_1": "a", "these_2": "b"})
        plan = str(ward.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked.sql}", tuple(given)).all())
        assert f"{index}ins_key" in plan
        assert f"{index}ipp_key" in plan
        assert "SCAN" not in plan


def test_control_an_account_in_a_message_of_a_stay_is_that_stays(ward: Ward):
    ward.move(moved("A01", "10 09:00"), moved("A08", "11 09:00", visit="V2", protected=True))
    assert (ward.stay("V1")["opposed_at"], ward.stay("V2")["opposed_at"] is None) == (None, False)
    told = ward.move(moved("A31", "12 09:00", visit="V2", protected=True))
    assert ward.stay("V1")["opposed_at"] is not None
    assert told.numbers
