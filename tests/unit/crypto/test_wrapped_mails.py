"""Mails for software that wants the whole of them inside the S/MIME layers (RFC 8551 §3.1, as KIM does; CR-22)."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy

import pytest

from config.settings import SettingsError, load
from gateway.crypto.mime import read_entity
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.opened import OpenedMail
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.crypto.seal import Sealer
from gateway.errors import NoProtection
from gateway.letter import MssTls, OpenPgp, Smime
from gateway.service.build import _sealer
from gateway.service.upkeep.installing import install
from tests.unit.crypto.conftest import ENTITY, GP, HOSPITAL

DOMAIN, OURS = "medecin-essai.mssante.fr", "hopital-essai.mssante.fr"
NEUTRAL, TRUE = "Courrier du service de chirurgie", "=?utf-8?q?Lettre_pour_Am=C3=A9lie_EXEMPLE?="
HEADERS = (("From", HOSPITAL), ("To", GP), ("Subject", NEUTRAL), ("X-Huitaine-Id", "01ESSAI"))
OUTSIDE = {"headers": HEADERS, "protected_subject": TRUE}


@pytest.fixture
def wrapping(hospital, hospital_pgp, now) -> Sealer:
    signer = OpenPgpSigner(hospital_pgp)
    return Sealer(identity=hospital, openpgp=signer, clock=lambda: now, wrapped_domains=(DOMAIN,))


@pytest.fixture
def opened(keys, authority, now):
    def run(content: bytes) -> OpenedMail:
        return open_mail(content, keys, at=now, trust_roots=authority.roots)

    return run


@pytest.fixture
def smime(der_of, gp) -> Smime:
    return Smime(certificate=der_of(gp))


def kinds(mail: OpenedMail) -> list[str]:
    return [layer.kind for layer in mail.layers]


@pytest.mark.parametrize("gcm", [False, True])
def test_the_whole_mail_comes_back_from_inside_byte_for_byte(compose, wrapping, opened, smime, gcm):
    content = wrapping.seal(compose(replace(smime, gcm=gcm), **OUTSIDE)).content
    assert NEUTRAL.encode() in content
    assert b"Am=C3=A9lie" not in content
    mail = opened(content)
    assert kinds(mail) == ["smime-encrypted", "smime-signed", "message"]
    assert (mail.authenticated, mail.remarks, mail.headers.protection) == (True, (), "signed-and-encrypted")
    assert mail.entity.endswith(b"\r\nMIME-Version: 1.0\r\n" + ENTITY)
    outer = content[: content.index(b"Content-Type:")]
    assert mail.entity.removesuffix(ENTITY) == outer.replace(NEUTRAL.encode(), TRUE.encode())
    assert mail.headers.text("subject") == "Lettre pour Amélie EXEMPLE"
    assert b"HP-Outer" not in mail.entity


def test_a_subject_that_is_the_same_outside_is_wrapped_all_the_same(compose, wrapping, opened):
    """Inside MSSanté the outer subject is prescribed, and a signature alone protects."""
    mail = opened(wrapping.seal(compose(MssTls())).content)
    assert kinds(mail) == ["smime-signed", "message"]
    assert mail.headers.text("subject") == "Lettre de sortie"
    assert mail.authenticated


def test_what_a_relay_writes_outside_does_not_count(compose, wrapping, opened, smime):
    content = wrapping.seal(compose(smime, **OUTSIDE)).content
    mail = opened(b"Reply-To: voleur@example.org\r\n" + content.replace(NEUTRAL.encode(), b"Urgent"))
    assert mail.headers.text("subject") == "Lettre pour Amélie EXEMPLE"
    assert mail.headers.addresses("reply-to") == ()
    posing = opened(content.replace(b"From: " + HOSPITAL.encode(), b"From: autre@hopital-essai.mssante.fr", 1))
    assert [layer.why_not for layer in posing.layers if layer.verified is not None] == ["signer-is-not-from"]


@pytest.mark.parametrize("domain", ["autre.example", "mssante.fr", "sub." + DOMAIN])
def test_the_mails_of_other_domains_stay_as_they_are(compose, hospital, opened, smime, now, domain):
    """A domain counts by its exact name: neither what is above it nor what is below."""
    sealer = Sealer(identity=hospital, openpgp=None, clock=lambda: now, wrapped_domains=(domain,))
    assert opened(sealer.seal(compose(smime)).content).entity == ENTITY
    assert b'hp="cipher"' in opened(sealer.seal(compose(smime, **OUTSIDE)).content).entity


def test_however_the_mailbox_is_written_its_domain_is_found(compose, wrapping, opened, smime):
    assert kinds(opened(wrapping.seal(compose(smime, mailbox=GP.upper())).content))[-1] == "message"


def test_a_domain_beyond_ascii_is_the_one_that_the_dns_has(compose, hospital, authority, der_of, now):
    """``é`` in the settings, its A-label in the mailbox."""
    address = "dr.essai@xn--sant-epa.example"
    to_gp = authority.issue(address=address, key="p256")
    sealer = Sealer(identity=hospital, openpgp=None, clock=lambda: now, wrapped_domains=("Santé.example",))
    content = sealer.seal(compose(Smime(certificate=der_of(to_gp)), mailbox=address)).content
    mail = open_mail(content, OpeningKeys(smime=(to_gp,)), at=now, trust_roots=authority.roots)
    assert kinds(mail)[-1] == "message"


def test_openpgp_keeps_its_own_form(compose, wrapping, opened, gp_pgp):
    """The wrapping is one of S/MIME; whoever reads OpenPGP reads RFC 9788 or the older form."""
    to_gp = OpenPgp(key=OpenPgpSigner(gp_pgp).public_key)
    mail = opened(wrapping.seal(compose(to_gp, **OUTSIDE)).content)
    assert kinds(mail) == ["openpgp-encrypted", "openpgp-signed"]
    assert b'hp="cipher"' in mail.entity


def test_a_true_subject_that_would_forge_a_field_is_refused(compose, wrapping, smime):
    with pytest.raises(NoProtection) as refused:
        wrapping.seal(compose(smime, headers=HEADERS, protected_subject="x\r\nBcc: voleur@example.org"))
    assert refused.value.detail == "header-not-printable"


@pytest.mark.peer
def test_openssl_and_the_email_package_read_the_mail_inside(compose, wrapping, openssl, smime):
    sealed = wrapping.seal(compose(smime, **OUTSIDE)).content
    signed = openssl("-decrypt", "-inkey", "gp.pem", "-recip", "gp.crt", content=sealed)
    plain = openssl("-verify", "-CAfile", "roots.pem", content=signed)
    whole = message_from_bytes(plain, policy=policy.default)
    assert whole.get_content_type() == "message/rfc822"
    (inner,) = whole.iter_parts()
    assert (inner["From"], inner["To"]) == (HOSPITAL, GP)
    assert inner["Subject"] == "Lettre pour Amélie EXEMPLE"
    assert inner["Message-ID"] == message_from_bytes(sealed, policy=policy.default)["Message-ID"]
    assert [part.get_content_type() for part in inner.iter_parts()] == ["text/plain", "application/pdf"]
    assert read_entity(plain).body.endswith(ENTITY)


@pytest.mark.parametrize(
    ("line", "form"), [('wrapped_domains = ["Medecin-Essai.mssante.fr"]', "message"), ("", "mail")]
)
def test_the_settings_name_who_wants_it(tmp_path, compose, opened, smime, now, line, form):
    install(tmp_path / "here", domain=OURS)
    file = tmp_path / "here" / "huitaine.toml"
    file.write_text(f"{file.read_text()}\n[crypto]\n{line}\n")
    mail = opened(_sealer(load(file), lambda: now).seal(compose(smime)).content)
    assert (kinds(mail)[-1] == "message") is (form == "message")


def test_what_is_no_domain_is_refused_by_its_key(tmp_path):
    (tmp_path / "huitaine.toml").write_text('[crypto]\nwrapped_domains = ["gp@cabinet.example"]\n')
    with pytest.raises(SettingsError, match=r"crypto\.wrapped_domains"):
        load(tmp_path / "huitaine.toml")
