"""Our forms in a GP's Thunderbird: a real window on a virtual screen, and what stands in it.

Its pictures go to HUITAINE_PICTURES when that names a folder: people look at them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.compose import ComposeProfile, Composer
from gateway.crypto.authority import KeyKind, TestAuthority, certificates_pem, to_p12
from gateway.crypto.keys import SigningIdentity
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.crypto.seal import Sealer
from gateway.document import Document, Role
from gateway.identifiers import new_delivery_id
from gateway.letter import Addressed, AddressedLetter, Addressee, Form, KeptLetter, MssTls, OpenPgp, ParsedLetter, Smime
from gateway.parsers.read import read
from tests.interoperability.forms import EC, GCM, INSIDE, OPENPGP, RSA, SIGNED, THUNDERBIRD, form
from tests.peers.dovecot import PASSWORD, Dovecot
from tests.peers.gpg_key import key_of_gpg
from tests.peers.thunderbird import Shown, Thunderbird, running_thunderbird
from tests.unit.queue.letters import letter

pytestmark = [pytest.mark.peer, pytest.mark.root, pytest.mark.screen, pytest.mark.timeout(600)]

HOSPITAL, GP = "dpi@hospital.test", "gp998@gp.test"
VECTORS = Path(__file__).resolve().parents[1] / "vectors"
PROFILE = ComposeProfile(
    sender=HOSPITAL, sender_name="CH Exemple", nil="DEV000000", hospital="CH Exemple", oid="1.2.250.1.999.1"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """A GP with two keys before his screen, and the hospital that writes to him."""

    dovecot: Dovecot
    thunderbird: Thunderbird
    authority: TestAuthority
    rsa: SigningIdentity
    ec: SigningIdentity
    openpgp: bytes
    """His OpenPGP key, public."""
    hospital_openpgp: bytes
    """The hospital's, secret."""

    def shown(
        self, name: str, to: Smime | OpenPgp | MssTls, *, signer: KeyKind = "rsa2048", in_mssante: bool = True
    ) -> Shown:
        """A laboratory's results on their whole road but the wire, opened."""
        now = datetime.now(UTC).replace(microsecond=0)
        received = letter(b"invented", to=GP)
        documents: tuple[Document, ...] = read(
            (VECTORS / "hprim/hprim_medecin_lab.hpr").read_bytes(), name="a.hpr"
        ).documents
        parsed = ParsedLetter(id=received.id, kept=KeptLetter(received=received), format="hprim", documents=documents)
        forms = frozenset({Form.HPRIM_ATTACHED, Form.PDF})
        addressed = Addressed(
            addressee=Addressee(role=Role.GP), mailbox=GP, protection=to, forms=forms, in_mssante=in_mssante
        )
        mail = Composer(profile=PROFILE, clock=lambda: now).compose(
            AddressedLetter(parsed=parsed, outcomes=(addressed,)),
            addressed,
            delivery=new_delivery_id(),
            message_id=f"<{received.id}@hospital.test>",
        )
        identity = self.authority.issue(address=HOSPITAL, key=signer)
        openpgp = OpenPgpSigner(self.hospital_openpgp)
        sealed = Sealer(identity=identity, openpgp=openpgp, clock=lambda: now).seal(mail)
        self.dovecot.deliver(GP, sealed.content)
        pictures = os.environ.get("HUITAINE_PICTURES")
        return self.thunderbird.open(sealed.message_id.strip("<>"), Path(pictures, f"{name}.png") if pictures else None)


@pytest.fixture(scope="module")
def practice(dovecot: Dovecot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    folder = tmp_path_factory.mktemp("practice")
    authority = TestAuthority.create("Essai", at=datetime.now(UTC).replace(microsecond=0))
    rsa, ec = authority.issue(address=GP), authority.issue(address=GP, key="p256")
    for name, identity in {"rsa": rsa, "ec": ec}.items():
        (folder / f"{name}.p12").write_bytes(to_p12(identity, PASSWORD.encode(), name=name))
    (folder / "roots.pem").write_bytes(certificates_pem(authority.roots))
    keys = [folder / "rsa.p12", folder / "ec.p12"]
    own, hospital = key_of_gpg(GP), OpenPgpSigner.generate(f"CH Exemple <{HOSPITAL}>")
    with running_thunderbird(dovecot, GP, keys=keys, roots=folder / "roots.pem") as thunderbird:
        thunderbird.trust(secret=own.decode(), correspondent=OpenPgpSigner(hospital).armored.decode())
        yield Practice(
            dovecot=dovecot,
            thunderbird=thunderbird,
            authority=authority,
            rsa=rsa,
            ec=ec,
            openpgp=OpenPgpSigner(own).public_key,
            hospital_openpgp=hospital,
        )


def to(identity: SigningIdentity, *, gcm: bool = False) -> Smime:
    return Smime(certificate=identity.certificate.public_bytes(Encoding.DER), gcm=gcm)


def is_whole(seen: Shown) -> bool:
    return seen.decrypted and seen.signed and any(name.lower().endswith(".hpr") for name in seen.attachments)


@form(RSA, THUNDERBIRD)
def test_thunderbird_shows_a_letter_to_an_rsa_key(practice: Practice):
    seen = practice.shown("rsa", to(practice.rsa))
    assert is_whole(seen), seen


@form(EC, THUNDERBIRD)
def test_thunderbird_shows_a_letter_to_an_elliptic_key(practice: Practice):
    seen = practice.shown("ec", to(practice.ec), signer="p256")
    assert is_whole(seen), seen


@form(INSIDE, THUNDERBIRD, told="yes, the true subject first in the text")
def test_thunderbird_shows_the_true_subject_in_the_text(practice: Practice):
    seen = practice.shown("subject", to(practice.rsa), in_mssante=False)
    assert is_whole(seen), seen
    assert "TESTINI" not in seen.subject
    assert seen.text.startswith("Objet : Résultats d'examens – TESTINI AMELIE")


@form(OPENPGP, THUNDERBIRD)
def test_thunderbird_shows_an_openpgp_letter(practice: Practice):
    seen = practice.shown("openpgp", OpenPgp(key=practice.openpgp))
    assert is_whole(seen), seen


@form(SIGNED, THUNDERBIRD)
def test_thunderbird_shows_a_letter_that_is_only_signed(practice: Practice):
    seen = practice.shown("signed", MssTls())
    assert seen.signed, seen
    assert not seen.decrypted
    assert any(name.lower().endswith(".hpr") for name in seen.attachments)


@form(GCM, THUNDERBIRD, told="no: an empty page, without a word")
def test_thunderbird_shows_nothing_of_gcm(practice: Practice):
    seen = practice.shown("gcm", to(practice.rsa, gcm=True))
    assert not seen.text.strip()
    assert not seen.decrypted
