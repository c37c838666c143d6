"""The operators' door as the settings make it, in a trust space of two, and an operator's server that speaks to it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from config.settings import load
from directory import Directory
from gateway.identifiers import new_letter_id
from gateway.letter import Receipt
from gateway.moments import utc_now
from gateway.service.operators.door import listed_peers, mail_server, operators_door, ours
from gateway.service.operators.intake import OperatorMail
from gateway.smtp.server import open_smtp_doors
from tests.faults.client_certificates import Client
from tests.peers.trust_space import GP_OPERATOR, OTHER_OPERATOR, TrustSpace, list_domains
from tests.unit.smtp.smtp_door_kit import QUICK
from tests.unit.smtp.smtp_door_kit import Client as Speaker

LISTED = {"gp.test": GP_OPERATOR, "Cabinet.test": GP_OPERATOR, "autre.test": OTHER_OPERATOR}
OURS = "passerelle@hospital.test"
DOCTOR = "dr@gp.test"
HOST = "MAILER-DAEMON@mx.gp.test"


def report(sender: str = HOST) -> bytes:
    """A failure report about a mail that nobody sent."""
    return (
        f"From: {sender}\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.test\r\n\r\n"
        "Final-Recipient: rfc822;x@gp.test\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        "--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <nobody@hospital.test>\r\n\r\n--b--\r\n"
    ).encode()


@dataclass(slots=True)
class Scene:
    """One installation and the trust space around it."""

    folder: Path
    space: TrustSpace
    port: int = 0
    heard: list[Receipt] = field(default_factory=list)
    fault: Exception | None = None
    """What hearing raises instead."""
    are_ours: bool = True
    """Whether what is heard is about letters of ours."""
    told_of: list[bool] = field(default_factory=list)
    """Whether who brought each receipt may tell of its addressee."""
    on_mail: Callable[[bytes], Awaitable[None]] | None = None
    limits: dict[str, Any] = field(default_factory=dict)

    def list(self, domains: dict[str, str] = LISTED, **dates: datetime) -> None:
        list_domains(self.folder / "data", domains, **dates)

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """The door alone; receipts are heard by a list."""
        settings = load(self.folder / "huitaine.toml")
        book = Directory.open(self.folder / "data")
        peers = listed_peers(settings, book.white_list, utc_now)
        mail = OperatorMail(
            ours(settings, OURS),
            self.hear,
            mail_server(settings),
            may_tell_of=peers.may_tell_of,
            on_mail=self.on_mail,
        )
        wanted = operators_door(settings, peers, mail, limits=replace(QUICK, **self.limits))
        assert wanted is not None
        doors = await open_smtp_doors(wanted, mail, utc_now, new_letter_id)
        self.port = doors.ports["operators"]
        try:
            yield
        finally:
            await doors.close()
            book.close()

    async def hear(self, receipts: Sequence[Receipt], may_tell_of: Callable[[str], bool]) -> int:
        if self.fault:
            raise self.fault
        self.heard += receipts
        self.told_of += [may_tell_of(each.final_addressee or "") for each in receipts]
        return len(receipts) if self.are_ours else 0

    async def hand_in(
        self, shown: Client | None, sender: str = DOCTOR, *, to: str = OURS, content: bytes | None = None
    ) -> str:
        """The last thing an operator's server heard; empty when TLS did not let it speak."""
        client = Speaker(*await asyncio.open_connection("127.0.0.1", self.port))
        try:
            assert (await client.reply()).startswith("220 ")
            await client.ask("EHLO mss.test")
            await client.starttls(self.space.client_tls(shown))
            await client.ask("EHLO mss.test")
            for command in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{to}>", "DATA"):
                answer = await client.ask(command)
                if answer[:1] not in "23" or not answer:
                    return answer
            await client.send((content or report(sender or HOST)) + b".\r\n")
            return await client.reply()
        except (ssl.SSLError, ConnectionError):
            return ""
        finally:
            await client.close()


def make_scene(folder: Path, more: str = "") -> Scene:
    """Settings with the door and nothing else; ``more`` goes on in its section."""
    space = TrustSpace.make(folder / "space")
    (folder / "huitaine.toml").write_text(f'[gateway]\ndomain = "hospital.test"\n{space.settings()}{more}')
    return Scene(folder, space)


def gp_operator(scene: Scene) -> Client:
    return scene.space.operator("MSS.gp.test", "1750000000")
