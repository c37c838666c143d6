"""No name, number or date of birth of a patient is written in clear; times without zone are refused."""

from datetime import datetime

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import StatementError

from gateway.delays.legs import Leg
from gateway.delays.stays import record_movement
from gateway.delays.tables import MovementRow, StayRow, movement
from tests.unit.delays.wards import at, close, moved, new_ward, patient, pseudonym

CANARIES = (
    "ZZCANARI",
    "PRENOM",
    "ZZVISITE",
    "ZZDOSSIER",
    "ZZMOUVEMENT",
    "ZZCONTROLE",
    "IPPZZ",
    "278029999912310",
    "1978",
)


def _bytes_of(folder) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def _live(url: str, *, hide) -> None:
    ward = new_ward(url)
    who = patient(1, ins="278029999912310", ipp="IPPZZ1")
    with ward.connection.begin():
        numbers = {"visit": "ZZVISITE1", "file_number": "ZZDOSSIER1", "who": who, "control_id": "ZZCONTROLE"}
        for heard in (
            moved("A01", "09 10:00", movement_id="ZZMOUVEMENT1", **numbers),
            moved("A03", "13 10:00", movement_id="ZZMOUVEMENT2", **numbers),
            moved("A40", "14 10:00", visit=None, who=who, prior_patient=patient(2, ipp="IPPZZ2")),
        ):
            record_movement(
                ward.connection, heard, source="gam", pseudonym=hide, at=at("14 12:00"), details=b"sealed by the caller"
            )
        ward.write(visit="ZZVISITE1", file_number="ZZDOSSIER1", patient=who)
        ward.leg(Leg.ACCEPTED, "13 12:01")
    close(ward)


def test_no_canary_of_the_patient_reaches_the_file(tmp_path):
    _live(f"sqlite:///{tmp_path / 'delays.db'}", hide=pseudonym)
    written = _bytes_of(tmp_path)
    assert b"sealed by the caller" in written
    assert [canary for canary in CANARIES if canary.encode().lower() in written.lower()] == []


def test_control_the_canary_is_found_when_the_pseudonym_hides_nothing(tmp_path):
    _live(f"sqlite:///{tmp_path / 'delays.db'}", hide=lambda domain, value: f"{domain}:{value}")
    assert b"zzcanari" in _bytes_of(tmp_path).lower()


def test_sealed_details_do_not_show_in_repr():
    assert "sealed" not in repr(StayRow(key="k", first_at=at("13 10:00"), details=b"sealed"))


def test_a_time_without_zone_is_never_kept(ward):
    row = {"fingerprint": "f", "source": "s", "trigger": "A01", "hospital": "H", "no_gp": False}
    with pytest.raises(StatementError, match="without zone"):
        ward.connection.execute(insert(movement), [{**row, "at": datetime(2026, 3, 13)}])  # noqa: DTZ001


def test_the_tables_have_the_names_that_the_others_know():
    assert MovementRow.__tablename__ == "movement"
    assert StayRow.__tablename__ == "stay"
