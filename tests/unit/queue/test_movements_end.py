"""An ADT message is kept, told to the clock and erased: it names a patient as a letter does."""

from __future__ import annotations

import pytest

from gateway.document import Movement, Patient, Stay
from gateway.errors import StorageUnavailable
from gateway.queue.deliveries import Also
from gateway.queue.gate import Gate
from gateway.queue.keeper import Keeper
from gateway.queue.store import Store
from tests.unit.queue.letters import letter


class Stays:
    """Writes nothing."""

    def movement(self, movement, source, at):
        return Also(lambda connection, heard: [None] * len(heard), None)

    def tie(self, letter, steps):
        raise NotImplementedError


async def test_f3_a_movement_is_erased_when_its_time_is_over(store: Store, clock):
    kept = await store.keep(letter(b"MSH|ADT"))
    keeper = Keeper(store, gate=Gate(store.waited), stays=Stays(), clock=clock)
    patient = Patient(family="TESTINI", given="AMELIE")
    await keeper.moved(kept, [Movement(trigger="A03", patient=patient, stay=Stay(visit="V1"))])
    await store.tidy()
    assert store.load(kept.id)  # negative control: not before its time
    clock.forward(hours=25)
    assert await store.tidy() == [kept.id]
    with pytest.raises(StorageUnavailable):
        store.load(kept.id)
