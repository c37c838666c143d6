"""A letter as pages for the post: read and addressed once more, so that what may not be sent is not printed either."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from config.settings import Settings
from directory import Directory
from gateway.admission import admission
from gateway.compose.dispatch import Dispatch
from gateway.compose.pdf import render
from gateway.compose.profile import ComposeProfile
from gateway.delays.paper import SIGNS, NotPrinted, Sheet, postal, print_ready
from gateway.document import Document
from gateway.errors import UnreadableDocument
from gateway.identifiers import DeliveryId, LetterId, part_of
from gateway.letter import Addressed, Addressee, Held, KeptLetter, Mode, MssTls, ParsedLetter
from gateway.parsers.children import Readers
from gateway.parsers.split import split_by_patient
from gateway.queue.bodies import Target
from gateway.queue.meant import outcome_for
from gateway.service.clock.escalating import NOT_FOR_HIM
from gateway.service.road.addressing import addressing_desk
from gateway.service.road.trouble import directory_trouble

PDF = "application/pdf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One task as paper: ``address`` as a person gave it, else the directory's only one."""

    task: str
    letter: LetterId
    target: Target = field(repr=False)
    kept: KeptLetter = field(repr=False)
    address: tuple[str, ...] = field(repr=False, default=())


async def printed(wanted: Wanted, settings: Settings, *, clock: Callable[[], datetime]) -> bytes:
    """The PDF, in memory only; raises NotPrinted with a code, UnreadableDocument, or a transient failure."""
    parsed = await _parsed(wanted, settings)
    book = Directory.open(settings.gateway.data, settings.directory.database)
    try:
        _refuse_forbidden(wanted, parsed, settings, book, clock)
        number = wanted.target.addressee.rpps
        address = postal(wanted.address or _known(number, book))
    finally:
        book.close()
    sheet = Sheet(
        code=wanted.task,
        hospital=settings.gateway.hospital,
        sender=settings.gateway.address,
        address=address,
        at=clock(),
        letter=wanted.letter,
    )
    return print_ready(sheet, list(_pages(parsed, wanted.target.addressee, settings, clock())))


async def _parsed(wanted: Wanted, settings: Settings) -> ParsedLetter:
    """In a child without rights, as ever."""
    received, readers = wanted.kept.received, Readers(children=1)
    await readers.start()
    try:
        reading = await readers.read(
            received.content, name=received.name, expect_mail=received.door in {"smtp", "imap"}
        )
    finally:
        await readers.close()
    reading = admission(Mode(settings.gateway.mode))(reading)
    if reading.already_sealed:
        raise NotPrinted("already-sealed")
    groups = split_by_patient(reading)
    whole = ParsedLetter(
        id=wanted.kept.id,
        kept=wanted.kept,
        format=reading.format,
        documents=reading.documents,
        findings=reading.findings,
    )
    for number, group in enumerate(groups, start=1):
        name = part_of(wanted.kept.id, number) if len(groups) > 1 else wanted.kept.id
        if name == wanted.letter and reading.accepted:
            return ParsedLetter(id=name, kept=whole.kept, format=whole.format, documents=group, findings=whole.findings)
    raise UnreadableDocument(reading.findings)


def _refuse_forbidden(
    wanted: Wanted, parsed: ParsedLetter, settings: Settings, book: Directory, clock: Callable[[], datetime]
) -> None:
    outcomes = addressing_desk(settings, book, clock).address(parsed).outcomes
    outcome = outcome_for(wanted.target, outcomes)
    forbidden = [each.reason.code for each in outcomes if isinstance(each, Held) and each.reason.code in NOT_FOR_HIM]
    if outcome is None or forbidden:
        raise NotPrinted(forbidden[0] if forbidden else "addressee-unclear")


def _known(number: str | None, book: Directory) -> tuple[str, ...]:
    """The one place where the directory says that he is; a person decides between several (``--address``)."""
    with directory_trouble():
        person = book.practitioner(number) if number else None
        boxes = book.by_rpps(number) if number else []
    at = [(one.organisation, one.street, one.postcode, one.city) for one in (person.offices if person else ())]
    at += [(one.organisation, one.street, one.postcode, one.city) for one in boxes]
    places = {(street, f"{code} {city}"): name for name, street, code, city in at if street and code and city}
    if person is None or len(places) != 1:
        raise NotPrinted("several-addresses" if places else "no-address")
    ((street, town), practice) = next(iter(places.items()))
    name = " ".join(filter(None, (person.civility, person.family, person.given)))
    return (*(line[:SIGNS] for line in (name, practice) if line), street, town)


def _pages(parsed: ParsedLetter, addressee: Addressee, settings: Settings, now: datetime) -> Iterator[bytes]:
    """Each document's own PDF; one is made of a document that has none."""
    for document in parsed.documents:
        own = _own(document)
        yield from own or [_made(parsed, document, addressee, settings, now)]


def _own(document: Document) -> Sequence[bytes]:
    if document.original.format == "pdf":
        return [document.original.content]
    return [one.content for one in document.attachments if one.media_type.startswith(PDF)]


def _made(parsed: ParsedLetter, document: Document, addressee: Addressee, settings: Settings, now: datetime) -> bytes:
    gateway, courier = settings.gateway, settings.courier
    sender = courier.sender or f"passerelle@{gateway.domain}"
    profile = ComposeProfile(
        sender=sender, sender_name=gateway.hospital, nil=courier.nil, hospital=gateway.hospital, oid=gateway.oid,
        structure_id=gateway.structure_id,
    )  # fmt: skip
    dispatch = Dispatch(
        parsed=parsed,
        addressed=Addressed(addressee=addressee, mailbox=sender, protection=MssTls()),
        profile=profile,
        delivery=DeliveryId(""),
        message_id="",
        now=now,
    )
    return render(dispatch, document).content
