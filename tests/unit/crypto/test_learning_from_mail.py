"""A GP who signs his answers teaches us how to write to him; nobody else does (CR-15, RFC 8551 §2.5)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from config.settings import load
from directory import Directory, Source, add_certificate
from gateway.crypto.authority import TestAuthority, certificates_pem
from gateway.crypto.seal import Sealer
from gateway.imap import FetchedMail
from gateway.letter import MssTls, Smime
from gateway.receipts.mailbox import ReceiptMailbox
from gateway.service.alarms import Incidents
from gateway.service.alarms.incidents import SIGNERS_UNCHECKED
from gateway.service.installing import install
from gateway.service.keystores import gateway_keys
from gateway.service.learning import Learning, learning
from tests.faults.silent_authority import unanswered

DOMAIN = "hopital-essai.mssante.fr"
OURS, GP = f"passerelle@{DOMAIN}", "dr.essai@medecin-essai.mssante.fr"
PLAIN = b"From: a@b.example\r\nTo: c@d.example\r\nSubject: x\r\n\r\nBonjour\r\n"


@pytest.fixture
def settings(tmp_path, authority):
    """An installation that believes the authority of these tests about mail that comes in."""
    install(tmp_path / "here", domain=DOMAIN)
    (tmp_path / "here" / "roots.pem").write_bytes(certificates_pem(authority.roots))
    file = tmp_path / "here" / "huitaine.toml"
    file.write_text(file.read_text() + '\n[crypto]\nincoming_authorities = "roots.pem"\nincoming_revocation = "off"\n')
    return load(file)


@pytest.fixture
def learn(settings, now):
    return learning(settings, lambda: now, Incidents())


@pytest.fixture
def known(settings):
    def certificates(mailbox=GP):
        return Directory.open(settings.gateway.data).certificates(mailbox)

    return certificates


@pytest.fixture
def answer(compose, now):
    """A signed mail from a GP to us, or signed by one and sent as another."""

    def signed(identity, protection=None, *, sender=GP):
        headers = (("From", sender), ("To", OURS), ("Subject", "Merci"))
        mail = compose(protection or MssTls(), headers=headers, sender=sender, mailbox=OURS)
        return Sealer(identity=identity, openpgp=None, clock=lambda: now).seal(mail).content

    return signed


async def test_a_signed_answer_gives_the_certificate_and_what_its_reader_opens(learn, known, answer, gp, der_of):
    await learn(answer(gp))
    (one,) = known()
    assert one.der == der_of(gp)
    assert one.source is Source.VERIFIED_MAIL
    assert one.gcm  # our own signer tells AES-256-GCM among its capabilities


async def test_an_answer_that_is_encrypted_to_us_is_opened_first(settings, learn, known, answer, gp, der_of):
    ours = gateway_keys(settings).signing_identity("gateway")
    await learn(answer(gp, Smime(certificate=der_of(ours))))
    assert [one.der for one in known()] == [der_of(gp)]
    await learn(answer(gp, Smime(certificate=der_of(ours))))
    assert len(known()) == 1


async def test_a_reader_who_tells_less_is_written_to_with_less(learn, known, answer, gp, monkeypatch):
    monkeypatch.setattr("gateway.service.learning._GCM", "1.2.3")
    await learn(answer(gp))
    assert [one.gcm for one in known()] == [False]


@pytest.mark.parametrize(
    "case", ["another's name", "another authority", "changed", "server certificate", "no signature"]
)
async def test_a_signature_that_does_not_hold_for_its_sender_teaches_nothing(case, learn, known, answer, authority, gp):
    if case == "another's name":
        await learn(answer(gp, sender="dr.autre@medecin-essai.mssante.fr"))
        assert known("dr.autre@medecin-essai.mssante.fr") == []
    elif case == "another authority":
        await learn(answer(TestAuthority.create("Autre").issue(address=GP)))
    elif case == "changed":
        await learn(answer(gp).replace(b"Compte rendu", b"Compte vendu"))
    elif case == "server certificate":
        await learn(answer(authority.issue(address="localhost", kind="server")))
    else:
        await learn(PLAIN)
        learn.learn(PLAIN)
    assert known() == []


async def test_an_old_mail_that_is_sent_again_teaches_nothing(settings, known, answer, gp, now):
    """What its signer used when he wrote it may be what he has lost since."""
    await learning(settings, lambda: now + timedelta(days=31), Incidents())(answer(gp))
    assert known() == []
    await learning(settings, lambda: now + timedelta(days=29), Incidents())(answer(gp))
    assert len(known()) == 1


async def test_what_nobody_foresaw_in_a_mail_holds_no_receipt_up(tmp_path, now):
    def broken(_: bytes):
        raise ZeroDivisionError

    await Learning(tmp_path, broken, clock=lambda: now)(b"multipart/signed")


@pytest.mark.parametrize("silent", [True, False])
async def test_a_signer_whom_no_authority_answers_for_is_told_and_counted(settings, answer, authority, gp, now, silent):
    incidents = Incidents()
    file = settings.gateway.data.parent / "huitaine.toml"
    file.write_text(file.read_text().replace('incoming_revocation = "off"', 'incoming_revocation = "soft"'))
    learn = learning(load(file), lambda: now, incidents)
    with capture_logs() as logs:
        await learn(answer(unanswered(authority, GP) if silent else gp))
    assert incidents.times()[SIGNERS_UNCHECKED] == int(silent)
    assert ("revocation-unknown" in [line["event"] for line in logs]) is silent


async def test_an_envelope_that_is_not_for_us_teaches_nothing(learn, known, answer, gp, authority, der_of):
    await learn(answer(gp, Smime(certificate=der_of(authority.issue(address=OURS, key="p256")))))
    assert known() == []


async def test_what_is_known_better_stays(settings, learn, known, answer, gp, der_of):
    add_certificate(settings.gateway.data, GP, der_of(gp), source=Source.ADMINISTRATOR)
    await learn(answer(gp))
    (one,) = known()
    assert one.source is Source.ADMINISTRATOR
    assert one.gcm


async def test_a_key_that_stands_under_another_mailbox_is_refused(settings, learn, known, answer, gp, der_of):
    add_certificate(settings.gateway.data, "autre@cabinet.example", der_of(gp), any_name=True)
    await learn(answer(gp))
    assert known() == []


async def test_without_authorities_nothing_is_learned(tmp_path, now):
    install(tmp_path / "plain", domain=DOMAIN)
    assert learning(load(tmp_path / "plain" / "huitaine.toml"), lambda: now, Incidents()) is None


async def test_every_mail_of_the_receipts_mailbox_is_heard_and_still_sorted(learn, known, answer, gp):
    async def no_receipts(*_):
        raise AssertionError("an answer is no receipt")

    mailbox = ReceiptMailbox(None, no_receipts, on_mail=learn)
    content = answer(gp)
    folder = await mailbox.take(FetchedMail(uidvalidity=1, uid=1, content=content))
    assert folder == "Replies"
    assert len(known()) == 1
