"""A signed checkpoint goes by mail to somebody outside, once a day: what he holds nobody here can write anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Protocol

from sqlalchemy import select

from gateway import journal
from gateway.identifiers import DeliveryId, LetterId, new_delivery_id
from gateway.journal_note import Checkpoint
from gateway.letter import Done, SealedMail
from gateway.queue.afterwards import Noting
from gateway.queue.entries import ENTRY
from gateway.queue.store import Store

_WORDS = """Gardez ce courriel. La pièce jointe est un point de contrôle signé du journal de la passerelle de lettres :
qui la garde peut prouver plus tard que rien de ce qui précède n'a été changé. Elle ne nomme personne.
Le vérifier : docs/evidence.md, `huitaine audit consistency`, tools/verify_proof.py.

Keep this mail. The attachment is a signed checkpoint of the letter gateway's journal: whoever keeps it can prove later
that nothing before it was changed. It names nobody. How to check it: as above.

{origin}
{size} lignes / lines
{key}
"""


class HandsOver(Protocol):
    """The courier, as far as it is needed here."""

    async def deliver(self, mail: SealedMail, *, notify: tuple[str, ...] = ()) -> Done:
        """On return the next hop has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Who keeps checkpoints for us: ``to`` gets one each time that ``every`` has passed."""

    to: str = field(repr=False)
    domain: str
    every: timedelta


class CheckpointMail:
    """Knows from the journal when it sent the last one; what cannot be handed over is sent in a later round."""

    def __init__(self, store: Store, courier: HandsOver, outside: Outside, *, clock: Callable[[], datetime]) -> None:
        """Nothing is sent yet."""
        self._store, self._courier, self._outside, self._clock = store, courier, outside, clock
        self._last: datetime | None = None
        self._is_known = False

    async def send(self, note: str, signed: Checkpoint, key: str) -> bool:
        """Send it if it is time; whether it was sent. Raises what the courier raises: then nothing is journaled."""
        now = self._clock()
        if not self._is_known:
            self._last, self._is_known = await asyncio.to_thread(self._last_sent), True
        if self._last is not None and self._last <= now < self._last + self._outside.every:
            return False
        await self._courier.deliver(self._mail(note, signed, key, now), notify=("NEVER",))
        await self._store.note(Noting(events=(journal.checkpoint_mailed(now, size=signed.size),)))
        self._last = now
        return True

    def _last_sent(self) -> datetime | None:
        mine = select(ENTRY.c.at).where(ENTRY.c.kind == journal.CHECKPOINT_MAILED).order_by(ENTRY.c.seq.desc()).limit(1)
        with self._store.reading() as connection:
            found: datetime | None = connection.execute(mine).scalar()
        return found

    def _mail(self, note: str, signed: Checkpoint, key: str, now: datetime) -> SealedMail:
        name, sender = new_delivery_id(), f"postmaster@{self._outside.domain}"
        mail = EmailMessage(policy=policy.SMTP.clone(cte_type="7bit"))
        mail["Date"], mail["From"], mail["To"] = format_datetime(now), sender, self._outside.to
        mail["Subject"] = f"Journal {signed.origin}: {signed.size}"
        mail["Message-ID"] = f"<{name}@{self._outside.domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(_WORDS.format(origin=signed.origin, size=signed.size, key=key))
        # octet by octet: a line end that a mail system changes would break the signature
        mail.add_attachment(
            note.encode(), maintype="application", subtype="octet-stream", filename=f"{signed.size:012d}.checkpoint"
        )
        return SealedMail(
            letter=LetterId(""),
            delivery=DeliveryId(name),
            message_id=f"<{name}@{self._outside.domain}>",
            sender="",
            mailbox=self._outside.to,
            content=mail.as_bytes(),
            protected_by="headers-only",
            sealed_at=now,
        )
