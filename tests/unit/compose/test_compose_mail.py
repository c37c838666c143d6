"""The whole mail: what a GP reads first, which files are with it, and that nothing handed in is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.compose import ComposeProfile
from gateway.document import Attachment, Document, Kind, Original, Professional, Role, Wishes
from gateway.errors import SettingsRefused, TooLarge, UnreadableDocument
from gateway.letter import AsReceived, Form


def test_conclusion_and_treatment_stand_before_the_letter_and_the_letter_stays_whole(compose, discharge):
    text = compose(discharge, forms=(Form.ORIGINAL,)).text
    essential, _, whole = text.partition("TEXTE COMPLET\n")
    assert "Conclusion : pneumopathie franche" in essential
    assert "- amoxicilline 1 g" in essential
    assert "- paracétamol 1 g si besoin" in essential, "a list that goes on after a blank line is not cut"
    assert "Bien confraternellement" not in essential
    for line in discharge.text.strip().split("\n"):
        assert line in whole.split("\n")


def test_the_head_names_patient_stay_author_and_how_to_reach_them(compose, discharge):
    text = compose(discharge).text
    assert "Patient : TESTINI Amélie (nom utilisé ESSAYEUR), né(e) le 14/02/1978, F" in text
    assert "Séjour : du 09/01/2026 au 13/01/2026" in text
    assert "Dr Claire INVENTE" in text
    assert "+33100000000, medecine-a@ch-exemple.mssante.fr" in text
    assert text.rstrip().endswith("Pour répondre : secretariat@ch-exemple.mssante.fr")


def test_results_line_up_and_the_ones_out_of_range_are_marked_without_colour(compose, lab):
    lines = compose(lab).text.split("\n")
    rows = {line.split("  ")[0]: line for line in lines if line.startswith(("Hémoglobine ", "Potassium ", "CRP "))}
    assert rows["Hémoglobine"].split()[1:] == ["11.4", "g/dL", "12.0", "-", "16.0", "L"]
    assert rows["Potassium"].split()[-2:] == ["!!", "HH"]
    assert rows["CRP"].split()[1:] == ["<", "5.0", "mg/L", "<", "5.0"]
    assert rows["Hémoglobine"].index("g/dL") == rows["Potassium"].index("mmol/L") == rows["CRP"].index("mg/L")


def test_a_value_that_the_laboratory_did_not_flag_is_marked_as_our_comparison_only(compose, lab):
    text = compose(lab).text
    assert "Sodium : 150 mmol/L (136 - 145)  (H)" in text
    assert "comparé par nous" in text


def test_out_of_range_results_open_the_text(compose, lab):
    text = compose(lab).text
    assert text.index("Hors des limites") < text.index("RÉSULTATS")


def test_a_withdrawn_result_is_never_shown_as_a_result_to_act_on(compose, lab):
    gone = replace(lab, results=(replace(lab.results[2], status="X"),))
    text = compose(gone).text
    assert "résultat annulé" in text
    assert "Hors des limites" not in text


def test_text_is_utf8_in_78_columns_and_never_flowed(compose, discharge):
    long = replace(discharge, text="mot " * 400)
    opened = compose(long)
    part = opened.parts[0]
    assert part.get_content_charset() == "utf-8"
    assert part.get_param("format") is None
    assert max(map(len, opened.text.split("\n"))) <= 78


def test_invisible_controls_cannot_turn_a_number_round(compose, lab):
    hostile = replace(lab, results=(replace(lab.results[1], value="\u202e4.11"),))
    assert "\u202e" not in compose(hostile).text


def test_outside_mssante_the_true_subject_opens_the_text_and_the_outer_one_is_neutral(compose, discharge):
    opened = compose(discharge, in_mssante=False)
    assert opened.text.startswith("Objet : Lettre de liaison")
    assert "TESTINI" in opened.text[:200].replace("\n", " ")
    for _, value in opened.mail.headers:
        assert "TESTINI" not in value.upper()
        assert "AM" not in value or "LIE" not in value.upper()
    assert "13/01/2026" in opened.header("Subject")
    assert "01KF0000000000000000000000" in opened.header("Subject")


def test_a_unit_named_after_the_patient_does_not_reach_the_outer_subject(compose, discharge):
    named = replace(discharge, stay=replace(discharge.stay, unit="Fondation Testini"))
    subject = compose(named, in_mssante=False).header("Subject")
    assert "Testini" not in subject
    assert subject.startswith("CH Exemple")


def test_the_senders_covering_words_introduce_the_letter(compose, discharge):
    wished = replace(discharge, wishes=Wishes(body_for_professionals="Pour toi.", body_for_patient="Pour vous."))
    assert compose(wished).text.startswith("Pour toi.\n")
    assert compose(wished, role=Role.PATIENT).text.startswith("Pour vous.\n")


def test_a_pdf_is_named_so_that_a_practice_can_sort_it(compose, discharge, pdf):
    given = replace(discharge, attachments=(Attachment(name="x/../y.pdf", media_type="application/pdf", content=pdf),))
    name = "20260113_Lettre-de-liaison-a-la-sortie_TESTINI_Amelie_26H0000815.pdf"
    assert compose(given).files[name] == pdf


def test_an_hprim_record_comes_back_byte_for_byte_attached_and_as_body(compose, discharge):
    record = b"IPP\rTESTINI\rAM\x8eLIE\r not even latin-1 \xff\r****FIN****\r****FINFICHIER****"
    given = replace(
        discharge,
        original=Original(format="hprim-medecin", content=record, media_type="text/plain; charset=macintosh"),
    )
    assert compose(given, forms=(Form.HPRIM_ATTACHED,)).file(".hpr") == record
    body = compose(given, forms=(Form.HPRIM_BODY,), in_mssante=False)
    assert not body.message.is_multipart()
    assert body.parts[0].get_payload(decode=True) == record
    assert body.parts[0].get_content_charset() == "macintosh"


@pytest.mark.parametrize("forms", [(), (Form.PDF,), (Form.HPRIM_BODY,), (Form.XDM, Form.PDF), (Form.ORIGINAL,)])
@pytest.mark.parametrize("kind", ["hl7v2", "hprim-medecin", "hprim-sante", "text", "pdf", "cda", "xdm"])
def test_what_was_handed_in_is_in_the_mail_whatever_the_addressee_reads(*, compose, unzipped, originals, kind, forms):
    given = originals(kind)
    for in_mssante in (True, False):
        opened = compose(given, forms=forms, in_mssante=in_mssante)
        held = [part.get_payload(decode=True) for part in opened.parts]
        held += [inner for one in held if one.startswith(b"PK\x03\x04") for inner in unzipped(one).values()]
        assert given.original.content in held


@pytest.fixture
def originals(discharge, cda, pdf):
    special = {"cda": cda, "pdf": pdf, "xdm": b"PK\x05\x06" + bytes(18)}

    def made(kind: str) -> Document:
        content = special.get(kind, f"the {kind} itself\r\n".encode())
        return replace(discharge, original=Original(format=kind, content=content))

    return made


def test_a_cda_goes_as_archive_inside_mssante_and_as_itself_outside(compose, discharge, cda):
    given = replace(discharge, original=Original(format="cda", content=cda))
    assert "IHE_XDM.zip" in compose(given, forms=(Form.PDF,)).files
    outside = compose(given, forms=(Form.PDF,), in_mssante=False)
    assert "IHE_XDM.zip" not in outside.files
    assert outside.file(".xml") == cda


def test_an_ordinary_mail_keeps_its_text_and_its_files_as_they_were(compose, pdf):
    mail = Document(
        kind=Kind(loinc=None, label="Courrier"),
        original=Original(format="mime", content=b"whole"),
        author=Professional(organisation="Secrétariat de cardiologie", telecom=("cardio@ch-exemple.mssante.fr",)),
        title="Mme TESTINI, consultation",
        text="Bonjour,\n\nVoici le compte rendu.",
        attachments=(
            Attachment(name="Compte rendu – été.pdf", media_type="application/pdf", content=pdf),
            Attachment(name="../../etc/passwd", media_type="text/plain", content=b"\xe9\n"),
            Attachment(name="mail.eml", media_type="message/rfc822", content=b"Subject: x\n\ny"),
        ),
    )
    inside, outside = compose(mail), compose(mail, in_mssante=False)
    assert outside.text.startswith("Objet : Mme TESTINI, consultation")
    assert "TESTINI" not in outside.header("Subject")
    assert "TESTINI" not in inside.header("Subject")
    assert "Courrier" in inside.header("Subject")
    assert "Voici le compte rendu." in inside.text
    assert inside.header("Reply-To") == "cardio@ch-exemple.mssante.fr"
    names = [part.get_filename() for part in inside.parts[1:]]
    assert names == ["Compte rendu – été.pdf", "passwd", "mail.eml"]
    assert [part.get_payload(decode=True) for part in inside.parts[1:]] == [pdf, b"\xe9\n", b"Subject: x\n\ny"]


def test_what_a_form_cannot_say_is_said_in_the_text(compose, discharge):
    given = replace(discharge, text=discharge.text + "漢")
    text = compose(given, forms=(Form.HPRIM_ATTACHED,)).text
    lost = text.partition("CE QUE LES FICHIERS JOINTS NE PORTENT PAS")[2].replace("\n  ", " ")
    for word in ("sexe", "nom utilisé", "lieu de naissance 63220", "dates du séjour", "漢"):
        assert word in lost


def test_hprim_is_not_made_up_for_a_patient_without_a_birth_date(compose, discharge, patient):
    given = replace(discharge, patient=replace(patient, birth_date=""))
    opened = compose(given, forms=(Form.HPRIM_BODY, Form.HPRIM_ATTACHED))
    assert not any(name.endswith(".hpr") for name in opened.files)
    assert "Impossible d'écrire le fichier HPRIM : il manque le nom" in opened.text


def test_a_letter_that_is_only_a_pdf_says_where_its_content_is(compose, discharge, pdf):
    given = replace(
        discharge, text="", attachments=(Attachment(name="a.pdf", media_type="application/pdf", content=pdf),)
    )
    assert "Le contenu de ce document est dans le fichier joint." in compose(given).text


def test_a_replacement_says_so_and_is_one_conversation_with_what_it_replaces(compose, discharge):
    first = compose(replace(discharge, id="1.2.250.1.999.1.58132"))
    second = compose(replace(discharge, id="1.2.250.1.999.1.58133", replaces="1.2.250.1.999.1.58132"))
    assert second.text.startswith("[Annule et remplace]")
    assert "[Annule et remplace]" in second.header("Subject")
    assert first.header("References") in second.header("References").split(" ")
    assert "58132" not in second.header("References")


def test_an_ins_that_is_not_qualified_appears_nowhere_in_what_we_write(compose, discharge, patient, unzipped):
    numbers = tuple(replace(number, qualified=False) for number in patient.identifiers)
    given = replace(discharge, patient=replace(patient, identifiers=numbers))
    opened = compose(given, forms=(Form.XDM, Form.HPRIM_ATTACHED))
    written = [opened.text.encode(), opened.file(".hpr"), *unzipped(opened.file(".zip")).values()]
    assert all(b"2790351215189" not in one and b"1.2.250.1.213.1.4.10" not in one for one in written)
    assert "INS non qualifiée, non transmise" in opened.text
    control = compose(discharge, forms=(Form.XDM,))
    assert "279035121518989" in control.text, "the qualified one is there, or this test proves nothing"
    assert any(b"279035121518989" in one for one in unzipped(control.file(".zip")).values())


def test_an_ins_with_a_wrong_key_does_not_leave(compose, discharge, patient):
    wrong = replace(patient.identifiers[1], value="279035121518988")
    given = replace(discharge, patient=replace(patient, identifiers=(wrong,)))
    assert "2790351215189" not in compose(given).text


def test_covering_words_reach_also_those_who_read_only_a_record(compose, discharge):
    wished = replace(discharge, wishes=Wishes(body_for_professionals="Merci de rappeler le service."))
    body = compose(wished, forms=(Form.HPRIM_BODY,), in_mssante=False)
    assert "Merci de rappeler le service." in body.text
    record = b"x\r\n" * 14 + b"****FIN****\r\n"
    given = replace(wished, original=Original(format="hprim-medecin", content=record))
    beside = compose(given, forms=(Form.HPRIM_BODY,), in_mssante=False)
    assert beside.parts[0].get_payload(decode=True) == record
    assert "Merci de rappeler le service." in beside.files["message.txt"].decode()


def test_a_withdrawn_document_says_what_it_withdraws(compose, discharge):
    text = compose(replace(discharge, cancels="1.2.250.1.999.1.1", text="")).text
    assert text.startswith("[Annulation]")
    assert "1.2.250.1.999.1.1 est annulé" in " ".join(text.split())


def test_a_mail_that_a_patients_mailbox_bounces_is_refused_before(compose, discharge):
    large = Attachment(name="a.pdf", media_type="application/pdf", content=bytes(19_000_000))
    given = replace(discharge, attachments=(large,))
    assert len(compose(given).mail.entity) > 25_000_000
    with pytest.raises(TooLarge):
        compose(given, role=Role.PATIENT)


def test_a_sealed_mail_is_never_wrapped_again(compose, discharge):
    with pytest.raises(UnreadableDocument) as refused:
        compose(discharge, protection=AsReceived())
    assert refused.value.findings[0].code == "already-sealed"


@pytest.mark.parametrize(
    "change",
    [
        {"sender": "no address"},
        {"reply_to": "x@y\r\nBcc: z@y"},
        {"subject_outside": "{patient}"},
        {"hospital": "CH\nExemple"},
        {"oid": "not.an.oid"},
    ],
)
def test_settings_that_could_never_make_a_valid_mail_are_refused(profile: ComposeProfile, change):
    with pytest.raises(SettingsRefused):
        replace(profile, **change)
