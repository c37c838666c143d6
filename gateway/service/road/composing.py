"""Station 5 for the event loop: what takes long, a page to print (some 30 ms) or much content, is done in a thread."""

from __future__ import annotations

import asyncio
from functools import partial

from gateway.beside import beside
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
        return await (asyncio.to_thread(work) if needs_a_page(letter, addressed) else beside(size_of(letter), work))


def size_of(letter: AddressedLetter) -> int:
    """Octets that go into its mail, or more."""
    documents = letter.parsed.documents
    attached = sum(len(attachment.content) for document in documents for attachment in document.attachments)
    return attached + sum(len(document.original.content) for document in documents)


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
