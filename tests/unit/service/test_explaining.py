"""A stable code in the words of a person: the same facts in both languages, something for every code of addressing."""

from __future__ import annotations

import re

import pytest

from gateway.addressing.reasons import WORDS
from gateway.addressing.reasons_french import FRENCH
from gateway.service.road.explaining import Explained, explain


def test_every_reason_is_told_in_french_with_the_same_facts():
    assert FRENCH.keys() == WORDS.keys()
    for code, english in WORDS.items():
        assert sorted(re.findall(r"\{\w+\}", FRENCH[code])) == sorted(re.findall(r"\{\w+\}", english)), code


def test_the_facts_of_the_journals_words_stand_in_the_french_ones():
    found = explain("several-mailboxes", WORDS["several-mailboxes"].format(count=3))
    assert found.french == "l'annuaire a 3 boîtes personnelles pour ce numéro"
    assert explain("substitute", WORDS["substitute"].format(rpps="99900000011")).french.endswith("RPPS 99900000011")


@pytest.mark.parametrize("code", WORDS)
def test_without_the_journals_words_no_hole_is_shown(code: str):
    found = explain(code)
    assert found.french
    assert found.english
    assert "{" not in found.french + found.english


def test_a_finding_keeps_its_place():
    found = explain("hprim-no-fin", "line 34: ****FIN**** is missing")
    assert found == Explained(
        french="ligne 34 : ****FIN**** manque à la fin du texte : vérifier que le texte est entier",
        english="line 34: ****FIN**** is missing",
    )


def test_a_status_is_told_when_the_reason_is_in_nobodys_list():
    assert explain("returned by a later mail server", status="5.2.2").french == "la boîte aux lettres est pleine"
    assert explain("Refused", "", status="5.9.9") == Explained()
