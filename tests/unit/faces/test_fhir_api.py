"""The FHIR API: every answer is valid R4, pages hold everything once, refusals say what to do."""

from __future__ import annotations

import pytest

from directory.errors import DirectoryError
from gateway.faces.fhir import systems
from gateway.faces.fhir.book import FhirBook
from tests.unit.directory.synthetic import mailbox_line, rpps_of
from tests.unit.faces.fhir_kit import BASE, asking, judged
from tests.unit.faces.ldap_kit import ADAM, LEA, PAUL

TOKEN = b"0123456789abcdef0123456789abcdef"


@pytest.fixture
async def fhir(tmp_path):
    async with asking(tmp_path) as client:
        yield client


def ids(resources) -> set[str]:
    return {one["id"] for one in resources}


# --- reading ---------------------------------------------------------------------------------------------------------


async def test_a_practitioner_is_read_by_his_national_number(fhir):
    told = await fhir.get(f"/Practitioner/{ADAM}")
    assert told["name"] == [{"use": "official", "family": "DUBOIS", "given": ["Adam"]}]
    assert {"system": systems.RPPS, "value": ADAM[1:]} in told["identifier"]
    assert told["qualification"][0]["code"]["coding"][0] == {
        "system": systems.PROFESSION, "code": "10", "display": "Médecin",
    }  # fmt: skip
    (box,) = told["telecom"]
    assert box["value"] == "adam.dubois@medecin.example"
    kind, metadata = box["extension"]
    assert kind["valueCoding"]["code"] == "MSSANTE"
    assert {"url": "digitization", "valueBoolean": False} in metadata["extension"]


async def test_the_telephone_of_a_place_is_told_with_the_place(fhir):
    (role,) = await fhir.all_pages(f"/PractitionerRole?practitioner={ADAM}")
    assert role["telecom"] == [{"system": "phone", "value": "0100000001", "use": "work"}]


async def test_a_mailbox_that_is_bound_to_a_place_is_told_with_the_place(fhir):
    (bound,) = [one for one in await fhir.all_pages(f"/PractitionerRole?practitioner={LEA}") if "telecom" in one]
    assert [box["value"] for box in bound["telecom"]] == ["lea.dubreuil@medecin.example"]
    assert bound["organization"]["identifier"]["value"] == "1990000001"
    assert bound["contained"][0]["address"]["city"] == "RENNES"
    assert bound["practitioner"]["reference"] == f"Practitioner/{LEA}"
    again = await fhir.get(f"/PractitionerRole/{bound['id']}")
    assert again == bound


async def test_an_organisation_is_read_by_its_structure_number(fhir):
    told = await fhir.get("/Organization/670000001")
    assert told["name"] == "CENTRE HOSPITALIER DE L'EST"
    assert [one["value"] for one in told["identifier"]] == ["1670000001", "670000001"]
    assert told["telecom"][0]["value"] == "secretariat@ch.example"


@pytest.mark.parametrize(
    "path",
    ["/Practitioner/899999999999", "/Practitioner/x", "/Organization/1", "/PractitionerRole/8-x", "/Patient/1", "/"],
)
async def test_what_is_not_there_is_404(fhir, path):
    assert (await fhir.get(path, 404))["issue"][0]["code"] == "not-found"


# --- searching -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (f"identifier={systems.RPPS}|{LEA[1:]}", {LEA}),
        (f"identifier={systems.IDNPS}|{LEA}", {LEA}),
        (f"identifier={LEA[1:]}", {LEA}),
        (f"identifier={LEA[1:]},{ADAM[1:]}", {LEA, ADAM}),
        (f"identifier={systems.FINESS}|{LEA}", set()),
        (f"_id={PAUL}", {PAUL}),
        ("name=dub", {LEA, ADAM}),
        ("name=lea", {LEA}),
        ("name=dubreuil lea", {LEA}),
        ("name=lea dubreuil", {LEA}),
        ("name=dupre", {PAUL}),
        ("family=dub&given=adam", {ADAM}),
        ("family=adam", set()),
        ("name=dub,martin", {LEA, ADAM, PAUL}),
        ("name=dub&address-city=Rennes", {LEA, ADAM}),
        ("name=dub&address-city=strasbourg", {LEA}),
        ("name=dub&address-city=Stras", set()),
        ("email=LEA.dubreuil@ch.example", {LEA}),
        ("telecom=email|lea.dubreuil@medecin.example", {LEA}),
        ("mailbox-mss=adam.dubois@medecin.example", {ADAM}),
        ("telecom=nobody@medecin.example", set()),
        ("telecom=lea.dubreuil@ch.example&name=adam", set()),
    ],
)
async def test_practitioners_are_found(fhir, query, found):
    assert ids(await fhir.all_pages(f"/Practitioner?{query}")) == found


@pytest.mark.parametrize(
    ("query", "people"),
    [
        (f"practitioner=Practitioner/{ADAM}", {ADAM}),
        (f"practitioner.identifier={LEA[1:]}", {LEA}),
        ("practitioner.name=dub&location.address-city=rennes", {LEA, ADAM}),
        ("telecom=lea.dubreuil@medecin.example", {LEA}),
        ("telecom=lea.dubreuil@ch.example", set()),
    ],
)
async def test_roles_are_found_by_person_place_and_mailbox(fhir, query, people):
    found = await fhir.all_pages(f"/PractitionerRole?{query}")
    assert {one["practitioner"]["reference"].removeprefix("Practitioner/") for one in found} == people


@pytest.mark.parametrize(
    "query",
    [
        f"identifier={systems.FINESS}|670000001", f"identifier={systems.IDNST}|1670000001", "identifier=670000001",
        "name=centre hosp", "name=hospitalier&address-city=strasbourg", "telecom=SECRETARIAT@ch.example",
    ],
)  # fmt: skip
async def test_organisations_are_found(fhir, query):
    assert ids(await fhir.all_pages(f"/Organization?{query}")) == {"670000001"}


@pytest.mark.parametrize("query", [f"{systems.SIRENE}|99000001800011", f"{systems.IDNST}|399000001800011"])
async def test_an_organisation_of_a_siret_is_found_by_it(tmp_path, query):
    line = mailbox_line("groupe@cabinet.example", structure="99000001800011", organisation="CABINET DU CANAL")
    async with asking(tmp_path, lines=[line]) as fhir:
        (found,) = await fhir.all_pages(f"/Organization?identifier={query}")
        assert {"system": systems.SIRENE, "value": "99000001800011"} in found["identifier"]
        assert await fhir.all_pages(f"/Organization?identifier={systems.FINESS}|990000018") == []


async def test_a_person_is_no_organisation(fhir):
    assert await fhir.all_pages("/Organization?name=dubreuil") == []
    assert await fhir.all_pages("/Organization?telecom=lea.dubreuil@ch.example") == []


async def test_a_form_that_is_posted_is_a_search(fhir):
    answer = await fhir.client.post("/Practitioner/_search", data={"name": "dubreuil"})
    assert judged(answer)["total"] == 1


# --- pages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 50])
async def test_pages_hold_everything_once(fhir, count):
    found = await fhir.all_pages(f"/Practitioner?name=dub,martin&_count={count}")
    assert sorted(one["id"] for one in found) == [LEA, ADAM, PAUL]


async def test_a_bundle_tells_how_many_and_where_the_next_are(fhir):
    bundle = await fhir.get("/Practitioner?name=dub&_count=1")
    assert (bundle["type"], bundle["total"]) == ("searchset", 2)
    links = {link["relation"]: link["url"] for link in bundle["link"]}
    assert links["next"] == f"{BASE}/Practitioner?name=dub&_count=1&_offset=1"
    assert bundle["entry"][0]["fullUrl"] == f"{BASE}/Practitioner/{ADAM}"
    assert (await fhir.get("/Practitioner?name=dub&_count=0")).get("entry") is None


async def test_a_search_that_was_cut_says_so_and_does_not_count(tmp_path):
    people = [mailbox_line(f"p{n}@x.example", f"8{rpps_of(n)}", family=f"MARTIN{n}", given="A") for n in range(9)]
    async with asking(tmp_path, most=4, lines=people) as fhir:
        bundle = await fhir.get("/Practitioner?name=martin")
        assert "total" not in bundle
        assert [one["search"]["mode"] for one in bundle["entry"]] == ["match"] * 4 + ["outcome"]


async def test_an_organisation_without_a_number_has_a_name_of_its_own_in_the_bundle(tmp_path):
    line = mailbox_line("accueil@x.example", organisation="MAISON MEDICALE", town="RENNES", postcode="35000")
    async with asking(tmp_path, lines=[line]) as fhir:
        (entry,) = (await fhir.get("/Organization?name=maison"))["entry"]
        assert entry["fullUrl"].startswith("urn:uuid:")
        assert "id" not in entry["resource"]


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "too-costly"), ("address-city=Rennes", "too-costly"), ("_count=5", "too-costly"),
        ("birthdate=1970", "not-supported"), ("name:exact=x", "not-supported"), ("name:contains=x", "not-supported"),
        ("name=", "invalid"), ("name=a,,b", "invalid"), ("name=x&_count=many", "invalid"),
        ("name=" + "x" * 300, "invalid"),
        ("name=" + ",".join("abcdefghijklmnopqrstuvwxyz"), "invalid"),
    ],
)  # fmt: skip
async def test_a_search_that_cannot_be_answered_says_why(fhir, query, code):
    assert (await fhir.get(f"/Practitioner?{query}", 400))["issue"][0]["code"] == code


async def test_nothing_that_a_client_wrote_comes_back_as_markup(fhir):
    told = await fhir.get("/Practitioner?<script>=1", 400)
    assert "<" not in told["issue"][0]["diagnostics"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_nothing_is_changed_here(fhir, method):
    answer = await fhir.client.request(method, f"/Practitioner/{LEA}")
    assert judged(answer, 405)["issue"][0]["code"] == "not-supported"


async def test_only_json_is_spoken(fhir):
    await fhir.get("/Practitioner?name=dub", 406, headers={"accept": "application/fhir+xml"})
    await fhir.get("/Practitioner?name=dub&_format=xml", 406)
    assert (await fhir.get("/Practitioner?name=dub&_format=json"))["total"] == 2
    assert (await fhir.get("/Practitioner?name=dub&_format=application/fhir%2Bjson"))["total"] == 2


@pytest.mark.parametrize(
    "header", [{}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {TOKEN.decode()}"}]
)
async def test_without_the_token_nothing_is_told(tmp_path, header):
    async with asking(tmp_path, token=TOKEN) as fhir:
        for path in ("/Practitioner?name=dub", f"/Practitioner/{LEA}", "/Organization?foo=1"):
            told = await fhir.get(path, 401, headers=header)
            assert told["issue"][0]["code"] == "login"


async def test_with_the_token_everything_is(tmp_path):
    async with asking(tmp_path, token=TOKEN) as fhir:
        headers = {"authorization": f"Bearer {TOKEN.decode()}"}
        assert (await fhir.get("/Practitioner?name=dub", headers=headers))["total"] == 2


@pytest.mark.parametrize(
    ("error", "status"), [(DirectoryError("schema", "old"), 503), (RuntimeError("secret path"), 500)]
)
async def test_what_fails_behind_is_told_without_words_of_ours(fhir, monkeypatch, error, status):
    def fails(*_):
        raise error

    monkeypatch.setattr(FhirBook, "search", fails)
    told = await fhir.get("/Practitioner?name=dub", status)
    assert str(error) not in str(told)


async def test_a_question_too_long_is_refused(fhir):
    await fhir.get("/Practitioner?name=x&name=" + "y" * 9000, 414)
    answer = await fhir.client.post("/Practitioner/_search", data={"name": "y" * 9000})
    judged(answer, 413)
    judged(await fhir.client.post("/Practitioner/_search", content=b"{}"), 415)


# --- what it can do --------------------------------------------------------------------------------------------------


async def test_the_capability_statement_tells_what_can_be_searched_and_needs_no_token(tmp_path):
    async with asking(tmp_path, token=TOKEN) as fhir:
        told = await fhir.get("/metadata")
        assert told["fhirVersion"] == "4.0.1"
        (rest,) = told["rest"]
        assert [one["type"] for one in rest["resource"]] == ["Practitioner", "PractitionerRole", "Organization"]
        names = {one["name"] for one in rest["resource"][0]["searchParam"]}
        assert {"identifier", "name", "address-city", "telecom", "email"} <= names
