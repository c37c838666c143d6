"""E7: outbound TLS never falls back; below the floor not a word of the letter is said, and the letter waits."""

from __future__ import annotations

import ssl

import pytest

from gateway.errors import SettingsRefused
from gateway.service.road.explaining import explain
from gateway.smtp.courier import Hop, Login, client_context
from gateway.smtp.courier.failures import HopBelowFloor
from gateway.smtp.courier.opening import told_as_connecting
from gateway.smtp.courier.tls import Floor
from tests.faults.floors import ATTACKS, Attack, attempt, server_context
from tests.peers.authority import Authority

REAL = [floor for floor in Floor if floor >= Floor.ENCRYPT]
CASES = [
    pytest.param(attack, floor, id=f"{name}, floor {floor.name.lower()}")
    for name, attack in ATTACKS.items()
    for floor in REAL
    if floor >= attack.below
]


@pytest.mark.parametrize(("attack", "floor"), CASES)
async def test_e7_below_its_floor_a_session_hears_nothing_of_the_letter(
    attack: Attack, floor: Floor, authority: Authority
) -> None:
    end = await attempt(authority, attack, floor)
    assert end.keeps(attack)
    assert end.failure is None or end.failure.status in {"4.7.5", "4.7.10"}


@pytest.mark.parametrize("floor", REAL)
async def test_e7_control_an_honest_server_gets_the_letter_and_the_middle_reads_nothing(
    floor: Floor, authority: Authority
) -> None:
    end = await attempt(authority, Attack(), floor)
    assert (end.failure, end.taken) == (None, 1)
    assert not end.spoke_in_clear


async def test_e7_control_a_floor_that_allows_clear_text_is_seen_by_the_middle(authority: Authority) -> None:
    end = await attempt(authority, ATTACKS["STARTTLS stripped from EHLO"], Floor.UNSAFE_OPPORTUNISTIC)
    assert (end.failure, end.taken) == (None, 1)
    assert end.spoke_in_clear
    assert not end.held_back


@pytest.mark.parametrize("name", [name for name, attack in ATTACKS.items() if attack.below is Floor.VERIFY])
async def test_e7_control_a_floor_lowered_on_purpose_sends_inside_tls(name: str, authority: Authority) -> None:
    end = await attempt(authority, ATTACKS[name], Floor.ENCRYPT)
    assert (end.failure, end.taken) == (None, 1)
    assert not end.spoke_in_clear


WORDS = {
    "STARTTLS stripped from EHLO": ("4.7.10", "Next hop does not offer TLS", "n'offre pas de chiffrement"),
    "454 to STARTTLS": ("4.7.10", "Next hop did not start TLS", "n'a pas commencé"),
    "TLS 1.0 only": ("4.7.5", "Next hop broke off the TLS handshake", "interrompu"),
    "a certificate for another name": ("4.7.5", "Next hop's certificate is for another name", "un autre nom"),
    "an expired certificate": ("4.7.5", "Next hop's certificate has expired", "a expiré"),
    "a certificate of nobody we know": ("4.7.5", "Next hop's certificate is of no authority we trust", "autorité"),
}


@pytest.mark.parametrize(("name", "told"), WORDS.items(), ids=WORDS.keys())
async def test_e7_why_it_waits_is_said_to_people_in_both_languages(
    name: str, told: tuple[str, str, str], authority: Authority
) -> None:
    status, english, french = told
    failure = (await attempt(authority, ATTACKS[name], Floor.VERIFY)).failure
    assert failure
    assert (failure.status, failure.words) == (status, english)
    assert french in explain(failure.words, status=failure.status).french


def test_e7_an_alert_about_the_version_is_told_as_that(authority: Authority) -> None:
    ways = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context(authority.roots).wrap_bio(ways[0], ways[1], server_hostname="mx.test")
    server = server_context(authority.server, old=True).wrap_bio(ways[1], ways[0], server_side=True)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    with pytest.raises(ssl.SSLError):
        server.do_handshake()
    with pytest.raises(HopBelowFloor) as caught, told_as_connecting():
        client.do_handshake()
    assert caught.value.words == "Next hop's TLS is too old"


def test_e7_no_login_goes_to_whoever_was_not_verified(authority: Authority) -> None:
    lax = client_context(authority.roots, floor=Floor.ENCRYPT)
    with pytest.raises(SettingsRefused):
        Hop(host="mx.test", port=587, context=lax, floor=Floor.ENCRYPT, login=Login(user="a", password="b"))
    with pytest.raises(SettingsRefused):
        Hop(host="mx.test", port=25, context=lax, floor=Floor.VERIFY)
