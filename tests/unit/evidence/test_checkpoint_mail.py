"""A checkpoint goes to somebody outside once a day, whatever is restarted, and what he gets convinces the expert."""

from __future__ import annotations

import email
from datetime import timedelta
from email import policy
from pathlib import Path
from typing import Any

import pytest

from config.settings import load
from gateway.errors import PeerDeferred, TransientFailure
from gateway.journal_note import opened
from gateway.letter import SealedMail
from gateway.queue.entries import ENTRY
from gateway.service.from_settings.storing import open_checkpoints, open_store, open_vault
from gateway.service.journal.checkpoint_mail import CheckpointMail, Outside
from gateway.service.journal.checkpoints import Checkpoints
from gateway.service.upkeep.installing import install
from tests.unit.evidence import journal_kit
from tests.unit.evidence.test_journal_tree import EXPERT
from tests.unit.queue.conftest import Clock

NOTARY = "etude@notaire.test"


class Post:
    """A courier that keeps what it is given, or is told to fail."""

    def __init__(self) -> None:
        self.sent: list[SealedMail] = []
        self.down = False

    async def deliver(self, mail: SealedMail, **asked: Any) -> None:
        if self.down:
            raise PeerDeferred("451 later", status="4.4.1")
        self.sent.append(mail)


def checkpoints(store: Any, vault: Any, post: Post, clock: Clock) -> Checkpoints:
    outside = Outside(to=NOTARY, domain="hospital.test", every=timedelta(hours=24))
    mail = CheckpointMail(store, post, outside, clock=clock)  # type: ignore[arg-type]
    return Checkpoints(store, vault, domain="hospital.test", clock=clock, every=timedelta(hours=1), mail=mail)


async def test_one_a_day_leaves_also_across_restarts(tmp_path: Path):
    made, post = journal_kit.empty(tmp_path), Post()
    with made.store() as (store, _):
        await journal_kit.write(store, made.clock, 10)
    for _ in range(3):  # each a process of its own
        with made.store() as (store, own):
            mine = checkpoints(store, own._vault, post, made.clock)
            for _ in range(4):
                await mine.checkpoint()
                made.clock.forward(hours=3)
    assert len(post.sent) == 2  # 36 hours
    with made.store() as (store, _), store.reading() as connection:
        kinds = [row.kind for row in connection.execute(ENTRY.select().order_by(ENTRY.c.seq))]
    assert kinds.count("checkpoint-mailed") == 2
    assert made.audit().findings == ()


async def test_what_he_gets_proves_that_the_journal_only_grew(tmp_path: Path):
    made, post = journal_kit.empty(tmp_path), Post()
    with made.store() as (store, own):
        await journal_kit.write(store, made.clock, 10)
        await checkpoints(store, own._vault, post, made.clock).checkpoint()
        key, public = own.verifier_key, own._vault.public_key()
    [sent] = post.sent
    mail = email.message_from_bytes(sent.content, policy=policy.default)
    [attached] = mail.iter_attachments()
    note = attached.get_content().decode()
    assert EXPERT.tree_head(note, key) == (10, opened(note, public).root)
    assert (mail["To"], mail["Auto-Submitted"], sent.sender, sent.mailbox) == (NOTARY, "auto-generated", "", NOTARY)
    assert key in mail.get_body().get_content()
    assert sent.content.isascii()  # whatever the next hop announces
    assert max(map(len, sent.content.split(b"\r\n"))) <= 998


async def test_what_cannot_be_handed_over_fails_the_round_and_goes_in_the_next(tmp_path: Path):
    made, post = journal_kit.empty(tmp_path), Post()
    with made.store() as (store, own):
        await journal_kit.write(store, made.clock, 10)
        mine = checkpoints(store, own._vault, post, made.clock)
        post.down = True
        with pytest.raises(TransientFailure):
            await mine.checkpoint()
        post.down = False
        for _ in range(2):
            await mine.checkpoint()
    assert len(post.sent) == 1


@pytest.mark.parametrize(("more", "sent"), [(f'[audit]\ncheckpoint_to = "{NOTARY}"\n', 1), ("", 0)])
async def test_the_settings_say_who_gets_them(tmp_path: Path, more: str, sent: int):
    install(tmp_path, hospital="CH d'essai")
    file = tmp_path / "huitaine.toml"
    kept = [line for line in file.read_text().splitlines() if "checkpoint" not in line and line != "[audit]"]
    file.write_text("\n".join([*kept, more]))
    settings, post, clock = load(file), Post(), Clock()
    vault = open_vault(settings)
    store = open_store(settings, vault, clock)
    try:
        await journal_kit.write(store, clock, 3)
        await open_checkpoints(settings, store, vault, clock, courier=post).checkpoint()  # type: ignore[arg-type]
    finally:
        store.close()
    assert len(post.sent) == sent
