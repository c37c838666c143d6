"""Station 1, the IMAP door: a hospital mailbox into which secretaries send letters, watched and emptied."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256

import structlog

from gateway.errors import HuitaineError, PermanentFailure, SenderNotAllowed, TooLarge
from gateway.identifiers import LetterId
from gateway.imap import FetchedMail, MailboxWatch, OversizedMail
from gateway.imap.headers import BadHeader, addresses, read_headers
from gateway.ingest.intake import Clock, Ids, Intake
from gateway.letter import Door, Envelope, ReceivedLetter, Recipient

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapDoorSettings:
    """``own`` are the mailbox's own addresses; ``automatic`` stands for the addressees that the document names.

    ``automatic`` is an address such as ``auto@`` our domain: it is the recipient of a mail written to nobody but us.
    ``senders`` are the addresses and ``@domains`` that may write: a mailbox is open to the world, our signature is not.
    """

    source: str
    senders: frozenset[str]
    own: frozenset[str]
    automatic: str
    taken: str = "Taken"
    refused: str = "Refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedMail:
    """A mail that was moved to Refused: ``letter`` is its id in the journal, an empty sender is nobody to tell."""

    letter: LetterId
    envelope: Envelope
    failure: HuitaineError
    content: bytes = field(repr=False, default=b"")


class AddressUnclear(PermanentFailure):
    """Whom the mail is for cannot be read from its headers."""

    status, words = "5.1.3", "The addressees of this mail cannot be read"


class AutomaticMail(PermanentFailure):
    """A report or an automatic answer: passing it on is how mail loops begin."""

    status, words = "5.7.1", "Automatic mail is not passed on"


class ImapDoor:
    """Takes each mail once: committed first, then moved to Taken; a mail that comes again is known by its bytes."""

    def __init__(
        self,
        settings: ImapDoorSettings,
        watch: MailboxWatch,
        *,
        intake: Intake,
        clock: Clock,
        new_id: Ids,
        on_refused: Callable[[RefusedMail], Awaitable[None]] | None = None,
    ) -> None:
        """``on_refused`` tells whoever sent a mail that is moved to Refused; what it raises leaves the mail."""
        self._settings = settings
        self._watch = watch
        self._intake = intake
        self._clock = clock
        self._new_id = new_id
        self._on_refused = on_refused

    async def run(self) -> None:
        """For ever; transient failures leave a mail in the mailbox, to be offered again."""
        await self._watch.sort(self.take)

    async def take(self, mail: FetchedMail | OversizedMail) -> str:
        """The folder for the mail, once it is committed or refused; raises ``TransientFailure`` to leave it."""
        letter, envelope = self._new_id(), Envelope()
        try:
            if isinstance(mail, OversizedMail):
                raise TooLarge("larger than the mailbox's limit")
            refuse_automatic(mail.content)
            envelope = Envelope(sender=sender_of(mail.content, self._settings))
            envelope = replace(envelope, recipients=recipients_of(mail.content, self._settings))
            kept = await self._intake.keep_and_read(self._received(letter, envelope, mail.content))
        except PermanentFailure as failure:
            _log.warning(
                "mail-refused", letter_id=letter, source=self._settings.source, uid=mail.uid, status=failure.status
            )
            content = mail.content if isinstance(mail, FetchedMail) else b""
            await self._tell(RefusedMail(letter=letter, envelope=envelope, failure=failure, content=content))
            return self._settings.refused
        _log.info("mail-taken", letter_id=kept.id, source=self._settings.source, uid=mail.uid)
        return self._settings.taken

    async def _tell(self, refused: RefusedMail) -> None:
        if self._on_refused is not None:
            await self._on_refused(refused)

    def _received(self, letter: LetterId, envelope: Envelope, content: bytes) -> ReceivedLetter:
        return ReceivedLetter(
            id=letter,
            door=Door.IMAP,
            source=self._settings.source,
            envelope=envelope,
            content=content,
            received_at=self._clock(),
            replay_key=sha256(self._settings.source.encode() + b"\0" + content).digest(),
        )


def sender_of(content: bytes, settings: ImapDoorSettings) -> str:
    """Return-Path, else From; raises ``AddressUnclear``, and ``SenderNotAllowed`` unless both may write (E6)."""
    headers = _headers(content)
    fields = [value for name in ("return-path", "from") for value in headers.get(name, [])]
    writers = [found for value in fields for found in _addresses(value)]
    if not writers or not all(_may_write(writer.casefold(), settings.senders) for writer in writers):
        raise SenderNotAllowed("return path or From is not among the source's senders")
    return writers[0]


def recipients_of(content: bytes, settings: ImapDoorSettings) -> tuple[Recipient, ...]:
    """To and Cc without ourselves, else ``automatic``; raises ``AddressUnclear`` rather than leave anybody out."""
    headers = _headers(content)
    own = {address.casefold() for address in settings.own}
    written = [found for name in ("to", "cc") for value in headers.get(name, []) for found in _addresses(value)]
    others = dict.fromkeys(address for address in written if address.casefold() not in own)
    return tuple(Recipient(address=address) for address in others or (settings.automatic,))


def refuse_automatic(content: bytes) -> None:
    """Raises ``AutomaticMail`` for reports, automatic answers and mails of the null sender (RFC 3834)."""
    headers = _headers(content)
    submitted = next(iter(headers.get("auto-submitted", [])), "no").lower()
    kind = next(iter(headers.get("content-type", [])), "").lower()
    path = next(iter(headers.get("return-path", [])), "present")
    if not submitted.startswith("no") or kind.startswith("multipart/report") or path in {"<>", ""}:
        raise AutomaticMail("auto-submitted, report or null sender")


def _may_write(writer: str, senders: frozenset[str]) -> bool:
    allowed = {sender.casefold() for sender in senders}
    return writer in allowed or writer[writer.rindex("@") :] in allowed


def _headers(content: bytes) -> dict[str, list[str]]:
    try:
        return read_headers(content)
    except BadHeader as error:
        raise AddressUnclear(str(error)) from error


def _addresses(value: str) -> list[str]:
    try:
        return [] if value in {"<>", ""} else addresses(value)
    except BadHeader as error:
        raise AddressUnclear(str(error)) from error
