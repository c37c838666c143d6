"""Station 5 for the event loop: a letter whose page must be printed (some 30 ms) is composed in a thread."""

from __future__ import annotations

import asyncio
from functools import partial

from gateway.compose.composer import Composer
from gateway.identifiers import DeliveryId
from gateway.letter import Addressed, AddressedLetter, ComposedMail, Form

PDF = "application/pdf"


class ComposingDesk:
    """The composer, kept from stopping everybody else; most letters bring their PDF and are composed at once."""

    def __init__(self, composer: Composer) -> None:
        """The composer holds no state, so threads may share it."""
        self._composer = composer

    async def compose(
        self, letter: AddressedLetter, addressed: Addressed, *, delivery: DeliveryId, message_id: str
    ) -> ComposedMail:
        """As :meth:`Composer.compose`."""
        work = partial(self._composer.compose, letter, addressed, delivery=delivery, message_id=message_id)
        return await asyncio.to_thread(work) if needs_a_page(letter, addressed) else work()


def needs_a_page(letter: AddressedLetter, addressed: Addressed) -> bool:
    """Whether a document about a patient comes without a PDF and is wanted as one, or in an archive beside one."""
    if not addressed.forms & {Form.PDF, Form.XDM}:
        return False
    return any(
        document.patient is not None
        and document.original.format != "pdf"
        and not any(attachment.media_type.startswith(PDF) for attachment in document.attachments)
        for document in letter.parsed.documents
    )
