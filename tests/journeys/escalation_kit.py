"""A gateway whose directory, addressing, queue, clock and escalation are real; only the next hop is a story."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from directory import Absence, Directory, add_absence, import_files
from gateway.addressing import Addressing
from gateway.delays.clock import EIGHT_DAYS, LAB_RESULTS, StopsAt
from gateway.delays.escalation import Ladder, Rung, Step
from gateway.delays.escalation_tables import escalation
from gateway.delays.unproved import Clocks
from gateway.delays.worklist import Task, TaskState, tasks
from gateway.document import Document, Kind, Original, Patient, Reading, Role, Wishes
from gateway.errors import PeerRefused
from gateway.identifiers import LetterId
from gateway.letter import AddressedLetter, Done, ParsedLetter, SealedMail
from gateway.letter import Step as OneStep
from gateway.queue import queries
from gateway.queue.store import Store
from gateway.rest import RestVault
from gateway.service.clock.escalating import Escalating, Rules
from gateway.service.clock.staybook import StayBook
from tests.unit.addressing.world import named, policy
from tests.unit.directory.synthetic import ACTIVITY_HEADER, MAILBOX_HEADER, activity_line, mailbox_line, write
from tests.unit.joints.joined import Joined, Road, wired
from tests.unit.queue.conftest import Clock
from tests.unit.queue.letters import NOON, domain, letter

GP, AWAY_FOR_HIM = "99000000021", "99000000022"
FIRST, SECOND = "gp@medecin.mss.example", "gp@cabinet.mss.example"
PRACTICE, STAND_IN = "secretariat@cabinet.mss.example", "remplacant@medecin.mss.example"
EVERYTHING = tuple(Rung(step=step, at=share) for step, share in zip(Step, (0.25, 0.4, 0.5, 0.6, 0.7, 0.8), strict=True))


def directory(folder: Path, *, accepts: str = "O") -> Directory:
    """A GP with two mailboxes, his practice, and who stands in for him."""
    boxes = [
        mailbox_line(FIRST, "8" + GP, skill="SM26"),
        mailbox_line(SECOND, "8" + GP, structure="990000021", skill="SM26", accepts=accepts),
        mailbox_line(PRACTICE, structure="990000021", organisation="CABINET DU CANAL"),
        mailbox_line(STAND_IN, "8" + AWAY_FOR_HIM, skill="SM26"),
    ]
    files = [
        write(folder / "boxes.txt", iter([MAILBOX_HEADER, *boxes])),
        write(folder / "activities.txt", iter([ACTIVITY_HEADER, activity_line("8" + GP, finess="990000021")])),
    ]
    assert import_files(folder, files).published
    return Directory.open(folder)


@dataclass(kw_only=True)
class Post(Road):
    """What the next hop does: mailboxes in ``full`` refuse, until they are taken out of it."""

    addressing: Addressing
    wishes: Wishes = field(default_factory=Wishes)
    full: set[str] = field(default_factory=set)
    reached: list[tuple[str, str]] = field(default_factory=list)

    async def read(self, content: bytes, *, name: str, expect_mail: bool) -> Reading:
        document = Document(
            kind=Kind(loinc="11490-0", label="Lettre de liaison"),
            original=Original(format="text", content=content),
            patient=Patient(family="ZZRECIT", given="CAMILLE", birth_date="1978-02-14"),
            addressees=(named(Role.GP, rpps=GP),),
            text="Tout va bien.",
            wishes=self.wishes,
        )
        return Reading(format="text", documents=(document,))

    def address(self, parsed: ParsedLetter) -> AddressedLetter:
        return self.addressing.address(parsed)

    async def deliver(self, mail: SealedMail, step: OneStep, *, before_dot: object = None) -> Done:
        if mail.mailbox in self.full:
            raise PeerRefused("552 mailbox full", status="5.2.2")
        self.reached.append((mail.mailbox, mail.protected_by))
        return Done(at=mail.sealed_at)


@dataclass(kw_only=True)
class Story(Joined):
    """One installation; time passes when the story says so."""

    road: Post
    stays: StayBook
    escalating: Escalating
    directory: Directory
    folder: Path

    @classmethod
    def begin(cls, store: Store, clock: Clock, vault: RestVault, folder: Path, *, proof: StopsAt = StopsAt.SENT,
              rungs: tuple[Rung, ...] = EVERYTHING, known: Directory | None = None) -> Story:  # fmt: skip
        book = known or directory(folder)
        station = Addressing(directory=book, policy=policy(white_list_required=False), clock=clock)
        road, stays = Post(addressing=station), StayBook(vault.pseudonym)
        keeper, worker, journey = wired(store, clock, road, stays, slots=4)
        clocks = Clocks(stay=EIGHT_DAYS, result=LAB_RESULTS, proof=proof)
        rules = Rules(ladder=Ladder(rungs=rungs), clocks=clocks, body=timedelta(hours=24))
        escalating = Escalating(store, journey, book, rules, route=domain, clock=clock)
        return cls(
            store=store, clock=clock, road=road, keeper=keeper, worker=worker, journey=journey, stays=stays,
            escalating=escalating, directory=book, folder=folder,
        )  # fmt: skip

    async def hands_in(self) -> LetterId:
        kept = await self.keeper.keep(replace(letter(to="auto@passerelle.example"), received_at=self.clock.now))
        await self.journey.travel(kept)
        await self.settled()
        return kept.id

    async def hours(self, number: float, *, each: float = 6) -> None:
        """Time passes with all that is done by the clock."""
        for _ in range(int(number / each)):
            self.clock.forward(hours=each)
            await self.passes()

    async def passes(self) -> None:
        """One round of everything."""
        await self.escalating.look()
        await self.store.tidy()
        await self.round()

    def away(self) -> None:
        absence = Absence(
            rpps=GP, starts_at=NOON + timedelta(days=3), ends_at=NOON + timedelta(days=60), substitute=AWAY_FOR_HIM
        )
        add_absence(self.folder, absence)

    def steps(self) -> list[tuple[str, str]]:
        """What was done, in order, with its code."""
        with self.store.reading() as connection:
            rows = connection.execute(select(escalation).order_by(escalation.c.at)).all()
        return [(row.step, row.code) for row in rows]

    def work(self, *states: TaskState) -> list[Task]:
        with self.store.reading() as connection:
            return tasks(connection, states or tuple(TaskState))

    def said(self, letter_id: LetterId, *kinds: str) -> list[tuple[str, str]]:
        with self.store.reading() as connection:
            found = queries.trace(connection, letter_id)
        return [(row["code"], row["words"]) for row in found if row["kind"] in kinds]
