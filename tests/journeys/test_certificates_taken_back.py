"""A GP's certificate is taken back by its authority: his letters wait for the next one, or leave for his other key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from demo import letters
from directory import Directory, add_certificate, remove_key
from gateway.crypto.authority import certificates_pem
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.moments import utc_now
from tests.journeys.kit import Hospital, hospital, until
from tests.peers.authority_online import OnlineAuthority, online_authority
from tests.peers.dovecot import Dovecot
from tests.peers.postfix import Postfix

pytestmark = [pytest.mark.peer, pytest.mark.root]

Open = Callable[..., AbstractAsyncContextManager[Hospital]]


@pytest.fixture
def gps(tmp_path: Path, mailbox: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[OnlineAuthority]:
    """The authority that GPs have their certificates from, on the network."""
    monkeypatch.setenv("NO_PROXY", "*")
    folder = tmp_path / "authority"
    folder.mkdir()
    with online_authority(folder, address=mailbox) as served:
        yield served


@pytest.fixture
def opened(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str, gps: OnlineAuthority
) -> Open:
    """A hospital that believes that authority alone, and knows certificates of its."""

    def run(*known: str) -> AbstractAsyncContextManager[Hospital]:
        def learn(folder: Path) -> None:
            authorities = (gps.root, *gps.identities["good"].chain)
            (folder / "gps.pem").write_bytes(certificates_pem(authorities))
            for certificate in Directory.open(folder / "data").certificates(mailbox):
                remove_key(folder / "data", mailbox, certificate.fingerprint)
            for name in known:
                add_certificate(folder / "data", mailbox, der(gps, name))

        def change(text: str) -> str:
            wanted = 'outgoing_authorities = "gps.pem"\noutgoing_revocation = "hard"\nrevocation_seconds = 30.0\n'
            return text.replace("[crypto]\n", f"[crypto]\n{wanted}")

        folder = tmp_path / "hospital"
        folder.mkdir()
        return hospital(folder, postfix, dovecot, gp=mailbox, sender=hospital_mailbox, change=change, learn=learn)

    return run


def der(gps: OnlineAuthority, name: str) -> bytes:
    return gps.identities[name].certificate.public_bytes(Encoding.DER)


def letter() -> bytes:
    return letters.secretary("dpi@hospital.test", letters.pdf("Consultation", "Évolution favorable."))


async def test_a_gp_with_a_revoked_certificate_and_a_good_one_reads_with_the_good_one(
    opened: Open, gps: OnlineAuthority
):
    async with opened("revoked-at-responder", "revoked-on-list", "good") as ward:
        await ward.mail(letter(), ward.gp.mailbox)
        sealed = await ward.letter_in_mailbox()
        keys = OpeningKeys(smime=(gps.identities["good"],))
        assert open_mail(sealed, keys, at=utc_now(), trust_roots=()).parts
        assert any("/ocsp/" in path for path in gps.asked)
        kept = ward.folder / "data" / "revocation"
        await until(lambda: {path.suffix for path in kept.iterdir()} == {".crl", ".ocsp"})


async def test_a_letter_whose_only_certificate_was_taken_back_waits_and_says_why(opened: Open, gps: OnlineAuthority):
    async with opened("revoked-on-list") as ward:
        await ward.mail(letter(), ward.gp.mailbox)
        await until(lambda: any(row["state"] == "held" for row in ward.deliveries()))
        (row,) = ward.deliveries()
        assert row["reason"] == "revoked"
        assert ward.dovecot.mails(ward.gp.mailbox) == []
