"""The GP's operator leaves MSSanté while his letter waits: the gateway learns it by itself, and the letter stays."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.settings import load
from demo import letters
from gateway.moments import utc_now
from gateway.service.build import build
from gateway.service.running import Running
from tests.journeys.kit import Hospital, files_of, prepare, until
from tests.journeys.test_opposition_and_absence import typed
from tests.peers.authority import Authority
from tests.peers.dovecot import Dovecot
from tests.peers.fixtures import GP_DOMAIN, HOSPITAL_DOMAIN
from tests.peers.postfix import Chain, Postfix, running_postfix, silent_postfix
from tests.unit.directory import signing
from tests.unit.directory.test_whitelist_fetch import Server, anchors, ca, server

__all__ = ["anchors", "ca", "server"]
pytestmark = [pytest.mark.peer, pytest.mark.root]

NOW = datetime.now(UTC).replace(microsecond=0)
OPERATOR = "CN=mss.gp.test,OU=1750000000,C=FR"


def publish(server: Server, *domains: str, hours: float) -> None:
    """What the trust space's server gives from now on."""
    made = NOW - timedelta(days=1) + timedelta(hours=hours)
    server.body = signing.sign(
        signing.list_xml(dict.fromkeys(domains, OPERATOR), made), signing.signer_of(signing.authority())
    )


def in_production(text: str, server: Server, ca: Path, folder: Path) -> str:
    (folder / "signers-of-lists.pem").write_bytes(signing.authority().pem)
    text = text.replace('mode = "test"', 'mode = "production"')
    text = text.replace('test_domains = ["hospital.test", "gp.test"]', "test_domains = []")
    return f"""{text}
[directory]
white_list_url = "{server.url}"
white_list_ca = "{folder / "signers-of-lists.pem"}"
white_list_tls_ca = "{ca}"
white_list_cn = "{signing.SIGNER}"
white_list_minutes = 0.005
"""


@pytest.fixture
async def ward(
    tmp_path: Path,
    authority: Authority,
    dovecot: Dovecot,
    mailbox: str,
    hospital_mailbox: str,
    server: Server,
    ca: Path,
) -> AsyncIterator[tuple[Hospital, Callable[[], contextlib.AbstractContextManager[Postfix]]]]:
    """In production, its operator not answering, with the list that the trust space publishes."""
    publish(server, GP_DOMAIN, hours=0)
    chain = Chain(mailboxes={GP_DOMAIN: dovecot.lmtp_port, HOSPITAL_DOMAIN: dovecot.lmtp_port})
    gone = silent_postfix(authority)
    made = prepare(
        tmp_path,
        gone,
        dovecot,
        gp=mailbox,
        sender=hospital_mailbox,
        change=lambda text: in_production(text, server, ca, tmp_path),
    )
    settings = load(made.settings)
    async with Running(build(settings, clock=utc_now)) as running:
        alive = Hospital(
            settings=settings,
            running=running,
            gp=made.gp,
            dovecot=dovecot,
            folder=tmp_path,
            login=made.login,
            password=made.password,
            sender=hospital_mailbox,
        )
        yield alive, lambda: running_postfix(authority, chain, ports=(gone.port, gone.tls_port))


def lists(ward: Hospital, domain: str) -> bool:
    return ward.running._gateway.directory.white_list.contains(domain)


async def test_a_letter_whose_domain_left_while_it_waited_is_held_and_leaves_when_it_is_back(ward, server: Server):
    hospital, operator_is_back = ward
    await until(lambda: lists(hospital, GP_DOMAIN))
    record = letters.hprim_lab(NOW)
    await hospital.mail(letters.hprim_mail(record), f"{letters.GP}@rpps.hospital.test")
    await until(lambda: any(row["attempts"] for row in hospital.deliveries()))
    publish(server, "another.test", hours=1)
    await until(lambda: not lists(hospital, GP_DOMAIN))
    with operator_is_back():
        await until(
            lambda: (
                [row["reason"] for row in hospital.deliveries() if row["state"] == "held"]
                == ["domain-not-in-white-list"]
            )
        )
        assert await asyncio.to_thread(hospital.dovecot.mails, hospital.gp.mailbox) == []
        publish(server, "another.test", GP_DOMAIN, hours=2)
        await until(lambda: lists(hospital, GP_DOMAIN))
        (letter,) = {row["letter_id"] for row in hospital.deliveries()}
        await typed(hospital, "letters", "release", letter)
        assert files_of(hospital.gp.open_with_openssl(await hospital.letter_in_mailbox()))["hpr"] == record
