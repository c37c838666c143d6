"""The demonstration's hospital: hands letters in at every door, as its software does today."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import aiosmtplib
from rich.console import Console

from demo import letters
from gateway.service.running import Running
from gateway.smtp.courier.tls import client_context


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """How many letters were accepted, and how many mails they must become."""

    letters: int
    mails: int


class Hospital:
    """Speaks SMTP, MLLP and files."""

    def __init__(self, running: Running, folder: Path, console: Console, *, login: str, password: str) -> None:
        """``login`` and ``password`` are those of the SMTP door."""
        self._ports, self._folder, self._console = running.entrances.ports, folder, console
        self._login, self._password = login, password

    async def hand_in(self, now: datetime) -> Handed:
        """An admission, a discharge, and the letters about them; each door says yes only when it is on disk."""
        admitted, discharged = now - timedelta(days=5, hours=3), now - timedelta(days=1)
        document = letters.pdf("Lettre de liaison", "Patiente TESTINI Amélie. Évolution favorable. Sortie au domicile.")
        await self._hl7("ADT^A01 admission", letters.adt("A01", "ADT1", admitted, admitted, None))
        await self._hl7("ADT^A03 discharge", letters.adt("A03", "ADT2", discharged, admitted, discharged))
        await self._hl7("MDM^T02 letter", letters.mdm("DOC1", now, admitted, discharged, document))
        await self._hl7("ORU^R01 lab result", letters.oru("LAB1", now))
        await self._smtp(
            "HPRIM lab by mail", letters.hprim_mail(letters.hprim_lab(now)), f"{letters.GP}@rpps.hospital.test"
        )
        await self._smtp(
            "PDF by a secretary", letters.secretary("secretary@hospital.test", document), letters.GP_MAILBOX
        )
        await self._smtp(
            "two patients by mail",
            letters.hprim_mail(letters.hprim_two_patients(now)),
            f"{letters.GP}@rpps.hospital.test",
        )
        await self._drop("ORU^R01 in a file", letters.oru("LAB2", now), "lab2.hl7")
        await self._drop("HPRIM, GP by code", letters.hprim_lab(now), "26D0012345.hpr")
        cda = letters.cda(now, admitted, discharged, document)
        await self._drop("CDA in a file", cda, "letter.xml")
        await self._drop("the same as XDM", letters.xdm(cda), "IHE_XDM.zip")
        return Handed(letters=11, mails=10)

    async def _hl7(self, what: str, message: bytes) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._ports["mllp"])
        writer.write(b"\x0b" + message + b"\x1c\r")
        answer = await reader.readuntil(b"\x1c\r")
        writer.close()
        await writer.wait_closed()
        code = next(line for line in answer.decode().split("\r") if line.startswith("MSA")).split("|")[1]
        self._say("MLLP", what, f"ACK {code}")

    async def _smtp(self, what: str, mail: bytes, to: str) -> None:
        context = client_context(self._folder / "tls" / "authority.pem")
        async with aiosmtplib.SMTP(
            hostname="localhost", port=self._ports["starttls"], start_tls=True, tls_context=context
        ) as client:
            await client.login(self._login, self._password)
            _, answer = await client.sendmail("secretary@hospital.test", [to], mail)
        self._say("SMTP", what, answer)

    async def _drop(self, what: str, content: bytes, name: str) -> None:
        path = self._folder / "drop" / name
        await asyncio.to_thread(path.write_bytes, content)
        while await asyncio.to_thread(path.exists):  # noqa: ASYNC110 (nobody tells when a file is taken)
            await asyncio.sleep(0.1)
        refused = await asyncio.to_thread((self._folder / "drop" / "refused" / name).exists)
        self._say("folder", what, "refused" if refused else "taken")

    def _say(self, door: str, what: str, answer: str) -> None:
        self._console.print(f"  {door:<7} {what:<24} → {answer}")
