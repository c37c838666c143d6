"""The courier against a real Postfix: what is delivered arrives byte for byte, and nothing goes below the TLS floor."""

from __future__ import annotations

import asyncio
import gc
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.errors import PermanentFailure, SettingsRefused, TransientFailure
from gateway.identifiers import DeliveryId, LetterId
from gateway.letter import SealedMail
from gateway.receipts import read_receipts
from gateway.smtp.courier import Courier, HandOverFailure, Hop, Login, Phase, Security, StaticRoutes, client_context
from gateway.smtp.courier.dialogue import Dialogue
from gateway.smtp.courier.tls import OurCertificate
from tests.peers.authority import Authority
from tests.peers.chaos import chaos_proxy
from tests.peers.dovecot import Dovecot
from tests.peers.fixtures import DELIVERED_GP, GP_DOMAIN
from tests.peers.hostile_smtp import EHLO, scripted_hop
from tests.peers.postfix import Chain, Postfix, running_postfix, running_sink

pytestmark = [pytest.mark.peer, pytest.mark.root]

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)


def sealed(sender: str, mailbox: str, content: bytes) -> SealedMail:
    return SealedMail(
        letter=LetterId("L1"),
        delivery=DeliveryId("D1"),
        message_id="<1@hospital.test>",
        sender=sender,
        mailbox=mailbox,
        content=b"Subject: lettre\r\nMessage-ID: <1@hospital.test>\r\n\r\n" + content,
        protected_by="smime-cbc",
        sealed_at=NOW,
    )


def courier_to(hop: Hop) -> Courier:
    return Courier(routes=StaticRoutes({}, default=hop), clock=lambda: NOW, our_name="gateway.test")


def hop_of(postfix: Postfix, **changes: object) -> Hop:
    what: dict[str, object] = {
        "host": postfix.host,
        "port": postfix.port,
        "server_name": "mx.test",
        "context": client_context(postfix.authority.roots),
    }
    return Hop(**{**what, **changes})  # type: ignore[arg-type]


async def failure_at(hop: Hop) -> HandOverFailure:
    courier = courier_to(hop)
    with pytest.raises(HandOverFailure) as caught:
        await courier.deliver(sealed("s@hospital.test", f"gp1@{GP_DOMAIN}", b"x\r\n"))
    courier.close()
    return caught.value


async def arrived(dovecot: Dovecot, user: str) -> bytes:
    for _ in range(200):
        if mails := await asyncio.to_thread(dovecot.mails, user):
            return mails[0]
        await asyncio.sleep(0.1)
    raise AssertionError(f"nothing came for {user}")


CONTENTS = {
    "dots": b".\r\n..\r\n.a\r\na.\r\n\r\n.\r\n\r\n..b\r\n",
    "8-bit": "Prénom né à Besançon\r\n".encode(),
    "large": b"0123456789abcdef" * 4 * 1000 + b"\r\n" + (b"x" * 70 + b"\r\n") * 20_000,
}


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.IMPLICIT])
async def test_a_mail_arrives_byte_for_byte(
    security: Security, postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str
) -> None:
    port = postfix.port if security is Security.STARTTLS else postfix.tls_port
    courier = courier_to(hop_of(postfix, port=port, security=security))
    content = CONTENTS["dots"] + CONTENTS["8-bit"] + (b"x" * 70 + b"\r\n") * 20_000 + b"." * 60 + b"\r\n"
    done = await courier.deliver(sealed(hospital_mailbox, mailbox, content))
    courier.close()
    assert (done.at, done.code, done.dsn_offered) == (NOW, 250, True)
    mail = await arrived(dovecot, mailbox)
    assert mail.partition(b"\r\n\r\n")[2] == content


async def test_a_success_report_comes_back_and_says_delivered(
    postfix: Postfix, dovecot: Dovecot, hospital_mailbox: str
) -> None:
    courier = courier_to(hop_of(postfix))
    await courier.deliver(sealed(hospital_mailbox, DELIVERED_GP, b"x\r\n"), envid="01ARZ3NDEKTSV4RRFFQ69G5FAV")
    courier.close()
    [receipt] = read_receipts(await arrived(dovecot, hospital_mailbox))
    assert receipt.kind == "delivered"
    assert receipt.message_id == "<1@hospital.test>"
    assert receipt.envid == "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    assert receipt.addressee == DELIVERED_GP


async def test_a_full_mailbox_comes_back_as_a_failure_report(
    postfix: Postfix, dovecot: Dovecot, hospital_mailbox: str
) -> None:
    full = dovecot.add_user(f"full@{GP_DOMAIN}", quota_bytes=1000)
    courier = courier_to(hop_of(postfix))
    await courier.deliver(
        sealed(hospital_mailbox, full, b"x" * 70 + b"\r\n" + b"y" * 900 + b"\r\n" + b"z" * 900 + b"\r\n")
    )
    courier.close()
    [receipt] = read_receipts(await arrived(dovecot, hospital_mailbox))
    assert (receipt.kind, receipt.status, receipt.addressee) == ("failed", "5.2.2", full)


async def test_e7_a_certificate_for_another_name_gets_no_mail(postfix: Postfix) -> None:
    failure = await failure_at(hop_of(postfix, server_name="mx.elsewhere.test"))
    assert (failure.status, failure.phase) == ("4.7.5", Phase.CONNECT)
    assert isinstance(failure, TransientFailure)


async def test_e7_a_certificate_of_another_authority_gets_no_mail(postfix: Postfix, authority: Authority) -> None:
    stranger = client_context(authority.stranger.certificate)
    failure = await failure_at(hop_of(postfix, context=stranger))
    assert failure.status == "4.7.5"
    failure = await failure_at(hop_of(postfix, context=stranger, port=postfix.tls_port, security=Security.IMPLICIT))
    assert failure.status == "4.7.5"


async def test_e7_an_expired_certificate_gets_no_mail(authority: Authority) -> None:
    with running_postfix(authority, Chain(pair=authority.expired)) as expired:
        failure = await failure_at(hop_of(expired))
        assert failure.status == "4.7.5"
        assert "expired" in failure.detail
        assert "MAIL" not in expired.log


async def test_e7_a_hop_that_does_not_offer_starttls_hears_nothing_but_ehlo(authority: Authority) -> None:
    async with scripted_hop() as stripped:
        failure = await failure_at(
            Hop(host="127.0.0.1", port=stripped.port, context=client_context(authority.roots), server_name="mx.test")
        )
    assert failure.status == "4.7.10"
    assert stripped.heard == [b"EHLO gateway.test\r\n"]


async def test_e7_a_real_postfix_whose_starttls_is_stripped_on_the_way_hears_nothing_of_the_letter(
    postfix: Postfix,
) -> None:
    async with chaos_proxy(postfix.port, tamper=lambda said: said.replace(b"250-STARTTLS\r\n", b"")) as proxy:
        failure = await failure_at(hop_of(postfix, host="127.0.0.1", port=proxy.port))
        assert bytes(proxy.passed).splitlines() in ([b"EHLO gateway.test"], [b"EHLO gateway.test", b"QUIT"])
    assert (failure.status, failure.words) == ("4.7.10", "Next hop does not offer TLS")


async def test_e2_what_is_said_before_the_handshake_is_not_believed_after_it(authority: Authority) -> None:
    staged = b"220 2.0.0 go\r\n250-mx.test\r\n250-SIZE 5\r\n250 X-INJECTED\r\n"
    offer = EHLO.replace(b"250 DSN", b"250-STARTTLS\r\n250 DSN")
    async with scripted_hop({"EHLO": offer, "STAR": staged}) as injected:
        hop = Hop(host="127.0.0.1", port=injected.port, context=client_context(authority.roots), server_name="mx.test")
        failure = await failure_at(hop)
    assert failure.phase is Phase.CONNECT
    assert not injected.taken


@pytest.fixture(scope="module")
def strict(authority: Authority, dovecot: Dovecot) -> Iterator[Postfix]:
    """A Postfix that lets nobody in without a certificate of our authority."""
    chain = Chain(mailboxes={GP_DOMAIN: dovecot.lmtp_port}, demand_client_certificate=True)
    with running_postfix(authority, chain) as server:
        yield server


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.IMPLICIT])
async def test_mutual_tls_opens_a_hop_that_demands_a_certificate(
    security: Security, strict: Postfix, authority: Authority, dovecot: Dovecot, mailbox: str
) -> None:
    ours = OurCertificate(certificate=authority.client.certificate, key=authority.client.key)
    context = client_context(authority.roots, ours)
    port = strict.port if security is Security.STARTTLS else strict.tls_port
    courier = courier_to(hop_of(strict, context=context, port=port, security=security))
    await courier.deliver(sealed("s@hospital.test", mailbox, b"mutuel\r\n"))
    courier.close()
    assert b"mutuel" in await arrived(dovecot, mailbox)


async def test_without_our_certificate_a_strict_hop_defers_the_letter(strict: Postfix) -> None:
    failure = await failure_at(hop_of(strict))
    assert isinstance(failure, TransientFailure)
    assert not failure.ambiguous


async def test_a_white_listed_subject_must_be_the_one_shown(postfix: Postfix) -> None:
    failure = await failure_at(hop_of(postfix, subjects=frozenset({("mss.ch-exemple.fr", "1750000000")})))
    assert (failure.status, failure.detail) == ("4.7.5", "certificate of another operator")


async def test_a_login_opens_an_operator_and_a_wrong_password_defers(
    authority: Authority, dovecot: Dovecot, mailbox: str, hospital_mailbox: str
) -> None:
    chain = Chain(mailboxes={GP_DOMAIN: dovecot.lmtp_port}, login_port=dovecot.auth_port)
    with running_postfix(authority, chain) as operator:
        courier = courier_to(hop_of(operator, login=Login(user=hospital_mailbox, password=dovecot.password)))
        await courier.deliver(sealed(hospital_mailbox, mailbox, b"connu\r\n"))
        courier.close()
        failure = await failure_at(hop_of(operator, login=Login(user=hospital_mailbox, password="wrong")))
        nobody = await failure_at(hop_of(operator))
    assert b"connu" in await arrived(dovecot, mailbox)
    assert (failure.status, failure.phase, failure.permanent) == ("4.7.8", Phase.CONNECT, False)
    assert nobody.permanent


@pytest.mark.parametrize(
    ("options", "status"), [(("-f", "RCPT"), "5.3.0"), (("-r", "RCPT"), "4.3.0"), (("-f", "."), "5.3.0")]
)
async def test_refusals_and_deferrals_of_smtp_sink_are_told_apart(options: tuple[str, ...], status: str) -> None:
    with running_sink(*options) as sink:
        failure = await failure_at(Hop(host=sink.host, port=sink.port, security=Security.UNSAFE_CLEAR_ON_LOOPBACK))
    assert failure.status == status
    assert failure.permanent == status.startswith("5")


def test_no_hop_can_be_made_that_goes_below_the_floor(authority: Authority, tmp_path: Path) -> None:
    lax = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    lax.check_hostname = False
    lax.verify_mode = ssl.CERT_NONE
    old = client_context(authority.roots)
    old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    for context in (None, lax, old):
        with pytest.raises(SettingsRefused):
            Hop(host="mx.test", port=25, context=context)
    with pytest.raises(SettingsRefused):
        Hop(host="mx.test", port=25, security=Security.UNSAFE_CLEAR_ON_LOOPBACK)
    with pytest.raises(SettingsRefused):
        Hop(host="127.0.0.1", port=25, security=Security.UNSAFE_CLEAR_ON_LOOPBACK, login=Login(user="a", password="b"))
    with pytest.raises(SettingsRefused):
        client_context(tmp_path / "absent.pem")
    with pytest.raises(PermanentFailure):
        client_context(
            authority.roots, OurCertificate(certificate=authority.client.certificate, key=authority.server.key)
        )


async def test_when_the_courier_has_ended_no_socket_of_it_is_open(
    postfix: Postfix, mailbox: str, hospital_mailbox: str
) -> None:
    courier = courier_to(hop_of(postfix))
    await courier.deliver(sealed(hospital_mailbox, mailbox, b"Subject: x\r\n\r\ny\r\n"))
    kept = [dialogue for dialogue in gc.get_objects() if isinstance(dialogue, Dialogue) and dialogue.is_open]
    assert kept  # the control: a connection was kept for the next mail
    await courier.end()
    assert not any(dialogue.is_open for dialogue in kept)
