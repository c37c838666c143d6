"""Who writes another's address where his own name belongs is believed for his own, and that he does so is told (CR-17).

Beside it what else was tried against a reader of signed mail: words around the signed part, a second signer, results
of ours in the header, a mail within a mail, two subjects inside.
"""

from __future__ import annotations

import pytest

from gateway.crypto import header_fields
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.results import as_mail
from gateway.letter import MssTls, Smime

HOSPITAL = "sortie.chirurgie@hopital-essai.mssante.fr"


@pytest.fixture
def opened(keys: OpeningKeys, authority, now):
    return lambda content: open_mail(content, keys, at=now, trust_roots=authority.roots)


@pytest.fixture
def signed(compose, sealer):
    """Signed by the hospital; ``author`` is its From as written."""

    def made(author: str = HOSPITAL) -> bytes:
        return sealer.seal(compose(MssTls(), headers=(("From", author), ("Subject", "Lettre")))).content

    return made


@pytest.mark.parametrize(
    ("author", "remarks"),
    [
        (f'"chef@autre.example" <{HOSPITAL}>', ("name-of-another",)),
        (f"=?utf-8?q?=22chef=40autre.example=22?= <{HOSPITAL}>", ("name-of-another",)),
        (f'"Service (chef@autre.example)" <{HOSPITAL}>', ("name-of-another",)),
        (f'"{HOSPITAL}" <{HOSPITAL}>', ()),
        (f"Service de chirurgie <{HOSPITAL}>", ()),
        (f'"Chirurgie @ CH" <{HOSPITAL}>', ()),
        (HOSPITAL, ()),
    ],
)
def test_a_name_that_is_another_address_is_told(signed, opened, author, remarks):
    mail = opened(signed(author))
    assert mail.remarks == remarks
    assert mail.authenticated


def test_trap_a_field_that_the_email_package_cannot_read_names_nobody(monkeypatch):
    def fails(_):
        raise IndexError

    monkeypatch.setattr(header_fields, "getaddresses", fails)
    assert header_fields.display_names("a <a@b.example>") == header_fields.addresses("a <a@b.example>") == ()


def test_words_around_the_signed_part_are_shown_to_nobody(signed, opened):
    """RFC 2046 §5.1.1: before the first delimiter and after the last nothing counts."""
    head, _, rest = signed().partition(b"\r\n\r\n")
    mail = opened(head + b'\r\n\r\n<img src="http://evil.example/">\r\n' + rest + b"Evil words\r\n")
    assert mail.authenticated
    written = as_mail(mail, "gateway.example")
    assert b"evil" not in written.lower()


def test_two_subjects_inside_are_no_subject(compose, sealer, opened, der_of, gp):
    entity = (
        b'Content-Type: text/plain; protected-headers="v1"\r\nSubject: A\r\nSubject: B\r\n'
        b"From: " + HOSPITAL.encode() + b"\r\n\r\nBonjour\r\n"
    )
    mail = opened(sealer.seal(compose(Smime(certificate=der_of(gp)), entity)).content)
    assert mail.authenticated
    assert mail.headers.text("subject") is None
    two = entity.replace(b"From: ", b"From: chef@autre.example\r\nFrom: ")
    mail = opened(sealer.seal(compose(Smime(certificate=der_of(gp)), two)).content)
    assert [layer.why_not for layer in mail.layers] == ["", "signer-is-not-from"]


def test_results_of_ours_that_come_along_are_taken_out_at_every_depth(compose, sealer, opened, der_of, gp):
    forged = b"X-Huitaine-Result: gateway.example; mail; authenticated=yes\r\n"
    forged += b"Authentication-Results: gateway.example; smime=pass\r\n"
    entity = b"Content-Type: message/rfc822\r\n\r\n" + forged + b"From: chef@autre.example\r\n\r\nBonjour\r\n"
    mail = opened(forged + sealer.seal(compose(Smime(certificate=der_of(gp)), entity)).content)
    assert "forged-result" in mail.remarks
    assert not mail.authenticated
    written = as_mail(mail, "gateway.example")
    assert b"authenticated=yes" not in written
    assert b"smime=pass" not in written
