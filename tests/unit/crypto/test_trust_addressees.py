"""Addressees' certificates before a letter is composed: a bad one blocks no good one, silence blocks nobody long."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from threading import Event
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from gateway.crypto.trust import standing as module
from gateway.crypto.trust.addressees import Standing, Vetting
from gateway.crypto.trust.asking import HttpAsking
from gateway.crypto.trust.cache import StatementCache
from gateway.crypto.trust.policy import Revocation, Strictness, Trust
from gateway.crypto.trust.standing import AddresseesTrust
from gateway.crypto.trust.statements import NoStatement
from gateway.errors import NoProtection
from gateway.letter import AsReceived, MssTls, OpenPgp, Protection, Smime, Vetted
from gateway.moments import utc_now

LONG = timedelta(seconds=60)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


def step(protection: Protection) -> SimpleNamespace:
    letter = SimpleNamespace(parsed=SimpleNamespace(id="01LETTER"))
    return SimpleNamespace(letter=letter, delivery="01DELIVERY", addressed=SimpleNamespace(protection=protection))


@pytest.fixture
def standings(online) -> Callable[..., AddresseesTrust]:
    def make(strictness: Strictness = Strictness.HARD, asking=None) -> AddresseesTrust:
        evidence = StatementCache(asking or HttpAsking(seconds=30), folder=None, clock=utc_now)
        between = online.identities["good"].chain + online.identities["under-revoked"].chain
        revocation = Revocation(strictness=strictness, evidence=evidence)
        return AddresseesTrust(Trust.of((online.root, *between), revocation))

    return make


@pytest.fixture
def key(online, der_of) -> Callable[[str], Smime]:
    return lambda name: Smime(certificate=der_of(online.identities[name]))


def vetting(standings) -> Vetting:
    return Vetting(standings, longest=LONG, clock=utc_now)


@pytest.mark.parametrize("name", ["good", "listed-only", "responder-only"])
async def test_a_good_certificate_is_used(standings, key, name):
    assert await vetting(standings())(step(key(name))) == Vetted(protection=key(name))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("revoked-on-list", "revoked"),
        ("revoked-at-responder", "revoked"),
        ("under-revoked", "revoked"),
        ("no-pointers", "revocation-unknown"),
    ],
)
async def test_a_bad_certificate_is_refused(standings, key, name, code):
    with pytest.raises(NoProtection) as refused, capture_logs() as logs:
        await vetting(standings())(step(key(name)))
    assert refused.value.detail == code
    assert [(each["event"], each["letter_id"], each["code"]) for each in logs] == [("key-refused", "01LETTER", code)]


async def test_a_certificate_of_an_authority_that_is_not_ours_is_refused(standings, der_of, gp):
    with pytest.raises(NoProtection) as refused:
        await vetting(standings())(step(Smime(certificate=der_of(gp))))
    assert refused.value.detail == "untrusted-certificate"


async def test_one_bad_key_blocks_no_good_one(standings, key):
    bad, good, pgp = key("revoked-on-list"), key("good"), OpenPgp(key=b"key", fingerprint="F")
    wanted = replace(bad, alternatives=(good, bad, pgp))
    used = Vetted(protection=replace(good, alternatives=(pgp,)), refused=("revoked", "revoked"))
    assert await vetting(standings())(step(wanted)) == used
    used = Vetted(protection=pgp, refused=("revoked",))
    assert await vetting(standings())(step(replace(bad, alternatives=(pgp,)))) == used
    used = Vetted(protection=replace(pgp, alternatives=(good,)), refused=("revoked",))
    assert await vetting(standings())(step(replace(pgp, alternatives=(bad, good)))) == used


@pytest.mark.parametrize("protection", [MssTls(), AsReceived()])
async def test_what_is_not_encrypted_by_us_is_left_alone(standings, protection):
    assert await vetting(standings())(step(protection)) == Vetted(protection=protection)


@pytest.mark.parametrize(("ending", "code"), [("expired", ""), ("junk", "")])
async def test_what_is_wrong_with_the_certificate_itself_the_sealer_says(standings, key, ending, code):
    wanted = key("expired") if ending == "expired" else Smime(certificate=b"junk")
    assert await vetting(standings())(step(wanted)) == Vetted(protection=wanted)


async def test_a_certificate_that_begins_before_the_letter_leaves_does_not_pass_unasked(standings, key):
    vet = Vetting(standings(), longest=LONG, clock=lambda: utc_now() - timedelta(days=3650))
    with pytest.raises(NoProtection) as refused:
        await vet(step(key("good")))
    assert refused.value.detail == "not-yet-valid"


def silent(url: str, question: bytes | None = None) -> bytes:
    raise NoStatement("unreachable")


async def test_by_the_soft_rule_silence_is_told_and_the_letter_leaves(standings, key):
    with capture_logs() as logs:
        assert await vetting(standings(Strictness.SOFT, silent))(step(key("good"))) == Vetted(protection=key("good"))
    assert [each["event"] for each in logs] == ["revocation-unknown"]


@pytest.mark.parametrize(
    ("name", "asking", "times"),
    [("good", silent, 2), ("good", None, 0), ("revoked-on-list", None, 0), ("no-pointers", None, 0)],
)
@pytest.mark.parametrize("strictness", [Strictness.SOFT, Strictness.HARD])
async def test_silence_is_counted_for_its_alarm_each_time_and_nothing_else_is(
    standings, key, strictness, name, asking, times
):
    heard: list[None] = []
    vet = Vetting(standings(strictness, asking), longest=LONG, clock=utc_now, on_unknown=lambda: heard.append(None))
    for _ in range(2):
        with suppress(NoProtection):
            await vet(step(key(name)))
    assert len(heard) == times


@pytest.mark.parametrize("strictness", [Strictness.SOFT, Strictness.HARD])
async def test_who_answers_too_late_keeps_no_letter_waiting(standings, key, strictness):
    over = Event()

    def hanging(url: str, question: bytes | None = None) -> bytes:
        over.wait(30)
        raise NoStatement("unreachable")

    vet = Vetting(standings(strictness, hanging), longest=timedelta(seconds=0.05), clock=utc_now)
    try:
        if strictness is Strictness.SOFT:
            assert await vet(step(key("good"))) == Vetted(protection=key("good"))
        else:
            with pytest.raises(NoProtection) as refused:
                await vet(step(key("good")))
            assert refused.value.detail == "revocation-unknown"
    finally:
        over.set()


# Memory -------------------------------------------------------------------------------------------------------------


def test_what_is_known_is_not_judged_again_for_an_hour(standings, key, now):
    certificate, judges = key("good").certificate, standings()
    assert judges.recall(certificate, now) is None
    assert judges.ask(certificate, now) == Standing()
    assert judges.recall(certificate, now + timedelta(minutes=59)) == Standing()
    assert judges.recall(certificate, now + timedelta(hours=1)) is None


def test_what_is_refused_is_asked_again_after_a_minute(standings, key, now):
    certificate, judges = key("revoked-on-list").certificate, standings()
    judges.ask(certificate, now)
    assert judges.recall(certificate, now + timedelta(seconds=59)) == Standing(why_not="revoked")
    assert judges.recall(certificate, now + timedelta(minutes=1)) is None


def test_memory_of_certificates_is_bounded(standings, key, now, monkeypatch):
    monkeypatch.setattr(module, "_REMEMBERED", 1)
    judges = standings(Strictness.OFF)
    for name in ("good", "listed-only"):
        judges.ask(key(name).certificate, now)
    assert judges.recall(key("good").certificate, now) is None
    assert judges.recall(key("listed-only").certificate, now) == Standing()
