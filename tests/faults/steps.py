"""Escalation under kill -9: whatever the moment of a death, each step of each letter is taken once, and once alone.

The next hop takes everything and confirms nothing, and only a delivery would be proof enough: every letter climbs the
whole ladder. Each start of the gateway is told where to die, or is killed at a moment of chance.
"""

# ruff: noqa: S311 (chance here tries, it does not protect)

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from demo import letters
from directory import Absence, add_absence, add_certificate, import_files, remove_absence
from gateway.crypto.authority import TestAuthority
from gateway.delays.escalation import Step
from gateway.moments import EPOCH
from tests.faults.campaigns import Row, row
from tests.faults.hop import Hop, running_hop
from tests.faults.ledger import looking
from tests.faults.place import Place, prepare
from tests.faults.points import CRASH_AT
from tests.faults.process import START_SECONDS, GatewayProcess
from tests.faults.steps_entry import POINTS
from tests.peers.authority import make_authority
from tests.unit.directory.synthetic import ACTIVITY_HEADER, activity_line, mailbox_line, write

ROUNDS, LETTERS = int(os.environ.get("STEP_ROUNDS", "6")), int(os.environ.get("STEP_LETTERS", "90"))
BATCH = 3
"""Letters that climb at the same time; when few of their steps are left the next ones come."""
PATIENCE, _REACHED = 90.0, 60.0
ENTRY = ("-m", "tests.faults.steps_entry")
FORGETS = ("-m", "tests.faults.broken.forgets_steps")
FINESS, DOMAIN = "990000021", "gp.test"
BOXES = (letters.GP_MAILBOX, f"cabinet@{DOMAIN}", f"secretariat@{DOMAIN}", letters.SECOND_MAILBOX)
"""His own, his other one, his practice's, his substitute's."""
_STEPS = ", ".join(f'{{ step = "{step.value}", at = 0.0 }}' for step in Step)
_MORE = f'\n[escalation]\nproof = "delivered"\nleast_hours = 0.0\npause_hours = 0.0\nsteps = [{_STEPS}]\n'


@dataclass(slots=True, kw_only=True)
class Climbed:
    """What became of the ladders."""

    letters: int = 0
    deaths: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    """Steps that were never taken, boxes that no mail came to."""
    doubled: list[str] = field(default_factory=list)
    """What the journal, the deliveries, the work list or the alerts have twice."""
    copies: int = 0
    """Mails that came twice, and of which the journal does not say that they may have (promise B2)."""

    @property
    def kept(self) -> bool:
        """Whether everything happened once."""
        return not (self.missed or self.doubled or self.copies)


@dataclass(slots=True, kw_only=True)
class _Scene:
    place: Place
    hop: Hop
    gateway: _Steps
    away_since: datetime = EPOCH


class _Steps(GatewayProcess):
    """A gateway that looks for what is due several times a second; ``order`` names where it dies."""

    def __init__(self, place: Place, log: Path, entry: Sequence[str]) -> None:
        super().__init__(place, log, entry=entry)
        self.order, self.waits = "", False

    def start(self) -> None:
        """As ordered; while it ``waits`` it knows no steps."""
        more = {CRASH_AT: self.order} | ({"HUITAINE__ESCALATION__STEPS": "[]"} if self.waits else {})
        kept = {name: value for name, value in self._environment.items() if not name.startswith("HUITAINE_")}
        self._environment = kept | more
        super().start()


async def climb(folder: Path, *, letters_: int, deaths: Sequence[str], entry: Sequence[str] = ENTRY) -> Climbed:
    """Hand letters in, die as ``deaths`` say (``label:n``, or ``chance``), then live until the ladders are climbed."""
    async with _scene(folder, entry) as here:
        told = Climbed()
        for order in deaths:
            if told.letters < letters_ and _left(here, told) < 2 * BATCH:
                await _begin(here, told, min(BATCH, letters_ - told.letters))
            await _die(here, order, told)
        here.gateway.order = ""
        await asyncio.to_thread(here.gateway.open)
        await _until(lambda: _left(here, told) <= 0 and _is_idle(here.place), PATIENCE)
        await asyncio.to_thread(here.gateway.stop)
        _account(here, told)
        return told


@contextlib.asynccontextmanager
async def _scene(folder: Path, entry: Sequence[str]) -> AsyncIterator[_Scene]:
    (folder / "tls").mkdir(parents=True)
    authority = make_authority(folder / "tls")
    with running_hop(authority, folder / "arrivals") as hop:
        place = prepare(folder / "gateway", authority, hop.port, readers=1, more=_MORE)
        _learn(folder / "gateway")
        gateway = _Steps(place, folder / "serve.log", entry)
        try:
            yield _Scene(place=place, hop=hop, gateway=gateway)
        finally:
            gateway.end()


def _learn(folder: Path) -> None:
    """His other mailbox and his practice's."""
    known = (folder / "Extraction_Correspondance_MSSante_202601150300.txt").read_text(encoding="utf-8").splitlines()
    more = [
        mailbox_line(BOXES[1], "8" + letters.GP, structure=FINESS, skill="SM26"),
        mailbox_line(BOXES[2], structure=FINESS, organisation="CABINET D'ESSAI"),
    ]
    office = activity_line("8" + letters.GP, finess=FINESS, family="EXEMPLE", given="Camille")
    boxes = write(folder / "Extraction_Correspondance_MSSante_202601160300.txt", iter([*known, *more]))
    import_files(folder / "data", [boxes, write(folder / "activities.txt", iter([ACTIVITY_HEADER, office]))])
    for mailbox in BOXES[1:]:
        key = TestAuthority.create("GP").issue(address=mailbox).certificate
        add_certificate(folder / "data", mailbox, key.public_bytes(Encoding.DER))


async def _begin(here: _Scene, told: Climbed, count: int) -> None:
    """Letters reach his mailbox while he is there; then he is away, and time is over."""
    now, day, data = datetime.now(UTC).replace(microsecond=0), timedelta(days=1), here.place.database.parent
    if told.letters:
        remove_absence(data, letters.GP, here.away_since)
    here.gateway.waits, here.gateway.order = True, ""
    await asyncio.to_thread(here.gateway.open)
    await _hand_in(here.place, range(told.letters, told.letters + count))
    await _until(lambda: _sent(here.place) >= told.letters + count and _is_idle(here.place), PATIENCE)
    await asyncio.to_thread(here.gateway.kill)
    here.gateway.waits, here.away_since = False, now - day
    add_absence(data, Absence(rpps=letters.GP, starts_at=now - day, ends_at=now + day, substitute=letters.SECOND_GP))
    told.letters += count


async def _hand_in(place: Place, numbers: range) -> None:
    """Discharge letters over MLLP, of a stay whose time is over."""
    now = datetime.now(UTC)
    left, document = now - timedelta(days=20), letters.pdf("Lettre de liaison", "x")
    reader, writer = await asyncio.open_connection("127.0.0.1", place.mllp)
    for number in numbers:
        message = letters.mdm(f"E{number}", now, left - timedelta(days=4), left, document)
        writer.write(b"\x0b" + message + b"\x1c\r")
        answer = await asyncio.wait_for(reader.readuntil(b"\x1c\r"), PATIENCE)
        assert b"MSA|AA|" in answer, answer
    writer.close()
    await writer.wait_closed()


async def _die(here: _Scene, order: str, told: Climbed) -> None:
    """One start and its end; a point that nothing is left for ends by chance."""
    label, _, _ = order.partition(":")
    gateway = here.gateway
    gateway.order = "" if label not in POINTS else order
    gateway.start()
    await _until(lambda: not gateway.alive or gateway.is_open, START_SECONDS)
    await _until(lambda: not gateway.alive, _REACHED if gateway.order else random.uniform(0, 1.5))
    told.deaths[label if not gateway.alive else "chance"] += 1
    if gateway.alive:
        await asyncio.to_thread(gateway.kill)
    elif gateway.exit_code != -signal.SIGKILL:
        told.missed.append(f"a start that ended by itself: {gateway.said()[-300:].decode(errors='replace')}")


def _left(here: _Scene, told: Climbed) -> int:
    """Steps that the journal does not name yet."""
    if not told.letters:
        return 0
    with looking(here.place.database) as connection:
        (found,) = connection.execute("SELECT count(*) FROM entry WHERE kind = 'escalation'").fetchone()
    return told.letters * len(Step) - int(found)


async def _until(true: Callable[[], bool], seconds: float) -> None:
    """Come back once it is so, or when the time is over; what follows tells which."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not await asyncio.to_thread(true):  # noqa: ASYNC110 (it happens in another process)
                await asyncio.sleep(0.05)


def _sent(place: Place) -> int:
    """How many letters left: one that is only kept yet would find him away."""
    with looking(place.database) as connection:
        return int(
            connection.execute("SELECT count(DISTINCT letter_id) FROM entry WHERE kind = 'accepted'").fetchone()[0]
        )


def _is_idle(place: Place) -> bool:
    with looking(place.database) as connection:
        states = "SELECT count(*) FROM delivery WHERE state IN ('ready', 'leased')"
        return not connection.execute(states).fetchone()[0]


def _account(here: _Scene, told: Climbed) -> None:
    with looking(here.place.database) as connection:
        ids = [one[0] for one in connection.execute("SELECT id FROM letter WHERE control_id LIKE 'E%'")]
        taken = Counter(connection.execute("SELECT letter_id, code FROM entry WHERE kind = 'escalation'"))
        given = Counter(connection.execute("SELECT letter_id, words FROM entry WHERE kind = 'task'"))
        to = Counter(connection.execute("SELECT letter_id, count(*) FROM delivery GROUP BY letter_id"))
        unsure = connection.execute("SELECT count(*) FROM entry WHERE kind = 'ambiguous'").fetchone()[0]
        alerts = connection.execute("SELECT kind, code FROM entry WHERE kind LIKE 'alert%' ORDER BY seq").fetchall()
    wanted = [(letter, step.value) for letter, step in itertools.product(ids, Step)]
    told.missed += [f"{letter} {step}" for letter, step in wanted if not taken[letter, step]]
    told.missed += [f"letters {len(ids)}"] if len(ids) != told.letters else []
    told.doubled += [f"step {key} {number}" for key, number in taken.items() if number > 1]
    told.doubled += [f"task {key} {number}" for key, number in given.items() if number > 1]
    told.doubled += [f"deliveries {letter} {number}" for (letter, number) in to if number > len(BOXES)]
    told.doubled += _open_twice(alerts)
    told.missed += [f"deliveries {letter} {number}" for (letter, number) in to if number < len(BOXES)]
    came = Counter((arrival.letter, arrival.to) for arrival in here.hop.arrivals() if not arrival.notice)
    told.missed += [f"mails {len(came)}"] if len(came) != told.letters * len(BOXES) else []
    told.copies = max(0, sum(number - 1 for number in came.values()) - unsure)


def _open_twice(alerts: Sequence[tuple[str, str]]) -> list[str]:
    """A problem that is open is not told again, and one that is over was open."""
    found, open_ = [], set[str]()
    for kind, cause in alerts:
        if (kind == "alert") == (cause in open_):
            found.append(f"{kind} {cause}")
        open_ ^= {cause}
    return found


def orders(times: int) -> list[str]:
    """Every point so many times at one of its first calls, and as many deaths by chance, in random order."""
    named = [f"{label}:{random.randint(1, 4)}" for label in POINTS for _ in range(times)]
    return random.sample(named := [*named, *["chance"] * (len(named) // 2)], len(named))


async def esc(folder: Path) -> Row:
    """The campaign, and its control: a gateway that remembers its steps in memory alone takes them again."""
    told = await climb(folder / "honest", letters_=LETTERS, deaths=orders(ROUNDS))
    control = await climb(folder / "forgetful", letters_=4, deaths=["chance"] * 3, entry=FORGETS)
    deaths = {f"died_{label}": number for label, number in sorted(told.deaths.items())}
    unreached = sorted(POINTS.keys() - told.deaths.keys())
    return row(
        "ESC", acknowledged=told.letters, lost=len(told.missed), duplicated=len(told.doubled) + told.copies,
        rounds=sum(told.deaths.values()), control=not control.kept, kept=told.kept and not unreached, **deaths,
    )  # fmt: skip
