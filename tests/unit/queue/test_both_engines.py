"""Every test of the store again on PostgreSQL: its statements, its revisions, its leases."""

from __future__ import annotations

from tests.unit.queue import test_deliveries, test_leases, test_store_keeps
from tests.unit.queue.engines import address, opened

__all__ = ["address", "opened"]

_OF_SQLITE = {
    "test_one_process_holds_the_folder",
    "test_f1_nothing_on_the_disk_can_be_read",
    "test_f2_another_master_key_refuses_to_start",
    "test_a6_low_disk_is_told_before_anything_is_taken",
    "test_f3_erasure_destroys_the_key_and_the_bytes",
    "test_every_delivery_row_has_an_index_for_what_is_asked",
}
"""About files, which PostgreSQL keeps elsewhere."""


def _all_tests() -> dict[str, object]:
    modules = (test_store_keeps, test_deliveries, test_leases)
    found = {name: value for module in modules for name, value in vars(module).items() if name.startswith("test_")}
    return {name: value for name, value in found.items() if name not in _OF_SQLITE}


globals().update(_all_tests())


def test_the_tests_of_the_store_are_here():
    assert len(_all_tests()) > 40
