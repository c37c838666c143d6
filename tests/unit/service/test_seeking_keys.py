"""Who is asked for a key that nobody has, how often, and what each answer is told as."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import trustme

from directory import Directory, add_openpgp_key
from directory.errors import DirectoryError
from directory.records import Source
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.crypto.wkd import lookup
from gateway.crypto.wkd.lookup import WebKeyDirectory
from gateway.document import Role
from gateway.identifiers import LetterId
from gateway.journal import Event
from gateway.letter import AddressedLetter, Addressee, Held, Reason
from gateway.queue.afterwards import Noting
from gateway.service.road import seeking as seeking_module
from gateway.service.road.seeking import Answer, Seeking
from tests.journeys.kit import until
from tests.peers.web_key_directory import Published, web_key_directory
from tests.unit.addressing.world import document, letter, named

GP = "Dr.Essai@cabinet.example"
ID = LetterId("01LETTER")


@dataclass
class Written:
    """In the store's place: what is written into the journal."""

    events: list[Event] = field(default_factory=list)

    async def note(self, noting: Noting) -> None:
        self.events += noting.events


@dataclass
class World:
    """Seeking, and all that it sees."""

    folder: Path
    store: Written
    now: datetime = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

    def seeking(self, *domains: str, **more: timedelta) -> Seeking:
        crypto = SimpleNamespace(wkd_domains=domains, wkd_hours=24.0)
        settings = SimpleNamespace(crypto=crypto, gateway=SimpleNamespace(data=self.folder))
        # Of settings and store only what is read of them: the journey has them whole.
        return Seeking(settings, self.directory, self.store, clock=lambda: self.now, **more)  # type: ignore[arg-type]

    @property
    def directory(self) -> Directory:
        return Directory.open(self.folder)

    def told(self) -> list[tuple[str | None, str, str]]:
        return [(event.letter, event.code, event.words) for event in self.store.events]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(folder=tmp_path, store=Written())


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Iterator[Published]:
    with web_key_directory(GP, trustme.CA()) as server:
        monkeypatch.setattr(lookup, "WebKeyDirectory", server.asking)
        yield server


@pytest.fixture(scope="module")
def key() -> bytes:
    return OpenPgpSigner(OpenPgpSigner.generate(f"Docteur Essai <{GP}>")).public_key


def held(*, code: str = "no-key", chosen: str | None = GP, of: LetterId = ID) -> AddressedLetter:
    """A letter to one addressee who cannot be written to."""
    outcome = Held(addressee=Addressee(role=Role.GP), reason=Reason(code=code, words="why"), chosen=chosen)
    return AddressedLetter(parsed=replace(letter(document(named())), id=of), outcomes=(outcome,))


async def test_every_letter_that_waits_for_one_mailbox_is_told_of_the_one_answer(world, published, key):
    published.publish(key)
    seeking = world.seeking("*")
    seeking.hear(held())
    seeking.hear(replace(held(of=LetterId("01OTHER")), outcomes=held(chosen=GP.upper()).outcomes))
    await seeking.look()
    (kept,) = world.directory.openpgp_keys(GP)
    assert kept.source is Source.WKD
    found = f"advanced {kept.fingerprint.lower()}"
    assert sorted(world.told()) == [("01LETTER", "found", found), ("01OTHER", "found", found)]
    assert published.asked == [(published.places[0].host, published.places[0].path)]  # as the mailbox is written


@pytest.mark.parametrize(
    "letter_", [held(code="below-floor"), held(code="signed-alone"), held(chosen=None)], ids=lambda _: ""
)
async def test_what_no_key_would_help_asks_nobody(world, published, letter_):
    seeking = world.seeking("*")
    seeking.hear(letter_)
    await seeking.look()
    assert (world.told(), published.asked) == ([], [])


@pytest.mark.parametrize("domains", [(), ("ailleurs.example",), ("example",)])
async def test_a_domain_that_is_not_named_is_not_asked(world, published, domains):
    seeking = world.seeking(*domains)
    assert seeking.wanted is bool(domains)
    seeking.hear(held())
    await seeking.look()
    assert (world.told(), published.asked) == ([], [])


async def test_a_domain_is_named_in_any_case(world, published):
    seeking = world.seeking("Cabinet.Example")
    seeking.hear(held(code="certificate-expired"))
    await seeking.look()
    assert world.told() == [(ID, "none-published", "")]


async def test_a_mailbox_is_asked_about_again_only_after_the_hours_of_the_settings(world, published):
    seeking = world.seeking("*")
    for hours in (0, 1, 23, 24):
        world.now = datetime(2026, 11, 22, tzinfo=UTC) + timedelta(hours=hours)
        seeking.hear(held())
        await seeking.look()
    assert len(published.asked) == 2


async def test_a_key_of_a_better_source_means_that_nobody_is_asked_even_when_it_is_over(world, published, key):
    add_openpgp_key(world.folder, GP, key, source=Source.ADMINISTRATOR)
    seeking = world.seeking("*")
    seeking.hear(held(code="certificate-expired"))
    await seeking.look()
    assert (world.told(), published.asked) == ([], [])


async def test_a_published_key_that_is_over_is_asked_for_anew(world, published, key):
    add_openpgp_key(world.folder, GP, key, source=Source.WKD)
    seeking = world.seeking("*")
    seeking.hear(held(code="certificate-expired"))
    await seeking.look()
    assert len(published.asked) == 1


async def test_more_mailboxes_than_wait_at_most_come_again_later(world, published, monkeypatch):
    monkeypatch.setattr(seeking_module, "_MOST", 1)
    seeking = world.seeking("*")
    seeking.hear(held())
    seeking.hear(held(chosen="autre@cabinet.example"))
    seeking.hear(held(of=LetterId("01OTHER")))
    await seeking.look()
    assert sorted(event.letter or "" for event in world.store.events) == ["01LETTER", "01OTHER"]


async def test_a_look_waits_for_no_domain_and_keeps_what_it_finds_later(world, published, key, monkeypatch):
    """A resolver that is silent has no deadline of ours."""
    published.publish(key)
    answers, asks = threading.Event(), published.asking

    def slow() -> WebKeyDirectory:
        assert answers.wait(30)
        return asks()

    monkeypatch.setattr(lookup, "WebKeyDirectory", slow)
    seeking = world.seeking("*", longest=timedelta(seconds=0.05))
    seeking.hear(held())
    await seeking.look()
    assert world.told() == [(ID, "no-answer", "wkd: too-slow")]
    answers.set()
    await until(lambda: bool(world.directory.openpgp_keys(GP)))


def test_a_domain_that_gives_no_key_is_told_as_no_answer_and_names_nobody(world, published):
    published.publish(b"<html>")
    answer = world.seeking("*").ask(GP)
    assert answer.code == "no-answer"
    assert "essai" not in answer.words.lower()
    assert "cabinet" not in answer.words


def test_what_is_no_mail_domain_is_told_as_no_answer(world, published):
    assert world.seeking("*").ask("dr@" + "x" * 70 + ".example").code == "no-answer"


@pytest.mark.parametrize(
    ("error", "words"),
    [(DirectoryError("key-of-another", "x"), "key-of-another"), (sqlite3.OperationalError("disk"), "OperationalError")],
)
def test_a_key_that_cannot_be_kept_is_told_with_its_reason(world, published, key, monkeypatch, error, words):
    def refuse(*_, **__):
        raise error

    published.publish(key)
    monkeypatch.setattr(seeking_module, "add_openpgp_key", refuse)
    assert world.seeking("*").ask(GP) == Answer(code="not-taken", words=words)


def test_the_mailbox_that_was_chosen_is_in_no_repr():
    assert "essai" not in repr(held().outcomes[0]).lower()
