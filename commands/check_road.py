"""Whom a file would go to: the gateway's own station 4, asked with this installation's directory; nothing leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.utils import getaddresses
from typing import Any

import directory as book
from commands.output import say
from config.settings import Settings
from gateway.document import Reading
from gateway.errors import HuitaineError
from gateway.identifiers import new_letter_id
from gateway.letter import (
    Addressed,
    Door,
    Envelope,
    Held,
    KeptLetter,
    ParsedLetter,
    ReceivedLetter,
    Recipient,
    protection_name,
)
from gateway.moments import utc_now
from gateway.parsers.split import split_by_patient
from gateway.service.road.addressing import addressing_desk
from gateway.service.road.explaining import explain

Json = dict[str, Any]  # Any: JSON
_MOST_OF_A_HEADER = 20
_HEAD = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Wished:
    """What the command line says of the envelope that would be around the file."""

    to: tuple[str, ...] = ()
    source: str | None = None


def whither(reading: Reading, content: bytes, settings: Settings, wished: Wished) -> Json:
    """The ``addressing`` of the JSON: who would get it, who would wait and why; or why that is not known."""
    now = utc_now()
    recipients, origin = _recipients(reading, content, settings, wished)
    source = wished.source or settings.folder.source
    received = ReceivedLetter(
        id=new_letter_id(),
        door=Door.FOLDER,
        source=source,
        envelope=Envelope(recipients=tuple(Recipient(address=one) for one in recipients)),
        content=b"",
        received_at=now,
    )
    parts = _parts(reading, KeptLetter(received=received))
    try:
        here = book.Directory.open(settings.gateway.data, settings.directory.database)
        try:
            known = here.status()
            desk = addressing_desk(settings, here, lambda: now)
            letters = [_letter(one, reading, desk.address(one).outcomes) for one in parts]
        finally:
            here.close()
    except (book.DirectoryError, HuitaineError) as trouble:
        return {"asked": False, "why_not": "directory-unreadable", "words": str(trouble), "letters": []}
    newest = max((file.published_at or file.imported_at for file in known.files), default=None)
    return {
        "asked": True,
        "why_not": None,
        "source": source,
        "recipients": list(recipients),
        "recipients_from": origin,
        "directory": {"mailboxes": known.mailboxes, "as_of": newest.isoformat() if newest else None},
        "letters": letters,
    }


def _recipients(reading: Reading, content: bytes, settings: Settings, wished: Wished) -> tuple[tuple[str, ...], str]:
    """As ``huitaine send`` does: ``--to``, else whom the document names; a mail's header stands for its envelope."""
    if wished.to:
        return wished.to, "command-line"
    if reading.format == "mime" and (named := _of_header(content)):
        return named, "header"
    return (f"auto@{settings.gateway.domain}",), "document"


def _of_header(content: bytes) -> tuple[str, ...]:
    head = content[:_HEAD].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    try:
        mail = message_from_bytes(head)
        fields = [str(value) for name in ("to", "cc") for value in mail.get_all(name, [])]
        addresses = [address for _, address in getaddresses(fields) if "@" in address]
    except (MessageError, ValueError, IndexError, RecursionError):  # the library's traps over a hostile header
        return ()
    return tuple(dict.fromkeys(addresses))[:_MOST_OF_A_HEADER]


def _parts(reading: Reading, kept: KeptLetter) -> Sequence[ParsedLetter]:
    """One letter per patient, as the journey makes them."""
    if reading.already_sealed:
        return [ParsedLetter(id=kept.id, kept=kept, format=reading.variant, documents=(), already_sealed=True)]
    return [
        ParsedLetter(id=kept.id, kept=kept, format=reading.format, documents=group, findings=reading.findings)
        for group in split_by_patient(reading)
    ]


def _letter(parsed: ParsedLetter, reading: Reading, outcomes: Sequence[Addressed | Held]) -> Json:
    """``documents`` are the numbers of those it takes along, counted from 1 in the order of the file."""
    taken = [
        number for number, one in enumerate(reading.documents, start=1) if any(one is each for each in parsed.documents)
    ]
    return {"documents": taken, "outcomes": [_outcome(one) for one in outcomes]}


def _outcome(outcome: Addressed | Held) -> Json:
    sent = isinstance(outcome, Addressed)
    decided = (
        outcome.reasons[-1] if isinstance(outcome, Addressed) and outcome.reasons else getattr(outcome, "reason", None)
    )
    return {
        "state": "addressed" if sent else "held",
        "role": str(outcome.addressee.role),
        "rpps": outcome.addressee.rpps,
        "mailbox": outcome.mailbox if isinstance(outcome, Addressed) else outcome.addressee.mailbox,
        "protection": protection_name(outcome.protection) if isinstance(outcome, Addressed) else None,
        "reason": decided.code if decided else None,
        "reasons": [{"code": one.code, "words": _words(one.code, one.words)} for one in outcome.reasons],
    }


def _words(code: str, words: str) -> str:
    told = explain(code, words)
    return say(told.english, told.french) or words
