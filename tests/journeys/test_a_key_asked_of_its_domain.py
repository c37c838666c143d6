"""Nobody gave us a key of this GP's: where we may, his domain is asked, and the letter that waited leaves by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import trustme

from demo import letters
from directory import Directory, add_openpgp_key, remove_key
from directory.records import Source
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.crypto.openpgp_open import OpenPgpSecret
from gateway.crypto.wkd import lookup
from gateway.moments import utc_now
from gateway.service.upkeep.installing import key_store
from tests.journeys.kit import Hospital, hospital, until
from tests.peers.dovecot import Dovecot
from tests.peers.postfix import Postfix
from tests.peers.web_key_directory import Published, web_key_directory

pytestmark = [pytest.mark.peer, pytest.mark.root]

Open = Callable[..., AbstractAsyncContextManager[Hospital]]


@dataclass(slots=True)
class Clock:
    """A clock that the story puts forward."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def published(mailbox: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Published]:
    """The GP's domain, in the place of the Internet."""
    with web_key_directory(mailbox, trustme.CA()) as server:
        monkeypatch.setattr(lookup, "WebKeyDirectory", server.asking)
        yield server


@pytest.fixture
def secret(mailbox: str) -> bytes:
    return OpenPgpSigner.generate(f"Docteur Exemple <{mailbox}>")


@pytest.fixture
def opened(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str, clock: Clock
) -> Open:
    """A hospital without any key of the GP's that asks ``domains``; ``known`` is one that the administrator gave."""

    def run(domains: str, known: bytes = b"") -> AbstractAsyncContextManager[Hospital]:
        def learn(folder: Path) -> None:
            data = folder / "data"
            for certificate in Directory.open(data).certificates(mailbox):
                remove_key(data, mailbox, certificate.fingerprint)
            if known:
                add_openpgp_key(data, mailbox, known)
            ours = OpenPgpSigner.generate(f"CH d'essai <{hospital_mailbox}>")
            key_store(data, (folder / "secrets" / "keystore-password").read_bytes()).put_openpgp("pgp", ours)

        def change(text: str) -> str:
            return text.replace("[crypto]\n", f'[crypto]\nopenpgp_key = "pgp"\nwkd_domains = {domains}\n')

        return hospital(
            tmp_path, postfix, dovecot, gp=mailbox, sender=hospital_mailbox, change=change, learn=learn, clock=clock
        )

    return run


def letter() -> bytes:
    return letters.secretary("dpi@hospital.test", letters.pdf("Consultation", "Évolution favorable."))


async def is_held(ward: Hospital) -> None:
    """Because nobody has a key of his, until a look that lies ahead."""
    now = ward.gateway.clock()
    held = {"state": "held", "reason": "no-key"}
    await until(lambda: any(held.items() <= dict(row).items() and row["next_at"] > now for row in ward.deliveries()))


async def looked_at_again(ward: Hospital, clock: Clock, **ahead: int) -> None:
    """The story's clock goes forward, and the minute's round does what is due then."""
    clock.ahead = timedelta(**ahead)
    await ward.running.store.tidy()


def sought(ward: Hospital) -> list[tuple[str, str]]:
    """What the trace says of it."""
    return [(row["code"], row["words"]) for row in ward.journal() if row["kind"] == "key-sought"]


async def test_a_letter_without_a_key_leaves_at_the_next_hourly_look_once_its_domain_gave_one(
    opened: Open, published: Published, secret: bytes, clock: Clock, mailbox: str
):
    published.publish(OpenPgpSigner(secret).public_key)
    async with opened('["*"]') as ward:
        await ward.mail(letter(), mailbox)
        await is_held(ward)
        await until(lambda: bool(sought(ward)))
        (kept,) = Directory.open(ward.folder / "data").openpgp_keys(mailbox)
        assert kept.source is Source.WKD
        assert sought(ward) == [("found", f"advanced {kept.fingerprint.lower()}")]
        await looked_at_again(ward, clock, minutes=61)
        mail = open_mail(
            await ward.letter_in_mailbox(), OpeningKeys(openpgp=(OpenPgpSecret(secret),)), at=clock(), trust_roots=()
        )
        assert mail.parts
        assert len(published.asked) == 1


@pytest.mark.parametrize("domains", ["[]", '["cabinet-ailleurs.example"]'])
async def test_a_domain_that_the_settings_do_not_name_never_hears_of_us(
    opened: Open, published: Published, secret: bytes, clock: Clock, mailbox: str, domains: str
):
    published.publish(OpenPgpSigner(secret).public_key)
    async with opened(domains) as ward:
        await ward.mail(letter(), mailbox)
        await is_held(ward)
        await looked_at_again(ward, clock, minutes=61)
        await is_held(ward)
        assert sought(ward) == []
        assert published.asked == []


async def test_a_mailbox_is_asked_about_once_in_so_many_hours_and_then_again(
    opened: Open, published: Published, secret: bytes, clock: Clock, mailbox: str
):
    async with opened(f'["{mailbox.partition("@")[2]}"]') as ward:
        await ward.mail(letter(), mailbox)
        await is_held(ward)
        await until(lambda: sought(ward) == [("none-published", "")])
        await looked_at_again(ward, clock, minutes=61)
        await is_held(ward)
        assert len(published.asked) == 1
        published.publish(OpenPgpSigner(secret).public_key)
        await looked_at_again(ward, clock, hours=25)
        await until(lambda: len(sought(ward)) == 2)
        await looked_at_again(ward, clock, hours=26, minutes=2)
        assert await ward.letter_in_mailbox()
