"""The true subject travels inside: what we write, what others write, and what a relay changed on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.crypto.header_fields import addresses, raw_fields, value_of
from gateway.crypto.header_protection import read_protected, with_protected_headers
from gateway.crypto.mime import read_entity
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.opened import Headers, OpenedMail
from gateway.crypto.reception import Reception
from gateway.crypto.results import as_mail
from gateway.errors import NoProtection
from gateway.letter import MssTls, OpenPgp, Smime
from tests.unit.crypto.conftest import ENTITY, GP, HOSPITAL

NEUTRAL = "Courrier du service de chirurgie"
TRUE = "=?utf-8?q?Lettre_de_sortie_=E2=80=93_EXEMPLE_Am=C3=A9lie?="
DECODED = "Lettre de sortie – EXEMPLE Amélie"
HEADERS = (("From", HOSPITAL), ("To", GP), ("Subject", NEUTRAL), ("X-Huitaine-Id", "01ESSAI"))


@pytest.fixture
def opened(keys, authority, now):
    def run(content: bytes, **known: object) -> OpenedMail:
        found: OpeningKeys = keys
        return open_mail(content, found, at=now, trust_roots=authority.roots, reception=Reception(**known))

    return run


@pytest.fixture
def protections(der_of, gp, gp_pgp):
    from gateway.crypto.openpgp import OpenPgpSigner

    return {
        "cbc": Smime(certificate=der_of(gp)),
        "gcm": Smime(certificate=der_of(gp), gcm=True),
        "openpgp": OpenPgp(key=OpenPgpSigner(gp_pgp).public_key),
    }


@pytest.fixture
def letter(compose, sealer, protections):
    def seal(form: str = "cbc", **changes: object) -> bytes:
        mail = compose(protections[form], **{"headers": HEADERS, "protected_subject": TRUE, **changes})
        return sealer.seal(mail).content

    return seal


# Written ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["cbc", "gcm", "openpgp"])
def test_the_true_subject_is_read_inside_and_stands_nowhere_outside(letter, opened, form):
    content = letter(form)
    assert NEUTRAL.encode() in content
    assert b"Am=C3=A9lie" not in content
    mail = opened(content)
    assert mail.authenticated
    assert mail.headers.text("subject") == DECODED
    assert mail.headers.protection == "signed-and-encrypted"
    assert mail.remarks == ()
    assert [part.name for part in mail.parts] == ["", "lettre.pdf"]


def test_every_outer_field_is_listed_inside_with_what_relays_may_see(letter, opened):
    payload = read_entity(opened(letter()).entity)
    protected = read_protected(payload)
    outer = read_entity(letter()).header
    assert dict(protected.outside)["subject"] == NEUTRAL
    assert {name for name, _ in protected.outside} == {name.lower() for name in outer} - {
        "mime-version",
        "content-type",
        "content-transfer-encoding",
        "content-disposition",
    }
    assert payload.parameter("hp") == "cipher"
    assert {"from", "to", "date", "message-id", "subject"} <= {name for name, _ in protected.inside}


def test_without_a_true_subject_nothing_is_put_inside(compose, sealer, opened, protections):
    assert opened(sealer.seal(compose(protections["cbc"])).content).entity == ENTITY
    mail = compose(protections["cbc"])
    assert with_protected_headers(mail, HEADERS) is mail


def test_an_entity_that_names_no_type_cannot_carry_them(compose, protections):
    bare = compose(protections["cbc"], protected_subject="x", entity=b"X-Other: y\r\n\r\nBonjour\r\n")
    with pytest.raises(NoProtection) as refused:
        with_protected_headers(bare, HEADERS)
    assert refused.value.detail == "entity-without-type"


@pytest.mark.peer
def test_openssl_reads_the_payload_with_its_header(letter, openssl, tmp_path):
    signed = openssl("-decrypt", "-inkey", "gp.pem", "-recip", "gp.crt", content=letter())
    plain = openssl("-verify", "-CAfile", "roots.pem", content=signed)
    assert read_protected(read_entity(plain)) is not None


# Read ---------------------------------------------------------------------------------------------------------------


def test_what_a_relay_changed_outside_is_remarked_and_does_not_count(letter, opened):
    changed = letter().replace(NEUTRAL.encode(), b"Urgent: votre compte")
    mail = opened(changed)
    assert mail.remarks == ("outer-headers-differ",)
    assert mail.headers.text("subject") == DECODED
    added = opened(b"Reply-To: voleur@example.org\r\n" + letter())
    assert added.remarks == ("outer-headers-differ",)
    assert added.headers.addresses("reply-to") == ()


def test_another_from_outside_is_not_the_signers(letter, opened):
    changed = letter().replace(b"From: " + HOSPITAL.encode(), b"From: autre@hopital-essai.mssante.fr")
    mail = opened(changed)
    assert [layer.why_not for layer in mail.layers if layer.verified is not None] == ["signer-is-not-from"]


OLDER = b'Content-Type: text/plain; protected-headers="v1"\r\nSubject: Lettre de sortie\r\n'


def test_the_older_form_hides_the_subject_alone(compose, sealer, opened, protections):
    """As Thunderbird and K-9 write it with ``...`` outside; the other fields are the outer ones."""
    mail = compose(protections["cbc"], headers=HEADERS, entity=OLDER + b"\r\nBonjour\r\n")
    read = opened(sealer.seal(mail).content)
    assert read.headers.text("subject") == "Lettre de sortie"
    assert read.headers.text("from") == HOSPITAL
    assert (read.authenticated, read.remarks) == (True, ())
    assert read.headers.protection == "none"  # a relay could have changed the From that is read


def test_the_older_form_with_every_field_inside_is_as_well_protected(compose, sealer, opened, protections):
    date = "Sun, 22 Nov 2026 08:00:00 +0000"
    fields = f"From: {HOSPITAL}\r\nTo: {GP}\r\nDate: {date}\r\n".encode()
    content = sealer.seal(
        compose(protections["cbc"], headers=HEADERS, entity=OLDER + fields + b"\r\nBonjour\r\n")
    ).content
    assert opened(content).headers.protection == "signed-and-encrypted"
    added = opened(b"Reply-To: voleur@hopital-essai.mssante.fr\r\n" + content)
    assert added.headers.protection == "none"


def test_the_older_form_is_held_against_the_outside_where_it_repeats_it(compose, sealer, opened, protections):
    inside = OLDER + b"From: " + HOSPITAL.encode() + b"\r\nTo: " + GP.encode() + b"\r\n\r\nBonjour\r\n"
    content = sealer.seal(compose(protections["cbc"], headers=HEADERS, entity=inside)).content
    assert opened(content).remarks == ()
    assert opened(content.replace(b"To: dr.", b"To: mr.", 1)).remarks == ("outer-headers-differ",)


def test_a_payload_that_no_layer_covers_protects_nothing(opened):
    forged = b"From: x@example.org\r\n" + OLDER + b"\r\nBonjour\r\n"
    mail = opened(forged)
    assert mail.headers.protection == "none"
    assert (mail.layers, mail.authenticated) == ((), False)


def test_signed_alone_protects_from_change_and_not_from_eyes(compose, sealer, opened):
    entity = (
        b'Content-Type: text/plain; hp="clear"\r\nFrom: ' + HOSPITAL.encode() + b"\r\nSubject: S\r\n\r\nBonjour\r\n"
    )
    mail = opened(sealer.seal(compose(MssTls(), headers=HEADERS, entity=entity)).content)
    assert mail.headers.protection == "signed"
    assert mail.headers.text("subject") == "S"


@pytest.mark.peer
def test_encrypted_alone_protects_from_eyes_and_not_from_change(openssl, opened):
    from gateway.crypto.wire import base64_lines

    entity = b'Content-Type: text/plain; hp="cipher"\r\nSubject: S\r\n\r\nBonjour\r\n'
    sealed = openssl("-encrypt", "-binary", "-outform", "DER", "-aes-256-gcm", "-recip", "gp.crt", content=entity)
    head = b"From: x@example.org\r\nContent-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    mail = opened(head + base64_lines(sealed))
    assert (mail.headers.protection, mail.headers.text("subject")) == ("encrypted", "S")
    assert not mail.authenticated
    assert not mail.malleable


# Remarks on senders -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extra", "remarks"),
    [
        (("Reply-To", "secretariat@hopital-essai.mssante.fr"), ()),
        (("Reply-To", "dr@autre.mssante.fr"), ()),  # inside the trust space
        (("Reply-To", "dr@example.org"), ("reply-to-elsewhere",)),
        (("Sender", HOSPITAL), ()),
        (("Sender", "autre@hopital-essai.mssante.fr"), ("sender-differs",)),
        (("Return-Path", f"<{HOSPITAL}>"), ()),
        (("Return-Path", "<>"), ()),
        (("Return-Path", "<passerelle@example.org>"), ("return-path-differs",)),
    ],
)
def test_who_stands_beside_from_is_looked_at(compose, sealer, opened, protections, extra, remarks):
    content = sealer.seal(compose(protections["cbc"])).content
    name, value = extra
    mail = opened(f"{name}: {value}\r\n".encode() + content)
    assert mail.remarks == remarks
    assert mail.authenticated


# The opened mail as a mail ------------------------------------------------------------------------------------------


def test_the_opened_mail_shows_the_true_subject_and_holds_every_part(letter, opened):
    from email import message_from_bytes, policy

    written = as_mail(opened(letter()), "passerelle.invalid")
    mail = message_from_bytes(written, policy=policy.default)
    assert mail["Subject"] == DECODED
    assert mail["From"] == HOSPITAL
    assert len(mail.get_all("Subject")) == len(mail.get_all("MIME-Version")) == len(mail.get_all("Content-Type")) == 1
    assert "HP-Outer" not in mail
    results = mail.get_all("X-Huitaine-Result")
    assert [one.split("; ")[1] for one in results] == ["layer=1", "layer=2", "mail"]
    assert "kind=smime-encrypted" in results[0]
    assert "intact=no" in results[0]
    assert f'verified=yes; signer="{HOSPITAL}"' in results[1]
    assert results[2] == "passerelle.invalid; mail; authenticated=yes; headers=signed-and-encrypted"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "application/pdf"]
    assert written.replace(b"\r\n", b"").count(b"\n") == 0


def test_remarks_stand_in_the_last_result(letter, opened):
    written = as_mail(opened(letter().replace(NEUTRAL.encode(), b"autre")), "passerelle.invalid")
    assert b'; remarks="outer-headers-differ"\r\n' in written


def test_a_mail_inside_a_mail_is_written_with_its_own_header(compose, sealer, opened, protections):
    inner = f"From: {HOSPITAL}\r\nTo: {GP}\r\nSubject: dedans\r\nContent-Type: text/plain\r\n\r\nBonjour\r\n".encode()
    entity = b"Content-Type: message/rfc822\r\n\r\n" + inner
    mail = opened(sealer.seal(compose(protections["cbc"], entity=entity)).content)
    assert mail.headers.text("subject") == "dedans"
    written = as_mail(mail, "passerelle.invalid")
    assert b"Subject: dedans\r\n" in written
    assert b"Lettre de sortie" not in written


# Fields -------------------------------------------------------------------------------------------------------------


def test_fields_are_cut_byte_for_byte_and_what_is_no_field_is_left_out():
    head = b"A: 1\r\n\tfolded\r\nno field here\r\nB : 2\nC:\r\n\r\n"
    assert list(raw_fields(head)) == [("a", b"A: 1\r\n\tfolded\r\n"), ("b", b"B : 2\n"), ("c", b"C:\r\n")]
    assert list(raw_fields(b"A: 1")) == [("a", b"A: 1\r\n")]
    assert list(raw_fields(b"")) == []


def test_values_are_unfolded_and_decoded_as_far_as_they_can_be():
    assert value_of(b"Subject: =?utf-8?q?=C3=A9t=C3=A9?=\r\n =?utf-8?q?!?=\r\n") == "été!"
    assert value_of(b"Subject: \xc3\xa9t\xc3\xa9\r\n") == "été"
    assert value_of(b"Subject: =?utf-8?b?a?=\r\n") == "=?utf-8?b?a?="
    assert addresses('"A, B" <a@b.example>, c@d.example') == ("a@b.example", "c@d.example")
    assert addresses("(" * 5000) == ()


def test_two_fields_of_a_name_have_no_one_value():
    headers = Headers(fields=(("subject", b"Subject: a\r\n"), ("subject", b"Subject: b\r\n")))
    assert headers.text("subject") is None
    assert headers.as_json()["subject"] is None
    assert replace(headers, fields=headers.fields[:1]).text("subject") == "a"
