"""The clocks as the settings want them."""

from __future__ import annotations

from dataclasses import replace

from config.sections import DelayLimit, Delays
from gateway.delays.clock import POLICIES, Limit, Policy, StopsAt
from gateway.delays.working import WorkingDays


def policies_of(settings: Delays) -> tuple[Policy, ...]:
    """Every named policy under ``[delays]``: its calendar, its own limits, what stops it."""
    return tuple(_policy(policy, settings) for policy in POLICIES)


def _policy(policy: Policy, settings: Delays) -> Policy:
    mine = tuple(_limit(limit) for limit in settings.limits if limit.policy == policy.name)
    common = replace(
        policy,
        limits=mine,
        stops_at=StopsAt(settings.stops_at),
        partial_counts=settings.partial_counts,
    )
    if policy.working is not None:
        common = replace(common, working=WorkingDays(region=settings.region, closes_at=settings.closes_at))
    return common if policy.hours is None else replace(common, hours=settings.lab_hours)


def _limit(limit: DelayLimit) -> Limit:
    return Limit(
        hospital=limit.hospital,
        unit=limit.unit,
        kind=limit.kind,
        urgent=limit.urgent,
        days=limit.days,
        hours=limit.hours,
    )
