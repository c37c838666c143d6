"""One attack each on an OpenPGP letter, and its honest twin; those on S/MIME are in test_open_negative.py."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pysequoia
import pytest

from gateway.crypto.header_protection import with_protected_headers
from gateway.crypto.mime import read_entity, split
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.opened import OpenedMail
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.crypto.openpgp_open import OpenPgpSecret
from gateway.crypto.seal import Sealer
from gateway.errors import NoProtection, NotOpened
from gateway.letter import OpenPgp
from tests.unit.crypto.conftest import ENTITY, GP, HOSPITAL

ELSEWHERE = "autre@medecin-essai.mssante.fr"
HOUR = 3600


@pytest.fixture
def to_gp(gp_pgp) -> OpenPgp:
    return OpenPgp(key=OpenPgpSigner(gp_pgp).public_key)


@pytest.fixture
def opened(gp_pgp, hospital_pgp, now):
    """By the GP, who knows the hospital's key and those given."""

    def run(content: bytes, *known: bytes, secret: bytes = gp_pgp) -> OpenedMail:
        keys = OpeningKeys(
            openpgp=(OpenPgpSecret(secret),), correspondents=(OpenPgpSigner(hospital_pgp).public_key, *known)
        )
        return open_mail(content, keys, at=now, trust_roots=())

    return run


@pytest.fixture
def sealed_by(compose, hospital, to_gp, now):
    """The letter as whoever has that secret key would seal it, still in the hospital's name."""

    def run(key: bytes) -> bytes:
        return Sealer(identity=hospital, openpgp=OpenPgpSigner(key), clock=lambda: now).seal(compose(to_gp)).content

    return run


def why(mail: OpenedMail) -> list[str]:
    return [layer.why_not for layer in mail.layers if layer.verified is not None]


def refusal(sealer: Sealer, mail) -> str:
    with pytest.raises(NoProtection) as refused:
        sealer.seal(mail)
    return refused.value.detail


# Who and whom -------------------------------------------------------------------------------------------------------


def test_openpgp_wrong_recipient(compose, sealer, to_gp, opened):
    content = sealer.seal(compose(to_gp)).content
    assert opened(content).authenticated
    with pytest.raises(NotOpened) as refused:
        opened(content, secret=OpenPgpSigner.generate(f"<{ELSEWHERE}>"))
    assert str(refused.value) == "Sealed mail cannot be opened"


def test_openpgp_stripped_signature(compose, sealer, to_gp, opened):
    """The addressee of an honest letter, or whoever writes one, encrypts the words without their signature."""
    honest = sealer.seal(compose(to_gp)).content
    assert opened(honest).authenticated
    (armor,) = (part for part in split(read_entity(honest)) if b"BEGIN PGP" in part)
    bare = pysequoia.encrypt(ENTITY, recipients=[pysequoia.Cert.from_bytes(to_gp.key)])
    mail = opened(honest.replace(armor[armor.index(b"-----BEGIN") :], bare.replace(b"\n", b"\r\n")))
    assert mail.entity == ENTITY
    assert [layer.kind for layer in mail.layers] == ["openpgp-encrypted"]
    assert not mail.authenticated


def test_openpgp_swapped_signer(hospital_pgp, sealed_by, opened):
    """Signed by somebody the GP knows, who is not the one that the mail says it is from."""
    assert opened(sealed_by(hospital_pgp)).authenticated
    other = OpenPgpSigner.generate(f"<{ELSEWHERE}>")
    assert why(opened(sealed_by(other), OpenPgpSigner(other).public_key)) == ["signer-is-not-from"]
    assert why(opened(sealed_by(other))) == ["unknown-signer"]


def test_openpgp_surreptitious_forwarding(compose, sealer, to_gp, opened):
    """Somebody who got it encrypts the signed words anew, to us: they say whom they were for."""
    for address, codes in ((GP, [""]), (ELSEWHERE, ["not-addressed-to-us"])):
        mail = compose(to_gp, protected_subject="Essai")
        inside = with_protected_headers(mail, (("From", HOSPITAL), ("To", address), ("Subject", "neutre")))
        received = opened(sealer.seal(replace(inside, protected_subject="")).content)
        assert why(received) == codes
        assert received.authenticated is not any(codes)


def test_openpgp_wrong_address(compose, sealer, to_gp):
    assert sealer.seal(compose(to_gp))
    strangers = OpenPgp(key=OpenPgpSigner(OpenPgpSigner.generate(f"<{ELSEWHERE}>")).public_key)
    assert refusal(sealer, compose(strangers)) == "address-mismatch"


# Keys of the addressee ----------------------------------------------------------------------------------------------


def test_openpgp_expired(compose, hospital, hospital_pgp, now):
    key = bytes(pysequoia.Tsk.generate(user_id=f"<{GP}>", validity_seconds=HOUR).extract_certificate())
    letter = compose(OpenPgp(key=key))
    sealers = [
        Sealer(identity=hospital, openpgp=OpenPgpSigner(hospital_pgp), clock=lambda at=at: at)
        for at in (now, now + timedelta(seconds=2 * HOUR))
    ]
    assert sealers[0].seal(letter)
    assert refusal(sealers[1], letter) == "expired"


def test_openpgp_revoked(compose, sealer):
    secret = pysequoia.Tsk.generate(user_id=f"<{GP}>")
    certificate = secret.extract_certificate()
    assert sealer.seal(compose(OpenPgp(key=bytes(certificate))))
    revoked = bytes(certificate) + bytes(certificate.revoke(secret.certifier()))
    assert refusal(sealer, compose(OpenPgp(key=revoked))) == "revoked"


# Keys of the signer -------------------------------------------------------------------------------------------------


def test_openpgp_signed_with_a_revoked_key(sealed_by, opened):
    secret = pysequoia.Tsk.generate(user_id=f"<{HOSPITAL}>")
    certificate = secret.extract_certificate()
    letter = sealed_by(bytes(secret))
    assert opened(letter, bytes(certificate)).authenticated
    revoked = bytes(certificate) + bytes(certificate.revoke(secret.certifier()))
    mail = opened(letter, revoked)
    assert not mail.authenticated
    assert why(mail) == ["content-changed"]
