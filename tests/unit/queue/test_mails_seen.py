"""What became of a mail in a watched mailbox: by its numbers for as long as it stays, by its bytes when they change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gateway import journal
from gateway.identifiers import new_letter_id
from gateway.letter import Door, Fate, MailKey, ReceivedLetter
from gateway.queue.store import Store
from tests.unit.queue.conftest import Clock
from tests.unit.queue.letters import NOON, letter

MAIL = MailKey(account="imap", uidvalidity=7, uid=5, sha256=b"bytes")


def received(mail: MailKey = MAIL) -> ReceivedLetter:
    return replace(letter(key=mail.sha256), door=Door.IMAP, mail=mail)


async def test_b9_a_mail_is_taken_from_the_commit_of_its_letter_on(opened: Callable[[], Store]):
    store = opened()
    assert store.became(MAIL) is None
    await store.keep(received())
    assert opened().became(MAIL) is Fate.TAKEN


async def test_b10_the_same_bytes_under_other_numbers_were_taken(store: Store):
    await store.keep(received())
    assert store.became(replace(MAIL, uidvalidity=8, uid=1)) is Fate.TAKEN
    assert store.became(replace(MAIL, uid=9)) is Fate.TAKEN


async def test_control_other_bytes_under_the_same_numbers_are_another_mail(store: Store):
    """A server that went back to a backup gives the same UIDs to other mails."""
    await store.keep(received())
    other = replace(MAIL, sha256=b"other")
    assert store.became(other) is None
    assert store.became(replace(MAIL, account="another")) is None
    await store.keep(received(other))
    assert store.became(other) is Fate.TAKEN
    assert store.became(MAIL) is None, "its letter is known by its bytes no more: the numbers are the other's"


async def test_a_mail_is_known_longer_than_its_replay_key(store: Store, clock: Clock):
    await store.keep(received())
    clock.forward(days=30)
    await store.tidy()
    assert store.became(MAIL) is Fate.TAKEN
    clock.forward(days=400)
    await store.tidy()
    assert store.became(MAIL) is None


async def test_a_letter_that_was_refused_after_it_was_kept_leaves_its_mail_new(store: Store):
    kept = await store.keep(received())
    await store.refuse(journal.refused(NOON, kept.id, code="x", place="y"))
    assert store.became(MAIL) is None


async def test_a_refused_mail_stays_refused_where_it_is_and_is_read_anew_when_it_is_put_back(store: Store):
    await store.record_refused(MAIL, new_letter_id())
    assert store.became(MAIL) is Fate.REFUSED
    assert store.became(replace(MAIL, uid=6)) is None


async def test_a_second_copy_of_a_mail_is_the_first_ones_letter(store: Store):
    first = await store.keep(received())
    again = await store.keep(received(replace(MAIL, uid=6)))
    assert (again.again, again.id) == (True, first.id)
    assert store.became(replace(MAIL, uid=6)) is Fate.TAKEN
