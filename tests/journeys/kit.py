"""A whole installation between a hospital's software and a GP's mailbox on a real Postfix and a real Dovecot."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import aiosmtplib
from cryptography.hazmat.primitives.serialization import Encoding

from config.settings import Settings, load
from demo import letters
from directory import add_certificate, import_files
from gateway.crypto.authority import TestAuthority, certificates_pem, to_p12, to_pem
from gateway.crypto.keys import SigningIdentity
from gateway.delays.clock import policy_named
from gateway.delays.figures import By, DelayReport
from gateway.delays.report import report
from gateway.moments import utc_now
from gateway.queue import queries
from gateway.service.build import Gateway, build
from gateway.service.running import Running
from gateway.service.upkeep.installing import install, key_store
from tests.peers.dovecot import Dovecot
from tests.peers.postfix import Postfix

WAIT = 90.0
"""Seconds until what is on its way must be there: a state is waited for, never a moment."""


@dataclass(slots=True, kw_only=True)
class Gp:
    """A GP with a key that an ordinary mail client imports."""

    mailbox: str
    identity: SigningIdentity
    folder: Path
    roots: Path

    @classmethod
    def make(cls, mailbox: str, folder: Path, roots: Path, *, at: datetime | None = None) -> Gp:
        identity = TestAuthority.create("GP authority", at=at).issue(address=mailbox)
        place = folder / "gp"
        place.mkdir(exist_ok=True)
        (place / "key.pem").write_bytes(to_pem(identity, None))
        (place / "key.p12").write_bytes(to_p12(identity, b"secret"))
        return cls(mailbox=mailbox, identity=identity, folder=place, roots=roots)

    def open_with_openssl(self, sealed: bytes) -> Message:
        """``openssl cms -decrypt``, then ``openssl cms -verify``: what a client's own library would do."""
        mail, inner, verified = (self.folder / name for name in ("mail.eml", "inner.eml", "verified.eml"))
        mail.write_bytes(sealed)
        key = str(self.folder / "key.pem")
        self._openssl("-decrypt", "-in", str(mail), "-recip", key, "-inkey", key, "-out", str(inner))
        self._openssl("-verify", "-in", str(inner), "-CAfile", str(self.roots), "-out", str(verified))
        return message_from_bytes(verified.read_bytes())

    @staticmethod
    def _openssl(*arguments: str) -> None:
        done = subprocess.run(["openssl", "cms", *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def files_of(mail: Message) -> dict[str, bytes]:
    """Attachments by their suffix (the names depend on the day), the text under ``text``."""
    found = {}
    for part in mail.walk():
        if part.is_multipart():
            continue
        name = part.get_filename() or "text"
        found[name.rpartition(".")[2].lower()] = part.get_payload(decode=True)
    return found


@dataclass(slots=True, kw_only=True)
class Hospital:
    """One installation, alive, with the GP it writes to."""

    settings: Settings
    running: Running
    gp: Gp
    dovecot: Dovecot
    folder: Path
    login: str
    password: str
    sender: str
    gateway: Gateway | None = None

    async def mail(self, content: bytes, to: str, *, sender: str = "dpi@hospital.test", **options: list[str]) -> str:
        """Submit over STARTTLS as the hospital's software does; gives the gateway's answer."""
        context = ssl.create_default_context(cafile=str(self.folder / "tls" / "authority.pem"))
        async with aiosmtplib.SMTP(
            hostname="localhost", port=self.running.entrances.ports["starttls"], start_tls=True, tls_context=context
        ) as client:
            await client.login(self.login, self.password)
            _, answer = await client.sendmail(sender, [to], content, **options)  # type: ignore[arg-type]
        return answer

    async def hl7(self, message: bytes) -> str:
        """One message over MLLP; gives the acknowledgement."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.running.entrances.ports["mllp"])
        writer.write(b"\x0b" + message + b"\x1c\r")
        answer = await asyncio.wait_for(reader.readuntil(b"\x1c\r"), WAIT)
        writer.close()
        await writer.wait_closed()
        return answer.decode()

    async def letter_in_mailbox(self, mailbox: str | None = None, *, number: int = 0, folder: str = "INBOX") -> bytes:
        """A mail as it lies in a Dovecot mailbox: the GP's, where none is named."""
        mails: list[bytes] = []

        def there() -> bool:
            mails[:] = self.dovecot.mails(mailbox or self.gp.mailbox, folder)
            return len(mails) > number

        await until(there)
        return mails[number]

    def deliveries(self) -> list[queries.Row]:
        """All deliveries as the store has them."""
        with self.running.store.reading() as connection:
            found = queries.letters(connection, queries.Wanted())
            return [row for letter in found for row in queries.deliveries(connection, letter["id"])]

    def report(self) -> DelayReport:
        """What the administrator would see now."""
        with self.running.store.reading() as connection:
            return report(connection, policy=policy_named("8-days"), start=None, end=None, by=By.SERVICE, now=utc_now())

    def journal(self) -> list[queries.Row]:
        """Every entry."""
        with self.running.store.reading() as connection:
            found = queries.letters(connection, queries.Wanted())
            return [row for letter in found for row in queries.trace(connection, letter["whole"])]


async def until(true: Callable[[], bool], seconds: float = WAIT) -> None:
    """Wait for what is on its way; fails when it does not come."""
    for _ in range(int(seconds * 10)):
        if await asyncio.to_thread(true):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it did not come")


@contextlib.asynccontextmanager
async def hospital(
    folder: Path,
    postfix: Postfix,
    dovecot: Dovecot,
    *,
    gp: str,
    sender: str,
    change: Callable[[str], str] = str,
    learn: Callable[[Path], None] = lambda folder: None,
    clock: Callable[[], datetime] = utc_now,
) -> AsyncIterator[Hospital]:
    """An installation that knows one GP with a key, open for the time of the test.

    ``change`` edits the settings, ``learn`` what stands in the folder (directory, key store), before it starts;
    ``clock`` is the story's, whose certificates begin with it.
    """
    made = prepare(folder, postfix, dovecot, gp=gp, sender=sender, change=change, at=clock())
    await asyncio.to_thread(learn, folder)
    async with alive(made, dovecot, sender, clock=clock) as ward:
        yield ward


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An installation that does not run yet."""

    settings: Path
    login: str
    password: str
    gp: Gp


@contextlib.asynccontextmanager
async def alive(
    made: Prepared, dovecot: Dovecot, sender: str = "", *, clock: Callable[[], datetime] = utc_now
) -> AsyncIterator[Hospital]:
    """A prepared installation, running in this process."""
    settings = load(made.settings)
    gateway = build(settings, clock=clock)
    async with Running(gateway) as running:
        yield Hospital(
            settings=settings,
            running=running,
            gateway=gateway,
            gp=made.gp,
            dovecot=dovecot,
            folder=made.settings.parent,
            login=made.login,
            password=made.password,
            sender=sender,
        )


def prepare(
    folder: Path,
    postfix: Postfix,
    dovecot: Dovecot,
    *,
    gp: str,
    sender: str,
    change: Callable[[str], str] = str,
    at: datetime | None = None,
) -> Prepared:
    """Settings, keys, directory: the GP is found by his RPPS and has a certificate, valid from ``at`` (now)."""
    made = install(folder, hospital="CH d'essai")
    authority = TestAuthority.create("Hospital authority", at=at)
    (folder / "tls" / "signers.pem").write_bytes(certificates_pem(authority.roots))
    signer = authority.issue(address=sender)
    store = key_store(folder / "data", (folder / "secrets" / "keystore-password").read_bytes())
    store.put("signer", signer.private_key, signer.certificate, signer.chain)
    (folder / "secrets" / "receipts-password").write_text(dovecot.password)
    (folder / "secrets" / "imap-password").write_text(dovecot.password)
    text = made.settings.read_text(encoding="utf-8")
    for old, new in (("2587", "0"), ("2465", "0"), ("2575", "0"), ("1587", str(postfix.port))):
        text = text.replace(f"= {old}\n", f"= {new}\n")
    text = text.replace("[courier]\n", "[courier]\nrest_minutes = [0.005, 0.005]\n")
    text = text.replace("[gateway]\n", "[gateway]\nmetrics_port = 0\nreaders = 1\n")
    text = text.replace('ca = "tls/authority.pem"', f'ca = "{postfix.authority.roots}"')
    text = text.replace('sender = "passerelle@hospital.test"', f'sender = "{sender}"')
    text = text.replace('path = "drop"\n', 'path = "drop"\ninterval_seconds = 0.1\nsettle_seconds = 0.2\n')
    text += f"""
[crypto]
identity = "signer"

[queue]
min_free_share = 0.0
retry_minutes = [0.005]

[receipts]
host = "localhost"
port = {dovecot.imaps_port}
user = "{sender}"
ca = "{dovecot.authority.roots}"
poll_seconds = 0.25
"""
    made.settings.write_text(change(text), encoding="utf-8")
    extraction = folder / "Extraction_Correspondance_MSSante_202601150300.txt"
    extraction.write_text(letters.directory().replace(letters.GP_MAILBOX, gp), encoding="utf-8")
    import_files(folder / "data", [extraction])
    doctor = Gp.make(gp, folder, folder / "tls" / "signers.pem", at=at)
    add_certificate(folder / "data", gp, doctor.identity.certificate.public_bytes(Encoding.DER))
    return Prepared(settings=made.settings, login=made.login, password=made.password, gp=doctor)
