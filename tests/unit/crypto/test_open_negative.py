"""One attack each, and its honest twin: what must not be believed is not, and what is honest passes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.crypto.header_protection import with_protected_headers
from gateway.crypto.mime import read_entity, split
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.opened import OpenedMail
from gateway.crypto.reception import Reception
from gateway.crypto.results import as_mail
from gateway.crypto.seal import Sealer
from gateway.crypto.trust.asking import HttpAsking
from gateway.crypto.trust.cache import StatementCache
from gateway.crypto.trust.policy import Revocation, Strictness
from gateway.crypto.trust.statements import NoStatement
from gateway.errors import NotOpened
from gateway.letter import MssTls, Smime
from gateway.moments import utc_now
from tests.unit.crypto.conftest import ENTITY, GP, HOSPITAL

ELSEWHERE = "autre@medecin-essai.mssante.fr"
P7M = b"Content-Type: application/pkcs7-mime; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def smime(der_of, gp) -> Smime:
    return Smime(certificate=der_of(gp))


@pytest.fixture
def opened(keys, authority, online):
    """Opened now, believing both authorities."""

    def run(content: bytes, keys: OpeningKeys = keys, **reception: object) -> OpenedMail:
        roots = (*authority.roots, online.root)
        return open_mail(content, keys, at=utc_now(), trust_roots=roots, reception=Reception(**reception))

    return run


@pytest.fixture
def signed_by(compose, online, now, smime):
    """A mail from the online authority's signer, signed with the certificate of that name."""

    def mail(name: str, **changes: object) -> bytes:
        sealer = Sealer(identity=online.identities[name], openpgp=None, clock=lambda: now)
        headers = (("From", online.address), ("To", GP), ("Subject", "Essai"))
        return sealer.seal(compose(smime, **{"headers": headers, **changes})).content

    return mail


@pytest.fixture
def strictly():
    def rule(strictness: Strictness, asking=None) -> Revocation:
        evidence = StatementCache(asking or HttpAsking(seconds=10), folder=None, clock=utc_now)
        return Revocation(strictness=strictness, evidence=evidence)

    return rule


def why(mail: OpenedMail) -> list[str]:
    return [layer.why_not for layer in mail.layers if layer.verified is not None]


# Who and whom -------------------------------------------------------------------------------------------------------


def test_wrong_recipient(compose, sealer, opened, smime, authority):
    content = sealer.seal(compose(smime)).content
    assert opened(content).authenticated
    stranger = OpeningKeys(smime=(authority.issue(address=ELSEWHERE, key="p256"),))
    with pytest.raises(NotOpened) as refused:
        opened(content, stranger)
    assert str(refused.value) == "Sealed mail cannot be opened"


def test_stripped_signature(compose, sealer, opened):
    signed = sealer.seal(compose(MssTls())).content
    assert opened(signed).authenticated
    entity = read_entity(signed)
    head = b"".join(line for line in entity.head.splitlines(keepends=True) if line.startswith((b"From", b"To")))
    assert not opened(head + split(entity)[0]).authenticated


def test_swapped_signer(compose, sealer, opened, smime, authority, now):
    assert opened(sealer.seal(compose(smime)).content).authenticated
    other = Sealer(identity=authority.issue(address=ELSEWHERE, key="p256"), openpgp=None, clock=lambda: now)
    assert why(opened(other.seal(compose(smime)).content)) == ["signer-is-not-from"]


def test_another_envelope_sender(compose, sealer, opened, smime):
    content = sealer.seal(compose(smime)).content
    assert opened(content, envelope_sender=HOSPITAL).authenticated
    assert opened(content, envelope_sender="").authenticated  # the null sender of a receipt says nothing
    assert why(opened(content, envelope_sender=ELSEWHERE)) == ["signer-is-not-sender"]


def _written_to(compose, smime, address: str):
    """A letter that says under the signature whom it is for."""
    mail = compose(smime, protected_subject="Essai")
    inside = with_protected_headers(mail, (("From", HOSPITAL), ("To", address), ("Subject", "neutre")))
    return replace(inside, protected_subject="")


def test_surreptitious_forwarding(compose, sealer, opened, smime):
    """Somebody who got it opens the letter and encrypts the signed words anew, to us."""
    for address, codes in ((GP, [""]), (ELSEWHERE, ["not-addressed-to-us"])):
        mail = opened(sealer.seal(_written_to(compose, smime, address)).content)
        assert why(mail) == codes
        assert mail.authenticated is not any(codes)


def test_a_letter_around_another_persons_signed_mail_is_not_his(compose, sealer, opened, smime):
    inner = sealer.seal(compose(MssTls())).content
    carried = b"Content-Type: message/rfc822\r\n\r\n" + inner
    honest = b"From: " + HOSPITAL.encode() + b"\r\nTo: " + GP.encode() + b"\r\n" + carried
    assert opened(honest).authenticated
    assert why(opened(honest.replace(HOSPITAL.encode(), ELSEWHERE.encode(), 1))) == ["signer-is-not-from"]


def test_wrong_address(authority, compose, opened, smime, now):
    """The certificate is another mailbox's of the same domain."""
    for address, codes in ((HOSPITAL, [""]), ("sortie.medecine@hopital-essai.mssante.fr", ["signer-is-not-from"])):
        sealer = Sealer(identity=authority.issue(address=address, key="p256"), openpgp=None, clock=lambda: now)
        assert why(opened(sealer.seal(compose(smime)).content)) == codes


# Certificates -------------------------------------------------------------------------------------------------------


def test_wrong_usage(signed_by, opened):
    assert why(opened(signed_by("good"))) == [""]
    assert why(opened(signed_by("server"))) == ["wrong-usage"]


def test_expired(signed_by, opened, authority, compose, smime, now, past):
    for ends, codes in ((past(-1), [""]), (past(1), ["certificate-expired"])):
        identity = authority.issue(address=HOSPITAL, key="p256", not_before=past(1), not_after=ends)
        sealer = _unchecked(identity, now)
        assert why(opened(sealer.seal(compose(smime)).content)) == codes


def test_not_yet_valid(opened, authority, compose, smime, now, past):
    for begins, codes in ((past(1), [""]), (past(-1), ["certificate-not-yet-valid"])):
        identity = authority.issue(address=HOSPITAL, key="p256", not_before=begins)
        assert why(opened(_unchecked(identity, now).seal(compose(smime)).content)) == codes


def _unchecked(identity, now) -> Sealer:
    """A sealer that signs with whatever it has, as others' software does."""

    class Careless(Sealer):
        def _signed(self, entity, at):
            import gateway.crypto.seal as station

            kept, station.check_own = station.check_own, lambda *_: None
            try:
                return super()._signed(entity, at)
            finally:
                station.check_own = kept

    return Careless(identity=identity, openpgp=None, clock=lambda: now)


def test_revoked_on_a_list(signed_by, opened, strictly):
    for name, codes in (("listed-only", [""]), ("revoked-on-list", ["certificate-revoked"])):
        mail = opened(signed_by(name), revocation=strictly(Strictness.HARD))
        assert why(mail) == codes
    assert mail.layers[-1].revocation == "revoked"
    assert opened(signed_by("revoked-on-list")).layers[-1].revocation == "not-asked"


def test_revoked_at_the_responder(signed_by, opened, strictly):
    for name, codes in (("responder-only", [""]), ("revoked-at-responder", ["certificate-revoked"])):
        assert why(opened(signed_by(name), revocation=strictly(Strictness.SOFT))) == codes


def _silence(url: str, question: bytes | None = None) -> bytes:
    raise NoStatement("unreachable")


def test_unreachable_by_the_soft_rule(signed_by, opened, strictly):
    answered = opened(signed_by("responder-only"), revocation=strictly(Strictness.SOFT))
    assert (answered.layers[-1].revocation, answered.remarks) == ("good", ())
    silent = opened(signed_by("responder-only"), revocation=strictly(Strictness.SOFT, _silence))
    assert silent.authenticated
    assert silent.layers[-1].revocation == "unknown"
    assert silent.remarks == ("revocation-unknown",)


def test_unreachable_by_the_hard_rule(signed_by, opened, strictly):
    assert opened(signed_by("responder-only"), revocation=strictly(Strictness.HARD)).authenticated
    silent = opened(signed_by("responder-only"), revocation=strictly(Strictness.HARD, _silence))
    assert why(silent) == ["revocation-unknown"]
    assert not silent.authenticated


# Forms --------------------------------------------------------------------------------------------------------------


def test_efail_mixed(compose, sealer, opened, smime):
    """A link begun before the sealed part and ended after it: the part stays closed, and somebody is told."""
    sealed = sealer.seal(compose(smime)).content
    assert opened(sealed).remarks == ()
    part = sealed[sealed.index(b"Content-Type: application/pkcs7-mime") :]
    mixed = (
        b"From: " + HOSPITAL.encode() + b'\r\nContent-Type: multipart/mixed; boundary="m"\r\n\r\n'
        b'--m\r\nContent-Type: text/html\r\n\r\n<img src="http://example.org/\r\n--m\r\n'
        + part
        + b'--m\r\nContent-Type: text/html\r\n\r\n">\r\n--m--\r\n'
    )
    mail = opened(mixed)
    assert mail.layers == ()
    assert not mail.authenticated
    assert mail.remarks == ("sealed-part-among-others",)
    assert b"Ligne finale" not in b"".join(one.content for one in mail.parts)


def test_efail_mixed_inside_an_envelope(compose, sealer, opened, smime):
    sealed = sealer.seal(compose(smime)).content
    part = sealed[sealed.index(b"Content-Type: application/pkcs7-mime") :]
    entity = b'Content-Type: multipart/mixed; boundary="m"\r\n\r\n--m\r\n\r\nBonjour\r\n--m\r\n' + part + b"--m--\r\n"
    mail = opened(sealer.seal(compose(smime, entity=entity)).content)
    assert mail.remarks == ("sealed-part-among-others",)
    assert [one.media_type for one in mail.parts] == ["text/plain", "application/pkcs7-mime"]


@pytest.mark.peer
def test_cbc_unsigned(openssl, compose, sealer, opened, smime):
    """Anybody can change such words: they are shown as text alone, and never filed."""
    entity = b"Content-Type: text/html\r\n\r\n<img src='http://example.org/?'>\r\n"
    signed = opened(sealer.seal(compose(smime, entity=entity)).content)
    assert not signed.malleable
    assert b"text/html" in as_mail(signed, "passerelle.invalid")
    sealed = openssl("-encrypt", "-binary", "-outform", "DER", "-aes256", "-recip", "gp.crt", content=entity)
    from gateway.crypto.wire import base64_lines

    mail = opened(b"From: " + HOSPITAL.encode() + b"\r\n" + P7M + base64_lines(sealed))
    assert (mail.malleable, mail.authenticated) == (True, False)
    assert mail.remarks == ("malleable",)
    written = as_mail(mail, "passerelle.invalid")
    assert b"text/html" not in written
    assert b"part-001.bin" in written


FORGED = (
    b"X-Huitaine-Result: passerelle.invalid; mail; authenticated=yes\r\n",
    b"x-huitaine-result : passerelle.invalid;\r\n layer=1; verified=yes\r\n",
    b"Authentication-Results: passerelle.invalid; smime=pass\r\n",
    b"Authentication-Results: (x) Passerelle.invalid; smime=pass\r\n",
    b'Authentication-Results: "passerelle.invalid"; smime=pass\r\n',
)


@pytest.mark.parametrize("forged", FORGED)
@pytest.mark.parametrize("inside", [False, True])
def test_forged_result(compose, sealer, opened, smime, forged, inside):
    """Whatever claims to be ours is gone from the mail that we write, outside and under a signature alike."""
    mail = sealer.seal(_written_to(compose, smime, GP)).content
    if inside:
        entity = (
            forged + b'Content-Type: text/plain; hp="cipher"\r\nFrom: ' + HOSPITAL.encode() + b"\r\n\r\nBonjour\r\n"
        )
        mail = sealer.seal(compose(smime, entity=entity)).content
    else:
        mail = forged + mail
    written = as_mail(opened(mail), "passerelle.invalid")
    claimed = [line for line in written.split(b"\r\n") if b"passerelle.invalid" in line.lower()]
    assert [line.split(b"; ")[1].partition(b"=")[0] for line in claimed] == [b"layer", b"layer", b"mail"]
    assert ("forged-result" in opened(mail).remarks) is (forged[:1] in b"Xx")


@pytest.mark.parametrize("end", [b"\r", b"\r\r", b"\r \r"])
def test_a_bare_cr_in_a_field_begins_no_other(compose, sealer, opened, smime, end):
    """Readers differ on what ends a line; in what we write, only CRLF does."""
    sealed = sealer.seal(compose(smime)).content
    forged = b"X-Essai: a" + end + FORGED[0] + sealed
    written = as_mail(opened(forged), "passerelle.invalid")
    head = written.partition(b"\r\n\r\n")[0]
    assert b"\r" not in head.replace(b"\r\n", b"")
    assert sum(line.startswith(b"X-Huitaine-Result:") for line in head.splitlines()) == 3


def test_results_of_others_stay(compose, sealer, opened, smime):
    other = b"Authentication-Results: mx.operateur.invalid; spf=pass\r\n"
    assert other in as_mail(opened(other + sealer.seal(compose(smime)).content), "passerelle.invalid")


def test_a_signers_name_cannot_end_its_result_field(opened, authority, compose, smime, now):
    evil = 'a"; verified=yes; x="@hopital-essai.mssante.fr'
    from gateway.crypto.opened import Layer
    from gateway.crypto.results import result_fields

    honest = opened(
        Sealer(identity=authority.issue(address=HOSPITAL, key="p256"), openpgp=None, clock=lambda: now)
        .seal(compose(smime))
        .content
    )
    forged = replace(
        honest, layers=(Layer(kind="smime-signed", verified=False, signer=evil, why_not="content-changed"),)
    )
    (layer, whole) = result_fields(forged, "passerelle.invalid")
    assert layer.count('"') % 2 == 0
    assert "verified=yes" not in layer.partition('signer="')[0]
    assert '"; verified' not in layer
    assert whole.endswith("authenticated=no; headers=signed-and-encrypted") or "authenticated=no" in whole


def test_sealed_twice_and_signed_thrice_opens(compose, sealer, opened, smime):
    """Signed, encrypted, signed again, and encrypted again: every layer is told, from outside inwards."""
    once = sealer.seal(compose(smime)).content
    entity = once[once.index(b"Content-Type: application/pkcs7-mime") :]
    mail = opened(sealer.seal(compose(smime, entity=entity)).content)
    assert [layer.kind for layer in mail.layers] == ["smime-encrypted", "smime-signed"] * 2
    assert mail.entity == ENTITY
    assert mail.authenticated
