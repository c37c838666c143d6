"""Which alarms are on: told once when one opens and once when it is over, so neither floods nor silence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import structlog

from gateway.service.alarms.codes import MEANING


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One figure beside its limit; ``which`` names a certificate, a status or a round, never a person."""

    code: str
    value: float
    limit: float
    least: bool = False
    """Whether the limit is the least that is well (days left, free disk) instead of the most."""
    which: str = ""

    @property
    def bad(self) -> bool:
        """Whether somebody should look."""
        return self.value < self.limit if self.least else self.value > self.limit


class Board:
    """The alarms as they stand after the last look."""

    def __init__(self) -> None:
        """All is well until the first look."""
        self._open: dict[str, Measure] = {}

    @property
    def open(self) -> Mapping[str, Measure]:
        """What is wrong now, by code."""
        return dict(self._open)

    def take(self, measures: Iterable[Measure]) -> None:
        """The newest figures: open what became bad, close what is well again; the first bad one of a code counts."""
        bad: dict[str, Measure] = {}
        for measure in measures:
            if measure.bad:
                bad.setdefault(measure.code, measure)
        for code, measure in bad.items():
            if code not in self._open:
                _opened(measure)
        for code in self._open.keys() - bad.keys():
            structlog.get_logger().info("alarm-over", code=code)
        self._open = bad


def _opened(measure: Measure) -> None:
    meaning = MEANING[measure.code]
    structlog.get_logger().warning(
        "alarm",
        code=measure.code,
        which=measure.which or None,
        value=round(measure.value, 3),
        limit=measure.limit,
        means=meaning.means,
        do=meaning.do,
    )
