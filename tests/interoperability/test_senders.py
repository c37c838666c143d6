"""Postfix, Exim and OpenSMTPD as the hospital's own server, which submits to the gateway with a login over TLS."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from demo import letters
from tests.journeys.kit import Hospital, files_of, until
from tests.peers.authority import Authority
from tests.peers.exim import Duties, Submission, running_exim
from tests.peers.opensmtpd import running_opensmtpd
from tests.peers.postfix import Chain, running_postfix

pytestmark = [pytest.mark.peer, pytest.mark.root]

TABLE = "As the hospital's own server in front"


@contextlib.contextmanager
def postfix_sending(authority: Authority, to: Submission) -> Iterator[Any]:
    passwords = f"inline:{{{{[localhost]:{to.port}={to.login}:{to.password}}}}}"
    settings = {
        "smtp_sasl_auth_enable": "yes",
        "smtp_sasl_password_maps": passwords,
        "smtp_sasl_security_options": "noanonymous",
        "smtp_tls_security_level": "secure",
        "smtp_tls_CAfile": str(to.roots),
        "smtp_tls_secure_cert_match": "localhost",
    }
    with running_postfix(authority, Chain(relay=f"[localhost]:{to.port}", settings=settings)) as server:
        yield server


@contextlib.contextmanager
def exim_sending(authority: Authority, to: Submission) -> Iterator[Any]:
    with running_exim(authority, Duties(onwards=to)) as server:
        yield server


@contextlib.contextmanager
def opensmtpd_sending(authority: Authority, to: Submission) -> Iterator[Any]:
    with running_opensmtpd(authority, Duties(onwards=to)) as server:
        yield server


SENDERS = {"Postfix": postfix_sending, "Exim": exim_sending, "OpenSMTPD": opensmtpd_sending}


def cells(column: str) -> Any:  # a decorator
    found = [pytest.param(row, marks=pytest.mark.cell(TABLE, row, column), id=row) for row in SENDERS]
    return pytest.mark.parametrize("row", found)


@pytest.fixture
def sending(ward: Hospital, authority: Authority, row: str) -> Callable[..., Any]:
    """Opens this row's server in front of the gateway."""

    def opened(*, password: str | None = None) -> Any:
        return SENDERS[row](
            authority,
            Submission(
                port=ward.running.entrances.ports["starttls"],
                login=ward.login,
                password=password or ward.password,
                roots=ward.folder / "tls" / "authority.pem",
            ),
        )

    return opened


async def hand_in(port: int, mail: bytes, to: str, *, sender: str = "dpi@hospital.test") -> None:
    def submit() -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=90) as client:
            client.sendmail(sender, [to], mail)

    await asyncio.to_thread(submit)


@contextlib.asynccontextmanager
async def started(opening: Any) -> Any:  # a server of any kind
    """Started and ended beside the loop, which the gateway needs meanwhile."""
    server = await asyncio.to_thread(opening.__enter__)
    try:
        yield server
    finally:
        print(server.log[-2000:])
        await asyncio.to_thread(opening.__exit__, None, None, None)


@cells("STARTTLS and AUTH: delivered, opened")
async def test_a_letter_goes_the_whole_road(ward: Hospital, sending, row: str):
    pdf = letters.pdf("Consultation", "Bonjour")
    async with started(sending()) as server:
        await hand_in(server.port, letters.secretary("dpi@hospital.test", pdf), ward.gp.mailbox)
        assert files_of(ward.gp.open_with_openssl(await ward.letter_in_mailbox()))["pdf"] == pdf


@cells("a forged sender is refused, nothing leaves")
async def test_a_sender_that_is_not_the_hospitals_is_refused(ward: Hospital, sending, row: str):
    async with started(sending()) as server:
        mail = letters.secretary("someone@elsewhere.test", letters.pdf("A", "a"))
        await hand_in(server.port, mail, ward.gp.mailbox, sender="someone@elsewhere.test")
        await until(lambda: "553" in server.log)
        assert not ward.deliveries()


@cells("a wrong password is refused, nothing leaves")
async def test_a_wrong_password_is_refused(ward: Hospital, sending, row: str):
    async with started(sending(password="not the one")) as server:
        await hand_in(server.port, letters.secretary("dpi@hospital.test", letters.pdf("A", "a")), ward.gp.mailbox)
        await until(lambda: "535" in server.log or "uthentication" in server.log.replace("smtp authentication=", ""))
        assert not ward.deliveries()


@cells("8 letters, each once")
async def test_many_letters_arrive_once_each(ward: Hospital, sending, row: str):
    async with started(sending()) as server:
        for number in range(8):
            mail = letters.secretary("dpi@hospital.test", letters.pdf("A", f"letter {number}"))
            await hand_in(server.port, mail.replace(b"demo-secretary", b"s%d" % number), ward.gp.mailbox)
        await ward.letter_in_mailbox(number=7)
        assert len(ward.deliveries()) == 8
