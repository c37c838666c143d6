"""What layers hold when it is no MIME: every word is shown, none is taken for a header (CR-14, CR-23)."""

from __future__ import annotations

import pysequoia
import pytest

from gateway.crypto.cms.recipients import CmsRecipient
from gateway.crypto.mime import read_entity
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.crypto.results import as_mail
from gateway.errors import NotOpened
from tests.unit.crypto.cms_people import encrypt_cbc, encrypt_gcm

HOSPITAL = b"sortie.chirurgie@hopital-essai.mssante.fr"
HEAD = b"From: " + HOSPITAL + b"\r\nSubject: Lettre\r\n"
WORDS = [
    b"Bonjour,\r\n\r\nVoici la suite.\r\n",
    b"Bonjour sans autre ligne",
    b"Objet : suites\r\n\r\nBonjour\r\n",
    b"Bonjour,\nSubject: dit en passant\n\nSuite\n",
    "Compte rendu établi\r\n\r\nà relire\r\n".encode(),
    "Compte rendu établi\r\n".encode("windows-1252"),
    b"",
]
ENTITIES = [
    b"Content-Type: text/plain\r\n\r\nBonjour\r\n",
    b"\r\nBonjour\r\n",
    b"\nBonjour\r\n",
    b"Subject: dedans\r\n\r\nBonjour\r\n",
    b"mime-version : 1.0\r\nX-Other: 1\r\n\r\nBonjour\r\n",
]


@pytest.fixture
def opened(keys: OpeningKeys, authority, now):
    return lambda content: open_mail(content, keys, at=now, trust_roots=authority.roots)


@pytest.fixture
def armor(gp_pgp):
    recipient = pysequoia.Cert.from_bytes(OpenPgpSigner(gp_pgp).public_key)
    return lambda content: bytes(pysequoia.encrypt(content, recipients=[recipient]))


@pytest.fixture
def sealed(armor, gp):
    """The content in each form of envelope, as a mail."""

    def made(form: str, content: bytes) -> bytes:
        if form == "openpgp":
            kind = b'multipart/encrypted; boundary="b"; protocol="application/pgp-encrypted"\r\n\r\n--b\r\n'
            version = b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b\r\n"
            message = b"Content-Type: application/octet-stream\r\n\r\n" + armor(content) + b"\r\n--b--\r\n"
            return HEAD + b"Content-Type: " + kind + version + message
        write = encrypt_gcm if form == "gcm" else encrypt_cbc
        return HEAD + b"Content-Type: application/pkcs7-mime\r\n\r\n" + write(content, [CmsRecipient(gp.certificate)])

    return made


@pytest.mark.parametrize("form", ["openpgp", "gcm", "cbc"])
@pytest.mark.parametrize("words", WORDS)
def test_words_that_were_sealed_without_a_header_are_all_shown(sealed, opened, form, words):
    mail = opened(sealed(form, words))
    assert [(part.media_type, part.content) for part in mail.parts] == [("text/plain", words)]
    assert mail.headers.text("subject") == "Lettre"
    filed = read_entity(as_mail(mail, "gateway.example"))
    if form != "cbc":  # what may have been changed is filed as files (CR-24)
        assert filed.content() == words
        assert filed.content().decode(filed.parameter("charset") or "ascii") == words.decode(
            "windows-1252" if b"\xe9" in words else "utf-8"
        )


@pytest.mark.parametrize("form", ["openpgp", "gcm"])
@pytest.mark.parametrize("entity", ENTITIES)
def test_control_what_has_a_header_is_read_by_it(sealed, opened, form, entity):
    mail = opened(sealed(form, entity))
    assert mail.entity == entity
    assert [part.content for part in mail.parts] == [b"Bonjour\r\n"]


# OpenPGP text without MIME: read, never written -------------------------------------------------------------------


@pytest.mark.parametrize("ends", [b"\r\n", b"\n"])
def test_a_text_that_is_one_openpgp_message_is_opened(armor, opened, ends):
    message = armor(b"Content-Type: text/html\r\n\r\n<p>Bonjour</p>").replace(b"\n", ends)
    for content in (HEAD + b"\r\n" + ends + message + ends * 2, message):
        mail = opened(content)
        assert [layer.kind for layer in mail.layers] == ["openpgp-encrypted"]
        # It is words, whatever they look like: no HTML comes out of a text.
        assert [(part.media_type, part.content[:13]) for part in mail.parts] == [("text/plain", b"Content-Type:")]
        assert not mail.authenticated
        assert mail.remarks == ()


@pytest.mark.parametrize("beside", ["before", "behind", "part"])
def test_a_message_beside_other_words_stays_closed_and_that_is_told(armor, opened, beside):
    message, words = armor(b"secret"), b"My own words\r\n"
    if beside == "part":
        head = b'Content-Type: multipart/mixed; boundary="m"\r\n\r\n--m\r\n\r\n'
        content = HEAD + head + message + b"\r\n--m\r\nContent-Type: text/html\r\n\r\n<img>\r\n--m--\r\n"
    else:
        content = HEAD + b"\r\n" + (words + message if beside == "before" else message + words)
    mail = opened(content)
    assert mail.layers == ()
    assert mail.remarks == ("sealed-part-among-others",)
    assert all(b"secret" not in part.content for part in mail.parts)


def test_a_text_for_another_key_does_not_open(opened, keys):
    other = pysequoia.Cert.from_bytes(OpenPgpSigner(OpenPgpSigner.generate("X <x@x.example>")).public_key)
    with pytest.raises(NotOpened, match="cannot be opened"):
        opened(HEAD + b"\r\n" + bytes(pysequoia.encrypt(b"secret", recipients=[other])))
