"""`huitaine` that looks for due steps often, and dies where it is told: what tests/faults/steps.py starts."""

from __future__ import annotations

import os

from gateway.service import running
from tests.faults import points
from tests.faults.points import Point

_TAKES, _MINDS = "gateway.service.clock.escalating:take_steps", "gateway.service.clock.escalating:mind"
_STATION = "gateway.service.clock.escalating:Escalating"


def _some(_arguments: tuple[object, ...], result: object) -> bool:
    """A round of the writer in which a step was taken."""
    return any(result)  # type: ignore[call-overload]  # a sequence of tuples of events


POINTS: dict[str, Point] = {
    "before-step": Point(at=_TAKES),
    "after-row": Point(at="gateway.service.clock.escalated:take", after=True, counts=points._given),
    "after-delivery": Point(at="gateway.service.clock.escalated:add", after=True),
    "after-task": Point(at="gateway.service.clock.escalated:give", after=True),
    "in-step": Point(at=_TAKES, after=True, counts=_some),
    "after-step": Point(at=f"{_STATION}._taken", after=True, counts=points._given),
    "before-alerts": Point(at=_MINDS),
    "in-alerts": Point(at=_MINDS, after=True),
    "after-alerts": Point(at=f"{_STATION}._mind", after=True),
}
"""Every instant at which a death could lose or double something of a step."""


def main() -> None:
    """`huitaine`, in a hurry."""
    import cli

    running.TIDY = 0.2
    order = os.environ.get(points.CRASH_AT, "")
    if order:
        points.POINTS.update(POINTS)
        points.arm(order)
    cli.main()


if __name__ == "__main__":
    main()
