"""`huitaine keys` and `huitaine open` as a person or a script uses them."""

from __future__ import annotations

import json
import stat

import pytest
from cryptography import x509

from commands.opening import safe_name
from gateway.crypto.authority import certificates_pem, to_p12, to_pem
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.letter import MssTls, OpenPgp, Smime

ROOT_OF_PATHS = "../../../../etc/passwd"
GP = "dr.essai@medecin-essai.mssante.fr"


# huitaine open ------------------------------------------------------------------------------------------------------


@pytest.fixture
def letter(tmp_path, sealer, compose, der_of, gp):
    (tmp_path / "letter.eml").write_bytes(sealer.seal(compose(Smime(certificate=der_of(gp)))).content)
    (tmp_path / "gp.p12").write_bytes(to_p12(gp, b"secret"))
    (tmp_path / "gp.pem").write_bytes(to_pem(gp, None))
    (tmp_path / "password").write_text("secret\n")
    return tmp_path / "letter.eml"


def test_a_letter_opens_with_a_p12_into_a_folder(command, letter, tmp_path):
    out = tmp_path / "parts"
    told = json.loads(
        command("open", letter, "--key", tmp_path / "gp.p12", "--password-file", tmp_path / "password", "--output", out)
    )
    assert [layer["kind"] for layer in told["layers"]] == ["smime-encrypted", "smime-signed"]
    assert told["layers"][1]["verified"] is True
    assert told["layers"][1]["signer"] == "sortie.chirurgie@hopital-essai.mssante.fr"
    assert [path.name for path in sorted(out.iterdir())] == ["001-part", "002-lettre.pdf"]
    assert (out / "002-lettre.pdf").read_bytes() == b"%PDF-1.4\n"
    assert stat.S_IMODE((out / "002-lettre.pdf").stat().st_mode) == 0o600
    command("open", letter, "--key", tmp_path / "gp.pem", "--output", out, code=3)  # nothing is overwritten


def test_trust_may_be_given_apart(command, tmp_path, sealer, compose, authority, gp):
    (tmp_path / "letter.eml").write_bytes(sealer.seal(compose(MssTls())).content)
    bare = to_pem(gp, None).partition(b"-----BEGIN CERTIFICATE-----")
    own = certificates_pem((gp.certificate,))
    (tmp_path / "gp.pem").write_bytes(bare[0] + own)
    (tmp_path / "roots.pem").write_bytes(certificates_pem(authority.roots))
    told = json.loads(command("open", tmp_path / "letter.eml", "--key", tmp_path / "gp.pem"))
    assert told["layers"][0]["why_not"] == "untrusted-signer"
    told = json.loads(
        command("open", tmp_path / "letter.eml", "--key", tmp_path / "gp.pem", "--trust", tmp_path / "roots.pem")
    )
    assert told["authenticated"] is True


def test_an_openpgp_letter_opens(command, tmp_path, sealer, compose, gp_pgp, hospital_pgp):
    import pysequoia

    content = sealer.seal(compose(OpenPgp(key=OpenPgpSigner(gp_pgp).public_key))).content
    (tmp_path / "letter.eml").write_bytes(content)
    (tmp_path / "gp.asc").write_text(str(pysequoia.Tsk.from_bytes(gp_pgp)))
    (tmp_path / "hospital.asc").write_bytes(OpenPgpSigner(hospital_pgp).armored)
    told = json.loads(
        command("open", tmp_path / "letter.eml", "--key", tmp_path / "gp.asc", "--sender", tmp_path / "hospital.asc")
    )
    assert told["authenticated"] is True
    assert "openpgp-signed" in command("open", tmp_path / "letter.eml", "--key", tmp_path / "gp.asc", "--format", "csv")


def test_the_wrong_key_or_password_says_no_more_than_that(command, letter, tmp_path, hospital):
    (tmp_path / "other.pem").write_bytes(to_pem(hospital, None))
    assert "Traceback" not in command("open", letter, "--key", tmp_path / "other.pem", code=3)
    command("open", letter, "--key", tmp_path / "gp.p12", code=3)
    (tmp_path / "junk").write_bytes(b"junk")
    command("open", letter, "--key", tmp_path / "junk", code=3)
    command("open", tmp_path / "junk", "--key", tmp_path / "gp.pem")  # a plain mail has no layer: told


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        (ROOT_OF_PATHS, "001-passwd"),
        ("..\\..\\x.exe", "001-x.exe"),
        ("..", "001-part"),
        ("", "001-part"),
        ("/", "001-part"),
        ("a\x00b\u202egpj.pdf", "001-a_b_gpj.pdf"),
        ("Compte rendu été.pdf", "001-Compte rendu été.pdf"),
        ("x" * 500 + ".pdf", "001-" + "x" * 116 + ".pdf"),
    ],
)
def test_a_senders_name_is_never_a_path(name, safe):
    assert safe_name(name, 1) == safe


# huitaine keys ------------------------------------------------------------------------------------------------------


def test_keys_are_listed_with_their_end(command, place, gp):
    (place / "gp.pem").write_bytes(certificates_pem((gp.certificate,)))
    command("keys", "import", GP, place / "gp.pem")
    rows = {row["name"]: row for row in json.loads(command("keys", "list", "--format", "json"))}
    assert rows["gateway"]["kind"] == "smime"
    assert rows["gateway"]["address"] == "passerelle@hopital-essai.mssante.fr"
    assert rows[GP]["kind"] == "addressee-smime"
    assert rows[GP]["days"] > 300


def test_a_key_is_asked_for_and_its_answer_taken(command, place, authority):
    command("keys", "create", "signing", "--address", "sortie@hopital-essai.mssante.fr", "--request", "ask.csr")
    request = x509.load_pem_x509_csr((place / "ask.csr").read_bytes())
    assert request.is_signature_valid
    waiting = json.loads(command("keys", "list", "--format", "json"))
    assert next(row["days"] for row in waiting if row["name"] == "signing") < 0  # it cannot sign before the answer
    answer = _issued(authority, request)
    (place / "answer.pem").write_bytes(certificates_pem((authority.issuer.certificate, answer)))
    command("keys", "import", "signing", place / "answer.pem")
    rows = {row["name"]: row for row in json.loads(command("keys", "list", "--format", "json"))}
    assert rows["signing"]["days"] > 0
    (place / "foreign.pem").write_bytes(certificates_pem((authority.issuer.certificate,)))
    command("keys", "import", "signing", place / "foreign.pem", code=3)


def _issued(authority, request):
    from cryptography.hazmat.primitives import hashes

    issuer = authority.issuer
    return (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(issuer.certificate.subject)
        .public_key(request.public_key())
        .serial_number(7)
        .not_valid_before(issuer.certificate.not_valid_before_utc)
        .not_valid_after(issuer.certificate.not_valid_after_utc)
        .add_extension(request.extensions[0].value, critical=False)
        .sign(issuer.private_key, hashes.SHA256())
    )


def test_an_openpgp_key_is_made_listed_and_given_out_without_its_secret(command, place):
    command("keys", "create", "openpgp", "--address", "sortie@hopital-essai.mssante.fr", "--openpgp")
    rows = {row["name"]: row for row in json.loads(command("keys", "list", "--format", "json"))}
    assert rows["openpgp"]["address"] == "sortie@hopital-essai.mssante.fr"
    assert "BEGIN PGP PUBLIC KEY BLOCK" in command("keys", "export", "openpgp")
    command("keys", "export", "openpgp", "--output", place / "out.asc")
    command("keys", "import", "sortie@hopital-essai.mssante.fr", place / "out.asc")
    assert "PRIVATE" not in (place / "out.asc").read_text()


def test_a_p12_is_taken_given_out_and_rotated(command, place, hospital_ec, authority):
    (place / "key.p12").write_bytes(to_p12(hospital_ec, b"secret"))
    (place / "password").write_text("secret\n")
    taken = ("--password-file", place / "password")
    command("keys", "import", "signing", place / "key.p12", *taken)
    command("keys", "import", "signing", place / "key.p12", *taken, code=3)
    out = command("keys", "export", "signing")
    assert "PRIVATE" not in out
    assert x509.load_pem_x509_certificates(out.encode())[0] == hospital_ec.certificate
    other = authority.issue(address="sortie@hopital-essai.mssante.fr", key="p256")
    (place / "new.pem").write_bytes(to_pem(other, None))
    command("keys", "rotate", "signing", place / "new.pem")
    names = [row["name"] for row in json.loads(command("keys", "list", "--format", "json"))]
    assert len([name for name in names if name.startswith("signing")]) == 2
    command("keys", "rotate", "absent", place / "new.pem", code=3)
    command("keys", "export", "absent", code=3)


def test_audit_is_silent_when_all_is_well_and_tells_what_is_not(command, place, authority, past):
    assert json.loads(command("keys", "audit", "--format", "json")) == []
    soon = json.loads(command("keys", "audit", "--within", "4000", "--format", "json", code=1))
    assert {row["problem"] for row in soon} == {"expires-soon"}
    expired = authority.issue(address=GP, key="p256", not_before=past(30), not_after=past(2))
    (place / "gp.pem").write_bytes(certificates_pem((expired.certificate,)))
    command("keys", "import", GP, place / "gp.pem")
    rows = json.loads(command("keys", "audit", "--format", "json", code=1))
    assert [(row["name"], row["problem"]) for row in rows] == [(GP, "expired")]


def test_a_missing_or_unfit_signing_key_is_told(command, place, authority):
    server = authority.issue(address="gateway.essai.example", kind="server", key="p256")
    (place / "server.pem").write_bytes(to_pem(server, None))
    command("keys", "rotate", "gateway", place / "server.pem")
    rows = json.loads(command("keys", "audit", "--format", "json", code=1))
    assert [row["problem"] for row in rows] == ["wrong-eku"]
    (place / "here" / "data" / "keys" / "gateway.key").unlink()
    rows = json.loads(command("keys", "audit", "--format", "json", code=1))
    assert [row["problem"] for row in rows] == ["missing"]


def test_what_is_no_key_is_refused_with_one_line(command, place):
    (place / "junk").write_bytes(b"junk")
    assert len(command("keys", "import", "signing", place / "junk", code=3).strip().splitlines()) == 1
    command("keys", "import", GP, place / "junk", code=3)
    command("keys", "create", "Bad Name", "--address", "a@b.example", code=3)
    (place / "here" / "secrets" / "keystore-password").unlink()
    command("keys", "list", code=2)
