"""The delay report: every stay of the period judged and counted, group by group."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from sqlalchemy import Connection, func, select

from gateway.delays.clock import Policy, Subject, legal_day
from gateway.delays.figures import FEW, By, DelayReport
from gateway.delays.grouping import grouped, only_in_total, together, without_few
from gateway.delays.measure import Measured, Question, measured
from gateway.delays.query import Cohort, undated
from gateway.delays.tables import timing

_TOTAL = "total"


def report(
    connection: Connection,
    *,
    policy: Policy,
    start: date | None = None,
    end: date | None = None,
    by: By = By.SERVICE,
    now: datetime,
) -> DelayReport:
    """How long letters took for stays discharged in the period; a stay counts once, by the letter that answers for it.

    The same tables and the same ``now`` give the same report. Reads only.
    """
    question = Question(policy=policy, by=by, start=start, end=end, now=now)
    return answer(connection, question, measured(connection, question))


def answer(connection: Connection, question: Question, cohorts: Mapping[Cohort, Measured]) -> DelayReport:
    """The report out of what was measured."""
    policy, groups = question.policy, grouped(cohorts, question.by)
    total, least = together(groups.values()), FEW if question.shared else 1
    shown = without_few(groups) if question.shared else groups
    rows = [shown[name].row(name, least=least) for name in sorted(shown)]
    is_of_stays = policy.subject is Subject.STAY
    return DelayReport(
        policy=policy.name,
        source=policy.source,
        start=question.start or _first_day(connection, policy),
        end=question.end or legal_day(question.now),
        generated_at=question.now,
        by=question.by,
        rows=tuple(map(only_in_total, rows) if question.shared else rows),
        total=total.row(_TOTAL, least=least),
        is_told=total.size >= least or not total.size,
        shared=question.shared,
        undated_letters=undated(connection, question.start, question.end) if is_of_stays else 0,
    )


def _first_day(connection: Connection, policy: Policy) -> date | None:
    mine = timing.c.subject == policy.subject.value
    first = connection.execute(select(func.min(timing.c.started_day)).where(mine)).scalar_one()
    return date.fromordinal(first) if first else None
