"""The section ``[escalation]``; what each key means stands in ``huitaine.toml``."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from config.sections import RppsNumber, Section


class EscalationStep(Section):
    """What is done for a letter without a proof, and when: 0 as it comes, 1 at its deadline."""

    step: Literal["remind", "other-box", "organisation", "substitute", "phone", "paper"]
    at: Annotated[float, Field(ge=0, le=10)]


class Escalation(Section):
    """When somebody is told that a letter does not leave, and what is done before its deadline."""

    warn_sender_minutes: float = 60.0
    alert_operator_minutes: float = 15.0
    policy: Literal["", "8-days", "same-day", "same-working-day"] = ""
    proof: Literal["", "sent", "delivered", "read", "integrated"] = ""
    least_hours: Annotated[float, Field(ge=0)] = 24.0
    pause_hours: Annotated[float, Field(ge=0)] = 4.0
    steps: tuple[EscalationStep, ...] = (
        EscalationStep(step="remind", at=0.25),
        EscalationStep(step="other-box", at=0.4),
        EscalationStep(step="organisation", at=0.5),
        EscalationStep(step="substitute", at=0.6),
        EscalationStep(step="phone", at=0.7),
        EscalationStep(step="paper", at=0.8),
    )
    phones: dict[RppsNumber, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_after_the_other(self) -> Self:
        """Each step once, none before the one above it."""
        names, times = [each.step for each in self.steps], [each.at for each in self.steps]
        if len(set(names)) < len(names) or times != sorted(times):
            raise ValueError("steps: each step at most once, in the order of their times")
        return self
