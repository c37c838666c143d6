"""Escalation as the settings want it."""

from __future__ import annotations

from datetime import timedelta

from config.settings import Settings
from gateway.delays.clock import StopsAt, policy_named
from gateway.delays.escalation import Ladder, Rung, Step
from gateway.delays.unproved import Clocks
from gateway.service.clock.escalating import Rules
from gateway.service.from_settings.policies import policies_of


def clocks_of(settings: Settings) -> Clocks:
    """Which clock runs for which letters, and what stops it."""
    wanted, delays = settings.escalation, settings.delays
    policies = policies_of(delays)
    stays = wanted.policy or ("8-days" if delays.policy == "lab-results" else delays.policy)
    return Clocks(
        stay=policy_named(stays, policies),
        result=policy_named("lab-results", policies),
        proof=StopsAt(wanted.proof or delays.stops_at),
    )


def rules_of(settings: Settings) -> Rules:
    """The ladder with its clocks."""
    wanted = settings.escalation
    return Rules(
        ladder=Ladder(
            rungs=tuple(Rung(step=Step(each.step), at=each.at) for each in wanted.steps),
            least=timedelta(hours=wanted.least_hours),
            pause=timedelta(hours=wanted.pause_hours),
        ),
        clocks=clocks_of(settings),
        body=timedelta(hours=settings.retention.body_hours),
    )
