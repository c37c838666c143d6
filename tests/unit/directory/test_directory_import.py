"""The national files: what is taken, what is rejected, what is held, and what readers see meanwhile."""

from __future__ import annotations

import sqlite3
import zipfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory import Directory, DirectoryError, MailboxKind, Progress, extraction, import_files, taking
from directory.layout import layout_of
from directory.rows import RejectedRow, activity_row, mailbox_row
from tests.unit.directory.synthetic import (
    ACTIVITY_HEADER,
    MAILBOX_HEADER,
    activity_line,
    activity_lines,
    mailbox_line,
    mailbox_lines,
    rpps_of,
    write,
)

SAMPLE = "Extraction_Correspondance_MSSante_202601150300.txt"
RPPS = "99900000001"


def boxes(path, *lines, name="Extraction_Correspondance_MSSante_202601150300.txt"):
    path.mkdir(exist_ok=True)
    return write(path / name, iter([MAILBOX_HEADER, *lines]))


def codes(report):
    return [one.code for file in report.files for one in file.examples]


@pytest.fixture
def sample(vectors):
    return vectors / "directory" / SAMPLE


def test_the_sample_extraction_is_read_as_it_stands(sample, tmp_path):
    report = import_files(tmp_path, [sample])
    (file,) = report.files
    assert (report.published, file.kind, file.rows, file.rejected) == (True, "mailboxes", 9, 0)
    assert file.published_at == datetime(2026, 1, 15, 2, 0, tzinfo=UTC)
    directory = Directory.open(tmp_path)
    assert [box.address for box in directory.by_rpps(RPPS)] == [
        "adam.hoda@test-ci-sis.mssante.fr",
        "a.hoda@cabinet-des-tilleuls.test-ci-sis.mssante.fr",
    ]
    cabinet = directory.by_rpps(RPPS)[1]
    assert (cabinet.structure, cabinet.city, cabinet.street) == ("990000001", "PARIS", "12 RUE DES TILLEULS")
    assert cabinet.organisation == "CABINET DES TILLEULS"


def test_quotes_in_free_text_are_text(sample, tmp_path):
    import_files(tmp_path, [sample])
    (box,) = Directory.open(tmp_path).by_mailbox("msp.secretariat@msp-exemple.mssante.fr")
    assert box.service == 'Secrétariat "accueil" ; lundi'
    assert (box.kind, box.structure, box.accepts) == (MailboxKind.ORGANISATION, "99999999900011", None)


def test_two_lines_for_two_skills_are_one_mailbox(sample, tmp_path):
    import_files(tmp_path, [sample])
    (box,) = Directory.open(tmp_path).by_rpps("99900000004")
    assert box.skills == ("SM27", "SM26")


def test_a_refusal_on_one_line_is_a_refusal(tmp_path):
    lines = [mailbox_line("a@b.example", "8" + RPPS, skill=s, accepts=a) for s, a in (("SM26", "O"), ("SM27", "N"))]
    import_files(tmp_path, [boxes(tmp_path / "in", *lines)])
    assert Directory.open(tmp_path).by_rpps(RPPS)[0].accepts is False


def test_the_same_file_in_its_zip_gives_the_same_directory(sample, tmp_path):
    packed = tmp_path / "x.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(sample, SAMPLE)
        archive.writestr("LISEZMOI.txt", "rien")
        archive.writestr("latin.txt", "é".encode("latin-1"))
    report = import_files(tmp_path / "zip", [packed])
    import_files(tmp_path / "txt", [sample])
    zipped, plain = Directory.open(tmp_path / "zip"), Directory.open(tmp_path / "txt")
    assert report.files[0].name == SAMPLE
    assert zipped.by_rpps(RPPS) == plain.by_rpps(RPPS)
    assert zipped.status().files[0].sha256 == plain.status().files[0].sha256


def test_both_files_in_one_import_and_each_keeps_its_rows_when_the_other_is_renewed(tmp_path):
    first = write(tmp_path / "m.txt", mailbox_lines(300))
    second = write(tmp_path / "a.txt", activity_lines(600))
    report = import_files(tmp_path, [first, second])
    assert [file.rows for file in report.files] == [300, 600]
    before = Directory.open(tmp_path)
    person = before.practitioner(rpps_of(1))
    assert person.offices
    import_files(tmp_path, [write(tmp_path / "m2.txt", mailbox_lines(301))])
    status = before.status()
    assert (status.mailboxes, status.activities) == (301, 600)
    assert before.practitioner(rpps_of(1)) == person
    assert {file.name for file in status.files} == {"m2.txt", "a.txt"}


def test_progress_tells_rows_and_bytes_up_to_the_total(tmp_path):
    told: list[Progress] = []
    path = write(tmp_path / "m.txt", mailbox_lines(20_000))
    import_files(tmp_path, [path], progress=told.append)
    assert len(told) >= 3
    assert [one.step for one in told[-2:]] == ["indexes", "names"]
    told = told[:-2]
    assert [one.rows for one in told] == sorted(one.rows for one in told)
    assert (told[-1].rows, told[-1].bytes_done) == (20_000, path.stat().st_size)
    assert all(one.bytes_total == path.stat().st_size for one in told)


# --- differences ----------------------------------------------------------------------------------------------------


def test_added_changed_and_removed_rows_are_counted(tmp_path):
    lines = [mailbox_line(f"p{n}@b.example", f"8{rpps_of(n)}") for n in range(100)]
    import_files(tmp_path, [boxes(tmp_path / "1", *lines)])
    moved = mailbox_line("p5@b.example", f"8{rpps_of(5)}", postcode="35000", town="RENNES")
    new = mailbox_line("neuf@b.example", f"8{rpps_of(500)}")
    report = import_files(tmp_path, [boxes(tmp_path / "2", *lines[:5], moved, *lines[6:98], new)])
    change = report.files[0].change
    assert (change.before, change.added, change.changed, change.removed) == (100, 1, 1, 2)


def test_a_repeated_row_is_told(tmp_path):
    line = mailbox_line("a@b.example", "8" + RPPS)
    report = import_files(tmp_path, [boxes(tmp_path / "in", line, line)])
    assert report.files[0].duplicates == 1
    assert len(Directory.open(tmp_path).by_rpps(RPPS)) == 1


def test_an_import_that_would_remove_more_than_a_twentieth_is_held_until_confirmed(tmp_path):
    lines = [mailbox_line(f"p{n}@b.example", f"8{rpps_of(n)}") for n in range(100)]
    import_files(tmp_path, [boxes(tmp_path / "1", *lines)])
    small = boxes(tmp_path / "2", *lines[:94])
    directory = Directory.open(tmp_path)
    report = import_files(tmp_path, [small])
    assert not report.published
    assert "would remove 6 of 100" in report.held_because[0]
    assert directory.status().mailboxes == 100
    assert import_files(tmp_path, [small], confirm=True).published
    assert directory.status().mailboxes == 94


def test_five_in_a_hundred_removed_is_a_normal_day(tmp_path):
    lines = [mailbox_line(f"p{n}@b.example", f"8{rpps_of(n)}") for n in range(100)]
    import_files(tmp_path, [boxes(tmp_path / "1", *lines)])
    assert import_files(tmp_path, [boxes(tmp_path / "2", *lines[:95])]).published


def test_an_older_file_is_held(tmp_path):
    line = mailbox_line("a@b.example", "8" + RPPS)
    import_files(tmp_path, [boxes(tmp_path / "new", line, name="Extraction_202603010300.txt")])
    report = import_files(tmp_path, [boxes(tmp_path / "old", line, name="Extraction_202602010300.txt")])
    assert "older" in report.held_because[0]


def test_a_file_without_a_date_is_held_after_one_with_a_date(tmp_path):
    line = mailbox_line("a@b.example", "8" + RPPS)
    undated = boxes(tmp_path / "undated", line, name="Extraction.txt")
    for _ in range(2):
        assert import_files(tmp_path, [undated]).published, "nothing tells which of them is older"
    import_files(tmp_path, [boxes(tmp_path / "dated", line, name="Extraction_202602010300.txt")])
    assert "no date in its name" in import_files(tmp_path, [undated]).held_because[0]


def test_a_file_cut_in_its_last_line_is_held(tmp_path):
    path = boxes(tmp_path / "in", *(mailbox_line(f"p{n}@b.example", f"8{rpps_of(n)}") for n in range(50)))
    path.write_bytes(path.read_bytes()[:-1])
    assert "may be cut" in import_files(tmp_path, [path]).held_because[0]


# --- bad input ------------------------------------------------------------------------------------------------------

GOOD = [mailbox_line(f"p{n}@b.example", f"8{rpps_of(n)}") for n in range(100)]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("PER|seul", "columns"),
        (mailbox_line("a@b.example", "8" + RPPS) + "|x", "columns"),
        (mailbox_line("a@b.example", "8" + RPPS, kind="XXX"), "unknown-kind"),
        (mailbox_line("pas une adresse", "8" + RPPS), "bad-address"),
        (mailbox_line("a@b@c.example", "8" + RPPS), "bad-address"),
        (mailbox_line("a@b.example", kind="PER"), "no-owner"),
        (mailbox_line("a@b.example", "8ABC"), "bad-number"),
        (mailbox_line("a@b.example", "8" + RPPS).replace(f"|8{RPPS}|", "|899999999999|"), "identifier-mismatch"),
        ("PER|" + "x" * 10_000_000, "too-long"),
    ],
)
def test_a_bad_row_is_rejected_with_its_line_and_reason_and_the_others_are_taken(tmp_path, line, code):
    report = import_files(tmp_path, [boxes(tmp_path / "in", *GOOD[:50], line, *GOOD[50:])])
    (file,) = report.files
    assert (report.published, file.rows, file.rejected) == (True, 100, 1)
    assert (file.examples[0].line, file.examples[0].code) == (52, code)
    assert len(file.examples[0].words) < 100


def test_a_row_in_another_charset_is_rejected(tmp_path):
    path = boxes(tmp_path / "in", *GOOD)
    path.write_bytes(path.read_bytes() + "PER|Noël\n".encode("latin-1"))
    report = import_files(tmp_path, [path])
    assert codes(report) == ["not-utf8"]
    assert "byte 6" in report.files[0].examples[0].words


def test_too_many_rejected_rows_hold_the_import(tmp_path):
    report = import_files(tmp_path, [boxes(tmp_path / "in", *GOOD, *["PER|seul"] * 6)])
    assert "6 of 106 lines rejected" in report.held_because[0]


def test_an_activity_without_number_is_rejected(tmp_path):
    lines = [ACTIVITY_HEADER, *(activity_line(f"8{rpps_of(n)}") for n in range(50)), activity_line("")]
    assert codes(import_files(tmp_path, [write(tmp_path / "a.txt", iter(lines))])) == ["no-owner"]


def _truncated_zip(path, sample):
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(sample, SAMPLE)
    path.write_bytes(path.read_bytes()[:1200])


def _damaged_zip(path, sample):
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(sample, SAMPLE)
    content = bytearray(path.read_bytes())
    content[2000] ^= 1
    path.write_bytes(content)


BROKEN = {
    "no-file": lambda path, sample: None,
    "not-ours": lambda path, sample: path.write_text("a|b|c\n"),
    "wrong-charset": lambda path, sample: path.write_bytes(sample.read_text().encode("latin-1")),
    "wrong-header": lambda path, sample: path.write_text(MAILBOX_HEADER.replace("|Dématérialisation", "") + "\n"),
    "broken-file": _truncated_zip,
    "empty": lambda path, sample: path.write_text(MAILBOX_HEADER + "\n"),
}


@pytest.mark.parametrize(("code", "breaks"), [*BROKEN.items(), ("broken-file", _damaged_zip)])
def test_a_file_that_cannot_be_used_is_refused_in_one_line_and_the_old_directory_stays(tmp_path, sample, code, breaks):
    import_files(tmp_path, [sample])
    path = tmp_path / "bad.zip"
    breaks(path, sample)
    with pytest.raises(DirectoryError) as caught:
        import_files(tmp_path, [path], confirm=True)
    assert caught.value.code == code
    assert "\n" not in str(caught.value)
    assert len(Directory.open(tmp_path).by_rpps(RPPS)) == 2
    assert not list(tmp_path.glob("*.new"))


def test_the_missing_column_is_named(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text(MAILBOX_HEADER.replace("|Dématérialisation", "") + "\n")
    with pytest.raises(DirectoryError, match=r"x\.txt, line 1: .*Dématérialisation"):
        import_files(tmp_path, [path])


def test_a_file_without_legal_entities_is_taken_all_the_same(tmp_path):
    lines = [ACTIVITY_HEADER, activity_line("8" + RPPS, finess="990000009", entity="990000001", phone="0100000001")]
    place = ACTIVITY_HEADER.split("|").index("Numéro FINESS établissement juridique")
    without = ["|".join(one.split("|")[:place] + one.split("|")[place + 1 :]) for one in lines]
    for name, content, entity in (("with", lines, "990000001"), ("without", without, "")):
        import_files(tmp_path / name, [write(tmp_path / f"{name}.txt", iter(content))])
        (office,) = Directory.open(tmp_path / name).practitioner(RPPS).offices
        assert (office.structures, office.entity, office.phone) == (("990000009",), entity, "0100000001")


def test_a_file_without_telephones_is_taken_all_the_same(tmp_path):
    header, line = ACTIVITY_HEADER, activity_line("8" + RPPS, phone="0100000001")
    place = header.split("|").index("Téléphone (coord. structure)")
    for name, phones in (("with", ("0100000001",)), ("without", ())):
        lines = [header, line]
        if name == "without":
            lines = ["|".join(one.split("|")[:place] + one.split("|")[place + 1 :]) for one in lines]
        import_files(tmp_path / name, [write(tmp_path / f"{name}.txt", iter(lines))])
        assert Directory.open(tmp_path / name).practitioner(RPPS).phones == phones


def test_two_files_of_one_kind_are_refused(tmp_path, sample):
    with pytest.raises(DirectoryError) as caught:
        import_files(tmp_path, [sample, sample])
    assert caught.value.code == "same-kind-twice"


def test_a_header_with_a_byte_order_mark_and_windows_line_ends_is_read(tmp_path):
    path = boxes(tmp_path / "in", mailbox_line("a@b.example", "8" + RPPS))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert import_files(tmp_path, [path]).files[0].rows == 1


@given(
    st.one_of(st.binary(max_size=300), st.lists(st.text(max_size=12), max_size=40).map(lambda v: "|".join(v).encode()))
)
def test_any_line_is_a_row_or_a_rejected_row(line):
    for header, to_row, width in ((MAILBOX_HEADER, mailbox_row, 19), (ACTIVITY_HEADER, activity_row, 17)):
        try:
            row = to_row(line, taking._values(line, layout_of(header, "x.txt")))
        except RejectedRow:
            continue
        assert len(row) == width


@given(
    st.lists(st.sampled_from(["PER", "a@b.example", "8", "99900000001", "899900000001", "", "é|", "x"]), min_size=31)
)
def test_any_columns_are_a_row_or_a_rejected_row(values):
    line = "|".join(values[:31]).encode()
    with suppress(RejectedRow):
        assert len(mailbox_row(line, taking._values(line, layout_of(MAILBOX_HEADER, "x.txt")))) == 19


def test_a_zip_that_would_unpack_to_too_much_is_refused(tmp_path, sample, monkeypatch):
    packed = tmp_path / "x.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(sample, SAMPLE)
    monkeypatch.setattr(extraction, "LARGEST_FILE", 100)
    with pytest.raises(DirectoryError) as caught:
        import_files(tmp_path, [packed])
    assert caught.value.code == "too-large"


# --- the switch -----------------------------------------------------------------------------------------------------


def test_readers_see_the_old_directory_until_the_new_one_is_whole(tmp_path):
    import_files(tmp_path, [boxes(tmp_path / "1", GOOD[0])])
    directory, seen = Directory.open(tmp_path), []
    import_files(
        tmp_path,
        [write(tmp_path / "big.txt", mailbox_lines(20_000))],
        progress=lambda _: seen.append(directory.status().mailboxes),
        confirm=True,
    )
    assert set(seen) == {1}
    assert directory.status().mailboxes == 20_000


def test_an_import_that_breaks_off_leaves_the_old_directory(tmp_path):
    import_files(tmp_path, [boxes(tmp_path / "1", GOOD[0])])

    def stop(_: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_files(tmp_path, [write(tmp_path / "big.txt", mailbox_lines(9000))], progress=stop)
    assert Directory.open(tmp_path).status().mailboxes == 1
    assert not list(tmp_path.glob("*.new"))


def test_a_second_import_at_the_same_time_is_told_so(tmp_path):
    path = write(tmp_path / "m.txt", mailbox_lines(10))
    codes = []

    def meanwhile(_: Progress) -> None:
        with pytest.raises(DirectoryError) as caught:
            import_files(tmp_path, [path])
        codes.append(caught.value.code)

    import_files(tmp_path, [path], progress=meanwhile)
    assert set(codes) == {"busy"}


def test_a_directory_of_another_version_asks_for_an_import_and_is_replaced_by_it(tmp_path, sample):
    with sqlite3.connect(tmp_path / "directory.db") as other:
        other.execute("PRAGMA user_version=99")
    other.close()
    with pytest.raises(DirectoryError) as caught:
        Directory.open(tmp_path).by_rpps(RPPS)
    assert caught.value.code == "schema"
    assert import_files(tmp_path, [sample]).published


@pytest.fixture
def many(tmp_path):
    def made(count):
        lines = [mailbox_line(f"p{n}@b.example", f"8{rpps_of(n)}", family="MARTIN", given="Léa") for n in range(count)]
        return write(tmp_path / "m.txt", iter([MAILBOX_HEADER, *lines]))

    return made


def test_after_an_upgrade_a_file_with_half_the_rows_is_held_all_the_same(tmp_path, many):
    assert import_files(tmp_path, [many(100)]).published
    with sqlite3.connect(tmp_path / "directory.db") as other:
        other.execute("PRAGMA user_version=1")
    other.close()
    held = import_files(tmp_path, [many(94)])
    assert held.held_because == ("m.txt: 94 rows, the directory before the upgrade had 100",)
    assert import_files(tmp_path, [many(96)]).published


def test_freshness_counts_from_the_publication(tmp_path, sample):
    now = datetime(2026, 1, 16, 2, 0, tzinfo=UTC)
    import_files(tmp_path, [sample], clock=lambda: now)
    (file,) = Directory.open(tmp_path).status().files
    assert file.age(now) == timedelta(days=1)
    for name in ("extraction_999999999999.txt", "extraction.txt"):
        (tmp_path / name).write_bytes(sample.read_bytes())
        import_files(tmp_path, [tmp_path / name], confirm=True, clock=lambda: now)
        (file,) = Directory.open(tmp_path).status().files
        assert (file.published_at, file.age(now)) == (None, timedelta(0))


def test_a_zip_damaged_far_behind_its_header_is_refused_in_the_middle_of_the_import(tmp_path, sample):
    import_files(tmp_path, [sample])
    packed = tmp_path / "x.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(write(tmp_path / "m.txt", mailbox_lines(3000)), "m.txt")
    content = bytearray(packed.read_bytes())
    content[-5000] ^= 1
    packed.write_bytes(content)
    with pytest.raises(DirectoryError) as caught:
        import_files(tmp_path, [packed], confirm=True)
    assert caught.value.code == "broken-file"
    assert Directory.open(tmp_path).status().mailboxes == 8
