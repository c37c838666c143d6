"""Which letters wait for a proof is asked every minute: an index holds them, and it says what all rows say."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from sqlalchemy import insert, text, update

from gateway.delays.clock import EIGHT_DAYS, LAB_RESULTS, StopsAt
from gateway.delays.tables import clock
from gateway.delays.unproved import HORIZON, Clocks, unproved, waiting
from tests.unit.delays.wards import Ward, at

PROOFS = ("accepted_at", "delivered_at", "processed_at", "displayed_at", "integrated_at", "failed_at", "cancelled_at")
SINCE = "01KJ000000"


def plan(ward: Ward, proof: StopsAt) -> str:
    asked = waiting(SINCE, proof).compile(ward.connection, compile_kwargs={"literal_binds": True})
    return "\n".join(row[-1] for row in ward.connection.execute(text(f"EXPLAIN QUERY PLAN {asked}")))


def filled(ward: Ward, number: int) -> None:
    dice = random.Random(7)  # noqa: S311
    rows = []
    for n in range(number):
        row = {"delivery_id": f"D{n}", "letter_id": f"{SINCE}{n:016d}", "group_key": f"G{n}", "matched": "letter-only"}
        row |= {"counts": True, "result": False, "partial": False, "urgent": False, "hospital": "CHU-X"}
        row |= {"role": dice.choice(("gp", "copy", "patient")), "received_at": at("13 12:00"), "state": "none"}
        row |= {name: at("13 13:00") if dice.random() < 0.3 else None for name in PROOFS}
        rows.append(row)
    ward.connection.execute(insert(clock), rows)


@pytest.mark.parametrize(("proof", "index"), [(StopsAt.SENT, "clock_unsent"), (StopsAt.DELIVERED, "clock_undelivered")])
def test_what_waits_is_read_off_its_own_index(ward: Ward, proof: StopsAt, index: str):
    filled(ward, 300)
    for analysed in (False, True):
        if analysed:
            ward.connection.execute(text("ANALYZE"))
        told = plan(ward, proof)
        # Without figures both fit what is unsent alike, and SQLite takes the one that was made last.
        assert f"USING INDEX {index if analysed else 'clock_un'}" in told
        assert "SCAN" not in told
        assert "TEMP B-TREE" not in told


@pytest.mark.parametrize("index", ["clock_unsent", "clock_undelivered"])
def test_control_without_the_index_another_is_read(ward: Ward, index: str):
    ward.connection.execute(text("DROP INDEX clock_unsent"))
    ward.connection.execute(text("DROP INDEX clock_undelivered"))
    assert index not in plan(ward, StopsAt.SENT) + plan(ward, StopsAt.DELIVERED)


@pytest.mark.parametrize("proof", StopsAt)
def test_the_index_says_what_all_rows_say(ward: Ward, proof: StopsAt):
    filled(ward, 400)
    found = set(ward.connection.execute(waiting(SINCE, proof)).scalars())
    arrived = ("delivered_at", "processed_at", "displayed_at", "integrated_at")
    least = {StopsAt.READ: arrived[2:], StopsAt.INTEGRATED: arrived[3:]}.get(proof, arrived)

    def waits(row: dict[str, object]) -> bool:
        is_taken = proof is StopsAt.SENT and row["accepted_at"] and not row["failed_at"]
        is_over = row["cancelled_at"] or row["role"] == "patient" or is_taken
        return not is_over and not any(row[name] for name in least)

    assert found == {row["letter_id"] for row in ward.clocks() if waits(row)}
    assert 20 < len(found) < 380


def test_a_letter_beyond_the_horizon_is_a_persons(ward: Ward):
    filled(ward, 5)
    ward.connection.execute(update(clock).values(dict.fromkeys(PROOFS) | {"role": "gp"}))
    clocks = Clocks(stay=EIGHT_DAYS, result=LAB_RESULTS, proof=StopsAt.SENT)
    assert len(unproved(ward.connection, clocks, at("13 12:00"))) == 5
    assert unproved(ward.connection, clocks, at("13 12:00") + HORIZON + timedelta(days=300)) == []
