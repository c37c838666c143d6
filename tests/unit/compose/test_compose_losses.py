"""What a form cannot carry is a value of its writer and a sentence of the text, in both languages, and never a name."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest

from gateway.compose.loss_words import NAMES, TARGETS, WAYS
from gateway.compose.losses import Loss, Target, Why, codes, sentences
from gateway.document import Attachment, Identifier, NamedAddressee, Result, Role, Wishes
from gateway.letter import Form


def lost(text: str) -> str:
    return " ".join(text.partition("CE QUE LES FICHIERS JOINTS NE PORTENT PAS")[2].split())


def test_a_loss_shows_nobody_in_its_repr():
    shown = repr(Loss(target=Target.HPRIM, why=Why.ABSENT, code="name", place="patient.family", what="TESTINI"))
    assert "TESTINI" not in shown
    assert "name" in shown


def test_every_loss_has_words_in_both_languages():
    assert NAMES["fr"].keys() == NAMES["en"].keys()
    for language in ("fr", "en"):
        assert set(TARGETS[language]) == set(Target)
        assert set(WAYS[language]) == set(Why)


def test_losses_of_one_kind_make_one_sentence():
    found = [
        Loss(target=Target.HPRIM, why=Why.UNCODED, code="sex", place="patient.sex"),
        Loss(target=Target.HPRIM, why=Why.ABSENT, code="birth-place", place="patient.birth_place", what="63220"),
        Loss(target=Target.HPRIM, why=Why.UNCODED, code="stay", place="stay"),
        Loss(target=Target.HPRIM, why=Why.UNCODED, code="sex", place="patient.sex"),
    ]
    assert sentences(found, "fr") == [
        "En clair seulement, sans champ pour un logiciel, dans le fichier HPRIM : sexe ; dates du séjour",
        "Non repris dans le fichier HPRIM : lieu de naissance 63220",
    ]
    assert sentences(found, "en")[1] == "Not carried over into the HPRIM file : birth place 63220"


def test_what_is_journaled_of_a_loss_names_fields_and_no_value():
    found = [
        Loss(target=Target.HPRIM, why=Why.ABSENT, code="birth-place", place="patient.birth_place", what="63220"),
        Loss(target=Target.XDM, why=Why.CHANGED, code="title", place="title", what="Suites de chute"),
        Loss(target=Target.HPRIM, why=Why.UNCODED, code="sex", place="patient.sex"),
    ]
    assert codes([*found, *found]) == "hprim: absent birth-place, uncoded sex; xdm: changed title"
    assert codes([]) == ""


def test_a_composed_mail_says_its_losses_in_codes_alone(compose, discharge, patient):
    given = replace(discharge, urgent=True, patient=replace(patient, family="A" * 60))
    opened = compose(given, forms=(Form.HPRIM_ATTACHED,))
    assert "hprim: " in opened.mail.losses
    assert "uncoded urgent" in opened.mail.losses
    assert not any(value in opened.mail.losses for value in ("AAAA", patient.given, patient.birth_date))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"urgent": True}, "urgence"),
        ({"partial": True}, "caractère provisoire"),
        ({"replaces": "1.2.3"}, "remplacement du document"),
        ({"cancels": "1.2.3"}, "annulation du document"),
        ({"validated_at": datetime(2026, 1, 13, 9, 0, tzinfo=UTC)}, "date de validation"),
        ({"wishes": Wishes(hidden_from_patient=True)}, "restriction d'accès"),
        ({"attachments": (Attachment(name="a.png", media_type="image/png", content=b"x"),)}, "pièces jointes (1)"),
        (
            {
                "addressees": (
                    NamedAddressee(role=Role.GP, place="x", family="EXEMPLE"),
                    NamedAddressee(role=Role.COPY, place="x", family="COPIE"),
                )
            },
            "autres destinataires",
        ),
        ({"results": (Result(label="K", value="4", alternate_code="2823-3"),)}, "second code des analyses"),
    ],
)
def test_what_the_header_of_hprim_has_no_place_for_is_told(compose, discharge, changes, word):
    assert word not in lost(compose(discharge, forms=(Form.HPRIM_ATTACHED,)).text)
    assert word in lost(compose(replace(discharge, **changes), forms=(Form.HPRIM_ATTACHED,)).text)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"family": "A" * 60}, "nom ou prénom " + "A" * 60),
        ({"given": "Zoë-Ŵinnifred"}, "caractères approchés Ŵ (U+0174)"),
        ({"address": ("1 RUE", "B" * 90, "99999 VILLE")}, "adresse du patient"),
        ({"identifiers": (Identifier(value="A B 1", type="PI"),)}, "n° patient A B 1 (ligne 1 : H"),
        ({"identifiers": (Identifier(value="278029999912311", type="NIR"),)}, "dont la clé est fausse"),
        (
            {"identifiers": (Identifier(value="X9", type="PI"), Identifier(value="Y8", type="PI"))},
            "identifiants du patient Y8",
        ),
    ],
)
def test_what_is_cut_or_changed_is_told_whole(compose, discharge, patient, changes, word):
    opened = compose(replace(discharge, patient=replace(patient, **changes)), forms=(Form.HPRIM_ATTACHED,))
    assert "".join(word.split()) in "".join(lost(opened.text).split())


def test_a_social_security_number_with_a_wrong_key_is_not_handed_on(compose, discharge, patient):
    for key, line in (("11", ""), ("10", "278029999912310")):
        numbers = (Identifier(value=f"2780299999123{key}", type="NIR"),)
        given = replace(discharge, patient=replace(patient, identifiers=numbers))
        record = compose(given, forms=(Form.HPRIM_ATTACHED,)).file(".hpr").decode("iso-8859-1")
        assert record.split("\r\n")[7] == line


def test_a_name_without_a_letter_of_latin_1_makes_no_record(compose, discharge, patient):
    opened = compose(replace(discharge, patient=replace(patient, family="漢字")), forms=(Form.HPRIM_ATTACHED,))
    assert not any(name.endswith(".hpr") for name in opened.files)
    assert "Impossible d'écrire le fichier HPRIM" in opened.text


def test_the_words_of_a_pdf_stand_in_the_text_when_the_letter_has_no_others(compose, discharge, pdf):
    attachment = Attachment(name="a.pdf", media_type="application/pdf", content=pdf, text="Évolution\nfavorable")
    given = replace(discharge, text="", attachments=(attachment,))
    opened = compose(given, forms=(Form.HPRIM_ATTACHED,))
    assert "TEXTE DU PDF (extrait par nous, le fichier joint fait foi)\nÉvolution\nfavorable" in opened.text
    assert "Évolution\r\nfavorable".encode("iso-8859-1") in opened.file(".hpr")
    assert "TEXTE DU PDF" not in compose(replace(given, text="Autre")).text


def test_who_else_got_it_and_who_may_not_see_it_is_in_the_head(compose, discharge):
    named = (
        NamedAddressee(role=Role.GP, place="x", family="EXEMPLE", given="Camille", mailbox="secret@x.fr"),
        NamedAddressee(role=Role.PATIENT, place="x", family="TESTINI"),
        NamedAddressee(role=Role.REFERRER, place="x", family="AUTRE"),
    )
    text = compose(replace(discharge, addressees=named, wishes=Wishes(hidden_from_patient=True))).text
    assert "Adressé à : EXEMPLE Camille (médecin traitant)\n            AUTRE (médecin adresseur)" in text
    assert "secret@x.fr" not in text
    assert "Attention : document non visible par le patient à la demande de l'expéditeur" in text


def test_a_preliminary_document_says_so_first(compose, lab):
    text = compose(replace(lab, partial=True)).text
    assert text.startswith("PROVISOIRE CR d'examens biologiques\nDocument provisoire")
    assert "PROVISOIRE" not in compose(lab).text


def test_no_field_of_the_document_is_forgotten_without_a_decision():
    """A new field of the model must be written, told as lost, or named here."""
    written = {"kind", "original", "patient", "stay", "author", "legal_authenticator", "written_at", "validated_at"}
    written |= {
        "addressees",
        "title",
        "text",
        "results",
        "attachments",
        "replaces",
        "cancels",
        "urgent",
        "partial",
        "wishes",
    }
    not_for_readers = {"control_id", "id"}
    inside_the_text = {"sections"}
    from gateway.document import Document

    assert {field.name for field in fields(Document)} == written | not_for_readers | inside_the_text
