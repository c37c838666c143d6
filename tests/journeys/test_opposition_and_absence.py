"""She does not want her GP to be told; her GP is away: what the hospital's software, the GP and the substitute see."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from demo import letters
from directory import import_files
from tests.faults.nursery import warm
from tests.journeys.kit import Gp, Hospital, Prepared, alive, files_of, prepare, until
from tests.peers.dovecot import Dovecot
from tests.peers.fixtures import GP_DOMAIN, HOSPITAL_DOMAIN, POOL
from tests.peers.postfix import Chain, Postfix, running_postfix, silent_postfix

pytestmark = [pytest.mark.peer, pytest.mark.root]

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
NAMES = ("TESTINI", "AMELIE", "279035121518989", "V26000047")
_substitutes = count(POOL - 300, -1)


def discharge_letter(gp: str, control: str = "DOC1") -> bytes:
    message = letters.mdm(control, NOW, NOW - 4 * DAY, NOW, PDF)
    return message.replace(letters.GP_MAILBOX.encode(), gp.encode())


def movement(trigger: str, control: str, at: datetime, protection: str = "") -> bytes:
    """Admission or discharge; ``protection`` is PD1-12."""
    message = letters.adt(trigger, control, at, NOW - 4 * DAY, NOW if trigger == "A03" else None)
    return message.replace(b"\rROL|", b"\rPD1" + b"|" * 12 + protection.encode() + b"\rROL|")


def identity(control: str, protection: str, *, ipp: str = "", at: datetime = NOW) -> bytes:
    """An A31 of the identity server: the patient alone, no stay; ``ipp`` instead of hers."""
    head, *others = movement("A03", control, at, protection).split(b"\r")
    patient = next(one for one in others if one.startswith(b"PID|")).split(b"|")
    patient[18:19] = [b""]
    if ipp:
        patient[3] = ipp.encode() + patient[3].partition(b"~")[0][patient[3].index(b"^") :]
    kept = [b"|".join(patient), *(one for one in others if one[:3] in {b"EVN", b"PD1"})]
    kept.sort(key=lambda one: (b"EVN", b"PID", b"PD1").index(one[:3]))
    return b"\r".join([head.replace(b"ADT^A03^ADT_A03", b"ADT^A31^ADT_A05"), *kept, b""])


async def typed(ward: Hospital, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """The command as a person types it in the installation's folder."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HUITAINE", "LC_", "COLUMNS"))}
    kept |= {"LANG": "en_GB.UTF-8"}
    done = await asyncio.to_thread(warm().typed, arguments, kept, ward.folder, seconds=60)
    assert done.returncode == code, done.stderr
    return done


def states(ward: Hospital) -> list[tuple[str, str]]:
    return [(row["state"], row["reason"]) for row in ward.deliveries()]


def is_held(ward: Hospital) -> bool:
    return states(ward) == [("held", "patient-opposes")]


@pytest.fixture
async def down(
    tmp_path: Path, authority, dovecot: Dovecot, mailbox: str, hospital_mailbox: str
) -> AsyncIterator[tuple[Hospital, Callable[[], contextlib.AbstractContextManager[Postfix]]]]:
    """A hospital whose operator does not answer, and what makes it answer again."""
    chain = Chain(mailboxes={GP_DOMAIN: dovecot.lmtp_port, HOSPITAL_DOMAIN: dovecot.lmtp_port})
    gone = silent_postfix(authority)
    made = prepare(tmp_path, gone, dovecot, gp=mailbox, sender=hospital_mailbox)
    async with alive(made, dovecot, hospital_mailbox) as ward:
        yield ward, lambda: running_postfix(authority, chain, ports=(gone.port, gone.tls_port))


async def letter_waits(ward: Hospital) -> None:
    """Her letter was taken, and waits for an operator who does not answer."""
    assert "MSA|AA|" in await ward.hl7(movement("A01", "ADT1", NOW - 4 * DAY))
    assert "MSA|AA|DOC1" in await ward.hl7(discharge_letter(ward.gp.mailbox))
    await until(lambda: any(row["attempts"] for row in ward.deliveries()))
    assert states(ward)[0][0] in {"ready", "leased"}


async def another_letter_passes(ward: Hospital) -> None:
    """Somebody else's goes to the same GP: the road is open, and what was held stays where it is."""
    record = letters.hprim_lab(NOW)
    await ward.mail(letters.hprim_mail(record), f"{letters.GP}@rpps.hospital.test")
    found = files_of(ward.gp.open_with_openssl(await ward.letter_in_mailbox()))
    assert found["hpr"] == record


async def test_she_opposes_while_her_letter_waits_and_it_never_leaves_until_she_agrees(down):
    ward, operator_is_back = down
    await letter_waits(ward)
    assert "MSA|AA|" in await ward.hl7(movement("A03", "ADT2", NOW, "Y"))
    await until(lambda: is_held(ward))
    with operator_is_back():
        await another_letter_passes(ward)
        held = next(row for row in ward.deliveries() if row["state"] == "held")
        traced = await typed(ward, "letters", "trace", held["letter_id"])
        told = " ".join(traced.stdout.split())
        assert "patient-opposes" in told
        assert "the patient opposes the sending" in told
        assert not any(name in traced.stdout for name in NAMES)
        assert "opposition" in (await typed(ward, "delays", "report", "--format", "json")).stdout
        withdrawn = await typed(ward, "delays", "oppose", "V26000047", "--hospital", "CH-ESSAI", "--withdraw")
        assert "ADT says so still (PD1-12)" in withdrawn.stderr, "a person does not take back what the hospital says"
        assert "MSA|AA|" in await ward.hl7(movement("A03", "ADT3", NOW + timedelta(minutes=5), "N"))
        found = files_of(ward.gp.open_with_openssl(await ward.letter_in_mailbox(number=1)))
        assert found["pdf"] == PDF


async def test_she_opposes_in_an_identity_message_and_a_namesakes_changes_nothing(down):
    ward, operator_is_back = down
    await letter_waits(ward)
    assert "MSA|AA|" in await ward.hl7(identity("IDN1", "Y", ipp="000999"))
    assert states(ward)[0][0] in {"ready", "leased"}
    assert "MSA|AA|" in await ward.hl7(identity("IDN2", "Y"))
    await until(lambda: is_held(ward))
    with operator_is_back():
        await another_letter_passes(ward)
        assert "held" in {state for state, _ in states(ward)}
        assert "MSA|AA|" in await ward.hl7(identity("IDN3", "N", at=NOW + timedelta(minutes=5)))
        found = files_of(ward.gp.open_with_openssl(await ward.letter_in_mailbox(number=1)))
        assert found["pdf"] == PDF


async def test_a_person_lets_one_letter_go_all_the_same_and_the_journal_has_the_name(down):
    ward, operator_is_back = down
    await letter_waits(ward)
    await ward.hl7(movement("A03", "ADT2", NOW, "Y"))
    await until(lambda: is_held(ward))
    with operator_is_back():
        letter = ward.deliveries()[0]["letter_id"]
        assert (await typed(ward, "letters", "release", letter)).stdout == "1 delivery\n"
        assert files_of(ward.gp.open_with_openssl(await ward.letter_in_mailbox()))["pdf"] == PDF
        (released,) = [line for line in ward.journal() if line["kind"] == "release"]
        assert released["actor"] not in {"", "huitaine"}


async def test_a_nurse_records_the_opposition_and_the_letter_that_comes_afterwards_is_held(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str
):
    made = await asyncio.to_thread(prepare, tmp_path, postfix, dovecot, gp=mailbox, sender=hospital_mailbox)
    async with alive(made, dovecot, hospital_mailbox) as ward:
        await ward.hl7(movement("A01", "ADT1", NOW - 4 * DAY))
        hospital = "CH-ESSAI"
        recorded = await typed(ward, "delays", "oppose", "V26000047", "--hospital", hospital)
        assert "opposition" in recorded.stdout
        assert "MSA|AA|DOC1" in await ward.hl7(discharge_letter(ward.gp.mailbox))
        await until(lambda: is_held(ward))
        await another_letter_passes(ward)
        withdrawn = await typed(ward, "delays", "oppose", "V26000047", "--hospital", hospital, "--withdraw")
        assert "PD1-12" not in withdrawn.stderr
        found = files_of(ward.gp.open_with_openssl(await ward.letter_in_mailbox(number=1)))
        assert found["pdf"] == PDF


# absence --------------------------------------------------------------------------------------------------------


@pytest.fixture
async def with_substitute(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str
) -> AsyncIterator[tuple[Hospital, Gp]]:
    """A hospital that knows two GPs, each with a mailbox and a key."""
    other = f"gp{next(_substitutes)}@{GP_DOMAIN}"

    def both() -> tuple[Prepared, Gp]:
        made = prepare(tmp_path, postfix, dovecot, gp=mailbox, sender=hospital_mailbox)
        known = letters.directory().replace(letters.GP_MAILBOX, mailbox).replace(letters.SECOND_MAILBOX, other)
        extraction = tmp_path / "Extraction_Correspondance_MSSante_202601160300.txt"
        extraction.write_text(known, encoding="utf-8")
        assert import_files(tmp_path / "data", [extraction], confirm=True).published
        place = tmp_path / "substitute"
        place.mkdir()
        return made, Gp.make(other, place, tmp_path / "tls" / "signers.pem")

    made, substitute = await asyncio.to_thread(both)
    async with alive(made, dovecot, hospital_mailbox) as ward:
        yield ward, substitute


async def knows_key(ward: Hospital, gp: Gp) -> None:
    pem = ward.folder / "certificate.pem"
    pem.write_bytes(gp.identity.certificate.public_bytes(Encoding.PEM))
    await typed(ward, "directory", "key", "add", gp.mailbox, str(pem))


async def test_her_gp_is_away_and_the_substitute_reads_the_letter(with_substitute: tuple[Hospital, Gp]):
    ward, substitute = with_substitute
    await knows_key(ward, substitute)
    first, last = (f"{NOW + days * DAY:%Y-%m-%d}" for days in (-1, 7))
    away = ("directory", "absence", letters.GP, "--from", first)
    await typed(ward, *away, "--to", last, "--substitute", letters.SECOND_GP)
    assert "MSA|AA|DOC1" in await ward.hl7(discharge_letter(""))
    found = files_of(substitute.open_with_openssl(await ward.letter_in_mailbox(substitute.mailbox)))
    assert found["pdf"] == PDF
    (row,) = ward.deliveries()
    assert row["rpps"] == letters.GP, "it is still the letter to her GP"
    traced = " ".join((await typed(ward, "letters", "trace", row["letter_id"])).stdout.split())
    assert f"the letter goes to the substitute, RPPS {letters.SECOND_GP}" in traced
    assert await asyncio.to_thread(ward.dovecot.mails, ward.gp.mailbox) == []
    await typed(ward, *away, "--remove")
    assert "MSA|AA|DOC2" in await ward.hl7(discharge_letter(ward.gp.mailbox, "DOC2"))
    assert files_of(ward.gp.open_with_openssl(await ward.letter_in_mailbox()))["pdf"] == PDF


async def test_a_substitute_who_cannot_be_written_to_holds_the_letter_until_the_absence_is_mended(
    with_substitute: tuple[Hospital, Gp],
):
    ward, _ = with_substitute
    first, last = (f"{NOW + days * DAY:%Y-%m-%d}" for days in (-1, 7))
    away = ("directory", "absence", letters.GP, "--from", first)
    await typed(ward, *away, "--to", last, "--substitute", "99900000094")
    await ward.hl7(discharge_letter(ward.gp.mailbox))
    await until(lambda: states(ward) == [("held", "substitute-unreachable")])
    await typed(ward, *away, "--remove")
    await typed(ward, "letters", "release", ward.deliveries()[0]["letter_id"])
    assert files_of(ward.gp.open_with_openssl(await ward.letter_in_mailbox()))["pdf"] == PDF
