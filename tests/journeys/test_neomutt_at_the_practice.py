"""The GP reads his letters in a terminal mail client with S/MIME, straight from his mailbox."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from demo import letters
from tests.journeys.kit import Gp, Hospital, files_of
from tests.peers.authority import KeyPair
from tests.peers.neomutt import Seen, open_in_neomutt

pytestmark = [pytest.mark.peer, pytest.mark.root]

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


def pair_of(gp: Gp, folder: Path) -> KeyPair:
    """The GP's certificate and key as the files that neomutt imports."""
    pair = KeyPair(folder / "client.pem", folder / "client.key")
    pair.certificate.write_bytes(gp.identity.certificate.public_bytes(Encoding.PEM))
    key = gp.identity.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pair.key.write_bytes(key)
    return pair


async def at_the_practice(ward: Hospital, roots: Path | None = None) -> Seen:
    """What the GP's neomutt shows of the mail in his mailbox."""
    await ward.letter_in_mailbox()
    return await asyncio.to_thread(
        open_in_neomutt,
        ward.dovecot,
        ward.gp.mailbox,
        pair=pair_of(ward.gp, ward.gp.folder),
        roots=roots or ward.gp.roots,
    )


async def test_a_discharge_letter_shows_its_text_and_a_good_signature_and_gives_its_pdf(ward: Hospital):
    pdf = letters.pdf("Lettre de liaison", "Évolution favorable.")
    message = letters.mdm("DOC1", NOW, NOW - 5 * DAY, NOW - DAY, pdf)
    await ward.hl7(message.replace(letters.GP_MAILBOX.encode(), ward.gp.mailbox.encode()))
    seen = await at_the_practice(ward)
    assert "CMS Verification successful" in seen.screen
    assert "TESTINI" in seen.screen
    assert files_of(message_from_bytes(seen.decrypted))["pdf"] == pdf


async def test_a_lab_result_shows_its_table_and_gives_its_hprim_byte_for_byte(ward: Hospital):
    record = letters.hprim_lab(NOW)
    await ward.mail(letters.hprim_mail(record), f"{letters.GP}@rpps.hospital.test")
    seen = await at_the_practice(ward)
    assert "CMS Verification successful" in seen.screen
    assert "Hémoglobine" in seen.screen
    assert files_of(message_from_bytes(seen.decrypted))["hpr"] == record


async def test_a_letter_signed_by_an_authority_the_gp_does_not_trust_is_not_called_verified(ward: Hospital):
    await ward.mail(letters.secretary("dpi@hospital.test", letters.pdf("C", "c")), ward.gp.mailbox)
    seen = await at_the_practice(ward, roots=ward.dovecot.authority.roots)
    assert "CMS Verification successful" not in seen.screen
    assert "courrier de consultation" in seen.screen
