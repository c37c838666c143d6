"""The published ADT samples, read by the real parser, start and stop a clock; so do our own of the same shape."""

from datetime import datetime

from gateway.delays.clock import PARIS
from gateway.delays.stays import Change
from gateway.parsers.hl7v2.read import read_hl7v2


def _heard(path):
    (movement,) = read_hl7v2(path.read_bytes()).movements
    return movement


def test_the_published_admission_and_discharge_are_one_stay_with_a_doubtful_time(ward, samples):
    folder = samples / "hl7v2"
    admission, discharge = _heard(folder / "ADT_A01_admission.er7"), _heard(folder / "ADT_A03_sortie.er7")
    assert ward.move(admission).discharged_at is None
    change = ward.move(discharge)
    assert (change.told_by, change.discharged_at) == ("ZBE-2", datetime(2024, 3, 6, 11, tzinfo=PARIS))
    assert change.conflict, "the template says that the patient left in the minute when he came"
    assert len(ward.timings()) == 1


def test_our_own_movements_run_from_admission_to_a_corrected_discharge(ward, vectors):
    names = ("adt_a01", "adt_a03", "adt_a13", "adt_a03_again", "adt_z99")
    heard = [_heard(vectors / "delays" / f"{name}.hl7") for name in names]
    changes = [ward.move(movement) for movement in heard]
    assert {change.change for change in changes} == {Change.RECORDED}
    assert [change.discharged_at for change in changes] == [
        None,
        datetime(2026, 3, 13, 10, tzinfo=PARIS),
        None,
        datetime(2026, 3, 15, 9, tzinfo=PARIS),
        datetime(2026, 3, 14, 18, tzinfo=PARIS),
    ]
    assert not changes[-1].conflict
    (stayed,) = ward.timings()
    assert (stayed["unit"], stayed["apart"]) == ("Service 2210", None)
