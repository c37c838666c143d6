"""Earlier results of the same patient in the same letter, to stand beside the ones of today.

Only what is surely the same examination is compared: same label, code and unit, one value for it on that day, final,
and not withdrawn. Anything else is still in the letter, in the table of its own document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from gateway.compose.dispatch import PARIS
from gateway.compose.results import is_unfinished, is_withdrawn
from gateway.compose.text import one_line
from gateway.document import Document, Result

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """The results of one earlier day (Europe/Paris)."""

    day: date
    values: Mapping[Key, Result] = field(repr=False)

    @property
    def title(self) -> str:
        """``JJ/MM/AAAA``."""
        return self.day.strftime("%d/%m/%Y")

    @property
    def short(self) -> str:
        """``JJ/MM/AA``, for the narrow columns of a text."""
        return self.day.strftime("%d/%m/%y")


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The earlier days of one document's results, newest first; false when there are none."""

    days: tuple[Earlier, ...] = ()
    written: date | None = None

    def __bool__(self) -> bool:
        return bool(self.days)

    def newest(self, most: int) -> History:
        """With the ``most`` newest days only."""
        return History(days=self.days[:most], written=self.written)

    def of(self, result: Result) -> tuple[Result | None, ...]:
        """The same examination on each of the days, as far as the day is before the result's own."""
        if not self.days:
            return ()
        own = _day(result.observed_at) or self.written
        name = _key(result)
        return tuple(one.values.get(name) if own is not None and one.day < own else None for one in self.days)

    def latest(self, result: Result) -> tuple[Result, Earlier] | None:
        """The last value before this one, with its day."""
        found = zip(self.of(result), self.days, strict=True)
        return next(((value, one) for value, one in found if value is not None), None)


NOTHING = History()


def history(documents: Sequence[Document], document: Document, *, most: int) -> History:
    """What the letter holds of earlier days for the results of ``document``; at most ``most`` days."""
    if len(documents) == 1 and all(result.observed_at is None for result in document.results):
        return NOTHING  # nearly every letter
    written = _written(document)
    wanted = {_key(result) for result in document.results if result.value.strip()}
    found: dict[date, dict[Key, tuple[datetime, Result | None]]] = {}
    for moment, result in _results(documents, document):
        key, day = _key(result), moment.astimezone(PARIS).date()
        if key in wanted and (written is None or day < written):
            _put(found.setdefault(day, {}), key, moment, result)
    days = []
    for day in sorted(found, reverse=True)[:most]:
        values = {key: result for key, (_, result) in found[day].items() if result is not None}
        days += [Earlier(day=day, values=values)] if values else []
    return History(days=tuple(days), written=written)


def _results(documents: Sequence[Document], about: Document) -> Iterator[tuple[datetime, Result]]:
    for document in documents:
        if not _same_person(document, about):
            continue
        for result in document.results:
            moment = result.observed_at or document.written_at or document.validated_at
            if moment is not None and result.value.strip() and not (is_withdrawn(result) or is_unfinished(result)):
                yield moment, result


def _put(day: dict[Key, tuple[datetime, Result | None]], key: Key, moment: datetime, result: Result) -> None:
    """The last of a day counts; two different values of one moment are no value."""
    known = day.get(key)
    if known is None or known[0] < moment:
        day[key] = (moment, result)
    elif known[0] == moment and known[1] is not None and known[1].value != result.value:
        day[key] = (moment, None)


def _key(result: Result) -> Key:
    return one_line(result.label).casefold(), result.code.strip(), one_line(result.unit).casefold()


def _written(document: Document) -> date | None:
    times = [result.observed_at for result in document.results if result.observed_at is not None]
    return _day(max(times, default=None) or document.written_at or document.validated_at)


def _day(moment: datetime | None) -> date | None:
    return moment.astimezone(PARIS).date() if moment else None


def _same_person(one: Document, other: Document) -> bool:
    if one is other:
        return True
    if one.patient is None or other.patient is None:
        return False
    traits = [(who.family.casefold(), who.given.casefold(), who.birth_date) for who in (one.patient, other.patient)]
    return traits[0] == traits[1]
