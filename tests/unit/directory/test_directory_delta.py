"""What changed since: pages of the national API, played by a server of ours, and what they make of the directory."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from directory import Directory, DirectoryError, Wanted, import_files, shelf_of
from directory.delta import FhirApi, Gathering, since_when, take_delta
from tests.unit.directory.annuaire import KEY, mailbox, organisation, playing, practitioner, role
from tests.unit.directory.synthetic import ACTIVITY_HEADER, MAILBOX_HEADER, activity_line, mailbox_line, rpps_of, write

NOW = datetime(2026, 3, 10, 8, tzinfo=UTC)
FINESS, ENTITY = "2A9000001", "2A9000099"
LEA, PAUL = rpps_of(1), rpps_of(2)


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    """A directory of whole files, of the first of March."""
    folder = tmp_path_factory.mktemp("before")
    lines = [mailbox_line(f"p{n}@b.example", f"8{rpps_of(n)}", family=f"NOM{n:c}", given="Léa") for n in range(65, 90)]
    lines += [
        mailbox_line("lea@b.example", "8" + LEA, family="MARTIN", given="Léa"),
        mailbox_line("lea@cabinet.example", "8" + LEA, family="MARTIN", given="Léa", structure=FINESS),
        mailbox_line("paul@b.example", "8" + PAUL, family="DURAND", given="Paul"),
        mailbox_line("accueil@cabinet.example", structure=FINESS, organisation="CABINET", service="Accueil"),
    ]
    boxes = write(folder / "m_202603010000.txt", iter([MAILBOX_HEADER, *lines]))
    activities = [ACTIVITY_HEADER, activity_line("8" + LEA, finess=FINESS, entity=ENTITY, family="MARTIN")]
    import_files(folder, [boxes, write(folder / "a_202603010000.txt", iter(activities))], clock=lambda: NOW)
    return folder / "directory.db"


@pytest.fixture
def folder(before, tmp_path):
    (tmp_path / "directory.db").write_bytes(before.read_bytes())
    return tmp_path


@pytest.fixture
def annuaire(tmp_path):
    with playing(tmp_path) as server:
        yield server


def take(folder, annuaire, *, now=NOW, key=KEY, confirm=False, waits=None, database=""):
    shelf = shelf_of(folder, database)
    waited = waits if waits is not None else []
    try:
        with (
            Gathering.opened(folder, since_when(shelf), now) as gathering,
            FhirApi.opened(annuaire.base, key, authorities=annuaire.ca, wait=waited.append) as api,
        ):
            return take_delta(shelf, gathering, api, tell=lambda _: None, confirm=confirm)
    finally:
        shelf.close()


def everything(annuaire):
    """Léa married and closed a box, her practice has a new one, somebody new begins, Paul did not change."""
    annuaire.add(practitioner("003-1", LEA, "MARTIN-LEROUX", mailbox("lea@b.example", digitization=False)))
    annuaire.add(role("r1", "003-1", "001-1", mailbox("lea.ml@cabinet.example")))
    annuaire.add(practitioner("003-9", rpps_of(900), "NOUVEAU"), changed=False)
    annuaire.add(role("r9", "003-9", "001-1", mailbox("nouveau@cabinet.example", listeRouge=False)))
    annuaire.add(practitioner("003-2", PAUL, "DURAND", mailbox("autre@b.example")), changed=False)
    box = mailbox("secretariat@cabinet.example", "ORG", service="Secrétariat")
    plain = {"system": "email", "value": "contact@cabinet.example"}
    annuaire.add(organisation("001-1", FINESS, "CABINET DES TILLEULS", box, plain))


def addresses(directory, rpps):
    return sorted(box.address for box in directory.by_rpps(rpps))


def test_who_comes_after_somebody_who_went_is_not_found_by_his_name(folder, annuaire):
    ways = [("KERVELLA", 901, True), ("KERVELLA", 901, False), ("MOREAU", 902, True)]
    for hours, (name, number, here) in enumerate(ways):
        annuaire.resources.clear()
        told = practitioner(f"p{number}", rpps_of(number), name, mailbox(f"p{number}@b.example"))
        annuaire.add({**told, "active": here})
        take(folder, annuaire, now=NOW + timedelta(hours=hours), confirm=True)
        assert len(Directory.open(folder).search(name)) == here
    assert Directory.open(folder).search("kervella") == []
    assert Directory.open(folder).status().mailboxes > 1


def test_a_delta_changes_who_changed_and_nobody_else(folder, annuaire):
    everything(annuaire)
    directory = Directory.open(folder)
    assert addresses(directory, LEA) == ["lea@b.example", "lea@cabinet.example"]
    report = take(folder, annuaire)
    assert report.published
    assert (report.persons, report.organisations, report.rejected) == (2, 1, ())
    assert addresses(directory, LEA) == ["lea.ml@cabinet.example", "lea@b.example"]
    refusing = next(box for box in directory.by_rpps(LEA) if box.address == "lea@b.example")
    assert (refusing.accepts, refusing.family, refusing.skills) == (False, "MARTIN-LEROUX", ("SM26",))
    assert addresses(directory, rpps_of(900)) == ["nouveau@cabinet.example"]
    assert addresses(directory, PAUL) == ["paul@b.example"]
    assert addresses(directory, rpps_of(66)) == ["p66@b.example"]
    assert [box.address for box in directory.by_structure(FINESS)] == ["secretariat@cabinet.example"]


def test_the_legal_entity_of_a_place_is_known_after_a_delta_that_does_not_tell_it(folder, annuaire):
    everything(annuaire)
    take(folder, annuaire)
    directory = Directory.open(folder)
    offices = {rpps: directory.practitioner(rpps).offices for rpps in (LEA, rpps_of(900))}
    assert [(office.structures, office.entity) for office in offices[LEA]] == [((FINESS,), ENTITY)]
    assert [(office.structures, office.entity) for office in offices[rpps_of(900)]] == [((FINESS,), "")]


def test_who_changed_is_found_by_the_new_name_and_no_longer_by_the_old_one(folder, annuaire):
    everything(annuaire)
    take(folder, annuaire)
    directory = Directory.open(folder)
    for words in ("leroux lea", "Martin-Leroux", "lerouz lea"):
        assert [hit.rpps for hit in directory.search(words)] == [LEA]
    assert [hit.rpps for hit in directory.find(Wanted(words="leroux", postcode="2A", profession="10"))] == [LEA]
    assert [hit.mailboxes for hit in directory.search("tilleuls secretariat")] == [("secretariat@cabinet.example",)]
    assert directory.search("cabinet accueil") == []
    assert [hit.rpps for hit in directory.search("nouveau")] == [rpps_of(900)]


def test_pages_hold_fifty_and_ask_from_the_older_file_on(folder, annuaire):
    everything(annuaire)
    annuaire.page = 1
    take(folder, annuaire)
    first = annuaire.asked[0]
    assert first.startswith("/fhir/v2/PractitionerRole?_lastUpdated=ge2026-02-28T23")
    assert all("_count=50" in path for path in annuaire.asked)
    assert any("&at=1" in path for path in annuaire.asked)


def test_the_next_delta_begins_where_this_one_began(folder, annuaire):
    everything(annuaire)
    take(folder, annuaire)
    assert since_when(shelf_of(folder)) == NOW
    annuaire.asked.clear()
    again = take(folder, annuaire, now=NOW + timedelta(days=1))
    assert (again.persons, again.organisations, again.added, again.removed) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    "trouble",
    [(429, {"Retry-After": "7"}), (503, {"Retry-After": "Tue, 10 Mar 2026 08:00:07 GMT"}), (503, {}), "cut",
     b'{"resour', (504, {})],
)  # fmt: skip
def test_a_page_that_does_not_come_is_asked_for_again(folder, annuaire, trouble):
    everything(annuaire)
    annuaire.trouble = [trouble]
    waits = []
    assert take(folder, annuaire, waits=waits).persons == 2
    assert len(waits) == 1
    assert waits[0] <= 120
    if trouble == (429, {"Retry-After": "7"}):
        assert waits == [7]


def test_an_interruption_costs_one_page_and_the_same_command_goes_on(folder, annuaire):
    everything(annuaire)
    annuaire.trouble = [None, None, *[(503, {"Retry-After": "9999"})] * 5]
    waits = []
    with pytest.raises(DirectoryError) as caught:
        take(folder, annuaire, waits=waits)
    assert caught.value.code == "interrupted"
    assert max(waits) == 120
    assert addresses(Directory.open(folder), LEA) == ["lea@b.example", "lea@cabinet.example"]
    came = list(annuaire.asked[:2])
    annuaire.asked.clear()
    assert take(folder, annuaire, now=NOW + timedelta(hours=1)).persons == 2
    assert not set(came) & set(annuaire.asked)
    # What changed while it was interrupted is asked for next time.
    assert since_when(shelf_of(folder)) == NOW


def test_a_page_that_the_server_forgot_begins_its_search_again(folder, annuaire):
    everything(annuaire)
    annuaire.page = 1
    annuaire.trouble = [None, (410, {})]
    assert take(folder, annuaire).persons == 2
    assert annuaire.asked[0] == annuaire.asked[2]


def test_the_telephone_of_the_activity_goes_before_that_of_its_place(folder, annuaire):
    places = (("001-1", "0100000001"), ("001-2", "0100000002"))
    for number, phone in places:
        annuaire.add(organisation(number, "", "CABINET", {"system": "phone", "value": phone}))
    annuaire.add(practitioner("003-1", LEA, "MARTIN", mailbox("lea@b.example")))
    annuaire.add(role("r1", "003-1", "001-1", {"system": "phone", "value": "0100000009"}))
    annuaire.add(role("r2", "003-1", "001-2", {"system": "fax", "value": "0100000008"}))
    take(folder, annuaire)
    assert set(Directory.open(folder).practitioner(LEA).phones) == {"0100000009", "0100000002"}


def test_who_is_no_longer_active_is_gone(folder, annuaire):
    annuaire.add(practitioner("003-1", LEA, "MARTIN", mailbox("lea@b.example"), active=False))
    annuaire.add(organisation("001-1", FINESS, "CABINET", mailbox("a@b.example", "ORG"), active=False))
    report = take(folder, annuaire, confirm=True)
    directory = Directory.open(folder)
    assert (report.added, report.removed) == (0, 3)
    assert addresses(directory, LEA) == []
    assert directory.practitioner(LEA) is None
    assert directory.search("martin") == []
    assert directory.by_structure(FINESS) == []


def test_an_activity_that_ended_takes_its_mailbox_with_it(folder, annuaire):
    annuaire.add(practitioner("003-1", LEA, "MARTIN", mailbox("lea@b.example")), changed=False)
    annuaire.add(role("r1", "003-1", "001-1", mailbox("lea@cabinet.example"), active=False))
    take(folder, annuaire)
    directory = Directory.open(folder)
    assert addresses(directory, LEA) == ["lea@b.example"]
    assert directory.practitioner(LEA).offices == ()


@pytest.mark.parametrize(
    ("end", "there"),
    [("2026-03-09", False), ("2026-02", False), ("2025-12-31T23:59:59+01:00", False), ("2026-03-10", True),
     ("2026-03", True), ("2026", True), ("2030-01-01", True), (None, True)],
)  # fmt: skip
def test_what_has_a_last_day_is_there_until_then(folder, annuaire, end, there):
    period = {"period": {"start": "2020-01-01", "end": end}}
    annuaire.add(practitioner("003-1", LEA, "MARTIN", mailbox("lea@b.example"), mailbox("x@b.example") | period))
    annuaire.add(role("r1", "003-1", "001-1", mailbox("lea@cabinet.example"), **period))
    take(folder, annuaire)
    directory = Directory.open(folder)
    ending = ["lea@cabinet.example", "x@b.example"] if there else []
    assert sorted(addresses(directory, LEA)) == sorted(["lea@b.example", *ending])
    assert bool(directory.practitioner(LEA).offices) is there


@pytest.mark.parametrize(
    ("start", "there"),
    [("2026-03-10", True), ("2026-03", True), ("2026-03-11", False), ("2026-04", False), ("2027", False)],
)
def test_what_has_a_first_day_is_not_there_before(folder, annuaire, start, there):
    box = mailbox("x@b.example") | {"period": {"start": start}}
    annuaire.add(practitioner("003-1", LEA, "MARTIN", mailbox("lea@b.example"), box))
    take(folder, annuaire)
    assert ("x@b.example" in addresses(Directory.open(folder), LEA)) is there


def test_an_address_of_old_is_not_taken(folder, annuaire):
    old = mailbox("avant@b.example") | {"use": "old"}
    annuaire.add(practitioner("003-1", LEA, "MARTIN", mailbox("lea@b.example"), old))
    take(folder, annuaire)
    assert addresses(Directory.open(folder), LEA) == ["lea@b.example"]


def test_a_box_on_the_red_list_and_an_ordinary_address_are_not_taken(folder, annuaire):
    plain = {"system": "email", "value": "lea@courrier.example"}
    annuaire.add(practitioner("003-1", LEA, "MARTIN", mailbox("secret@b.example", listeRouge=True), plain))
    take(folder, annuaire, confirm=True)
    assert addresses(Directory.open(folder), LEA) == []


def test_what_cannot_be_a_row_is_rejected_by_its_resource(folder, annuaire):
    annuaire.add(practitioner("003-1", LEA, "MARTIN", mailbox("pas une adresse"), mailbox("lea@b.example")))
    annuaire.add(practitioner("003-5", "", "SANS", identifier=[]))
    report = take(folder, annuaire)
    assert {(one.file, one.code) for one in report.rejected} == {
        ("Practitioner/003-1", "bad-address"), ("Practitioner/003-5", "no-owner")
    }  # fmt: skip
    assert addresses(Directory.open(folder), LEA) == ["lea@b.example"]


def test_a_delta_that_would_empty_the_directory_is_held(folder, annuaire):
    for number in range(65, 75):
        annuaire.add(practitioner(f"003-{number}", rpps_of(number), "X", active=False))
    report = take(folder, annuaire)
    assert not report.published
    assert "would remove 10 of 29" in report.held_because[0]
    assert Directory.open(folder).status().mailboxes == 29
    annuaire.asked.clear()
    assert take(folder, annuaire, confirm=True).published
    assert annuaire.asked == []
    assert Directory.open(folder).status().mailboxes == 19


def test_as_many_new_mailboxes_do_not_hide_those_that_would_be_lost(folder, annuaire):
    for number in range(65, 75):
        annuaire.add(practitioner(f"003-{number}", rpps_of(number), "X", mailbox(f"autre{number}@b.example")))
    report = take(folder, annuaire)
    assert report.held_because == ("would remove 10 of 29 mailboxes",)


def test_a_delta_that_takes_most_mailboxes_of_those_who_changed_is_held(tmp_path, annuaire):
    lines = [MAILBOX_HEADER, *(mailbox_line(f"p{n}@b.example", f"8{rpps_of(n)}") for n in range(1, 601))]
    import_files(tmp_path, [write(tmp_path / "m_202603010000.txt", iter(lines))], clock=lambda: NOW)
    for number in range(1, 26):
        annuaire.add(practitioner(f"003-{number}", rpps_of(number), "X"))
    annuaire.page = 50
    assert take(tmp_path, annuaire).held_because == ("would remove 25 of 25 mailboxes of those who changed",)


def test_of_two_records_of_one_number_the_active_one_is_the_last_word(folder, annuaire):
    annuaire.add(practitioner("003-1", LEA, "MARTIN", mailbox("lea@neuf.example")))
    annuaire.add(practitioner("003-2", LEA, "MARTIN", mailbox("lea@b.example"), active=False))
    take(folder, annuaire, confirm=True)
    assert addresses(Directory.open(folder), LEA) == ["lea@neuf.example"]


def test_organisations_that_share_a_number_keep_each_their_mailboxes(folder, annuaire):
    siret = {"system": "https://sirene.esante.gouv.fr", "value": "12345678900011"}
    finess = {"system": "https://finess.esante.gouv.fr", "value": FINESS}
    annuaire.add(organisation("001-1", FINESS, "CABINET", mailbox("a@cabinet.example", "ORG")))
    annuaire.add(organisation("001-2", FINESS, "MAISON", mailbox("b@cabinet.example", "ORG"),
                              identifier=[finess, siret]))  # fmt: skip
    annuaire.add(organisation("001-0", "", "SIEGE", mailbox("c@cabinet.example", "ORG"), identifier=[siret]))
    take(folder, annuaire, confirm=True)
    directory = Directory.open(folder)
    assert {box.address for box in directory.by_structure(FINESS)} == {"a@cabinet.example", "b@cabinet.example"}
    assert [box.address for box in directory.by_structure(siret["value"])] == ["c@cabinet.example"]


def whole_file(tmp_path, day, *more):
    """Everybody as on the first of March, with a date of the name's choice."""
    lines = [mailbox_line(f"p{n}@b.example", f"8{rpps_of(n)}", family=f"NOM{n:c}") for n in range(65, 90)]
    lines += [
        mailbox_line("lea@b.example", "8" + LEA, family="MARTIN", given="Léa"),
        mailbox_line("lea@cabinet.example", "8" + LEA, family="MARTIN", given="Léa", structure=FINESS),
        mailbox_line("accueil@cabinet.example", structure=FINESS, organisation="CABINET", service="Accueil"),
    ]
    return write(tmp_path / f"m_{day}0000.txt", iter([MAILBOX_HEADER, *lines, *more]))


def test_a_whole_file_from_before_the_delta_leaves_what_that_changed(folder, annuaire, tmp_path):
    everything(annuaire)
    take(folder, annuaire)
    newer = mailbox_line("new@b.example", "8" + rpps_of(70), family="NOMF")
    report = import_files(folder, [whole_file(tmp_path, "20260309", newer)], confirm=True, clock=lambda: NOW)
    assert [one.code for one in report.files[0].remarks] == ["older-than-delta"]
    directory = Directory.open(folder)
    accepts = {box.address: box.accepts for box in directory.by_rpps(LEA)}
    assert accepts == {"lea@b.example": False, "lea.ml@cabinet.example": None}
    assert set(addresses(directory, rpps_of(70))) == {"p70@b.example", "new@b.example"}
    assert addresses(directory, rpps_of(900)) == ["nouveau@cabinet.example"]
    assert [box.address for box in directory.by_structure(FINESS)] == ["secretariat@cabinet.example"]
    assert [hit.rpps for hit in directory.search("martin leroux lea")] == [LEA]
    directory.close()
    shelf = shelf_of(folder)
    assert since_when(shelf) == NOW, "the next delta goes on where the last one began"
    shelf.close()


def test_a_whole_file_from_after_the_delta_is_the_last_word(folder, annuaire, tmp_path):
    everything(annuaire)
    take(folder, annuaire)
    import_files(folder, [whole_file(tmp_path, "20260309")], confirm=True, clock=lambda: NOW)
    report = import_files(folder, [whole_file(tmp_path, "20260311")], confirm=True, clock=lambda: NOW)
    assert report.files[0].remarks == ()
    directory = Directory.open(folder)
    assert set(addresses(directory, LEA)) == {"lea@b.example", "lea@cabinet.example"}
    assert addresses(directory, rpps_of(900)) == []
    directory.close()


def test_a_file_without_a_date_is_held_and_never_undoes_a_delta(folder, annuaire, tmp_path):
    everything(annuaire)
    take(folder, annuaire)
    dated = whole_file(tmp_path, "20260309")
    undated = dated.rename(tmp_path / "m.txt")
    for _ in range(2):
        held = import_files(folder, [undated], clock=lambda: NOW)
        assert "no date in its name" in held.held_because[-1]
        report = import_files(folder, [undated], confirm=True, clock=lambda: NOW)
        assert [one.code for one in report.files[0].remarks] == ["older-than-delta"]
        directory = Directory.open(folder)
        assert set(addresses(directory, LEA)) == {"lea@b.example", "lea.ml@cabinet.example"}
        directory.close()
    import_files(folder, [whole_file(tmp_path, "20260311")], confirm=True, clock=lambda: NOW)
    directory = Directory.open(folder)
    assert set(addresses(directory, LEA)) == {"lea@b.example", "lea@cabinet.example"}
    directory.close()


def test_a_file_that_goes_back_has_the_time_between_asked_for_again(folder, annuaire, tmp_path):
    everything(annuaire)
    take(folder, annuaire)
    import_files(folder, [whole_file(tmp_path, "20260220")], confirm=True, clock=lambda: NOW)
    shelf = shelf_of(folder)
    assert since_when(shelf) == datetime(2026, 2, 19, 23, tzinfo=UTC)
    shelf.close()


def test_what_was_gathered_before_a_whole_file_does_not_undo_it(folder, annuaire, tmp_path):
    """It was interrupted; meanwhile a newer file of mailboxes came, in which Léa has closed one."""
    annuaire.add(practitioner("003-1", LEA, "MARTIN", mailbox("lea@b.example"), mailbox("ferme@b.example")))
    annuaire.add(role("r1", "003-1", "001-1"))
    annuaire.trouble = [None, None, None, None, *[(503, {})] * 5]
    with pytest.raises(DirectoryError):
        take(folder, annuaire)
    lines = [MAILBOX_HEADER, mailbox_line("lea@b.example", "8" + LEA, family="MARTIN", given="Léa")]
    newer = write(tmp_path / "m_202603090000.txt", iter(lines))
    import_files(folder, [newer], confirm=True, clock=lambda: NOW + timedelta(hours=1))
    annuaire.resources["Practitioner"][:] = []
    annuaire.add(practitioner("003-1", LEA, "MARTIN", mailbox("lea@b.example")))
    assert take(folder, annuaire, now=NOW + timedelta(hours=2)).published
    assert addresses(Directory.open(folder), LEA) == ["lea@b.example"]
    assert since_when(shelf_of(folder)) == NOW + timedelta(hours=2)


@pytest.mark.parametrize("told", [True, "true", "O"])
def test_whatever_is_said_of_the_red_list_but_no_is_yes(folder, annuaire, told):
    annuaire.add(practitioner("003-1", LEA, "MARTIN", mailbox("secret@b.example", listeRouge=told)))
    take(folder, annuaire, confirm=True)
    assert addresses(Directory.open(folder), LEA) == []


@pytest.mark.parametrize(
    ("code", "breaks"),
    [
        ("key-refused", lambda annuaire: setattr(annuaire, "key", "autre")),
        ("wrong-page", lambda annuaire: annuaire.trouble.append(b'{"resourceType": "CapabilityStatement"}')),
        ("wrong-page", lambda annuaire: annuaire.trouble.append(b"[]")),
        ("wrong-page", lambda annuaire: setattr(annuaire, "next_host", "https://ailleurs.example/fhir/v2")),
        ("fetch-failed", lambda annuaire: annuaire.trouble.append((500, {}))),
        ("fetch-failed", lambda annuaire: annuaire.trouble.append((404, {}))),
    ],
)
def test_what_the_server_must_not_do_is_one_line_and_the_old_directory_stays(folder, annuaire, code, breaks):
    everything(annuaire)
    annuaire.page = 1
    breaks(annuaire)
    with pytest.raises(DirectoryError) as caught:
        take(folder, annuaire)
    assert caught.value.code == code
    assert "\n" not in str(caught.value)
    assert addresses(Directory.open(folder), LEA) == ["lea@b.example", "lea@cabinet.example"]


def test_a_server_of_another_authority_is_never_given_the_key(folder, annuaire, tmp_path):
    with playing(tmp_path / "..") as other:
        annuaire.ca = other.ca
        with pytest.raises(DirectoryError) as caught:
            take(folder, annuaire)
    assert caught.value.code in {"fetch-failed", "interrupted"}
    assert annuaire.asked == []


def test_more_than_thirty_days_need_whole_files(folder, annuaire):
    with pytest.raises(DirectoryError) as caught:
        take(folder, annuaire, now=NOW + timedelta(days=30))
    assert caught.value.code == "delta-too-old"


def test_without_a_directory_there_is_nothing_to_change(tmp_path, annuaire):
    with pytest.raises(DirectoryError) as caught:
        take(tmp_path / "empty", annuaire)
    assert caught.value.code == "no-directory"


def test_a_whole_file_of_one_kind_afterwards_leaves_the_other_its_delta(folder, annuaire, tmp_path):
    everything(annuaire)
    take(folder, annuaire)
    lines = [MAILBOX_HEADER, *(mailbox_line(f"p{n}@b.example", f"8{rpps_of(n)}") for n in range(65, 95))]
    import_files(folder, [write(tmp_path / "m_202603150000.txt", iter(lines))], confirm=True)
    assert since_when(shelf_of(folder)).date().isoformat() == "2026-03-10"


@pytest.mark.parametrize("junk", [{}, {"entry": None}, {"entry": [1, {"resource": 2}, {"resource": {"id": "1"}}]},
                                  {"link": [3, {"relation": "next"}]}])  # fmt: skip
def test_pages_of_any_shape_are_taken_or_refused_in_words(folder, annuaire, junk):
    annuaire.trouble = [json.dumps({"resourceType": "Bundle", **junk}).encode()]
    with suppress(DirectoryError):
        take(folder, annuaire)
    assert addresses(Directory.open(folder), LEA) == ["lea@b.example", "lea@cabinet.example"]
