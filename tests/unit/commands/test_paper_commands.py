"""`huitaine paper`: the list, the page for the envelope, what is said of it; nothing in clear on our own disk."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pypdfium2
import pytest
from sqlalchemy import Connection
from typer.testing import CliRunner, Result

import cli
from config.settings import load
from demo import letters
from directory import import_files
from gateway.delays.clock import legal_day
from gateway.delays.escalation import Step
from gateway.delays.legs import Leg
from gateway.delays.worklist import give
from gateway.document import Document, Kind, Original, Role
from gateway.identifiers import DeliveryId, LetterId, Rpps
from gateway.letter import AddressedLetter, Addressee, Door, Envelope, Held, ParsedLetter, Reason, ReceivedLetter
from gateway.moments import utc_now
from gateway.queue import queries
from gateway.queue.afterwards import Noting
from gateway.queue.planning import make_plan
from gateway.service.clock.staybook import StayBook
from gateway.service.from_settings.storing import open_store, open_vault
from gateway.service.upkeep.installing import install
from tests.unit.directory.synthetic import ACTIVITY_HEADER, activity_line, write
from tests.unit.queue.letters import WAITING, letter

PAPER, CALL, LOST = "7Q2M4X9KPD", "1A2B3C4D5E", "9Z9Z9Z9Z9Z"
LEFT = datetime(2026, 3, 2, 10, tzinfo=UTC)
NAMES = ("TESTINI", "AMELIE", "279035121518989", "douze jours")


def mdm() -> bytes:
    return letters.mdm("P1", LEFT, LEFT - timedelta(days=3), LEFT, letters.pdf("Lettre de liaison", "douze jours"))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, LetterId]:
    folder = tmp_path_factory.mktemp("post")
    install(folder, hospital="CH d'essai")
    extraction = folder / "Extraction_Correspondance_MSSante_202601150300.txt"
    extraction.write_text(letters.directory(), encoding="utf-8")
    activity = activity_line(f"8{letters.GP}", family="EXEMPLE", phone="0100000001")
    activities = write(folder / "activities.txt", iter([ACTIVITY_HEADER, activity]))
    import_files(folder / "data", [extraction, activities])
    return folder, asyncio.run(filled(folder))


async def filled(folder: Path) -> LetterId:
    """A letter that has no way to its GP, and two pieces of work for it."""
    settings = load(folder / "huitaine.toml")
    vault = open_vault(settings)
    store = open_store(settings, vault, utc_now)
    try:
        received: ReceivedLetter = replace(
            letter(mdm(), source="dpi"), door=Door.MLLP, envelope=Envelope(), received_at=utc_now()
        )
        kept = await store.keep(received)
        document = Document(kind=Kind(loinc="11490-0", label="Lettre"), original=Original(format="hl7v2", content=b""))
        parsed = ParsedLetter(id=kept.id, kept=kept, format="hl7v2", documents=(document,))
        who = Addressee(role=Role.GP, rpps=Rpps(letters.GP), mailbox=letters.GP_MAILBOX)
        held = Held(addressee=who, reason=Reason(code="no-key", words="no key"))
        planned = AddressedLetter(parsed=parsed, outcomes=(held,))
        tie = StayBook(vault.pseudonym).tie
        await store.plan(make_plan(store, [planned], now=utc_now(), dispatch=WAITING, tie=tie).planning)
        with store.reading() as connection:
            delivery = queries.deliveries(connection, kept.id)[0]["id"]
        await store.write(given, (kept.id, delivery))
        return kept.id
    finally:
        store.close()


def given(connection: Connection, jobs: Sequence[tuple[str, str]]) -> Sequence[None]:
    for about, delivery in jobs:
        give(connection, id=PAPER, letter=about, delivery=delivery, kind=Step.PAPER, at=utc_now())
        give(connection, id=CALL, letter=about, delivery=delivery, kind=Step.PHONE, at=utc_now())
    return [None] * len(jobs)


@pytest.fixture
def post(base: tuple[Path, LetterId], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, LetterId]:
    folder = shutil.copytree(base[0], tmp_path / "post")
    monkeypatch.setenv("HUITAINE_CONFIG", str(folder / "huitaine.toml"))
    monkeypatch.setenv("HUITAINE_LANG", "en")
    return folder, base[1]


def typed(*words: str, code: int = 0) -> Result:
    arguments = ("paper", *words)
    done = CliRunner().invoke(cli.application(arguments), arguments)
    assert done.exit_code == code, (done.stdout, done.stderr, done.exception)
    return done


def listed(*more: str) -> dict[str, dict[str, object]]:
    return {row["id"]: row for row in json.loads(typed("list", *more, "--format", "json").stdout)}


def words_of(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [document[page].get_textpage().get_text_range() for page in range(len(document))]
    finally:
        document.close()


def trace(post: tuple[Path, LetterId]) -> list[tuple[str, str, str]]:
    settings = load(post[0] / "huitaine.toml")
    store = open_store(settings, open_vault(settings), utc_now)
    try:
        with store.reading() as connection:
            rows = queries.trace(connection, post[1])
        return [(row["code"], row["words"], row["actor"]) for row in rows if row["kind"] == "task"]
    finally:
        store.close()


def prove(post: tuple[Path, LetterId]) -> None:
    """The GP's mailbox took it after all."""
    settings = load(post[0] / "huitaine.toml")
    vault = open_vault(settings)
    store = open_store(settings, vault, utc_now)

    async def told() -> None:
        with store.reading() as connection:
            delivery = DeliveryId(queries.deliveries(connection, post[1])[0]["id"])
        await store.note(Noting(also=(StayBook(vault.pseudonym).leg(delivery, Leg.DELIVERED.value, utc_now()),)))

    try:
        asyncio.run(told())
    finally:
        store.close()


def test_the_list_names_no_patient(post: tuple[Path, LetterId]):
    done = typed("list", "--format", "json")
    assert not any(name in done.stdout for name in NAMES)
    rows = listed()
    assert (rows[PAPER]["kind"], rows[PAPER]["state"], rows[CALL]["kind"]) == ("paper", "waiting", "phone")
    assert rows[PAPER]["rpps"] == letters.GP


def test_whom_to_call_is_the_directorys_number_unless_the_settings_have_one(post: tuple[Path, LetterId]):
    rows = listed()
    assert (rows[CALL]["phone"], rows[PAPER]["phone"]) == ("0100000001", "")
    settings = post[0] / "huitaine.toml"
    settings.write_text(settings.read_text() + f'\n[escalation.phones]\n"{letters.GP}" = "+33 1 00 00 00 02"\n')
    assert listed()[CALL]["phone"] == "+33 1 00 00 00 02"


def test_what_is_printed_has_the_gps_address_a_code_and_the_letters_own_pages(
    post: tuple[Path, LetterId], tmp_path: Path
):
    place = tmp_path / "letter.pdf"
    typed("print", PAPER, "--output", str(place))
    cover, *pages = words_of(place.read_bytes())
    for said in ("EXEMPLE", "12 RUE DES ESSAIS", "99999 VILLE-ESSAI", PAPER, "CH d'essai"):
        assert said in cover
    assert not any(name in cover for name in NAMES), "the cover goes through many hands"
    assert "douze jours" in "".join(pages)
    assert listed()[PAPER]["state"] == "printed"
    assert oct(place.stat().st_mode & 0o777) == "0o600"
    (told,) = [one for one in trace(post) if one[0].startswith("printed")]
    assert told[2] not in {"", "huitaine"}


def test_nothing_of_it_stays_on_our_own_disk(post: tuple[Path, LetterId], tmp_path: Path):
    typed("print", PAPER, "--output", str(tmp_path / "letter.pdf"))
    for path in post[0].rglob("*"):
        if path.is_file() and path.suffix != ".txt":
            assert not any(name.encode() in path.read_bytes() for name in NAMES), path.name


def test_posted_is_a_grade_of_its_own_and_proves_nothing_electronic(post: tuple[Path, LetterId], tmp_path: Path):
    today = legal_day(utc_now()).isoformat()  # in Paris, where it is tomorrow an hour or two before UTC says so
    typed("done", PAPER, "--posted", today, code=3)  # it is not printed yet
    typed("print", PAPER, "--output", str(tmp_path / "letter.pdf"))
    typed("done", PAPER, "--posted", "2020-01-31", code=2)
    typed("done", PAPER, code=2)
    typed("done", PAPER, "--posted", today)
    assert PAPER not in listed()
    row = listed("--all")[PAPER]
    assert (row["state"], row["posted_on"], row["proof"]) == ("posted", today, "none")
    shown = json.loads(
        CliRunner().invoke(cli.application(("letters",)), ("letters", "show", post[1], "--format", "json")).stdout
    )
    assert [(each["posted_on"], each["proof"]) for each in shown["deliveries"]] == [(row["posted_on"], "none")]
    told = (
        CliRunner().invoke(cli.application(("letters",)), ("letters", "show", post[1]), env={"COLUMNS": "200"}).stdout
    )
    assert row["posted_on"] in told


def test_a_proof_that_comes_before_the_printing_cancels_it_and_says_so(post: tuple[Path, LetterId], tmp_path: Path):
    prove(post)
    done = typed("print", PAPER, "--output", str(tmp_path / "letter.pdf"), code=3)
    assert "proved" in done.stderr
    assert not (tmp_path / "letter.pdf").exists()
    assert listed("--all")[PAPER]["state"] == "cancelled"


def test_what_is_printed_already_is_a_persons_and_the_list_tells_of_the_proof(
    post: tuple[Path, LetterId], tmp_path: Path
):
    typed("print", PAPER, "--output", str(tmp_path / "letter.pdf"))
    prove(post)
    row = listed()[PAPER]
    assert (row["state"], row["over"]) == ("printed", "proved")
    typed("cancel", PAPER)
    assert listed("--all")[PAPER]["state"] == "cancelled"


def test_a_call_is_made_and_is_done(post: tuple[Path, LetterId], tmp_path: Path):
    typed("print", CALL, "--output", str(tmp_path / "letter.pdf"), code=2)
    typed("done", CALL, "--posted", legal_day(utc_now()).isoformat(), code=2)
    typed("done", CALL)
    assert listed("--all")[CALL]["state"] == "done"
    typed("done", CALL, code=3)


def test_the_cover_says_where_the_hospital_is(
    post: tuple[Path, LetterId], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HUITAINE__GATEWAY__ADDRESS", '["1 boulevard des Essais", "99998 CHEF-LIEU"]')
    typed("print", PAPER, "--output", str(tmp_path / "letter.pdf"))
    cover = words_of((tmp_path / "letter.pdf").read_bytes())[0]
    assert "1 boulevard des Essais" in cover
    assert "99998 CHEF-LIEU" in cover


def test_an_address_that_a_person_gives_takes_the_place_of_the_directorys(post: tuple[Path, LetterId], tmp_path: Path):
    place = tmp_path / "letter.pdf"
    lines = ("Dr Camille EXEMPLE", "3 place du Marché", "75001 Paris")
    typed("print", PAPER, "--output", str(place), *(word for line in lines for word in ("--address", line)))
    cover = words_of(place.read_bytes())[0]
    assert "3 PLACE DU MARCHE" in cover
    assert "RUE DES ESSAIS" not in cover
    typed("print", PAPER, "--output", str(place), code=3)  # a file that is there is never written over


def test_what_is_not_on_the_list_is_refused(post: tuple[Path, LetterId], tmp_path: Path):
    for words in (("print", LOST, "--output", str(tmp_path / "x.pdf")), ("done", LOST), ("cancel", LOST)):
        assert LOST in typed(*words, code=3).stderr
