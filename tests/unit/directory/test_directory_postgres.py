"""The same directory in a real PostgreSQL: the same answers as SQLite's, and the same all or nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

import psycopg
import pytest

from directory import (
    Directory,
    DirectoryError,
    Progress,
    Wanted,
    import_into,
    national,
    shelf_of,
    spelling,
    tables,
    words_postgres,
)
from directory.fold import fold
from directory.national import National
from directory.searching import numbers
from directory.shelf_postgres import SCHEMA, PostgresBuilding, PostgresShelf
from directory.shelf_sqlite import SqliteShelf
from tests.peers.postgresql import running_postgresql
from tests.unit.directory import test_directory_delta as deltas
from tests.unit.directory.annuaire import playing
from tests.unit.directory.country import Country, activity_lines, mailbox_lines
from tests.unit.directory.synthetic import MAILBOX_HEADER, mailbox_line, rpps_of, write

NOW = datetime(2026, 3, 10, 8, tzinfo=UTC)
COUNTRY = Country(400)


@pytest.fixture(scope="module")
def address():
    with running_postgresql() as running:
        yield running.replace("+psycopg", "")


@pytest.fixture(scope="module")
def french(address):
    """A database that sorts as French dictionaries do."""
    with psycopg.connect(address, autocommit=True) as connection:
        icu = "LOCALE_PROVIDER icu ICU_LOCALE 'fr-FR-u-ka-shifted'"
        connection.execute(f"CREATE DATABASE french TEMPLATE template0 {icu}")
    return address.replace("/postgres?", "/french?")


@pytest.fixture
def shelf(address):
    with psycopg.connect(address) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    shelf = PostgresShelf(address)
    yield shelf
    shelf.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("national")
    return [
        write(folder / "m_202603010000.txt", mailbox_lines(COUNTRY, 200)),
        write(folder / "a_202603010000.txt", activity_lines(COUNTRY, 460)),
    ]


def test_both_engines_give_the_same_answers(shelf, files, tmp_path, address):
    for each in (shelf, SqliteShelf(tmp_path)):
        assert import_into(each, files).published
    there, here = Directory.open(tmp_path / "nothing", address), Directory.open(tmp_path)
    for number in range(0, 400, 13):
        person = COUNTRY.person(number)
        assert there.by_rpps(person.rpps) == here.by_rpps(person.rpps)
        assert there.practitioner(person.rpps) == here.practitioner(person.rpps)
        for wanted in (
            Wanted(words=f"{person.given} {person.family}"),
            Wanted(words=person.family[:3]),
            Wanted(words=person.family, postcode=COUNTRY.where(number).postcode[:2], profession=person.profession[1]),
            Wanted(words=person.family[:2] + person.family[3:], skill=person.skill[1]),
        ):
            found = {hit.rpps or hit.mailboxes for hit in there.find(wanted, limit=100)}
            assert found == {hit.rpps or hit.mailboxes for hit in here.find(wanted, limit=100)}
    assert there.status().mailboxes == here.status().mailboxes
    there.close()
    here.close()


ODD = ("a-b@x.example", "ab@x.example", "a_c@x.example", "aB@x.example", "éa@x.example", "ea@x.example", "z@x.example")


def test_order_and_beginnings_are_the_same_whatever_the_locale(french, tmp_path):
    lines = [mailbox_line(address, "8" + rpps_of(n), family=f"ÉLAN-{n}") for n, address in enumerate(ODD, start=1)]
    file, there = write(tmp_path / "m.txt", iter([MAILBOX_HEADER, *lines])), shelf_of(tmp_path, french)
    import_into(there, [file])
    assert there.rows("SELECT 'a-b' > 'ab' OR 'é' < 'f'") == [(True,)], "this database sorts as SQLite does"
    here = SqliteShelf(tmp_path)
    import_into(here, [file])
    for piece in ("", "a", "a-", "ab", "e", "é", "a_"):
        for anywhere in (False, True):
            found = [National(each).addresses(piece, anywhere=anywhere, limit=3) for each in (there, here)]
            assert found[0] == found[1]
    other = "SELECT column_name FROM information_schema.columns WHERE table_schema = ? AND data_type = 'text'"
    assert there.rows(other + " AND collation_name IS DISTINCT FROM 'C'", (SCHEMA,)) == []
    assert there.rows(other, (SCHEMA,)) != []
    there.close()
    here.close()


@pytest.mark.parametrize(
    "name", ["Léa-Noëlle", "L’Œuvre d'Ægir", "STRAßE øØłŁđ", "ﬁn", "Nguyễn Thị", 'a\\"b c', "x" * 5000]
)
def test_odd_names_are_found_there_as_they_are_here(shelf, tmp_path, name):
    lines = [mailbox_line("lea@mss.example", "899900000001", family=name, given="Léa", skill="CEX-22")]
    file, here = write(tmp_path / "m.txt", iter([MAILBOX_HEADER, *lines])), SqliteShelf(tmp_path)
    for one in (shelf, here):
        import_into(one, [file])
        words = fold(name).split()
        for typed in (fold(name), name, f"Lea {name}", words[0][:2], words[-1][:1], f"{words[0][:-1]} l"):
            assert len(numbers(one, Wanted(words=typed, skill="cex-22"), 5)) == 1, typed
        assert numbers(one, Wanted(words=f"{name} Ada"), 5) == []
    here.close()


def test_readers_see_the_old_directory_until_the_new_one_is_whole(shelf, files, address):
    reader = PostgresShelf(address)
    assert reader.rows("SELECT 1 FROM mailbox") == []
    import_into(shelf, files)
    seen = []

    def look(_: Progress) -> None:
        seen.append(reader.rows("SELECT count(*) FROM mailbox")[0][0])

    import_into(shelf, files, progress=look)
    assert set(seen) == {200}
    reader.close()


def test_a_reader_in_the_middle_of_something_stops_no_import(shelf, files, address):
    import_into(shelf, files)
    with psycopg.connect(address) as busy:
        busy.execute(f"SELECT 1 FROM {SCHEMA}.mailbox")  # noqa: S608 - its lock stays until it ends
        assert import_into(shelf, files).published
        assert busy.execute("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'huitaine%gone%'").fetchone() == (1,)
    assert import_into(shelf, files).published
    with psycopg.connect(address) as connection:
        schemas = "SELECT array_agg(nspname::text) FROM pg_namespace WHERE nspname LIKE 'huitaine%'"
        assert connection.execute(schemas).fetchone() == ([SCHEMA],)


OTHERS = ("huitaine_directory_2", "huitaine_directory_2_new", "huitaine_directory_1_gone_77")
NOT_OURS = (f"huitaine_directory_{tables.VERSION + 1}", "huitaine_directory_notes", "huitaine_directory_2_notes")


@pytest.fixture
def versions(address):
    """What another version of the tables left in the same database."""
    with psycopg.connect(address, autocommit=True) as connection:
        for name in (*OTHERS, *NOT_OURS):
            connection.execute(f"CREATE SCHEMA {name} CREATE TABLE mailbox (id INTEGER)")
        yield lambda: {name for (name,) in connection.execute("SELECT nspname::text FROM pg_namespace")}
        for name in (*OTHERS, *NOT_OURS):
            connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")


def test_after_an_upgrade_the_directory_is_refused_until_the_files_are_imported_again(shelf, files, versions):
    """An empty answer would hold every letter as if nobody had a mailbox."""
    with pytest.raises(DirectoryError) as asked:
        shelf.rows("SELECT 1 FROM mailbox")
    with pytest.raises(DirectoryError) as amended, shelf.amending():
        pass
    assert (asked.value.code, amended.value.code) == ("schema", "schema")
    assert import_into(shelf, files).published
    assert shelf.rows("SELECT count(*) FROM mailbox") == [(200,)]
    assert versions().isdisjoint(OTHERS)
    assert versions().issuperset({SCHEMA, *NOT_OURS})


def test_after_an_upgrade_a_file_with_half_the_rows_is_held_there_too(shelf, files, address, tmp_path):
    before = f"huitaine_directory_{tables.VERSION - 1}"
    assert import_into(shelf, files).published
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"ALTER SCHEMA {SCHEMA} RENAME TO {before}")
    few = write(tmp_path / "m.txt", islice(mailbox_lines(COUNTRY, 200), 100))
    held = import_into(shelf, [few]).held_because
    assert any("the directory before the upgrade had 200" in why for why in held)
    assert import_into(shelf, files).published


def test_control_what_other_versions_left_stays_until_an_import_succeeded(shelf, tmp_path, versions):
    with pytest.raises(DirectoryError):
        import_into(shelf, [write(tmp_path / "m.txt", iter([MAILBOX_HEADER]))])
    assert versions().issuperset({*OTHERS, *NOT_OURS})


def test_a_server_lost_after_the_new_directory_is_seen_is_no_failed_import(shelf, files, address, monkeypatch):
    import_into(shelf, files)
    sweep = PostgresBuilding.sweep

    def cut(building: PostgresBuilding, which: str | None = None) -> None:
        if which:
            with psycopg.connect(address, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s)", (building._connection.info.backend_pid,))
        sweep(building)

    monkeypatch.setattr(PostgresBuilding, "sweep", cut)
    assert import_into(shelf, files).published
    monkeypatch.undo()
    assert shelf.rows("SELECT count(*) FROM mailbox") == [(200,)]
    assert import_into(shelf, files).published


LOOK_UPS = {
    "number": (national.BY_OWNER, ("899000000001",)),
    "mailbox": (national.BY_ADDRESS, ("a@b.example",)),
    "structure": (national.BY_STRUCTURE, ("750000001",)),
    "activities": (national.OFFICES, ("899000000001",)),
    "near": (spelling._FORM_OF, (1 << 24, 2 << 24)),
    "words": (words_postgres.FIND, ("(nMARTIN:*) & (p75:*)", 400)),
}


@pytest.mark.parametrize("name", LOOK_UPS)
def test_look_ups_go_by_index_there_too(shelf, files, name):
    import_into(shelf, files)
    statement, values = LOOK_UPS[name]
    plan = [line for (line,) in shelf.rows(f"EXPLAIN {statement}", values)]
    assert any("Index" in line for line in plan)
    assert not any("Seq Scan" in line or "Hash" in line for line in plan), plan


def test_control_a_question_without_an_index_reads_the_table(shelf, files):
    import_into(shelf, files)
    assert any("Seq Scan" in line for (line,) in shelf.rows("EXPLAIN SELECT * FROM mailbox WHERE service = 'x'"))


def test_a_question_asked_often_is_answered_by_the_new_directory_too(shelf, files, tmp_path, address):
    import_into(shelf, files)
    reader = PostgresShelf(address)
    for _ in range(20):  # the driver prepares it
        assert reader.rows("SELECT count(*) FROM mailbox WHERE domain <> ?", ("x",)) == [(200,)]
    import_into(shelf, [write(tmp_path / "m_202603020000.txt", mailbox_lines(COUNTRY, 210))])
    assert reader.rows("SELECT count(*) FROM mailbox WHERE domain <> ?", ("x",)) == [(210,)]
    reader.close()


def test_an_import_that_breaks_off_or_is_killed_leaves_the_old_one(shelf, files, address):
    import_into(shelf, files)

    def kill(progress: Progress) -> None:
        if progress.step == "names":
            # As if the importing process had been killed: its connection is gone.
            with psycopg.connect(address, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")

    with pytest.raises(DirectoryError) as caught:
        import_into(shelf, files, progress=kill)
    assert caught.value.code == "unreachable"
    assert shelf.rows("SELECT count(*) FROM mailbox") == [(200,)]
    assert import_into(shelf, files).files[0].change.added == 0


def test_a_loss_is_held_and_only_one_may_import(shelf, files, tmp_path):
    import_into(shelf, files)
    small = write(tmp_path / "m.txt", islice(mailbox_lines(COUNTRY, 200), 100))
    codes = []

    def meanwhile(_: Progress) -> None:
        with pytest.raises(DirectoryError) as caught:
            import_into(shelf, files)
        codes.append(caught.value.code)

    assert "would remove" in import_into(shelf, [small], progress=meanwhile).held_because[0]
    assert set(codes) == {"busy"}
    assert shelf.rows("SELECT count(*) FROM mailbox") == [(200,)]
    assert shelf.rows("SELECT count(*) FROM activity") == [(460,)]


def test_a_restarted_server_is_found_again(shelf, files, address):
    import_into(shelf, files)
    assert shelf.rows("SELECT count(*) FROM mailbox") == [(200,)]
    with psycopg.connect(address, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                      "AND backend_type = 'client backend'")  # fmt: skip
    assert shelf.rows("SELECT count(*) FROM mailbox") == [(200,)]


def test_a_server_that_is_not_there_is_one_line(tmp_path):
    for act in (lambda shelf: shelf.rows("SELECT 1"), lambda shelf: import_into(shelf, [tmp_path / "x"])):
        (tmp_path / "x").write_text(MAILBOX_HEADER + "\n" + mailbox_line("a@b.example", "8" + rpps_of(1)) + "\n")
        with pytest.raises(DirectoryError) as caught:
            act(PostgresShelf(f"postgresql://postgres@/postgres?host={tmp_path}"))
        assert caught.value.code == "unreachable"


def test_an_account_without_rights_is_one_line(files, address):
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE ROLE petit LOGIN")
    small = PostgresShelf(address.replace("postgres@", "petit@"))
    with pytest.raises(DirectoryError) as caught:
        import_into(small, files)
    small.close()
    assert (caught.value.code, "SQLSTATE 42501" in str(caught.value)) == ("database", True)


@pytest.mark.parametrize(
    "setting", ["mysql://x", "/data", "postgresql://user:secret@host/name", "postgresql:///name?password=x"]
)
def test_an_address_that_is_none_or_shows_a_password_is_refused(tmp_path, setting):
    with pytest.raises(DirectoryError) as caught:
        shelf_of(tmp_path, setting)
    assert caught.value.code == "not-postgresql"
    assert "secret" not in str(caught.value)


def test_a_nul_in_a_file_is_left_out(shelf, tmp_path):
    line = mailbox_line("a@b.example", "8" + rpps_of(1), family="MAR\0TIN")
    import_into(shelf, [write(tmp_path / "m.txt", iter([MAILBOX_HEADER, line]))])
    assert shelf.rows("SELECT family FROM mailbox") == [("MARTIN",)]


@pytest.mark.parametrize("text", ["a\0b", "a\udc80b"])
def test_a_look_up_for_what_no_database_can_hold_finds_nothing(shelf, files, text):
    import_into(shelf, files)
    assert shelf.rows("SELECT 1 FROM mailbox WHERE folded = ?", (text,)) == []


def test_a_delta_changes_it_in_one_transaction(shelf, address, tmp_path):
    lines = [mailbox_line(f"p{n}@b.example", f"8{rpps_of(n)}", family="NOM") for n in range(65, 90)]
    lines.append(mailbox_line("lea@b.example", "8" + deltas.LEA, family="MARTIN", given="Léa"))
    file = write(tmp_path / "m_202603010000.txt", iter([MAILBOX_HEADER, *lines]))
    import_into(shelf, [file], clock=lambda: NOW)
    with playing(tmp_path) as annuaire:
        deltas.everything(annuaire)
        report = deltas.take(tmp_path, annuaire, database=address)
    assert (report.persons, report.organisations) == (2, 1)
    directory = Directory.open(tmp_path, address)
    for words in ("leroux lea", "lerouz lea"):
        assert [hit.rpps for hit in directory.search(words)] == [deltas.LEA]
    assert [hit.mailboxes for hit in directory.search("tilleuls secretariat")] == [("secretariat@cabinet.example",)]
    assert directory.status().mailboxes == len({row[0] for row in shelf.rows("SELECT folded FROM mailbox")})
    told = {(box.address, box.accepts) for box in directory.by_rpps(deltas.LEA)}
    assert import_into(shelf, [file], clock=lambda: NOW).files[0].remarks[0].code == "older-than-delta"
    assert {(box.address, box.accepts) for box in directory.by_rpps(deltas.LEA)} == told
    directory.close()
