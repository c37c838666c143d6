"""A Message-ID of ours leads back to its delivery; nobody else can make one."""

from __future__ import annotations

from hashlib import sha256

import pytest

from gateway.identifiers import new_delivery_id
from gateway.service.receipts.message_ids import MessageIds


def ids(key: str = "ours") -> MessageIds:
    return MessageIds("hospital.test", lambda purpose, text: sha256(f"{key}|{purpose}|{text}".encode()).hexdigest())


def test_it_leads_back_to_its_delivery_whatever_a_server_did_to_its_case_and_brackets():
    delivery = new_delivery_id()
    made = ids()(delivery, 3)
    assert made.endswith("@hospital.test>")
    for seen in (made, made.strip("<>"), made.upper(), f" {made} ", ids().envid(delivery, 3)):
        assert ids().delivery_of(seen) == delivery


def test_a_forged_tag_attempt_or_delivery_is_nobodys():
    delivery, other = new_delivery_id(), new_delivery_id()
    head, attempt, tag = ids().envid(delivery, 1).split(".")
    assert ids().delivery_of(f"<{head}.{attempt}.{tag}@x>") == delivery
    for forged in (
        f"{head}.{attempt}.{tag[:-1]}{'0' if tag[-1] != '0' else '1'}",
        f"{head}.2.{tag}",
        f"{other.lower()}.{attempt}.{tag}",
        f"{head}.{attempt}.",
        f"{head}.{attempt}.{tag}0",
        f"{head}.{attempt}.{tag[:8]}",
    ):
        assert ids().delivery_of(f"<{forged}@hospital.test>") is None


def test_another_installations_key_makes_other_tags():
    delivery = new_delivery_id()
    assert ids("theirs").delivery_of(ids()(delivery, 1)) is None


@pytest.mark.parametrize(
    "text", [None, "", "<>", "<a@b>", "..", "a.b.c", "a.1.é", "a.²,.x", "a.²." + "0" * 12, "x" * 9999]
)
def test_anything_else_is_nobodys_and_no_crash(text: str | None):
    assert ids().delivery_of(text) is None
