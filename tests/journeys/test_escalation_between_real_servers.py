"""A letter that his mailbox sends back, between a real Postfix and a real Dovecot: where it goes, and who is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select

from demo import letters
from directory import add_certificate, import_files
from gateway.crypto.authority import TestAuthority
from gateway.delays.escalation import Step
from gateway.delays.escalation_tables import escalation
from gateway.queue.entries import ENTRY
from tests.journeys.stay_story import Told, some_friday, telling
from tests.peers.dovecot import Dovecot
from tests.peers.fixtures import DELIVERED_GP, GP_DOMAIN
from tests.peers.postfix import Postfix
from tests.unit.directory.synthetic import ACTIVITY_HEADER, activity_line, mailbox_line, write

pytestmark = [pytest.mark.peer, pytest.mark.root]
FINESS = "990000021"
_numbers = count(1)


@pytest.fixture
def full(dovecot: Dovecot) -> Callable[[], str]:
    """Gives a mailbox that holds no letter more."""
    return lambda: dovecot.add_user(f"comble{next(_numbers)}@{GP_DOMAIN}", quota_bytes=2000)


DAY = some_friday()
STRICT = '\n[escalation]\nproof = "delivered"\n'


def knows(second: str, practice: str, substitute: str) -> Callable[[Path], None]:
    """What the directory says besides: the GP's other mailbox, his practice's, and who stands in for him."""

    def learn(folder: Path) -> None:
        first = (folder / "Extraction_Correspondance_MSSante_202601150300.txt").read_text(encoding="utf-8").splitlines()
        more = [
            mailbox_line(second, "8" + letters.GP, structure=FINESS, skill="SM26"),
            mailbox_line(practice, structure=FINESS, organisation="CABINET D'ESSAI"),
            mailbox_line(substitute, "8" + letters.SECOND_GP, skill="SM26"),
        ]
        boxes = write(folder / "Extraction_Correspondance_MSSante_202601160300.txt", iter([*first, *more]))
        office = activity_line("8" + letters.GP, finess=FINESS, family="EXEMPLE", given="Camille")
        import_files(folder / "data", [boxes, write(folder / "activities.txt", iter([ACTIVITY_HEADER, office]))])
        begun = datetime.combine(DAY, datetime.min.time(), UTC)
        for mailbox in (second, practice, substitute):
            key = TestAuthority.create("His authority", at=begun).issue(address=mailbox).certificate
            add_certificate(folder / "data", mailbox, key.public_bytes(Encoding.DER))

    return learn


def steps(story: Told) -> list[tuple[str, str]]:
    with story.ward.running.store.reading() as connection:
        rows = connection.execute(select(escalation).order_by(escalation.c.at)).all()
    return [(row.step, row.code) for row in rows]


def alerts(story: Told) -> list[tuple[str, str]]:
    with story.ward.running.store.reading() as connection:
        wanted = select(ENTRY.c.kind, ENTRY.c.code).where(ENTRY.c.kind.like("alert%")).order_by(ENTRY.c.seq)
        return [(row.kind, row.code) for row in connection.execute(wanted)]


async def away(story: Told) -> None:
    """He is away from the next day on, and says who stands in for him."""
    dates = ("--from", str(DAY + timedelta(days=1)), "--to", str(DAY + timedelta(days=30)))
    await story.typed("directory", "absence", letters.GP, *dates, "--substitute", letters.SECOND_GP)


async def test_her_gp_is_away_with_full_mailboxes_and_the_letter_reaches_his_substitute_in_time(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, hospital_mailbox: str, full: Callable[[], str]
):
    first, second, practice = full(), full(), full()
    before = len(dovecot.mails(DELIVERED_GP))
    async with telling(
        tmp_path, postfix, dovecot, gp=first, sender=hospital_mailbox, day=DAY,
        learn=knows(second, practice, DELIVERED_GP), change=lambda text: text + STRICT,
    ) as story:  # fmt: skip
        story.full = {first, second, practice}
        await away(story)
        await story.adt("A03", "18:40")
        await story.by_folder("19:00", 0, left=story.at("18:40"))
        await story.hours(9 * 24, each=12)
        assert steps(story) == [
            ("remind", "sender-told"),
            ("other-box", "sent"),
            ("organisation", "sent"),
            ("substitute", "sent"),
        ], "and when his substitute has it nobody calls and nothing is printed"
        assert len(dovecot.mails(DELIVERED_GP)) == before + 1
        cause = f"failed 5.2 localhost:{postfix.port}"
        assert alerts(story) == [("alert", cause), ("alert-over", cause)]
        assert json.loads(await story.typed("paper", "list", "--all", "--format", "json")) == []
        total = await story.figures()
        assert (total["stays"], total["in_time"]) == (1, 1)
        assert await story.listed("late", "8-days", "--fail-if-late") == []


async def test_every_mailbox_is_full_for_nine_days_and_a_person_posts_the_letter(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, hospital_mailbox: str, full: Callable[[], str]
):
    first, second, practice, substitute = full(), full(), full(), full()
    async with telling(
        tmp_path, postfix, dovecot, gp=first, sender=hospital_mailbox, day=DAY,
        learn=knows(second, practice, substitute), change=lambda text: text + STRICT,
    ) as story:  # fmt: skip
        story.full = {first, second, practice, substitute}
        await away(story)
        await story.adt("A03", "18:40")
        await story.by_mllp("19:00", 0, left=story.at("18:40"))
        await story.hours(9 * 24, each=12)
        assert [step for step, _ in steps(story)] == list(Step)
        assert [code for _, code in steps(story)] == ["sender-told", "sent", "sent", "sent", "task", "task"]
        assert len(story.ward.deliveries()) == 4, "each mailbox was tried once"
        assert [kind for kind, _ in alerts(story)] == ["alert"]
        call, post = json.loads(await story.typed("paper", "list", "--format", "json"))
        assert [call["kind"], post["kind"]] == ["phone", "paper"]
        await story.typed("paper", "print", post["id"], "--output", str(tmp_path / "letter.pdf"))
        assert (tmp_path / "letter.pdf").read_bytes().startswith(b"%PDF")
        await story.typed("paper", "done", post["id"], "--posted", str(DAY + timedelta(days=9)))
        total = await story.figures()
        assert (total["stays"], total["never_sent"]) == (1, 1), "paper stops no clock of the reports"
        assert await story.listed("late", "8-days", "--fail-if-late", code=1) == ["never_sent"]
        assert await story.listed("missing") == []
