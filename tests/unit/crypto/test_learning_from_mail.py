"""A GP who signs his answers teaches us how to write to him; nobody else does (CR-15, RFC 8551 §2.5)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from threading import Event

import pytest
from structlog.testing import capture_logs

from config.settings import load
from directory import Directory, Source, add_certificate
from gateway.crypto.authority import TestAuthority, certificates_pem
from gateway.crypto.seal import Sealer
from gateway.errors import NotOpened, TokenUnavailable
from gateway.imap import FetchedMail
from gateway.letter import MssTls, Smime
from gateway.moments import utc_now
from gateway.receipts.mailbox import ReceiptMailbox
from gateway.service.alarms import Incidents
from gateway.service.alarms.incidents import SIGNERS_UNCHECKED
from gateway.service.build import build
from gateway.service.from_settings.entrances import Entrances
from gateway.service.from_settings.keystores import gateway_keys
from gateway.service.receipts.learning import Learning, learning
from gateway.service.road.backlog import Backlog
from gateway.service.upkeep.installing import install
from tests.faults.silent_authority import unanswered
from tests.journeys.kit import until

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


async def heard(learn, content):
    """Handed over, and worked off."""
    await learn(content)
    await until(lambda: learn.is_idle)


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
    await heard(learn, answer(gp))
    (one,) = known()
    assert one.der == der_of(gp)
    assert one.source is Source.VERIFIED_MAIL
    assert one.gcm  # our own signer tells AES-256-GCM among its capabilities


async def test_an_answer_that_is_encrypted_to_us_is_opened_first(settings, learn, known, answer, gp, der_of):
    ours = gateway_keys(settings).signing_identity("gateway")
    await heard(learn, answer(gp, Smime(certificate=der_of(ours))))
    assert [one.der for one in known()] == [der_of(gp)]
    await heard(learn, answer(gp, Smime(certificate=der_of(ours))))
    assert len(known()) == 1


async def test_a_reader_who_tells_less_is_written_to_with_less(learn, known, answer, gp, monkeypatch):
    monkeypatch.setattr("gateway.service.receipts.learning._GCM", "1.2.3")
    await heard(learn, answer(gp))
    assert [one.gcm for one in known()] == [False]


@pytest.mark.parametrize(
    "case", ["another's name", "another authority", "changed", "server certificate", "no signature"]
)
async def test_a_signature_that_does_not_hold_for_its_sender_teaches_nothing(case, learn, known, answer, authority, gp):
    if case == "another's name":
        await heard(learn, answer(gp, sender="dr.autre@medecin-essai.mssante.fr"))
        assert known("dr.autre@medecin-essai.mssante.fr") == []
    elif case == "another authority":
        await heard(learn, answer(TestAuthority.create("Autre").issue(address=GP)))
    elif case == "changed":
        await heard(learn, answer(gp).replace(b"Compte rendu", b"Compte vendu"))
    elif case == "server certificate":
        await heard(learn, answer(authority.issue(address="localhost", kind="server")))
    else:
        await heard(learn, PLAIN)
        learn.learn(PLAIN)
    assert known() == []


async def test_an_old_mail_that_is_sent_again_teaches_nothing(settings, known, answer, gp, now):
    """What its signer used when he wrote it may be what he has lost since."""
    await heard(learning(settings, lambda: now + timedelta(days=31), Incidents()), answer(gp))
    assert known() == []
    await heard(learning(settings, lambda: now + timedelta(days=29), Incidents()), answer(gp))
    assert len(known()) == 1


async def test_what_nobody_foresaw_in_a_mail_holds_no_receipt_up(tmp_path, now):
    def broken(_: bytes):
        raise ZeroDivisionError

    with capture_logs() as logs:
        await heard(Learning(tmp_path, broken, clock=lambda: now), b"multipart/signed")
    assert [(line["event"], line["why"]) for line in logs] == [("nothing-learned", "ZeroDivisionError")]


@pytest.mark.parametrize("silent", [True, False])
async def test_a_signer_whom_no_authority_answers_for_is_told_and_counted(settings, answer, authority, gp, now, silent):
    incidents = Incidents()
    file = settings.gateway.data.parent / "huitaine.toml"
    file.write_text(file.read_text().replace('incoming_revocation = "off"', 'incoming_revocation = "soft"'))
    learn = learning(load(file), lambda: now, incidents)
    with capture_logs() as logs:
        await heard(learn, answer(unanswered(authority, GP) if silent else gp))
    assert incidents.times()[SIGNERS_UNCHECKED] == int(silent)
    assert ("revocation-unknown" in [line["event"] for line in logs]) is silent


async def test_an_envelope_that_is_not_for_us_teaches_nothing(learn, known, answer, gp, authority, der_of):
    await heard(learn, answer(gp, Smime(certificate=der_of(authority.issue(address=OURS, key="p256")))))
    assert known() == []


async def test_what_is_known_better_stays(settings, learn, known, answer, gp, der_of):
    add_certificate(settings.gateway.data, GP, der_of(gp), source=Source.ADMINISTRATOR)
    await heard(learn, answer(gp))
    (one,) = known()
    assert one.source is Source.ADMINISTRATOR
    assert one.gcm


async def test_a_key_that_stands_under_another_mailbox_is_refused(settings, learn, known, answer, gp, der_of):
    add_certificate(settings.gateway.data, "autre@cabinet.example", der_of(gp), any_name=True)
    await heard(learn, answer(gp))
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
    await until(lambda: len(known()) == 1)


# nobody waits for it ------------------------------------------------------------------------------------------------


class Silent:
    """A card in the place of our keys: whoever opens waits for it."""

    def __init__(self) -> None:
        self.answers, self.asked = Event(), list[bytes]()

    def __call__(self, content: bytes):
        self.asked.append(content)
        if not self.answers.wait(30):
            raise AssertionError("whoever should let the card answer was kept from it")
        raise NotOpened("not-decrypted")


@pytest.fixture
def silent() -> Iterator[Silent]:
    card = Silent()
    yield card
    card.answers.set()


def signed(number: int, size: int = 0) -> bytes:
    return b"multipart/signed %d" % number + b"x" * size


async def test_no_receipt_and_no_operator_waits_for_a_card_that_is_silent(tmp_path, now, silent):
    learn = Learning(tmp_path, silent, clock=lambda: now)

    async def no_receipts(*_):
        raise AssertionError("an answer is no receipt")

    mailbox = ReceiptMailbox(None, no_receipts, on_mail=learn)
    for number in range(3):
        mail = FetchedMail(uidvalidity=1, uid=number, content=b"Subject: x\r\n\r\n" + signed(number))
        assert await mailbox.take(mail) == "Replies"
    assert not learn.is_idle
    silent.answers.set()
    await until(lambda: learn.is_idle)
    assert len(silent.asked) == 3


async def test_mails_that_find_no_room_are_left_out_told_and_heard_when_they_come_again(tmp_path, now, silent):
    learn = Learning(tmp_path, silent, clock=lambda: now)
    await learn(signed(0))
    await until(lambda: len(silent.asked) == 1)
    for number in range(1, 65):
        await learn(signed(number))
    with capture_logs() as logs:
        await learn(signed(65))
        await learn(signed(64))  # the control: it waits already
    assert [(line["event"], line["why"]) for line in logs] == [("nothing-learned", "no-room")]
    silent.answers.set()
    await until(lambda: learn.is_idle)
    assert len(silent.asked) == 65
    await heard(learn, signed(65))
    assert len(silent.asked) == 66


def test_what_waits_is_bounded_in_octets_too_and_one_large_mail_alone_is_taken():
    begun, may_go = Event(), Event()

    def work(_: bytes) -> None:
        begun.set()
        may_go.wait(30)

    backlog = Backlog(work, most=10, octets=10)
    assert backlog.offer(b"x")
    assert begun.wait(30)
    assert backlog.offer(b"x" * 100)
    assert not backlog.offer(b"x")
    assert backlog.end() == 1
    may_go.set()


async def test_the_end_waits_for_nobody_and_begins_nothing(tmp_path, now, silent):
    learn = Learning(tmp_path, silent, clock=lambda: now)
    await learn(signed(0))
    await until(lambda: len(silent.asked) == 1)
    await learn(signed(1))
    with capture_logs() as logs:
        await learn.end()
        await learn.end()
    assert [(line["why"], line["mails"]) for line in logs] == [("stopping", 1)]
    await learn(signed(2))
    silent.answers.set()
    await until(lambda: learn.is_idle)
    assert len(silent.asked) == 1


async def test_a_panic_that_is_no_exception_does_not_end_learning(tmp_path, now):
    """pyo3_panics_are_base_exceptions: a crafted key may make PySequoia raise one."""
    opened: list[bytes] = []

    def panics(content: bytes):
        opened.append(content)
        raise BaseException  # noqa: TRY002

    learn = Learning(tmp_path, panics, clock=lambda: now)
    with capture_logs() as logs:
        await heard(learn, signed(0))
        await heard(learn, signed(1))
    assert len(opened) == 2
    assert [line["event"] for line in logs] == ["backlog-failed", "backlog-failed"]


@pytest.mark.parametrize(("raised", "tried"), [(TokenUnavailable("gpg: no answer in time"), 3), (NotOpened("x"), 1)])
async def test_a_mail_that_a_silent_card_could_not_open_is_tried_when_it_is_offered_again(tmp_path, now, raised, tried):
    opened: list[bytes] = []

    def refuses(content: bytes):
        opened.append(content)
        raise raised

    learn = Learning(tmp_path, refuses, clock=lambda: now)
    for _ in range(3):
        await heard(learn, signed(0))
    assert len(opened) == tried


async def test_a_gateway_that_ends_ends_its_learning(tmp_path, authority, monkeypatch):
    """Through the entrances as they are built, with no door."""

    async def opens_nothing(_: Entrances) -> None:
        return

    for door in ("_open_smtp", "_open_mllp", "_open_folder"):
        monkeypatch.setattr(Entrances, door, opens_nothing)
    install(tmp_path / "here", domain=DOMAIN)
    (tmp_path / "here" / "roots.pem").write_bytes(certificates_pem(authority.roots))
    file = tmp_path / "here" / "huitaine.toml"
    file.write_text(file.read_text() + '\n[crypto]\nincoming_authorities = "roots.pem"\n')
    gateway = build(load(file), clock=utc_now)
    entrances = Entrances(gateway)
    learn = entrances._learn
    assert learn is not None
    await entrances.open()
    assert learn._backlog.offer(b"x")
    await entrances.close()
    gateway.store.close()
    assert not learn._backlog.offer(b"x")
