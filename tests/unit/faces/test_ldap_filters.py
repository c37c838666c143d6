"""Any filter that is answered means the same entries as a slow, obvious reading of it over all of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory import Directory, add_certificate, add_entry
from directory.fold import fold
from gateway.faces.ldap import book as book_module
from gateway.faces.ldap.book import AddressBook
from gateway.faces.ldap.entry import Entry
from gateway.faces.ldap.matching import matches
from gateway.faces.ldap.plan import Plan
from gateway.faces.ldap.requests import And, Approx, Code, Equal, Filter, Not, Or, Present, Substrings, Undefined
from tests.unit.directory.test_directory_local import make, named
from tests.unit.faces.ldap_kit import ADAM, BASE, NOW, PEOPLE, filled

WORDS = {"cn", "displayname", "sn", "givenname", "o", "ou", "title", "description", "street", "l"}
PLAIN = {"mail", "uid", "employeenumber", "postalcode", "objectclass", "telephonenumber"}
BINARY = {"usercertificate", "usersmimecertificate"}
PIECES = ["dub", "DUBREUIL", "Léa", "lea noelle", "noëlle", "martin", "dupre", "mart", "centre", "est", "card",
          "médecin", "lea.dubreuil@medecin.example", "lea.dub", "@medecin", "example", "adam", "899000000002",
          "99000000002", "35000", "RENNES", "ren", "person", "d", "dubreuil l", "x", "l'est", "-"]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("book")
    directory = filled(place)
    add_entry(place / "data", ADAM[1:], "cabinet@ordinaire.example")
    box = "cabinet@ordinaire.example"
    add_certificate(place / "data", box, make(None, *named(box)))
    directory.close()
    return place / "data"


@pytest.fixture(scope="module")
def book(folder):
    directory = Directory.open(folder)
    yield AddressBook(directory, base=BASE, clock=lambda: NOW, most=200)
    directory.close()


@pytest.fixture(scope="module")
def everybody(book) -> list[Entry]:
    """By their addresses, one after the other: no plan, no search."""
    addresses = sorted({line.split("|")[1] for line in PEOPLE} | {"cabinet@ordinaire.example"})
    grouped = (book_module._grouped(book._directory.by_mailbox(one)) for one in addresses)
    return [book._entry(records) for groups in grouped for records in groups.values()]


def slowly(entry: Entry, wanted: Filter) -> int:
    """1, 0 or -1 for undefined … as Kleene has it: the least of all, the greatest of any, the opposite."""
    if isinstance(wanted, And):
        return min((slowly(entry, part) for part in wanted.parts), default=1)
    if isinstance(wanted, Or):
        return max((slowly(entry, part) for part in wanted.parts), default=-1)
    if isinstance(wanted, Not):
        return -slowly(entry, wanted.part)
    return 0 if isinstance(wanted, Undefined) else said(entry, wanted)


def said(entry: Entry, wanted: Present | Equal | Approx | Substrings) -> int:
    name = wanted.attribute.lower().partition(";")[0]
    if name not in WORDS | PLAIN | BINARY:
        return 0
    values = [value for kind, found in entry.values.items() if kind.lower() == name for value in found]
    if isinstance(wanted, Present):
        return 1 if values else -1
    if name in BINARY:
        return 0
    return 1 if any(fits(value, wanted, by_words=name in WORDS) for value in values) else -1


def fits(value: str, wanted: Equal | Approx | Substrings, *, by_words: bool) -> bool:
    if isinstance(wanted, Approx):
        asked = fold(wanted.value).split()
        return bool(asked) and all(any(re.match(re.escape(one), word) for word in fold(value).split()) for one in asked)
    alike = fold if by_words else str.casefold
    if isinstance(wanted, Equal):
        return alike(value) == alike(wanted.value)
    first, *middle, last = (alike(piece) for piece in (wanted.initial, *wanted.inner, wanted.final))
    edge = r"(?<![^ ])" if by_words else ""
    pattern = re.escape(first) + "".join(f".*?{edge}{re.escape(piece)}" for piece in middle if piece)
    pattern += f".*{edge}{re.escape(last)}" if last else ".*"
    return re.fullmatch(pattern, alike(value), re.DOTALL) is not None


names = st.sampled_from(
    sorted(WORDS | PLAIN | BINARY | {"userCertificate;binary", "surname", "foo"}) + ["cn", "sn", "mail"] * 4
)
pieces = st.sampled_from(PIECES)
simple = (
    st.builds(Equal, names, pieces)
    | st.builds(Approx, names, pieces)
    | st.builds(Present, names)
    | st.builds(Substrings, names, initial=pieces)
    | st.builds(Substrings, names, inner=st.lists(pieces, min_size=1, max_size=2).map(tuple))
    | st.builds(Substrings, names, initial=pieces, inner=st.lists(pieces, max_size=1).map(tuple), final=pieces)
    | st.just(Undefined())
)
filters = st.recursive(
    simple,
    lambda inner: (
        st.builds(And, st.lists(inner, max_size=3).map(tuple))
        | st.builds(Or, st.lists(inner, max_size=3).map(tuple))
        | st.builds(Not, inner)
    ),
    max_leaves=6,
)


@given(wanted=filters)
def test_a_filter_gives_what_a_slow_reading_of_it_gives(book, everybody, wanted):
    expected = {entry.name for entry in everybody if slowly(entry, aliased(wanted)) == 1}
    found = book.search(wanted)
    told = {entry.name for entry in found.entries}
    assert told <= expected
    assert found.code is not Code.SUCCESS or told == expected


def test_a_filter_of_more_look_ups_than_a_person_types_is_not_begun(book, monkeypatch):
    """One client's hundred readings of all addresses would keep everybody else from the two threads."""
    asked = []
    monkeypatch.setattr(book, "_boxes", lambda lookup: (asked.append(lookup) or [], False))
    many = Or(tuple(Substrings("mail", inner=(f"x{number}",)) for number in range(600)))
    found = book.search(many)
    assert (found.code, found.entries, asked) == (Code.ADMIN_LIMIT_EXCEEDED, (), [])
    book.search(Or(many.parts[:20]))
    assert len(asked) == 20


@pytest.mark.parametrize("typed", ["dubreuil l", "dubreuil léa-n", "l dub"])
def test_the_first_letter_of_a_name_is_enough_beside_another(book, typed):
    """As people type into a field that completes addresses; an empty answer would mean that nobody is called so."""
    found = book.search(Approx("cn", typed))
    assert {str(entry.values["mail"][0]).partition("@")[0] for entry in found.entries} == {"lea.dubreuil"}


@given(wanted=filters)
def test_the_truth_of_a_filter_has_three_values(everybody, wanted):
    for entry in everybody[:3]:
        assert matches(entry, wanted) == {1: True, 0: None, -1: False}[slowly(entry, aliased(wanted))]


def test_control_a_plan_that_forgets_a_look_up_is_seen(book, everybody, monkeypatch):
    monkeypatch.setattr(book_module, "plan_of", lambda _: Plan())
    assert not book.search(Equal("sn", "dubreuil")).entries
    assert any(slowly(entry, Equal("sn", "dubreuil")) == 1 for entry in everybody)


def aliased(wanted: Filter) -> Filter:
    """``surname`` is another name of ``sn``: the slow reading knows first names only."""
    if isinstance(wanted, And | Or):
        return type(wanted)(tuple(map(aliased, wanted.parts)))
    if isinstance(wanted, Not):
        return Not(aliased(wanted.part))
    if isinstance(wanted, Undefined) or wanted.attribute != "surname":
        return wanted
    return type(wanted)("sn", *(getattr(wanted, name) for name in type(wanted).__slots__ if name != "attribute"))


# --- what only the country could answer ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wanted",
    [
        Present("objectClass"), Present("mail"), Not(Equal("sn", "dubois")), Equal("l", "Rennes"), And(()),
        Substrings("cn", inner=("-",)), Equal("objectClass", "inetOrgPerson"),
    ],
)  # fmt: skip
def test_a_filter_that_means_the_whole_country_gets_nothing_and_is_told_so(book, wanted):
    found = book.search(wanted)
    assert (found.code, found.entries) == (Code.ADMIN_LIMIT_EXCEEDED, ())


def test_what_can_be_found_of_a_filter_is_told_beside_what_cannot(book):
    found = book.search(Or((Equal("sn", "dubois"), Equal("l", "Rennes"))))
    assert found.code is Code.SIZE_LIMIT_EXCEEDED
    assert {entry.values["sn"] for entry in found.entries} == {("DUBOIS",)}


@pytest.mark.parametrize("wanted", [Equal("foo", "x"), Undefined(), Or(())])
def test_what_nobody_can_have_is_an_empty_answer_and_a_whole_one(book, wanted):
    found = book.search(wanted)
    assert (found.code, found.entries) == (Code.SUCCESS, ())


def test_an_empty_piece_means_nothing_more(book):
    """Thunderbird's template leaves one behind the only word that was typed: ``(cn=dubr**)``."""
    with_it, without = (book.search(Substrings("cn", initial="dubr", inner=inner)) for inner in (("",), ()))
    assert with_it.entries == without.entries != ()


def test_a_town_narrows_a_common_name(folder):
    directory = Directory.open(folder)
    narrow = AddressBook(directory, base=BASE, clock=lambda: NOW, most=1)
    assert narrow.search(Substrings("cn", initial="dub")).code is Code.SIZE_LIMIT_EXCEEDED
    found = narrow.search(And((Substrings("cn", initial="martin"), Equal("l", "Rennes"))))
    assert [entry.values["mail"] for entry in found.entries] == [("p.martin@medecin.example",)]
    directory.close()


# --- entries ---------------------------------------------------------------------------------------------------------


def entry(everybody, mail):
    return next(one for one in everybody if one.values["mail"] == (mail,))


def test_a_person_is_told_with_what_address_books_ask(everybody):
    values = entry(everybody, "lea.dubreuil@medecin.example").values
    assert values["cn"] == ("Léa-Noëlle DUBREUIL", "DUBREUIL Léa-Noëlle")
    assert (values["sn"], values["givenName"]) == (("DUBREUIL",), ("Léa-Noëlle",))
    assert (values["o"], values["l"], values["postalCode"]) == (("CABINET DES TILLEULS",), ("RENNES",), ("35000",))
    assert (values["title"], values["employeeNumber"]) == (("Médecin",), ("99000000001",))
    assert entry(everybody, "adam.dubois@medecin.example").values["telephoneNumber"] == ("0100000001",)


def test_who_refuses_electronic_mail_is_told_as_such(everybody):
    assert "refuse le courrier électronique" in entry(everybody, "adam.dubois@medecin.example").values["description"]


def test_an_organisation_is_no_person(everybody):
    values = entry(everybody, "secretariat@ch.example").values
    assert values["cn"] == ("CENTRE HOSPITALIER DE L'EST – Cardiologie",)
    assert "sn" not in values or values["sn"] == ()
    assert "person" not in values["objectClass"]


def test_valid_certificates_are_told_in_both_forms_and_expired_ones_in_none(folder, everybody):
    values = entry(everybody, "cabinet@ordinaire.example").values
    assert len(values["userCertificate"]) == len(values["userSMIMECertificate"]) == 1
    directory = Directory.open(folder)
    later = AddressBook(directory, base=BASE, clock=lambda: NOW.replace(year=2036), most=9)
    (found,) = later.search(Equal("mail", "cabinet@ordinaire.example")).entries
    assert not found.values["userCertificate"]
    directory.close()


def test_attributes_are_told_as_asked_for(everybody):
    one = entry(everybody, "cabinet@ordinaire.example")
    assert set(one.chosen(("MAIL", "usercertificate", "mozillaNickname"), types_only=False)) == {
        "mail", "userCertificate;binary",
    }  # fmt: skip
    assert one.chosen(("1.1",), types_only=False) == {}
    assert one.chosen(("mail",), types_only=True) == {"mail": ()}
    assert {"mail", "cn"} <= set(one.chosen((), types_only=False))
