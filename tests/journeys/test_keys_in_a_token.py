"""The hospital's private key is in an HSM, and its letters are opened and verified at the practice as any other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from demo import letters
from gateway.crypto.authority import TestAuthority, certificates_pem
from gateway.crypto.keystore import KeyStore
from gateway.crypto.requests import certificate_request, stand_in
from gateway.crypto.tokens.keys import token_key
from gateway.crypto.tokens.token import Token
from tests.journeys.kit import Hospital, files_of, hospital, until
from tests.peers.dovecot import Dovecot
from tests.peers.postfix import Postfix
from tests.peers.softhsm import fresh_token

pytestmark = [pytest.mark.peer, pytest.mark.root]


def answered(authority: TestAuthority, request: x509.CertificateSigningRequest) -> x509.Certificate:
    """What an authority makes of a request."""
    issuer, now = authority.issuer, datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(issuer.certificate.subject)
        .public_key(request.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=90))
    )
    for extension in request.extensions:
        builder = builder.add_extension(extension.value, critical=False)
    return builder.sign(issuer.private_key, hashes.SHA256())


@pytest.fixture
async def ward(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str
) -> AsyncIterator[Hospital]:
    """An installation whose signing key was made in SoftHSM and never left it."""
    place = fresh_token()

    def make_key(folder: Path) -> None:
        token, authority = Token(place), TestAuthority.create("Hospital authority")
        key_id, public = token.generate("hsm", "rsa2048")
        key = token_key(token, key_id, public)
        request = x509.load_pem_x509_csr(certificate_request(key, hospital_mailbox, "CH d'essai"))
        password = (folder / "secrets" / "keystore-password").read_bytes()
        store = KeyStore(folder / "data" / "keys", password, token=token)
        store.put_token("hsm", key_id, (stand_in(key, hospital_mailbox, "CH", at=datetime.now(UTC)),))
        store.certify("hsm", (answered(authority, request), authority.issuer.certificate))
        token.close()
        (folder / "tls" / "signers.pem").write_bytes(certificates_pem(authority.roots))
        (folder / "secrets" / "token-pin").write_text(place.pin)

    def change(text: str) -> str:
        crypto = f'identity = "hsm"\ntoken_module = "{place.module}"\ntoken_label = "{place.label}"\n'
        return text.replace('identity = "signer"\n', crypto)

    async with hospital(
        tmp_path, postfix, dovecot, gp=mailbox, sender=hospital_mailbox, change=change, learn=make_key
    ) as here:
        yield here


async def test_a_letter_signed_in_the_hsm_is_opened_and_verified_at_the_practice(ward: Hospital):
    pdf = letters.pdf("Consultation", "Évolution favorable.")
    await ward.mail(letters.secretary("dpi@hospital.test", pdf), ward.gp.mailbox)
    opened = ward.gp.open_with_openssl(await ward.letter_in_mailbox())
    assert files_of(opened)["pdf"] == pdf
    await until(lambda: any(row["protection"] == "smime-cbc" for row in ward.deliveries()))
