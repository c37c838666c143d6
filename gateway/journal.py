"""One function, one journal entry, per event of a letter's life; grep a letter's id and read its life.

Each function gives an :class:`Event`: the store writes it in the same transaction as what it tells, then
:func:`log` prints it. Ids and codes only: no name, subject, address of a patient or content.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from gateway.identifiers import DeliveryId, LetterId

ENTRIES_ERASED = "entries-erased"
FIGURES = frozenset(
    {"sealed", "accepted", "clock-movement", "clock-letter", "clock-leg", "clock-again", "clock-posted"}
)
"""What figures are drawn from: ids, codes, pseudonyms and times; they outlive whom they were about, as tables do."""
_RANGE = re.compile(r"([0-9]{1,18})(?:-([0-9]{1,18}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a letter, or to one delivery of it."""

    at: datetime
    kind: str
    letter: LetterId | None = None
    delivery: DeliveryId | None = None
    code: str = ""
    words: str = ""
    actor: str = "huitaine"


def log(event: Event) -> None:
    """Print the event, letter id first; single steps of a decision are in the database's journal only."""
    if event.kind == "decided":
        return
    structlog.get_logger().info(
        event.kind,
        letter_id=event.letter,
        delivery_id=event.delivery,
        code=event.code or None,
        words=event.words or None,
    )


def warn(event: Event) -> None:
    """As :func:`log`, for what a person should look at."""
    structlog.get_logger().warning(
        event.kind, letter_id=event.letter, delivery_id=event.delivery, code=event.code, words=event.words
    )


def kept(at: datetime, letter: LetterId, *, door: str, source: str, size: int, sha256: str = "") -> Event:
    """The letter is on disk: from here on it is ours. ``sha256`` ties a proof of this line to what was handed in."""
    digest = f", SHA-256 {sha256}" if sha256 else ""
    return Event(at=at, kind="kept", letter=letter, code=door, words=f"source {source}, {size} bytes{digest}")


def kept_again(at: datetime, letter: LetterId, *, door: str) -> Event:
    """The same letter was handed in again; nothing is sent twice."""
    return Event(at=at, kind="kept-again", letter=letter, code=door)


def withdrawn(at: datetime, letter: LetterId) -> Event:
    """The client was gone before our yes: it will come again."""
    return Event(at=at, kind="withdrawn", letter=letter)


def read(at: datetime, letter: LetterId, *, form: str, loinc: str | None) -> Event:
    """The letter was understood."""
    return Event(at=at, kind="read", letter=letter, code=form, words=f"kind {loinc or 'not stated'}")


def read_again(at: datetime, letter: LetterId) -> Event:
    """What could not be read when it came can be now: its addressees are looked for anew."""
    return Event(at=at, kind="read-again", letter=letter)


def split(at: datetime, letter: LetterId, *, parts: int) -> Event:
    """A file about several patients became one letter for each."""
    return Event(at=at, kind="split", letter=letter, code=str(parts))


def refused(at: datetime, letter: LetterId, *, code: str, place: str) -> Event:
    """The letter cannot be taken; its sender is told."""
    return Event(at=at, kind="refused", letter=letter, code=code, words=place)


def replaced(at: datetime, letter: LetterId, delivery: DeliveryId, *, code: str) -> Event:
    """It was held and never tried when its sender was told to correct the letter: the corrected one takes its place."""
    return Event(at=at, kind="replaced", letter=letter, delivery=delivery, code=code)


def moved(at: datetime, letter: LetterId, *, trigger: str, effect: str) -> Event:
    """An ADT message changed a stay."""
    return Event(at=at, kind="movement", letter=letter, code=trigger, words=effect)


def decided(at: datetime, letter: LetterId, delivery: DeliveryId, *, code: str, words: str) -> Event:
    """One step of the choice of mailbox, protection or form."""
    return Event(at=at, kind="decided", letter=letter, delivery=delivery, code=code, words=words)


def held(at: datetime, letter: LetterId, delivery: DeliveryId, *, code: str, words: str) -> Event:
    """This addressee cannot be written to now."""
    return Event(at=at, kind="held", letter=letter, delivery=delivery, code=code, words=words)


def key_refused(at: datetime, letter: LetterId, delivery: DeliveryId, *, code: str) -> Event:
    """A key of the addressee's was passed over for another one."""
    return Event(at=at, kind="key-refused", letter=letter, delivery=delivery, code=code)


def key_of_organisation(at: datetime, letter: LetterId, delivery: DeliveryId) -> Event:
    """It was encrypted with the certificate of the addressee's whole organisation, as the settings allow."""
    return Event(at=at, kind="key-of-organisation", letter=letter, delivery=delivery)


def key_sought(at: datetime, letter: LetterId, *, code: str, words: str) -> Event:
    """An addressee's own domain was asked for his key, because nobody here has one; ``code`` is what it answered."""
    return Event(at=at, kind="key-sought", letter=letter, code=code, words=words)


def sealed(at: datetime, letter: LetterId, delivery: DeliveryId, *, protection: str, losses: str = "") -> Event:
    """Signed, then encrypted; ``losses``: codes of what a form in it has no place for, as the mail itself says."""
    return Event(at=at, kind="sealed", letter=letter, delivery=delivery, code=protection, words=losses)


def accepted(at: datetime, letter: LetterId, delivery: DeliveryId, *, code: str) -> Event:
    """The next hop said 250."""
    return Event(at=at, kind="accepted", letter=letter, delivery=delivery, code=code)


AGAIN = "; again "
"""Between why a delivery waits and when it is tried again."""


def deferred(
    at: datetime, letter: LetterId, delivery: DeliveryId, *, status: str, again: datetime, why: str = ""
) -> Event:
    """Not now; it will be tried again. ``why`` are an error's words, which name nobody."""
    words = f"{why}{AGAIN}{again:%FT%TZ}" if why else f"again {again:%FT%TZ}"
    return Event(at=at, kind="deferred", letter=letter, delivery=delivery, code=status, words=words)


def ambiguous(at: datetime, letter: LetterId, delivery: DeliveryId | None, *, code: str = "") -> Event:
    """The connection or we died after the dot: the next hop may hold a copy, and another will be sent."""
    return Event(at=at, kind="ambiguous", letter=letter, delivery=delivery, code=code)


def freed(at: datetime, letter: LetterId, delivery: DeliveryId, *, code: str, phase: str) -> Event:
    """Whoever worked on it is gone, and had not come to the final dot: nobody can hold a copy."""
    return Event(at=at, kind="lease-freed", letter=letter, delivery=delivery, code=code, words=f"phase {phase}")


def lease_lost(at: datetime, letter: LetterId, delivery: DeliveryId, *, epoch: int) -> Event:
    """An attempt ended after somebody else had taken the delivery over: what it says is not believed."""
    return Event(at=at, kind="lease-lost", letter=letter, delivery=delivery, code=str(epoch))


def reminded(at: datetime, letter: LetterId, delivery: DeliveryId, *, code: str, since: datetime) -> Event:
    """It is held for days: its sender is told again, and a person should look."""
    return Event(at=at, kind="held-still", letter=letter, delivery=delivery, code=code, words=f"since {since:%FT%TZ}")


def failed(at: datetime, letter: LetterId, delivery: DeliveryId, *, status: str, expired: bool) -> Event:
    """Given up; the sender gets a DSN."""
    return Event(at=at, kind="expired" if expired else "failed", letter=letter, delivery=delivery, code=status)


def reported(at: datetime, letter: LetterId, *, code: str) -> Event:
    """The sender was told: a DSN is on its way to it."""
    return Event(at=at, kind="reported", letter=letter, code=code)


def answer_owed(at: datetime, letter: LetterId, delivery: DeliveryId, *, code: str, words: str) -> Event:
    """Something was proved that the hospital's software is to hear: ``code`` is the way and what happened."""
    return Event(at=at, kind="answer-owed", letter=letter, delivery=delivery, code=code, words=words)


def answered(at: datetime, letter: LetterId, delivery: DeliveryId, *, code: str, words: str, is_taken: bool) -> Event:
    """The hospital's software took an answer, or refused it for good; ``words`` are its code and the answer's id."""
    kind = "answered" if is_taken else "answer-refused"
    return Event(at=at, kind=kind, letter=letter, delivery=delivery, code=code, words=words)


def untold(at: datetime, letter: LetterId, *, code: str) -> Event:
    """Its row is damaged and names nobody any more: nobody can be told, a person has to find out who sent it."""
    return Event(at=at, kind="untold", letter=letter, code=code)


def proved(at: datetime, letter: LetterId, delivery: DeliveryId, *, receipt: str, effect: str) -> Event:
    """A receipt was matched; ``effect`` says what it changed."""
    return Event(at=at, kind="receipt", letter=letter, delivery=delivery, code=receipt, words=effect)


def unmatched(at: datetime, *, receipt: str) -> Event:
    """A receipt speaks of nothing we sent."""
    return Event(at=at, kind="receipt-unmatched", code=receipt)


def acted(at: datetime, letter: LetterId, delivery: DeliveryId | None, *, act: str, why: str, actor: str) -> Event:
    """A named person released, cancelled or resent."""
    return Event(at=at, kind=act, letter=letter, delivery=delivery, words=why, actor=actor)


def escalated(at: datetime, letter: LetterId, delivery: str, *, step: str, code: str) -> Event:
    """No proof came so far, and this was done about it, or could not be; ``delivery`` is the one it is about."""
    return Event(at=at, kind="escalation", letter=letter, delivery=DeliveryId(delivery), code=step, words=code)


def tasked(at: datetime, letter: LetterId, *, task: str, state: str, words: str = "", actor: str = "huitaine") -> Event:
    """A piece of work for a person (to call, to print and post) came to this state."""
    return Event(at=at, kind="task", letter=letter, code=f"{state} {task}", words=words, actor=actor)


def alerted(at: datetime, *, cause: str, letters: int, is_over: bool) -> Event:
    """Letters wait for one cause, or none does any more."""
    return Event(at=at, kind="alert-over" if is_over else "alert", code=cause, words=f"{letters} letters")


def erased(at: datetime, letter: LetterId) -> Event:
    """The letter's own key was destroyed."""
    return Event(at=at, kind="erased", letter=letter)


def entries_erased(at: datetime, numbers: Sequence[int]) -> Event:
    """The words and salts of these entries of the journal are gone; their hashes stay where they are."""
    return Event(at=at, kind=ENTRIES_ERASED, code=str(len(numbers)), words=_as_ranges(sorted(numbers)))


def numbers_in(words: str) -> list[tuple[int, int]]:
    """The entries that :func:`entries_erased` names, as first and last of each run; nonsense names none."""
    return [(int(found[1]), int(found[2] or found[1])) for found in _RANGE.finditer(words)]


def _as_ranges(numbers: Sequence[int]) -> str:
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


CHECKPOINT_MAILED = "checkpoint-mailed"


def checkpoint_mailed(at: datetime, *, size: int) -> Event:
    """The next hop took a checkpoint over so many lines, on its way to whoever keeps them for us outside."""
    return Event(at=at, kind=CHECKPOINT_MAILED, code=str(size))


def documents_listed(at: datetime, letter: LetterId | None, *, actor: str) -> Event:
    """A person asked what was sent about one patient, and this letter was among it; none was, when there is none."""
    return Event(at=at, kind="documents-listed", letter=letter, code="" if letter else "none", actor=actor)


def identities_shown(at: datetime, letter: LetterId | None, *, actor: str, stays: int = 0) -> Event:
    """A person asked the command line for names: of a letter, or of so many stays whose letter is missing."""
    words = f"{stays} stays" if stays else ""
    return Event(at=at, kind="identities-shown", letter=letter, words=words, actor=actor)


def key_turned(at: datetime, *, what: str, name: str) -> Event:
    """The master key, or a tenant's, gave way to a new one."""
    return Event(at=at, kind="key-turned", code=what, words=f"tenant {name}" if name else "")


def key_destroyed(at: datetime, *, key: str, name: str) -> Event:
    """Nothing that this tenant's key wrapped opens any more, wherever a copy of it is."""
    return Event(at=at, kind="key-destroyed", code=key, words=f"tenant {name}" if name else "")


def restored(at: datetime, *, words: str) -> Event:
    """A backup was put in place of what was lost; nothing leaves before a person says so."""
    return Event(at=at, kind="restored", words=words)


def queue_released(at: datetime, *, actor: str) -> Event:
    """A named person let a queue on hold go."""
    return Event(at=at, kind="queue-released", actor=actor)


def opposed(at: datetime, *, is_withdrawn: bool, actor: str) -> Event:
    """A named person recorded that a patient opposes the sending, or no longer does; the clock's line says whose."""
    return Event(at=at, kind="opposition-withdrawn" if is_withdrawn else "opposition", actor=actor)


def opposed_no_more(at: datetime, letter: LetterId, delivery: DeliveryId) -> Event:
    """What was held because the patient opposed the sending goes on: the patient does not any more."""
    return Event(at=at, kind="opposition-withdrawn", letter=letter, delivery=delivery)
