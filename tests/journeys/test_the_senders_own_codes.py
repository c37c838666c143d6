"""An HPRIM file names its GP by the laboratory's own code: the table of its source decides, nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import aiosmtplib
import pytest

from config.settings import SettingsError, load
from demo import letters
from tests.journeys.kit import Hospital, files_of, hospital, prepare, until
from tests.peers.dovecot import Dovecot
from tests.peers.postfix import Postfix

pytestmark = [pytest.mark.peer, pytest.mark.root]

NOW = datetime.now(UTC).replace(microsecond=0)
RECORD = letters.hprim_lab(NOW)


def knowing(code: str, number: str = letters.GP):
    """The settings with one correspondent of the drop folder."""
    return lambda text: text.replace(
        "[sources.folder]\n", f'[sources.folder]\ncorrespondents = {{{code} = "{number}"}}\n'
    )


def drop(ward: Hospital, name: str = "lab.hpr") -> None:
    (ward.folder / "drop" / name).write_bytes(RECORD)


async def test_an_hprim_file_dropped_in_the_folder_reaches_the_gp_whom_the_table_names(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str
):
    async with hospital(
        tmp_path, postfix, dovecot, gp=mailbox, sender=hospital_mailbox, change=knowing("MED0001")
    ) as ward:
        drop(ward)
        found = files_of(ward.gp.open_with_openssl(await ward.letter_in_mailbox()))
        assert found["hpr"] == RECORD
        assert any("sources.folder" in str(row["words"]) for row in ward.journal())


async def test_an_unknown_code_holds_the_letter_and_says_where_to_write_it(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str
):
    async with hospital(
        tmp_path, postfix, dovecot, gp=mailbox, sender=hospital_mailbox, change=knowing("MED0002")
    ) as ward:
        drop(ward)
        await until(lambda: any(row["state"] == "held" for row in ward.deliveries()))
        (row,) = ward.deliveries()
        assert row["reason"] == "own-code-only"
        assert "correspondents of [sources.folder]" in "".join(str(entry["words"]) for entry in ward.journal())
        assert dovecot.mails(ward.gp.mailbox) == []
        await until(lambda: len(list((ward.folder / "drop" / "taken").iterdir())) == 1)


def test_a_number_that_is_no_rpps_is_refused_with_the_settings(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str
):
    made = prepare(tmp_path, postfix, dovecot, gp=mailbox, sender=hospital_mailbox, change=knowing("MED0001", "123"))
    with pytest.raises(SettingsError, match=r"sources\.folder\.correspondents\.MED0001"):
        load(made.settings)


async def test_a6_a_low_disk_is_told_at_mail_before_any_byte_of_the_letter(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str, monkeypatch
):
    async with hospital(tmp_path, postfix, dovecot, gp=mailbox, sender=hospital_mailbox) as ward:
        mail = letters.hprim_mail(RECORD)
        with monkeypatch.context() as low:
            low.setattr("gateway.queue.store.shutil.disk_usage", lambda _: _Usage(total=10**9, free=10**7))
            ward.running.store._free = (0.0, 0)
            with pytest.raises(aiosmtplib.SMTPResponseException) as caught:
                await ward.mail(mail, f"{letters.GP}@rpps.hospital.test")
        assert (caught.value.code, caught.value.message[:5]) == (452, "4.3.1")
        assert isinstance(caught.value, aiosmtplib.SMTPSenderRefused)
        ward.running.store._free = (0.0, 0)
        assert "Queued" in await ward.mail(mail, f"{letters.GP}@rpps.hospital.test")
        await ward.letter_in_mailbox()


class _Usage:
    def __init__(self, *, total: int, free: int) -> None:
        self.total, self.free = total, free
