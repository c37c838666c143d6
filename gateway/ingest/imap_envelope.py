"""Whose a mail in a watched mailbox is, and whom it is for, pure; whatever is unclear is refused, never guessed."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.errors import PermanentFailure, SenderNotAllowed
from gateway.imap.headers import BadHeader, addresses, read_headers
from gateway.letter import Recipient


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


class AddressUnclear(PermanentFailure):
    """Whom the mail is for cannot be read from its headers."""

    status, words = "5.1.3", "The addressees of this mail cannot be read"


class AutomaticMail(PermanentFailure):
    """A report or an automatic answer: passing it on is how mail loops begin."""

    status, words = "5.7.1", "Automatic mail is not passed on"


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
