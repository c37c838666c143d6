"""What was there at the start is left alone by every garbage collection after it."""

import gc

from gateway.service.process.lasting import keep_for_good


def test_what_is_there_at_the_start_is_looked_at_by_no_collection_afterwards():
    made = [{"station": number} for number in range(1000)]
    try:
        keep_for_good()
        assert gc.get_freeze_count() > len(made)
        assert len(gc.get_objects()) < len(made)
    finally:
        gc.unfreeze()
