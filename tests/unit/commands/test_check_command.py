"""`huitaine check FILE…`: what it takes, how it ends, whom it says a file would go to."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pybase64
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from commands.check_files import LIMIT, NotRead, members
from commands.check_files import given as files
from commands.check_sealed import layers
from config.sections import Smtp
from directory import add_certificate, add_entry
from gateway.crypto.authority import TestAuthority
from gateway.crypto.cms.enveloped import encrypt_cbc
from gateway.crypto.cms.recipients import CmsRecipient
from gateway.letter import Mode
from gateway.moments import utc_now
from gateway.service.upkeep.installing import install
from tests.peers.running import open_folder
from tests.unit.commands.check_kit import CHECK, breaches, check, in_words, looked_at

GP = "99900000001"
BOX = "dr.essai@gp.test"


@pytest.fixture(scope="session")
def lab(vectors: Path) -> Path:
    return vectors / "hprim/hprim_medecin_lab.hpr"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation without a national directory."""
    folder = tmp_path_factory.mktemp("place")
    install(folder, mode=Mode.TEST, domain="hospital.test", hospital="CH d'Essai")
    return folder / "huitaine.toml"


# what it takes ----------------------------------------------------------------------------------------------------


def test_one_file_is_one_object_and_two_are_a_list(lab: Path) -> None:
    one = check(lab, "--format", "json")
    assert one.code == 0
    assert list(breaches(one.json, CHECK)) == []
    assert len(check(lab, lab, "--format", "json").json) == 2


def test_standard_input_is_read_for_a_dash(lab: Path) -> None:
    done = check("-", given=lab.read_bytes(), lang="fr")
    assert done.code == 0
    assert done.out.startswith("entrée standard : HPRIM Médecin (texte et résultats), ISO-8859-1, ")


def test_a_folder_is_read_file_by_file_and_hidden_ones_are_left_alone(tmp_path: Path, lab: Path) -> None:
    for name in ("b.hpr", "a.hpr", ".hidden"):
        (tmp_path / name).write_bytes(lab.read_bytes())
    (tmp_path / "link").symlink_to(lab)
    done = check(tmp_path, "--format", "json")
    assert [Path(one["file"]).name for one in done.json] == ["a.hpr", "b.hpr"]


def test_what_cannot_be_read_is_a_line_and_the_others_are_told_all_the_same(tmp_path: Path, lab: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = check(tmp_path / "absent.hpr", lab, tmp_path / "empty")
    assert done.code == 3
    assert f"cannot read {tmp_path}/absent.hpr: no such file" in done.err
    assert "no file in this folder" in done.err
    assert "Accepted" in done.out
    assert "fichier introuvable" in check(tmp_path / "absent.hpr", lang="fr").err


@pytest.mark.skipif(os.geteuid() != 0, reason="to give rights away")
@pytest.mark.parametrize("above", [0o711, 0])
def test_a_folder_without_the_right_to_read_it_is_one_line(above: int) -> None:
    with open_folder("check") as folder:
        (folder / "above" / "closed").mkdir(parents=True)
        (folder / "above" / "closed").chmod(0)
        (folder / "above").chmod(above)
        pid = os.fork()
        if pid == 0:  # root may read anything: as nobody
            try:
                os.setuid(65534)
                found = list(files([str(folder / "above" / "closed")], LIMIT))
                os._exit(0 if len(found) == 1 and isinstance(found[0], NotRead) and "right" in found[0].why else 1)
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_the_limit_without_settings_is_the_one_of_the_settings() -> None:
    assert Smtp().max_size == LIMIT


def test_a_file_larger_than_any_door_takes_is_told_by_its_size_and_not_read(tmp_path: Path) -> None:
    with (tmp_path / "big.eml").open("wb") as file:
        file.write(b"From: a@b.test\r\nTo: c@d.test\r\nSubject: x\r\n\r\n")
        file.truncate(30_000_000)
    done = check(tmp_path / "big.eml", lang="fr")
    assert done.code == 1
    assert "un courriel, 30,0 Mo" in " ".join(done.out.split())
    assert "le fichier dépasse 25 Mo" in " ".join(done.out.split())
    assert check(tmp_path / "big.eml", "--format", "json").json["findings"][0]["code"] == "too-large"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "le fichier est vide [empty]"),
        (b"%PDF-1.7\n%%EOF", "un PDF seul ne nomme ni destinataire ni patient"),
        (b"\x00\x01\x02" * 9, "un format qui n'est pas lu ici"),
        (
            b"<evenementsPMSI xmlns='http://www.hprim.org/hprimXML'/>",
            "c'est du HPRIM XML (admissions et actes facturés",
        ),
    ],
)
def test_what_is_no_letter_is_named(content: bytes, told: str) -> None:
    done = check("-", given=content, lang="fr")
    assert told in " ".join(done.out.split())
    assert done.code == 1


def test_an_ordinary_archive_tells_what_is_in_it(lab: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("bilan.hpr", lab.read_bytes())
        archive.writestr("lettre.pdf", b"%PDF-1.7")
    assert members(packed.getvalue()) == "bilan.hpr (hprim-medecin), lettre.pdf (pdf)"
    assert members(packed.getvalue()[:-30]) == ""
    findings = looked_at(packed.getvalue())["findings"]
    assert [one["code"] for one in findings] == [findings[0]["code"], "zip-of-files"]
    assert findings[1]["detail"].startswith("bilan.hpr (hprim-medecin)")


def test_a_csv_is_a_line_for_each_finding(vectors: Path) -> None:
    done = check(vectors / "hprim/deviations/dob_impossible.hpr", "--format", "csv")
    head, line = done.out.splitlines()
    assert head == "severity,place,code,message,detail,why,do,file"
    assert line.startswith("error,line 7,birth-date-unreadable,")


def test_what_a_file_says_cannot_drive_the_terminal(vectors: Path) -> None:
    text = (vectors / "hprim/hprim_medecin_letter.hpr").read_bytes().decode("latin-1")
    said = "\n".join(in_words(text.replace("TESTINI\r\n", "TEST\u202e\u009bINI\r\n", 1).encode()))
    assert "TEST\\x202e\\x9bINI" in said
    assert said.replace("\n", "").isprintable()


# whom it would go to ----------------------------------------------------------------------------------------------


def test_without_an_installation_it_says_that_it_does_not_know(
    lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = check(lab, "--format", "json")
    assert done.json["addressing"] == {"asked": False, "why_not": "no-installation", "letters": []}
    assert "To whom: unknown, because no installation is here to ask" in check(lab).out


def test_without_a_directory_the_letter_would_wait_and_says_why(place: Path, lab: Path) -> None:
    done = check(lab, config=place, lang="fr")
    assert done.code == 0
    assert "Aucun annuaire national n'est importé ici" in done.out
    assert "!! médecin traitant : la lettre attendrait (retenue) [own-code-only]" in done.out
    assert "(ligne 12)" in done.out


def test_with_a_directory_it_names_the_mailbox_the_seal_and_each_reason(place: Path, lab: Path) -> None:
    data = place.parent / "data"
    add_entry(data, GP, BOX)
    authority = TestAuthority.create("Essai", at=utc_now())
    add_certificate(data, BOX, authority.issue(address=BOX).certificate.public_bytes(Encoding.DER))
    done = check(lab, "--to", f"{GP}@rpps.hospital.test", "--format", "json", config=place)
    (letter,) = done.json["addressing"]["letters"]
    (outcome,) = letter["outcomes"]
    assert letter["documents"] == [1]
    assert (outcome["state"], outcome["mailbox"], outcome["protection"]) == ("addressed", BOX, "smime-cbc")
    assert [one["code"] for one in outcome["reasons"]][-1] == "certificate"
    assert done.json["addressing"]["recipients_from"] == "command-line"
    said = check(lab, "--to", f"{GP}@rpps.hospital.test", config=place, lang="fr").out
    assert f"RPPS {GP} : {BOX}, scellé en S/MIME" in " ".join(said.split())


def test_the_header_of_a_mail_stands_for_its_envelope(place: Path, vectors: Path) -> None:
    done = check(vectors / "check/mail_with_lab.eml", "--format", "json", config=place)
    assert done.json["addressing"]["recipients_from"] == "header"
    assert done.json["addressing"]["recipients"]


def test_a_source_that_is_not_in_the_settings_is_a_usage_error(place: Path, lab: Path) -> None:
    done = check(lab, "--source", "nowhere", config=place)
    assert done.code == 2
    assert "no source nowhere; there are: " in done.err


def test_settings_that_cannot_be_used_are_a_usage_error(tmp_path: Path, lab: Path) -> None:
    (tmp_path / "huitaine.toml").write_text("[queue]\nworker = 1\n")
    done = check(lab, config=tmp_path / "huitaine.toml")
    assert done.code == 2
    assert "the nearest known one is queue.workers" in done.err


def test_a_test_message_is_refused_where_production_is(tmp_path: Path, vectors: Path) -> None:
    install(tmp_path, mode=Mode.PRODUCTION, domain="hospital.example", hospital="CH")
    message = (vectors / "hl7v2/oru_r01_lab.hl7").read_bytes().replace(b"|P|2.5", b"|T|2.5", 1)
    done = check("-", "--format", "json", given=message, config=tmp_path / "huitaine.toml")
    assert "test-message" in [one["code"] for one in done.json["findings"]]
    assert done.code == 1


# sealed mail ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sealed() -> bytes:
    """A mail encrypted to one certificate."""
    gp = TestAuthority.create("Essai", at=utc_now()).issue(address=BOX)
    envelope = encrypt_cbc(b"Content-Type: text/plain\r\n\r\nx", [CmsRecipient(gp.certificate)])
    return (
        b"From: a@hospital.test\r\nTo: dr.essai@gp.test\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + pybase64.b64encode(envelope)
    )


def test_a_sealed_mail_tells_its_layers_without_any_key(sealed: bytes) -> None:
    (layer,) = layers(sealed)
    assert (layer["kind"], layer["algorithms"]) == ("smime-encrypted", ["aes256_cbc"])
    assert "Essai" in layer["for"][0]
    done = check("-", given=sealed, lang="fr")
    assert done.code == 0
    assert "un courriel (chiffré, S/MIME)" in done.out
    assert "Scellé par son expéditeur" in done.out
    assert "ne s'ouvre qu'avec la clé de" in done.out


@given(st.binary(max_size=400))
@settings(max_examples=50)
def test_layers_of_any_bytes_are_told_or_none(content: bytes) -> None:
    head = b"Content-Type: application/pkcs7-mime\r\n\r\n"
    assert isinstance(layers(head + content), list)


# hl7apy, and any bytes --------------------------------------------------------------------------------------------


def test_strict_asks_hl7apy_too(vectors: Path) -> None:
    path = vectors / "hl7v2/oru_r01_cda_n3.hl7"
    assert "hl7apy-invalid" in [one["code"] for one in looked_at(path.read_bytes(), strict=True)["findings"]]
    assert "hl7apy-invalid" not in [one["code"] for one in looked_at(path.read_bytes())["findings"]]
    assert check(path, "--strict").code == 0


STARTS = st.sampled_from(
    [b"", b"MSH|^~\\&|", b"H|~^\\&|", b"%PDF-1", b"PK\x03\x04", b"<ClinicalDocument", b"From: a@b\nTo: c@d\n\n"]
)


@given(start=STARTS, rest=st.binary(max_size=300), language=st.sampled_from(["en", "fr"]))
@settings(max_examples=150)
def test_any_bytes_are_explained(start: bytes, rest: bytes, language: str) -> None:
    checked = looked_at(start + rest, "x", language)
    assert list(breaches(checked, CHECK)) == []
    said = in_words(start + rest, "x", language)
    assert all(line.isprintable() and len(line) <= 80 for line in said)


@given(content=st.binary(max_size=200))
@settings(max_examples=3, deadline=None)
def test_any_bytes_end_with_a_code_that_scripts_know(content: bytes) -> None:
    assert check("-", given=content).code in {0, 1}
