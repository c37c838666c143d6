"""A GP writes back, signed: from then on his letters can be sealed for him, though nobody entered his certificate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from demo import letters
from directory import Directory, Source, remove_key
from gateway.crypto.authority import certificates_pem
from gateway.crypto.keys import load_pem_identity
from gateway.crypto.seal import Sealer
from gateway.identifiers import new_delivery_id, new_letter_id
from gateway.letter import ComposedMail, MssTls
from gateway.moments import utc_now
from tests.journeys.kit import Hospital, hospital, until
from tests.peers.dovecot import Dovecot
from tests.peers.postfix import Postfix

pytestmark = [pytest.mark.peer, pytest.mark.root]


@pytest.fixture
async def ward(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str
) -> AsyncIterator[Hospital]:
    """The GP's certificate is in no directory; the authority that issued it is in the settings."""

    def forget(folder: Path) -> None:
        for certificate in Directory.open(folder / "data").certificates(mailbox):
            remove_key(folder / "data", mailbox, certificate.fingerprint)
        gp = load_pem_identity((folder / "gp" / "key.pem").read_bytes(), None)
        (folder / "tls" / "gps.pem").write_bytes(certificates_pem(gp.chain[-1:]))

    def change(text: str) -> str:
        crypto = 'identity = "signer"\nincoming_authorities = "tls/gps.pem"\nincoming_revocation = "off"\n'
        return text.replace('identity = "signer"\n', crypto)

    async with hospital(
        tmp_path, postfix, dovecot, gp=mailbox, sender=hospital_mailbox, change=change, learn=forget
    ) as here:
        yield here


def signed_answer(ward: Hospital) -> bytes:
    """As the GP's mail client sends it."""
    mail = ComposedMail(
        letter=new_letter_id(),
        delivery=new_delivery_id(),
        message_id="<merci@gp.test>",
        sender=ward.gp.mailbox,
        mailbox=ward.sender,
        headers=(("From", ward.gp.mailbox), ("To", ward.sender), ("Subject", "Merci")),
        entity=b"Content-Type: text/plain; charset=us-ascii\r\n\r\nMerci de votre courrier.\r\n",
        protection=MssTls(),
    )
    return Sealer(identity=ward.gp.identity, openpgp=None, clock=utc_now).seal(mail).content


async def test_after_a_signed_answer_the_gps_letters_are_sealed_for_him(ward: Hospital):
    folder = ward.settings.gateway.data
    assert Directory.open(folder).certificates(ward.gp.mailbox) == []
    await asyncio.to_thread(ward.dovecot.deliver, ward.sender, signed_answer(ward))
    await until(lambda: bool(Directory.open(folder).certificates(ward.gp.mailbox)))
    (learned,) = Directory.open(folder).certificates(ward.gp.mailbox)
    assert learned.source is Source.VERIFIED_MAIL
    pdf = letters.pdf("Consultation", "Évolution favorable.")
    await ward.mail(letters.secretary("dpi@hospital.test", pdf), ward.gp.mailbox)
    await ward.letter_in_mailbox()
    await until(lambda: [row["protection"] for row in ward.deliveries()] == ["smime-gcm"])
    assert any("verified-mail" in str(row) for row in ward.journal())


async def test_before_any_answer_the_letter_waits_for_a_key(ward: Hospital):
    await ward.mail(letters.secretary("dpi@hospital.test", letters.pdf("C", "c")), ward.gp.mailbox)
    await until(lambda: [(row["state"], row["reason"]) for row in ward.deliveries()] == [("held", "no-key")])
