"""What leaves: openssl and gpg open it, the clear text comes back byte for byte, and every refusal is one."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from asn1crypto import cms
from hypothesis import given
from hypothesis import strategies as st

from gateway.crypto.authority import TestAuthority
from gateway.crypto.cms import names
from gateway.crypto.keys import SigningIdentity
from gateway.crypto.mime import read_entity, split
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.crypto.seal import Sealer
from gateway.crypto.wire import base64_lines, check_canonical
from gateway.errors import NoProtection
from gateway.letter import AsReceived, ComposedMail, MssTls, OpenPgp, Smime
from tests.unit.crypto.cms_people import person

HOSPITAL = "sortie.chirurgie@hopital-essai.mssante.fr"
Compose = Callable[..., ComposedMail]
Der = Callable[[SigningIdentity], bytes]


@pytest.mark.peer
@pytest.mark.parametrize("gcm", [False, True])
@pytest.mark.parametrize("who", ["gp", "gp_ec"])
@pytest.mark.parametrize("signer", ["hospital", "hospital_ec"])
def test_openssl_opens_and_verifies_what_we_seal(  # noqa: PLR0917 - three choices and their fixtures
    request, openssl, compose: Compose, der_of: Der, entity, now, who, signer, gcm
):
    sealer = Sealer(identity=request.getfixturevalue(signer), openpgp=None, clock=lambda: now)
    sealed = sealer.seal(compose(Smime(certificate=der_of(request.getfixturevalue(who)), gcm=gcm)))
    signed = openssl("-decrypt", "-inkey", f"{who}.pem", "-recip", f"{who}.crt", content=sealed.content)
    assert openssl("-verify", "-CAfile", "roots.pem", "-purpose", "smimesign", content=signed) == entity
    assert sealed.protected_by == ("smime-gcm" if gcm else "smime-cbc")


@pytest.mark.peer
def test_a_letter_for_the_trust_space_alone_is_signed_and_readable(openssl, compose: Compose, sealer: Sealer, entity):
    sealed = sealer.seal(compose(MssTls()))
    assert entity in sealed.content
    assert openssl("-verify", "-CAfile", "roots.pem", "-purpose", "smimesign", content=sealed.content) == entity


@pytest.mark.parametrize("gcm", [False, True])
def test_no_word_of_the_letter_is_in_the_sealed_bytes(compose: Compose, sealer: Sealer, der_of: Der, gp, gcm):
    content = sealer.seal(compose(Smime(certificate=der_of(gp), gcm=gcm))).content
    assert b"essai, patient" not in content
    assert b"lettre.pdf" not in content
    assert b"essai, patient" in sealer.seal(compose(MssTls())).content  # the control: it is there to be found


def test_the_date_is_the_moment_of_sealing(compose: Compose, sealer: Sealer, der_of: Der, gp, now: datetime):
    sealed = sealer.seal(compose(Smime(certificate=der_of(gp))))
    head = read_entity(sealed.content).header
    assert head["Date"] == now.strftime("%a, %d %b %Y %H:%M:%S +0000")
    assert sealed.sealed_at == now
    assert head["Message-ID"] == "<01ESSAI@hopital-essai.mssante.fr>"
    assert head["MIME-Version"] == "1.0"


def test_every_line_on_the_wire_is_short_seven_bit_and_ends_in_crlf(compose: Compose, sealer: Sealer, der_of: Der, gp):
    big = b"Content-Type: text/plain\r\n\r\n" + b"a line of text\r\n" * 5000
    content = sealer.seal(compose(Smime(certificate=der_of(gp)), entity=big)).content
    lines = content.split(b"\r\n")
    assert lines[-1] == b""
    assert max(map(len, lines)) <= 78
    assert content.isascii()
    assert b"\n" not in b"".join(lines)
    assert b"\r" not in b"".join(lines)


def test_the_signature_carries_what_cr_08_asks_for(compose: Compose, sealer: Sealer, authority: TestAuthority):
    mail = read_entity(sealer.seal(compose(MssTls())).content)
    _, signature = split(mail)
    signed = cms.ContentInfo.load(read_entity(signature).content())["content"]
    attributes = {each["type"].dotted for each in signed["signer_infos"][0]["signed_attrs"]}
    assert attributes == {
        names.CONTENT_TYPE,
        names.MESSAGE_DIGEST,
        names.SIGNING_TIME,
        names.SMIME_CAPABILITIES,
        names.SIGNING_CERTIFICATE_V2,
    }
    sent = [each.chosen.subject.native["common_name"] for each in signed["certificates"]]
    assert sorted(sent) == sorted(["Essai issuing", "sortie.chirurgie@hopital-essai.mssante.fr"])  # and no root


def test_two_letters_share_neither_key_nor_iv_nor_boundary(compose: Compose, sealer: Sealer, der_of: Der, gp):
    mail = compose(Smime(certificate=der_of(gp)))
    ivs = set()
    for _ in range(50):
        envelope = cms.ContentInfo.load(read_entity(sealer.seal(mail).content).content())["content"]
        ivs.add(envelope["encrypted_content_info"]["content_encryption_algorithm"]["parameters"].native)
    assert len(ivs) == 50


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"entity": b"Content-Type: text/plain\r\n\r\nbare\nline\r\n"}, "entity-not-canonical"),
        ({"entity": b"Content-Type: text/plain\r\n\r\nbare\rreturn\r\n"}, "entity-not-canonical"),
        ({"entity": b"Content-Type: text/plain\r\n\r\nbare\rreturn, then bare\nline\r\n"}, "entity-not-canonical"),
        ({"entity": "Content-Type: text/plain\r\n\r\né\r\n".encode()}, "entity-not-canonical"),
        ({"entity": b"no header at all\r\n"}, "entity-without-header"),
        ({"headers": (("Subject", "a\r\nBcc: other@example.org"),)}, "header-not-printable"),
        ({"headers": (("Subject", "é"),)}, "header-not-ascii"),
        ({"headers": (("Subject", "x" * 1000),)}, "header-too-long"),
        ({"headers": (("Date", "yesterday"),)}, "header-reserved"),
        ({"headers": (("Content-Type", "text/plain"),)}, "header-reserved"),
    ],
)
def test_a_mail_that_would_break_on_the_way_is_refused(compose: Compose, sealer: Sealer, change, code):
    with pytest.raises(NoProtection) as refused:
        sealer.seal(compose(MssTls(), **change))
    assert refused.value.detail == code


def test_what_the_sender_sealed_is_not_sealed_again(compose: Compose, sealer: Sealer):
    with pytest.raises(NoProtection, match="protect"):
        sealer.seal(compose(AsReceived()))


def test_without_a_key_of_our_own_no_openpgp_mail_leaves(compose: Compose, hospital, gp_pgp, now):
    sealer = Sealer(identity=hospital, openpgp=None, clock=lambda: now)
    with pytest.raises(NoProtection) as refused:
        sealer.seal(compose(OpenPgp(key=OpenPgpSigner(gp_pgp).public_key)))
    assert refused.value.detail == "no-openpgp-key-of-our-own"


def test_we_never_sign_with_an_expired_certificate(compose: Compose, authority: TestAuthority, past, now):
    expired = authority.issue(address="x@y.example", key="p256", not_before=past(30), not_after=past(1))
    with pytest.raises(NoProtection) as refused:
        Sealer(identity=expired, openpgp=None, clock=lambda: now).seal(compose(MssTls()))
    assert refused.value.detail == "own-certificate-expired"


def test_a_certificate_that_expires_while_it_is_remembered_is_refused(
    compose: Compose, authority: TestAuthority, hospital, der_of: Der, now
):
    clock = [now]
    sealer = Sealer(identity=hospital, openpgp=None, clock=lambda: clock[0])
    address = "dr.essai@medecin-essai.mssante.fr"
    short = authority.issue(address=address, key="p256", not_before=now, not_after=now + timedelta(hours=1))
    mail = compose(Smime(certificate=der_of(short)))
    sealer.seal(mail)
    clock[0] = now + timedelta(hours=2)
    with pytest.raises(NoProtection) as refused:
        sealer.seal(mail)
    assert refused.value.detail == "expired"


def test_a_remembered_certificate_does_not_serve_another_mailbox(compose: Compose, sealer: Sealer, der_of: Der, gp):
    mail = compose(Smime(certificate=der_of(gp)))
    sealer.seal(mail)
    with pytest.raises(NoProtection) as refused:
        sealer.seal(replace(mail, mailbox="other@medecin-essai.mssante.fr"))
    assert refused.value.detail == "address-mismatch"


def test_memory_of_certificates_is_bounded(compose: Compose, sealer: Sealer, der_of: Der, gp, monkeypatch):
    monkeypatch.setattr("gateway.crypto.addressees._REMEMBERED", 1)
    mail = compose(Smime(certificate=der_of(gp)))
    sealer.seal(mail)
    sealer.seal(replace(mail, mailbox=mail.mailbox.upper()))
    assert len(sealer._addressees._known) == 1


def test_nothing_secret_shows_in_a_repr(sealer: Sealer, hospital, gp_pgp, compose: Compose):
    shown = repr((sealer, hospital, OpenPgpSigner(gp_pgp), sealer.seal(compose(MssTls()))))
    assert "hopital" not in shown.lower().replace("sender='sortie.chirurgie@hopital-essai.mssante.fr'", "").replace(
        "01essai@hopital-essai", ""
    )
    assert "PRIVATE" not in shown


@pytest.mark.peer
def test_a_certificate_that_cannot_be_used_never_blocks_one_that_can(
    openssl, compose: Compose, sealer: Sealer, der_of: Der, authority: TestAuthority, gp, entity
):
    """CR-15: the second is another form too, and what is told is the form that was used."""
    somebody = authority.issue(address="somebody@elsewhere.test")
    good = Smime(certificate=der_of(gp))
    bad = Smime(certificate=der_of(somebody), gcm=True, alternatives=(Smime(certificate=b"\x30\x00"), good))
    sealed = sealer.seal(compose(bad))
    signed = openssl("-decrypt", "-inkey", "gp.pem", "-recip", "gp.crt", content=sealed.content)
    assert openssl("-verify", "-CAfile", "roots.pem", "-purpose", "smimesign", content=signed) == entity
    assert sealed.protected_by == "smime-cbc"
    assert sealed.refused == ("address-mismatch", "unreadable-certificate")
    assert sealer.seal(compose(good)).refused == ()


def test_the_first_certificate_that_may_be_used_is_the_only_one_that_opens_the_letter(
    compose: Compose, sealer: Sealer, der_of: Der, gp, gp_ec
):
    protection = Smime(certificate=der_of(gp_ec), alternatives=(Smime(certificate=der_of(gp)),))
    content = read_entity(sealer.seal(compose(protection)).content).content()
    (recipient,) = cms.ContentInfo.load(content)["content"]["recipient_infos"]
    assert recipient.name == "kari"  # the elliptic key's, the RSA key's would be ktri


def test_when_no_certificate_may_be_used_the_most_trusted_ones_reason_is_told(
    compose: Compose, sealer: Sealer, der_of: Der, authority: TestAuthority
):
    others = authority.issue(address="somebody@elsewhere.test")
    protection = Smime(certificate=der_of(others), alternatives=(Smime(certificate=b"\x30\x00"),))
    with pytest.raises(NoProtection) as caught:
        sealer.seal(compose(protection))
    assert caught.value.detail == "address-mismatch"


@pytest.mark.parametrize("first", ["certificate", "openpgp"])
def test_an_openpgp_key_that_can_be_used_is_not_blocked_by_what_stands_before_it(
    compose: Compose, sealer: Sealer, gp_pgp: bytes, first
):
    good = OpenPgp(key=OpenPgpSigner(gp_pgp).public_key)
    before = {"certificate": Smime(certificate=b"\x30\x00"), "openpgp": OpenPgp(key=b"nonsense")}[first]
    sealed = sealer.seal(compose(replace(before, alternatives=(good,))))
    assert sealed.protected_by == "openpgp"
    with pytest.raises(NoProtection):  # the control: alone it is refused
        sealer.seal(compose(before))


# Bytes of a mail, small and large --------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 56, 57, 58, 3071, 3072, 3073, 3078, 5000, 85_000])
def test_base64_lines_of_any_size_are_what_the_library_writes(size):
    content = bytes(number % 251 for number in range(size))
    assert base64_lines(content) == base64.encodebytes(content).replace(b"\n", b"\r\n")


@pytest.mark.parametrize("padding", [0, 5000, (1 << 20) - 40], ids=["small", "large", "in pieces"])
@pytest.mark.parametrize(
    ("line", "canonical"),
    [
        (b"a line\r\n", True),
        (b"a line without end", True),
        (b"\r\n\r\n", True),
        (b"bare\nline\r\n", False),
        (b"bare\rreturn\r\n", False),
        (b"bare\rreturn and bare\nline\r\n", False),
        (b"return at the end\r", False),
        (b"\n\r", False),
        (b"\r\r\n", False),
        (b"\r\n\n", False),
        (b"8 bits \xe9\r\n", False),
    ],
)
def test_a_relay_leaves_what_is_canonical_and_nothing_else(line, canonical, padding):
    """Also where the line ends lie across two of the pieces in which a large mail is gone over."""
    head = b"Content-Type: text/plain\r\n\r\n" + b"x" * padding
    for shift in range(45 if padding > 5000 else 1):
        entity = head + b"x" * shift + line
        if canonical:
            check_canonical(entity)
        else:
            with pytest.raises(NoProtection):
                check_canonical(entity)


@given(entity=st.text("ab\r\n", max_size=60).map(str.encode), padding=st.sampled_from([0, 5000]))
def test_canonical_means_that_nothing_is_left_without_its_line_ends(entity: bytes, padding: int):
    whole = b"A: b\r\n\r\n" + b"x" * padding + entity
    try:
        check_canonical(whole)
    except NoProtection:
        canonical = False
    else:
        canonical = True
    rest = whole.replace(b"\r\n", b"")
    assert canonical == (b"\r" not in rest and b"\n" not in rest)


def test_an_empty_entity_has_no_header():
    with pytest.raises(NoProtection) as refused:
        check_canonical(b"")
    assert refused.value.detail == "entity-without-header"


# Keys of every kind ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "micalg"), [("rsa", "sha-256"), ("p384", "sha-384"), ("p521", "sha-512"), ("ed25519", "sha-512")]
)
def test_micalg_and_the_signature_follow_our_own_key(compose: Compose, authority, now, kind, micalg, entity):
    sealer = Sealer(identity=person(authority, kind, address=HOSPITAL), openpgp=None, clock=lambda: now)
    content = sealer.seal(compose(MssTls())).content
    head = read_entity(content).header
    assert head.get_param("micalg") == micalg
    mail = open_mail(content, OpeningKeys(), at=now, trust_roots=authority.roots)
    assert mail.authenticated
    assert mail.entity == entity


# A post-quantum key beside a classical one (CR-13) -----------------------------------------------------------------


def _recipients(content: bytes) -> list[str]:
    envelope = cms.ContentInfo.load(read_entity(content).content())["content"]
    return sorted(each.name for each in envelope["recipient_infos"])


@pytest.mark.parametrize("first", ["classical", "ml-kem"])
@pytest.mark.parametrize("kind", ["ml-kem-768", "ml-kem-1024"])
def test_an_addressee_with_a_post_quantum_key_opens_with_either(  # noqa: PLR0917 - two choices and their fixtures
    compose: Compose, sealer: Sealer, authority, der_of: Der, gp, now, kind, first, entity
):
    quantum = person(authority, kind)
    both = [Smime(certificate=der_of(gp), gcm=True), Smime(certificate=der_of(quantum), gcm=True)]
    wanted, other = both if first == "classical" else reversed(both)
    sealed = sealer.seal(compose(replace(wanted, alternatives=(other,))))
    assert sealed.protected_by == "smime-gcm"
    assert _recipients(sealed.content) == ["ktri", "ori"]
    for key in (gp, quantum):
        mail = open_mail(sealed.content, OpeningKeys(smime=(key,)), at=now, trust_roots=authority.roots)
        assert mail.entity == entity
        assert mail.authenticated


def test_a_post_quantum_key_goes_with_nothing_that_an_older_client_must_parse(
    compose: Compose, sealer: Sealer, authority, der_of: Der, gp
):
    quantum = Smime(certificate=der_of(person(authority, "ml-kem-768")), gcm=True)
    cbc = sealer.seal(compose(Smime(certificate=der_of(gp), alternatives=(quantum,))))
    assert _recipients(cbc.content) == ["ktri"]
    not_told = sealer.seal(
        compose(Smime(certificate=der_of(gp), gcm=True, alternatives=(replace(quantum, gcm=False),)))
    )
    assert _recipients(not_told.content) == ["ktri"]


def test_a_post_quantum_key_alone_holds_the_letter(compose: Compose, sealer: Sealer, authority, der_of: Der):
    with pytest.raises(NoProtection) as refused:
        sealer.seal(compose(Smime(certificate=der_of(person(authority, "ml-kem-768")), gcm=True)))
    assert refused.value.detail == "no-classical-recipient"


def test_a_post_quantum_key_of_somebody_else_is_left_out(compose: Compose, sealer: Sealer, authority, der_of: Der, gp):
    other = Smime(certificate=der_of(person(authority, "ml-kem-768", address="x@y.example")), gcm=True)
    second = Smime(certificate=der_of(gp), gcm=True)
    sealed = sealer.seal(compose(Smime(certificate=der_of(gp), gcm=True, alternatives=(other, second))))
    assert _recipients(sealed.content) == ["ktri"]


def test_an_addressee_whose_key_is_x25519_opens_it(
    compose: Compose, sealer: Sealer, authority, der_of: Der, now, entity
):
    modern = person(authority, "x25519")
    sealed = sealer.seal(compose(Smime(certificate=der_of(modern), gcm=True)))
    mail = open_mail(sealed.content, OpeningKeys(smime=(modern,)), at=now, trust_roots=authority.roots)
    assert (mail.entity, mail.layers[0].algorithms[1]) == (entity, "x25519-hkdf-sha256")


def test_a_message_id_among_the_fields_stands_there_once(compose: Compose, sealer: Sealer):
    given = (("From", HOSPITAL), ("Message-ID", "<mine@hopital-essai.mssante.fr>"))
    head = read_entity(sealer.seal(compose(MssTls(), headers=given)).content).header
    assert head.get_all("Message-ID") == ["<mine@hopital-essai.mssante.fr>"]
