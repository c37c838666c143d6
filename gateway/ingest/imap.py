"""Station 1, the IMAP door: a hospital mailbox into which secretaries send letters, watched and emptied."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256

import structlog

from gateway.beside import beside
from gateway.errors import HuitaineError, PermanentFailure, TooLarge
from gateway.identifiers import LetterId
from gateway.imap import FetchedMail, MailboxWatch, OversizedMail
from gateway.imap.headers import block_of
from gateway.ingest.imap_envelope import ImapDoorSettings, recipients_of, refuse_automatic, sender_of
from gateway.ingest.intake import Clock, Ids, MailIntake, is_ours
from gateway.letter import Door, Envelope, Fate, MailKey, ReceivedLetter

__all__ = ["ImapDoor", "ImapDoorSettings", "RefusedMail"]

_UNTOLD = 1024

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedMail:
    """A mail that is refused: ``letter`` is its id in the journal, an empty sender is nobody to tell.

    ``content`` is its header, no more.
    """

    letter: LetterId
    envelope: Envelope
    failure: HuitaineError
    content: bytes = field(repr=False, default=b"")


class ImapDoor:
    """Takes each mail once, however often it is seen: committed first, with what names it, then moved to Taken.

    A refused mail's sender is told first; that he was is committed, then the mail is moved to Refused.
    """

    def __init__(
        self,
        settings: ImapDoorSettings,
        watch: MailboxWatch,
        *,
        intake: MailIntake,
        clock: Clock,
        new_id: Ids,
        on_refused: Callable[[RefusedMail], Awaitable[None]] | None = None,
    ) -> None:
        """``on_refused`` tells whoever sent a mail that is refused; what it raises leaves the mail, to tell later."""
        self._settings = settings
        self._watch = watch
        self._intake = intake
        self._clock = clock
        self._new_id = new_id
        self._on_refused = on_refused
        self._untold: OrderedDict[MailKey, RefusedMail] = OrderedDict()

    async def run(self) -> None:
        """For ever; transient failures leave a mail in the mailbox, to be offered again."""
        await self._watch.sort(self.take)

    async def take(self, mail: FetchedMail | OversizedMail) -> str:
        """The folder for the mail, once it is committed or refused; raises ``HuitaineError`` to leave it."""
        key = await self._key(mail)
        fate = await self._intake.became(key)
        if fate is None:
            refused = self._untold.get(key) or await self._offer(mail, key)
            fate = Fate.TAKEN if refused is None else await self._refuse(key, refused)
        else:
            _log.info("mail-known", source=self._settings.source, uid=mail.uid, fate=fate.value)
        return self._settings.taken if fate is Fate.TAKEN else self._settings.refused

    async def _offer(self, mail: FetchedMail | OversizedMail, key: MailKey) -> RefusedMail | None:
        """``None`` when it is kept and can be read."""
        letter, envelope = self._new_id(), Envelope()
        header = mail.content if isinstance(mail, FetchedMail) else mail.header
        try:
            refuse_automatic(header)
            envelope = Envelope(sender=sender_of(header, self._settings))
            envelope = replace(envelope, recipients=recipients_of(header, self._settings))
            if isinstance(mail, OversizedMail):
                raise TooLarge("larger than the mailbox's limit")
            kept = await self._intake.keep_and_read(await self._received(letter, envelope, mail.content, key))
        except PermanentFailure as failure:
            if is_ours(failure):
                raise
            _log.warning(
                "mail-refused", letter_id=letter, source=self._settings.source, uid=mail.uid, status=failure.status
            )
            return RefusedMail(letter=letter, envelope=envelope, failure=failure, content=block_of(header))
        _log.info("mail-taken", letter_id=kept.id, source=self._settings.source, uid=mail.uid, again=kept.again)
        return None

    async def _refuse(self, key: MailKey, refused: RefusedMail) -> Fate:
        """Tell, write down that it was told, and only then let the mail be moved."""
        self._untold[key] = refused
        while len(self._untold) > _UNTOLD:
            self._untold.popitem(last=False)
        if self._on_refused is not None:
            await self._on_refused(refused)
        self._untold[key] = replace(refused, envelope=Envelope())  # told: only the record is missing
        await self._intake.record_refused(key, refused.letter)
        self._untold.pop(key, None)
        return Fate.REFUSED

    async def _key(self, mail: FetchedMail | OversizedMail) -> MailKey:
        stands_for = mail.content if isinstance(mail, FetchedMail) else b"%d octets\0" % mail.size + mail.header
        return MailKey(
            account=self._settings.source,
            uidvalidity=mail.uidvalidity,
            uid=mail.uid,
            sha256=await beside(len(stands_for), _digest, stands_for),
        )

    async def _received(self, letter: LetterId, envelope: Envelope, content: bytes, key: MailKey) -> ReceivedLetter:
        return ReceivedLetter(
            id=letter,
            door=Door.IMAP,
            source=self._settings.source,
            envelope=envelope,
            content=content,
            received_at=self._clock(),
            replay_key=await beside(len(content), _digest, self._settings.source.encode() + b"\0" + content),
            mail=key,
        )


def _digest(octets: bytes) -> bytes:
    return sha256(octets).digest()
