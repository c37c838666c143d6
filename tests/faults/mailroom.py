"""A real gateway's IMAP door on a real Dovecot, with a network that cuts: what is taken, how often, and who is told.

The replay key is switched off (0 hours): what holds, holds by the record of mails alone. Each control forgets it.
B9_MAILS and B9_CUTS change the size of the full form (1,000 and 200).
"""

# ruff: noqa: S311 (chance here tries, it does not protect)

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import smtplib
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from config.settings import load
from gateway.identifiers import new_letter_id
from gateway.imap import Account, FetchedMail, Limits, MailboxWatch, OversizedMail, Pace
from gateway.ingest.imap import ImapDoor, ImapDoorSettings, RefusedMail
from gateway.journey import Journey
from gateway.letter import Fate, MailKey
from gateway.moments import utc_now
from gateway.service.build import build
from gateway.service.running import Running
from tests.faults.campaigns import Row
from tests.faults.ledger import looking
from tests.faults.place import RETRY, TO, Place, prepare
from tests.faults.sender import Smtp
from tests.peers.authority import make_authority
from tests.peers.chaos import chaos_proxy
from tests.peers.dovecot import Dovecot, running_dovecot

MAILS, CUTS = int(os.environ.get("B9_MAILS", "1000")), int(os.environ.get("B9_CUTS", "200"))
QUICK = Pace(idle=5, again=1, first_wait=0.02, longest_wait=0.2)
WATCHED = "lettres@hospital.test"
SETTINGS = ImapDoorSettings(
    source="secretariat", senders=frozenset({"@hospital.test"}), own=frozenset({WATCHED}), automatic=TO
)
_UNCLEAR = b"To: Docteur Exemple"
_PATIENCE = 60.0


class Clock:
    """The gateway's time, which may be moved on."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self):
        return utc_now() + self.ahead


class Forgetful:
    """The control: an intake that remembers no mail."""

    def __init__(self, journey: Journey) -> None:
        self._journey = journey

    def __getattr__(self, name: str) -> object:
        return getattr(self._journey, name)

    async def became(self, mail: MailKey) -> Fate | None:
        return None


@dataclass(slots=True, kw_only=True)
class Mailroom:
    """A gateway that runs, and a mailbox that it empties when told to."""

    place: Place
    dovecot: Dovecot
    user: str
    running: Running
    journey: Journey
    clock: Clock
    told: Counter[bytes] = field(default_factory=Counter)
    takes: list[float] = field(default_factory=list)
    after_take: Callable[[], None] = lambda: None
    """Called between the commit and the move: the moment at which a cut does the most harm."""

    def fill(self, count: int, *, refused: int = 0) -> None:
        """That many mails for a GP, and some whose addressee nobody can read, through Dovecot's LMTP."""
        run = os.urandom(4).hex()
        mails = [Smtp.letter(run, number, b"") for number in range(count)]
        mails += [
            Smtp.letter(run, count + number, b"").replace(b"To: " + TO.encode(), _UNCLEAR) for number in range(refused)
        ]
        random.shuffle(mails)
        with smtplib.LMTP(self.dovecot.host, self.dovecot.lmtp_port) as client:
            for mail in mails:
                client.sendmail("dpi@hospital.test", [self.user], mail)

    @contextlib.asynccontextmanager
    async def watching(
        self, *, port: int = 0, pace: Pace = QUICK, remembers: bool = True
    ) -> AsyncIterator[MailboxWatch]:
        """The door at work, by another port when something stands between."""
        context = ssl.create_default_context(cafile=str(self.dovecot.authority.roots))
        account = Account(
            name="imap",
            host=self.dovecot.host,
            port=port or self.dovecot.imaps_port,
            user=self.user,
            password=self.dovecot.password,
            context=context,
            server_name="mx.test",
        )
        watch = MailboxWatch(account, limits=Limits(), pace=pace)
        door = ImapDoor(
            SETTINGS,
            watch,
            intake=self.journey if remembers else Forgetful(self.journey),  # type: ignore[arg-type]
            clock=self.clock,
            new_id=new_letter_id,
            on_refused=self._tell,
        )

        async def take(mail: FetchedMail | OversizedMail) -> str:
            folder = await door.take(mail)
            self.takes.append(time.monotonic())
            self.after_take()
            return folder

        task = asyncio.create_task(watch.sort(take))
        try:
            yield watch
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _tell(self, refused: RefusedMail) -> None:
        self.told[sha256(refused.content).digest()] += 1

    async def emptied(self, patience: float = _PATIENCE) -> None:
        """Come back when the INBOX is empty; raises TimeoutError when nothing is taken for so long."""
        while await asyncio.to_thread(self._left):
            if self.takes and time.monotonic() - self.takes[-1] > patience:
                raise TimeoutError("nothing moves")
            await asyncio.sleep(0.2)

    def _left(self) -> int:
        said = self.dovecot.doveadm("mailbox", "status", "-u", self.user, "messages", "INBOX")
        return int(said.rpartition("=")[2])

    def kept(self) -> Counter[str]:
        """How often each mail's bytes were kept as a letter of their own."""
        with looking(self.place.database) as connection:
            rows = connection.execute("SELECT sha256 FROM letter WHERE door = 'imap'")
            return Counter(row[0] for row in rows)

    def balance(self) -> tuple[int, int, int]:
        """Letters kept, mails of Taken that are no letter, letters too many."""
        kept = self.kept()
        taken = {sha256(mail).hexdigest() for mail in self.dovecot.mails(self.user, "Taken")}
        return len(kept), len(taken - set(kept)), sum(kept.values()) - len(kept)

    @property
    def longest_wait(self) -> float:
        """Seconds between two mails taken, at most."""
        return max((later - earlier for earlier, later in zip(self.takes, self.takes[1:], strict=False)), default=0.0)


@contextlib.asynccontextmanager
async def mailroom(folder: Path, dovecot: Dovecot, user: str) -> AsyncIterator[Mailroom]:
    """A gateway in ``folder``, whose letters find no next hop and stay."""
    (folder / "tls").mkdir(parents=True)
    place = prepare(folder / "gateway", make_authority(folder / "tls"), hop_port=9)
    text = place.settings.read_text(encoding="utf-8").replace(f"[{RETRY}]", "[600]\nreplay_hours = 0.0")
    place.settings.write_text(text, encoding="utf-8")
    clock = Clock()
    gateway = build(load(place.settings), clock=clock)
    async with Running(gateway) as running:
        yield Mailroom(place=place, dovecot=dovecot, user=user, running=running, journey=gateway.journey, clock=clock)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How a mailbox full of mails got through a network that cuts."""

    kept: int
    missing: int
    doubles: int
    told: int
    told_twice: int
    cuts: int
    longest_wait: float


async def through_cuts(
    folder: Path, dovecot: Dovecot, user: str, *, mails: int, cuts: int, pace: Pace = QUICK, remembers: bool = True
) -> Told:
    """``mails`` (and a tenth more that are refused) while ``cuts`` connections end.

    Two thirds at random bytes of what the server says, one third between a commit and the move that follows it.
    """
    chance = random.Random(9)
    most = 2 * mails * 45_000 * 6 // 10 // cuts
    sharp = 0
    async with mailroom(folder, dovecot, user) as room:
        await asyncio.to_thread(room.fill, mails, refused=mails // 10)

        def bytes_to_pass() -> int | None:
            return chance.randrange(500, most) if proxy.cuts < cuts * 2 // 3 else None

        def after_take() -> None:
            nonlocal sharp
            if sharp < cuts - cuts * 2 // 3 and chance.random() < 2 * cuts / 3 / mails:
                sharp += 1
                proxy.cut_all()

        room.after_take = after_take

        async with (
            chaos_proxy(dovecot.imaps_port, bytes_to_pass) as proxy,
            room.watching(port=proxy.port, pace=pace, remembers=remembers),
        ):
            await room.emptied(2 * _PATIENCE)
        kept, missing, doubles = await asyncio.to_thread(room.balance)
        return Told(
            kept=kept,
            missing=missing,
            doubles=doubles,
            told=len(room.told),
            told_twice=sum(room.told.values()) - len(room.told),
            cuts=proxy.cuts + sharp,
            longest_wait=room.longest_wait,
        )


async def numbered_anew(
    folder: Path, dovecot: Dovecot, user: str, *, mails: int, remembers: bool = True
) -> tuple[int, int, int]:
    """The balance of a mailbox whose mails cannot be moved for four days and then all get new numbers."""
    blocked = dovecot.maildir(user) / ".Taken"
    async with mailroom(folder, dovecot, user) as room:
        await asyncio.to_thread(room.fill, mails)
        blocked.mkdir(mode=0o700)  # root's, and Dovecot is somebody else
        for day in (0, 4, 4):
            room.clock.ahead = timedelta(days=day)
            await _seen_by_all(room, remembers=remembers)
        await asyncio.to_thread(dovecot.forget_uids, user)
        await _seen_by_all(room, remembers=remembers)
        blocked.rmdir()
        async with room.watching(remembers=remembers):
            await room.emptied()
        return await asyncio.to_thread(room.balance)


async def _seen_by_all(room: Mailroom, *, remembers: bool) -> None:
    """Come back when the door has decided on every mail once more; none of them could be moved."""
    before, left = len(room.takes), await asyncio.to_thread(room._left)
    async with room.watching(remembers=remembers), asyncio.timeout(_PATIENCE):
        while len(room.takes) < before + left:  # noqa: ASYNC110  the door has no event for it
            await asyncio.sleep(0.05)


@contextlib.contextmanager
def own_dovecot(folder: Path, *users: str):
    """A Dovecot for one campaign."""
    (folder / "peer").mkdir(parents=True)
    folder.chmod(0o755)
    with running_dovecot(make_authority(folder / "peer"), users) as dovecot:
        yield dovecot


async def b9(folder: Path) -> Row:
    """Each mail once, each refusal told once, through cuts at random bytes, at the pace of production."""
    with own_dovecot(folder, WATCHED, "control@hospital.test") as dovecot:
        found = await through_cuts(folder / "b9", dovecot, WATCHED, mails=MAILS, cuts=CUTS, pace=Pace())
        control = await through_cuts(
            folder / "b9-control", dovecot, "control@hospital.test", mails=40, cuts=12, remembers=False
        )
    return {
        "promise": "B9",
        "acknowledged": found.kept,
        "lost": found.missing + MAILS - found.kept,
        "duplicated": found.doubles,
        "unexplained": found.doubles + found.told_twice + abs(found.told - MAILS // 10),
        "rounds": 1,
        "control_failed_as_it_must": bool(control.doubles + control.told_twice),
        "cuts": found.cuts,
        "told": found.told,
        "figure": round(found.longest_wait, 1),
        "target": 60,
        "unit": "s, longest wait",
        "kept": found.longest_wait <= 60 and found.cuts >= CUTS * 9 // 10,
    }


async def b10(folder: Path) -> Row:
    """New numbers for every mail, and four days in which none could be moved: nothing twice."""
    with own_dovecot(folder, WATCHED, "control@hospital.test") as dovecot:
        kept, missing, doubles = await numbered_anew(folder / "b10", dovecot, WATCHED, mails=200)
        control = await numbered_anew(
            folder / "b10-control", dovecot, "control@hospital.test", mails=5, remembers=False
        )
    return {
        "promise": "B10",
        "acknowledged": kept,
        "lost": missing + 200 - kept,
        "duplicated": doubles,
        "unexplained": doubles,
        "rounds": 1,
        "control_failed_as_it_must": bool(control[2]),
    }
