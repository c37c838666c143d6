"""Who sends mail after mail that does not open is not tried any more for some time (CR-10, CR-34)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from config.settings import load
from directory import Directory
from gateway.crypto import failed_openings as module
from gateway.crypto.authority import certificates_pem
from gateway.crypto.failed_openings import RESTING, FailedOpenings, source_of
from gateway.crypto.seal import Sealer
from gateway.errors import NotOpened, TokenUnavailable
from gateway.letter import MssTls
from gateway.service.alarms import Incidents
from gateway.service.alarms.incidents import OPENINGS_FAIL
from gateway.service.receipts.learning import Learning, learning
from gateway.service.upkeep.installing import install
from tests.faults.silent_authority import closed_mail
from tests.journeys.kit import until

HOUR = timedelta(hours=1)


class Clock:
    def __init__(self, at):
        self.at = at

    def __call__(self):
        return self.at


@pytest.fixture
def clock(now):
    return Clock(now)


@pytest.fixture
def rests():
    return []


@pytest.fixture
def failed(clock, rests):
    return FailedOpenings(most=3, window=HOUR, clock=clock, on_rest=lambda: rests.append(clock.at))


def fail(failed: FailedOpenings, source: str, code: str = "not-decrypted") -> NotOpened:
    """One mail of the source that does not open; what its sender could be told of it."""
    with pytest.raises(NotOpened) as refused, failed.trying(source):
        raise NotOpened(code)
    return refused.value


def test_after_more_failures_than_allowed_the_source_rests_as_long_as_they_are_counted(failed, clock, rests):
    assert [fail(failed, "a@x.example").detail for _ in range(6)] == ["not-decrypted"] * 4 + [RESTING] * 2
    assert len(rests) == 1
    with failed.trying("b@x.example"):  # another source is not in this one's place
        pass
    clock.at += HOUR
    with failed.trying("A@X.example"):
        pass
    assert fail(failed, "a@x.example").detail == "not-decrypted"


def test_control_few_failures_or_slow_ones_make_nobody_rest(failed, clock, rests):
    for _ in range(20):
        assert fail(failed, "a@x.example").detail == "not-decrypted"
        clock.at += HOUR / 3
    assert rests == []


def test_what_opens_is_not_counted(failed, rests):
    for _ in range(20):
        with failed.trying("a@x.example"):
            pass
    assert fail(failed, "a@x.example").detail == "not-decrypted"
    assert rests == []


def test_the_far_side_hears_the_same_words_of_every_failure(failed):
    codes = ["not-decrypted", "not-cms", "too-many-layers", "not-two-parts", "unreadable-mail"]
    told = {(str(fail(failed, "a@x.example", code)), fail(failed, "b@x.example").status) for code in codes}
    assert told == {("Sealed mail cannot be opened", "5.7.5")}


def test_a_sender_for_each_mail_helps_nobody_and_memory_is_bounded(failed, clock, rests, monkeypatch):
    monkeypatch.setattr(module, "_SOURCES", 8)
    for number in range(100):
        fail(failed, f"{number}@x.example")
    assert len(failed._sources) == 9
    assert fail(failed, "new@x.example").detail == RESTING
    assert len(rests) == 1
    clock.at += HOUR  # all are quiet: the room is free again
    assert fail(failed, "new@x.example").detail == "not-decrypted"
    fail(failed, "more@x.example")
    assert len(failed._sources) < 9
    fail(failed, "x" * 100_000)
    assert max(map(len, failed._sources)) == 320


@pytest.mark.parametrize(
    ("head", "source"),
    [
        ("Return-Path: <a@x.example>\r\nReturn-Path: <b@x.example>\r\nFrom: c@x.example\r\n", "a@x.example"),
        ("From: Dr C <c@x.example>\r\n", "c@x.example"),
        ("Return-Path: <>\r\nFrom: c@x.example\r\n", ""),
        ("Subject: x\r\n", ""),
        ("X: " + "x" * 300_000, ""),
    ],
    ids=["first return path", "from", "null sender", "nobody", "no header"],
)
def test_the_source_is_who_handed_it_in_else_whom_it_says_it_is_from(head, source):
    assert source_of(head.encode() + b"\r\nx") == source


def test_a_card_that_does_not_answer_is_no_failure_of_the_sender(failed, rests):
    for _ in range(10):
        with pytest.raises(TokenUnavailable), failed.trying("a@x.example"):
            raise TokenUnavailable("gpg: no answer in time")
    assert fail(failed, "a@x.example").detail == "not-decrypted"
    assert rests == []


# Through the receipts mailbox ----------------------------------------------------------------------------------------

DOMAIN = "hopital-essai.mssante.fr"
GP = "dr.essai@medecin-essai.mssante.fr"


@pytest.fixture
def settings(tmp_path, authority):
    install(tmp_path / "here", domain=DOMAIN)
    (tmp_path / "here" / "roots.pem").write_bytes(certificates_pem(authority.roots))
    file = tmp_path / "here" / "huitaine.toml"
    more = 'incoming_authorities = "roots.pem"\nincoming_revocation = "off"\nfailed_openings = 2\n'
    file.write_text(file.read_text() + f"\n[crypto]\n{more}")
    return load(file)


async def heard(learn: Learning, content: bytes) -> None:
    """Handed over, and worked off."""
    await learn(content)
    await until(lambda: learn.is_idle)


async def test_a_sender_whose_mails_do_not_open_is_not_tried_until_later(settings, gp, gp_ec, compose, now):
    clock, incidents = Clock(now), Incidents()
    learn = learning(settings, clock, incidents)
    for _ in range(3):
        await heard(learn, closed_mail(gp_ec, GP))
    assert incidents.times()[OPENINGS_FAIL] == 1
    mail = compose(MssTls(), headers=(("From", GP), ("To", f"passerelle@{DOMAIN}")), sender=GP)
    sealed = [Sealer(identity=gp, openpgp=None, clock=lambda: now).seal(mail).content for _ in range(2)]
    await heard(learn, sealed[0])
    assert Directory.open(settings.gateway.data).certificates(GP) == []
    clock.at += HOUR
    await heard(learn, sealed[1])
    assert len(Directory.open(settings.gateway.data).certificates(GP)) == 1


async def test_a_mail_that_is_offered_again_and_again_is_tried_once(settings, gp_ec, now):
    incidents = Incidents()
    learn, mail = learning(settings, lambda: now, incidents), closed_mail(gp_ec, GP)
    for _ in range(20):
        await heard(learn, mail)
    assert incidents.times()[OPENINGS_FAIL] == 0
