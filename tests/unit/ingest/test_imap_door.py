"""The IMAP door: a secretary's mail is committed, then moved; whatever is unclear is refused aloud, never guessed."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

import pytest

from gateway.document import Finding, Severity
from gateway.errors import (
    HuitaineError,
    KeyStoreRefused,
    SettingsRefused,
    StorageUnavailable,
    TransientFailure,
    UnreadableDocument,
)
from gateway.identifiers import LetterId
from gateway.imap import Account, FetchedMail, MailboxWatch, OversizedMail, Pace
from gateway.imap.headers import BadHeader, addresses, read_headers
from gateway.ingest.imap import ImapDoor, ImapDoorSettings, RefusedMail
from gateway.letter import Door, Envelope, Fate, KeptLetter, MailKey, ReceivedLetter
from tests.peers.dovecot import Dovecot

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
OURS = "lettres@hospital.test"
SETTINGS = ImapDoorSettings(
    source="secretariat",
    senders=frozenset({"@Hospital.test", "labo@partner.test"}),
    own=frozenset({OURS}),
    automatic="auto@gateway.test",
)


class Keeper:
    """An intake in memory that refuses and fails when the mail says so."""

    def __init__(self) -> None:
        self.kept: dict[bytes, ReceivedLetter] = {}
        self.fails = 1
        self.read = 0
        self.fault: HuitaineError | None = None
        self.fates: dict[MailKey, Fate] = {}

    async def keep(self, letter: ReceivedLetter) -> KeptLetter:
        raise NotImplementedError

    async def keep_and_read(self, letter: ReceivedLetter) -> KeptLetter:
        self.read += 1
        if self.fault:
            raise self.fault
        if b"unreadable" in letter.content:
            raise UnreadableDocument((Finding(severity=Severity.ERROR, place="line 1", code="x", message="x"),))
        if b"fails once" in letter.content and self.fails:
            self.fails -= 1
            raise StorageUnavailable("locked")
        again = letter.replay_key in self.kept
        first = self.kept.setdefault(letter.replay_key, letter)
        assert letter.mail is not None
        self.fates[letter.mail] = Fate.TAKEN
        return KeptLetter(received=first, again=again)

    async def record_answer(self, letter: LetterId, answer: bytes) -> None:
        raise NotImplementedError

    async def became(self, mail: MailKey) -> Fate | None:
        return self.fates.get(mail)

    async def record_refused(self, mail: MailKey, letter: LetterId) -> None:
        self.fates[mail] = Fate.REFUSED

    async def withdraw(self, letter: LetterId) -> bool:
        raise NotImplementedError


def door(
    keeper: Keeper, watch: MailboxWatch | None = None, told: list[tuple[Envelope, HuitaineError]] | None = None
) -> ImapDoor:
    numbers = count(1)

    async def on_refused(refused: RefusedMail) -> None:
        if told is not None:
            told.append((refused.envelope, refused.failure))

    return ImapDoor(
        SETTINGS,
        watch,  # type: ignore[arg-type]
        intake=keeper,
        clock=lambda: NOW,
        new_id=lambda: LetterId(f"L{next(numbers)}"),
        on_refused=on_refused,
    )


def mail(headers: str, body: str = "Bonjour\r\n") -> FetchedMail:
    content = f"{headers}\r\n\r\n{body}".replace("\r\n", "\n").replace("\n", "\r\n")
    return FetchedMail(uidvalidity=1, uid=1, content=content.encode())


ADDRESSED = {
    "to a GP, copy to ourselves": (f"From: s@hospital.test\nTo: gp@gp.test\nCc: {OURS}", ["gp@gp.test"]),
    "to ourselves alone": (f"From: s@hospital.test\nTo: Lettres <{OURS.upper()}>", ["auto@gateway.test"]),
    "to nobody named": ("From: s@hospital.test\nTo: undisclosed-recipients:;", ["auto@gateway.test"]),
    "two GPs, one twice": (
        "From: s@hospital.test\nTo: a@gp.test, b@gp.test\nCc: a@gp.test",
        ["a@gp.test", "b@gp.test"],
    ),
    "names with commas and signs": (
        'From: s@hospital.test\nTo: "Hoda, Adam <x@y.test>" <gp@gp.test>,\n =?utf-8?q?=C3=A9?= (x@z.test) <b@gp.test>',
        ["gp@gp.test", "b@gp.test"],
    ),
}


@pytest.mark.parametrize(("headers", "recipients"), ADDRESSED.values(), ids=ADDRESSED.keys())
async def test_a_mail_goes_to_whom_it_is_written_or_to_whom_its_document_names(
    headers: str, recipients: list[str]
) -> None:
    keeper = Keeper()
    found = mail(headers)
    assert await door(keeper).take(found) == "Taken"
    [letter] = keeper.kept.values()
    assert [recipient.address for recipient in letter.envelope.recipients] == recipients
    assert (letter.door, letter.source, letter.envelope.sender) == (Door.IMAP, "secretariat", "s@hospital.test")
    assert (letter.content, letter.received_at) == (found.content, NOW)


REFUSED = {
    "an address that ends nowhere": "From: s@hospital.test\nTo: <gp@gp.test",
    "two addresses in one": "From: s@hospital.test\nTo: alice@gp.test)bob@gp.test",
    "a name without address": "From: s@hospital.test\nTo: gp@gp.test, Docteur Hoda",
    "a route": "From: s@hospital.test\nTo: <@relay.test:gp@gp.test>",
    "a group that does not end": "From: s@hospital.test\nTo: gps: gp@gp.test",
    "sixty addresses": "From: s@hospital.test\nTo: " + ", ".join(f"gp{n}@gp.test" for n in range(60)),
    "200 KB of header": "From: s@hospital.test\nTo: gp@gp.test\nX: " + "x" * 200_000,
    "an automatic answer": "From: gp@gp.test\nTo: gp@gp.test\nAuto-Submitted: auto-replied",
    "a report": "From: gp@gp.test\nContent-Type: multipart/report; report-type=delivery-status",
    "the null sender": "Return-Path: <>\nFrom: gp@gp.test\nTo: gp@gp.test",
}


@pytest.mark.parametrize("headers", REFUSED.values(), ids=REFUSED.keys())
async def test_a_mail_whose_addressees_are_unclear_or_that_nobody_wrote_is_refused(headers: str) -> None:
    keeper, told = Keeper(), []  # type: ignore[var-annotated]
    assert await door(keeper, told=told).take(mail(headers)) == "Refused"
    assert not keeper.kept
    assert len(told) == 1


@pytest.mark.parametrize(
    "headers",
    [
        "From: s@elsewhere.test",
        "Return-Path: <s@elsewhere.test>\nFrom: s@hospital.test",
        "Return-Path: <s@hospital.test>\nFrom: director@elsewhere.test",
        "From: s@hospital.test, other@elsewhere.test",
        "From: somebody@partner.test",
        "From: s@sub.hospital.test",
        "Subject: nobody",
    ],
)
async def test_a_stranger_cannot_have_his_mail_signed_by_the_hospital_and_hears_nothing(headers: str) -> None:
    keeper, told = Keeper(), []  # type: ignore[var-annotated]
    assert await door(keeper, told=told).take(mail(f"{headers}\nTo: gp@gp.test")) == "Refused"
    assert not keeper.kept
    [(envelope, failure)] = told
    assert (envelope.sender, failure.status) == ("", "5.7.1")


async def test_a_partner_named_by_his_address_may_write() -> None:
    assert await door(Keeper()).take(mail("From: Labo@Partner.test\nTo: gp@gp.test")) == "Taken"


async def test_an_unreadable_document_is_refused_and_its_sender_told() -> None:
    told: list[tuple[Envelope, HuitaineError]] = []
    found = mail("Return-Path: <s@hospital.test>\nFrom: x@hospital.test\nTo: gp@gp.test", "unreadable")
    assert await door(Keeper(), told=told).take(found) == "Refused"
    [(envelope, failure)] = told
    assert (envelope.sender, failure.status) == ("s@hospital.test", "5.6.0")


async def test_an_oversized_mail_is_refused_unread() -> None:
    assert await door(Keeper()).take(OversizedMail(uidvalidity=1, uid=1, size=1)) == "Refused"


async def test_a_transient_failure_leaves_the_mail_where_it_is() -> None:
    keeper = Keeper()
    found = mail("From: s@hospital.test\nTo: gp@gp.test", "fails once")
    with pytest.raises(TransientFailure):
        await door(keeper).take(found)
    assert await door(keeper).take(found) == "Taken"


async def test_the_same_bytes_in_the_same_mailbox_are_the_same_letter() -> None:
    keeper = Keeper()
    for _ in range(2):
        assert await door(keeper).take(mail("From: s@hospital.test\nTo: gp@gp.test")) == "Taken"
    assert len(keeper.kept) == 1


async def test_an_oversized_mails_sender_is_told_from_its_header_alone() -> None:
    told: list[tuple[Envelope, HuitaineError]] = []
    header = b"From: s@hospital.test\r\nTo: gp@gp.test\r\n\r\n"
    oversized = OversizedMail(uidvalidity=1, uid=1, size=99_000_000, header=header)
    assert await door(Keeper(), told=told).take(oversized) == "Refused"
    [(envelope, failure)] = told
    assert (envelope.sender, failure.status) == ("s@hospital.test", "5.3.4")


async def test_a_refused_mail_that_cannot_be_moved_is_told_once_and_read_once() -> None:
    keeper, told = Keeper(), []  # type: ignore[var-annotated]
    found = mail("From: s@hospital.test\nTo: gp@gp.test", "unreadable")
    refusing = door(keeper, told=told)
    for _ in range(5):
        assert await refusing.take(found) == "Refused"
    assert await door(keeper, told=told).take(found) == "Refused", "nor after a restart"
    assert len(told) == 1


async def test_control_a_refused_mail_put_back_under_a_new_number_is_read_and_told_anew() -> None:
    keeper, told = Keeper(), []  # type: ignore[var-annotated]
    found = mail("From: s@hospital.test\nTo: gp@gp.test", "unreadable")
    for again in (found, replace(found, uid=2)):
        await door(keeper, told=told).take(again)
    assert len(told) == 2


async def test_a_sender_who_cannot_be_told_now_is_told_later_and_his_mail_is_not_read_again() -> None:
    keeper, tries = Keeper(), 0
    refusing = door(keeper)

    async def down_twice(refused: RefusedMail) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise StorageUnavailable("the hop is down")

    refusing._on_refused = down_twice
    found = mail("From: s@hospital.test\nTo: gp@gp.test", "unreadable")
    for _ in range(2):
        with pytest.raises(TransientFailure):
            await refusing.take(found)
    assert await refusing.take(found) == "Refused"
    assert (tries, keeper.read) == (3, 1)


async def test_a_sender_who_was_told_is_not_told_again_while_that_cannot_be_written_down() -> None:
    keeper, told = Keeper(), []  # type: ignore[var-annotated]
    refusing = door(keeper, told=told)
    real, down = keeper.record_refused, True

    async def record(key: MailKey, letter: LetterId) -> None:
        if down:
            raise StorageUnavailable("locked")
        await real(key, letter)

    keeper.record_refused = record  # type: ignore[method-assign]
    found = mail("From: s@hospital.test\nTo: gp@gp.test", "unreadable")
    with pytest.raises(TransientFailure):
        await refusing.take(found)
    down = False
    assert await refusing.take(found) == "Refused"
    assert [envelope.sender for envelope, _ in told if envelope.sender] == ["s@hospital.test"]


@pytest.mark.parametrize("fault", [KeyStoreRefused("x"), SettingsRefused("x")])
async def test_a4_a_fault_of_ours_refuses_no_mail_however_permanent(fault: HuitaineError) -> None:
    keeper, told = Keeper(), []  # type: ignore[var-annotated]
    keeper.fault = fault
    with pytest.raises(HuitaineError):
        await door(keeper, told=told).take(mail("From: s@hospital.test\nTo: gp@gp.test"))
    assert not told


def test_headers_are_read_from_any_bytes() -> None:
    assert read_headers(b"\xff\xfe: x\n y\nno colon\n\n") == {"\ufffd\ufffd": ["x y"]}
    assert addresses("") == []
    with pytest.raises(BadHeader):
        addresses('"unclosed <a@b.test>')


def account(dovecot: Dovecot, user: str) -> Account:
    context = ssl.create_default_context(cafile=str(dovecot.authority.roots))
    return Account(
        name=user, host=dovecot.host, port=dovecot.imaps_port, user=user, password=dovecot.password, context=context,
        server_name="mx.test",
    )  # fmt: skip


async def until_empty(dovecot: Dovecot, user: str) -> None:
    async with asyncio.timeout(60):
        while await asyncio.to_thread(dovecot.mails, user):  # noqa: ASYNC110 - a mailbox has no event
            await asyncio.sleep(0.05)


@pytest.mark.peer
@pytest.mark.root
async def test_a_real_mailbox_is_emptied_into_taken_and_refused(dovecot: Dovecot, hospital_mailbox: str) -> None:
    bodies = {"a": "Bonjour", "b": "unreadable", "c": "fails once", "d": "Bonjour encore"}
    for name, body in bodies.items():
        content = mail(f"From: {name}@hospital.test\nTo: gp@gp.test", body).content
        await asyncio.to_thread(dovecot.deliver, hospital_mailbox, content, f"{name}@hospital.test")
    keeper, told = Keeper(), []  # type: ignore[var-annotated]
    watch = MailboxWatch(account(dovecot, hospital_mailbox), pace=Pace(again=0.1))
    task = asyncio.create_task(door(keeper, watch, told).run())
    await until_empty(dovecot, hospital_mailbox)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert sorted(letter.envelope.sender[0] for letter in keeper.kept.values()) == ["a", "c", "d"]
    assert [envelope.sender for envelope, _ in told] == ["b@hospital.test"]
    assert len(await asyncio.to_thread(dovecot.mails, hospital_mailbox, "Taken")) == 3
    assert len(await asyncio.to_thread(dovecot.mails, hospital_mailbox, "Refused")) == 1
