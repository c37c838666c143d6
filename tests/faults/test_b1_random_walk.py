"""Promise B1: every accepted (message, recipient) is open or in exactly one final state, each with its event."""

from __future__ import annotations

from tests.faults.queue_machine import QueueMachine, control_breaks, walk


def test_b1_after_any_verbs_in_any_order_with_any_fault_accepted_is_open_plus_final():
    assert walk(QueueMachine, examples=12, steps=50) > 100
    assert QueueMachine.ends > 10, "it went nowhere"


def test_b1_control_a_queue_that_closes_no_letter_is_caught():
    assert control_breaks()
