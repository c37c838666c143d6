"""What comes in: the doors, the receipts mailbox, and the word back to senders."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import structlog

from config.sections import Mailbox
from gateway.errors import PermanentFailure, SettingsRefused
from gateway.identifiers import LetterId, new_letter_id
from gateway.imap import Limits as ImapLimits
from gateway.imap import MailboxWatch, Pace
from gateway.imap.session import Session
from gateway.imap.watch import Opening
from gateway.ingest.folder import open_folder_door, submit_file
from gateway.ingest.imap import ImapDoor
from gateway.ingest.mllp.door import open_mllp_door
from gateway.letter import Receipt
from gateway.receipts.mailbox import Folders, ReceiptMailbox
from gateway.service.build import Gateway
from gateway.service.from_settings.doors import (
    account,
    folder_origin,
    folder_settings,
    imap_door,
    mllp_settings,
    smtp_limits,
    smtp_settings,
)
from gateway.service.operators.door import listed_peers, mail_server, operators_door, ours
from gateway.service.operators.intake import OperatorMail
from gateway.service.process.supervisor import given_sockets
from gateway.service.receipts.learning import learning
from gateway.service.senders.answering_ways import told_otherwise
from gateway.service.senders.telling import Habits, Teller
from gateway.smtp.server import Intake, SmtpDoorSettings, open_smtp_doors

RESTART = 10.0
"""Seconds before a watcher that ended begins again."""


class UnreadableFile(PermanentFailure):
    """A file that cannot be opened: missing, a link, a folder, or not ours to read."""

    status, words = "5.6.0", "The file cannot be read"


class Entrances:
    """Opened last and closed first: nothing comes in that could not be worked on."""

    def __init__(self, gateway: Gateway, *, opening: Opening = Session.open) -> None:
        """``opening`` is how the receipts mailbox is reached."""
        self._gateway, self._opening = gateway, opening
        self._closers: list[Callable[[], Awaitable[None]]] = []
        self._learn = learning(gateway.settings, gateway.clock, gateway.incidents, gateway.agent)
        self.ports: dict[str, int] = {}
        self.teller = Teller(gateway.store, gateway.courier, _habits(gateway), clock=gateway.clock)

    async def open(self) -> None:
        """Open every door that the settings name; none is left open when one cannot be."""
        if self._learn is not None:
            self._closers.append(self._learn.end)
        try:
            await self._open_smtp()
            await self._open_mllp()
            await self._open_folder()
            self._open_mailboxes()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Finish what is being handed in, then refuse: all doors at once, so that a slow one costs the others nothing.

        Raises what a door raised once the others are closed too.
        """
        closers, self._closers = self._closers, []
        ended = await asyncio.gather(*(close() for close in closers), return_exceptions=True)
        for error in ended:
            if isinstance(error, BaseException):
                raise error

    def told(self) -> Mapping[str, int]:
        """The doors that are open and their ports."""
        return dict(self.ports)

    async def submit(self, path: str, to: str | None = None) -> LetterId:
        """Take a file as the folder door does; raises as the door's reading does."""
        gateway = self._gateway
        origin = folder_origin(gateway.settings, to=to)
        try:
            kept = await submit_file(Path(path), origin, gateway.journey, gateway.clock, new_letter_id)
        except OSError as error:
            raise UnreadableFile(type(error).__name__) from error
        return kept.id

    async def _open_smtp(self) -> None:
        gateway = self._gateway
        operators, mail = self._operators()
        doors = ((smtp_settings(gateway.settings), gateway.journey), (operators, mail))
        given = given_sockets()
        _no_door_for(set(given) - {each.name for wanted, _ in doors if wanted for each in wanted.listeners})
        for wanted, intake in doors:
            if wanted:
                await self._open_smtp_doors(wanted, intake, given)

    async def _open_smtp_doors(
        self, wanted: SmtpDoorSettings, intake: Intake, given: Mapping[str, socket.socket]
    ) -> None:
        gateway, largest = self._gateway, wanted.limits.max_size
        listeners = tuple(replace(each, given=given.get(each.name)) for each in wanted.listeners)
        wanted = replace(wanted, listeners=listeners, admit=lambda: gateway.store.admit(largest))
        doors = await open_smtp_doors(wanted, intake, gateway.clock, new_letter_id)
        self._closers.append(doors.close)
        self.ports |= doors.ports

    def _operators(self) -> tuple[SmtpDoorSettings | None, OperatorMail]:
        """The door of other operators, and what becomes of what they bring."""
        gateway, settings = self._gateway, self._gateway.settings
        peers = listed_peers(settings, gateway.directory.white_list, gateway.clock)
        mail = OperatorMail(
            ours(settings, gateway.journey.stations.return_path),
            gateway.hearing.hear,
            mail_server(settings),
            may_tell_of=peers.may_tell_of,
            on_mail=self._learn,
        )
        return operators_door(settings, peers, mail, limits=smtp_limits(settings.smtp)), mail

    async def _open_mllp(self) -> None:
        gateway, wanted = self._gateway, mllp_settings(self._gateway.settings)
        if wanted:
            door = await open_mllp_door(wanted, gateway.journey, gateway.clock, new_letter_id)
            self._closers.append(door.close)
            self.ports |= door.ports

    async def _open_folder(self) -> None:
        gateway, wanted = self._gateway, folder_settings(self._gateway.settings)
        if wanted:
            door = await open_folder_door(wanted, gateway.journey, gateway.clock, new_letter_id)
            self._closers.append(door.close)

    def _open_mailboxes(self) -> None:
        gateway, settings = self._gateway, self._gateway.settings
        if settings.imap.host:
            largest = ImapLimits(size=settings.smtp.max_size)
            watch = MailboxWatch(account(settings, settings.imap, "imap"), limits=largest, pace=_pace(settings.imap))
            door = ImapDoor(
                imap_door(settings),
                watch,
                intake=gateway.journey,
                clock=gateway.clock,
                new_id=new_letter_id,
                on_refused=self.teller.refuse,
            )
            self._watch(door.run)
        if settings.receipts.host:
            pace = _pace(settings.receipts)
            watch = MailboxWatch(account(settings, settings.receipts, "receipts"), pace=pace, opening=self._opening)
            folders = Folders(receipts=settings.receipts.processed, replies=settings.receipts.replies)
            self._watch(ReceiptMailbox(watch, self._hear, folders, on_mail=self._learn).run)

    async def _hear(self, receipts: tuple[Receipt, ...], digest: bytes) -> None:
        await self._gateway.hearing.hear(receipts)

    def _watch(self, run: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.get_running_loop().create_task(watched(run))

        async def end() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._closers.append(end)


async def watched(run: Callable[[], Awaitable[None]], *, pause: float = RESTART) -> None:
    """Run a watcher that should never end; whatever ends it is journaled, and it begins again after a pause."""
    while True:
        try:
            await run()
        except Exception as error:  # noqa: BLE001 (a mailbox that nobody watches loses receipts in silence)
            structlog.get_logger().error("watcher-ended", watcher=run.__qualname__, error=type(error).__name__)
        await asyncio.sleep(pause)


def _no_door_for(names: Collection[str]) -> None:
    """A socket that the service manager opened and nobody answers would leave every client hanging."""
    if names:
        raise SettingsRefused(
            f"systemd opened the socket {', '.join(sorted(names))} and [smtp] has no such door: "
            "set its port (implicit_tls_port, starttls_port or certificate_port) or disable the socket unit"
        )


def _pace(mailbox: Mailbox) -> Pace:
    """The same figure for both: a server that promises IDLE and stays silent is asked as often as one without."""
    return Pace(idle=mailbox.poll_seconds, poll=mailbox.poll_seconds)


def _habits(gateway: Gateway) -> Habits:
    settings = gateway.settings
    return Habits(
        our_domain=settings.gateway.domain,
        report_to={name: source.report_to for name, source in settings.sources.items() if source.report_to},
        warn_after=timedelta(minutes=settings.escalation.warn_sender_minutes),
        expire=timedelta(hours=settings.queue.expire_hours),
        told_otherwise=told_otherwise(settings),
    )
