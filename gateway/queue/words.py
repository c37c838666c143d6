"""What an attempt's error may say in the journal and in a delivery's row: codes and places, nobody's name or number."""

from __future__ import annotations

import re

from gateway.document import Severity
from gateway.errors import UnreadableDocument
from gateway.letter import Reason, Step

_LONG_NUMBER = re.compile(r"[0-9]{8,}[0-9AB]*")


def unnamed(detail: str, step: Step | None) -> str:
    """A server's words without the mailbox it speaks of and without long numbers: a patient's mailbox is his INS."""
    if step:
        detail = re.sub(re.escape(step.addressed.mailbox), "<addressee>", detail, flags=re.IGNORECASE)
    return _LONG_NUMBER.sub("<number>", detail)


def unreadable(error: UnreadableDocument) -> Reason:
    """What was accepted and cannot be read waits for a person, as it did when it came."""
    first = next(finding for finding in error.findings if finding.severity is Severity.ERROR)
    return Reason(code=first.code, words=f"{first.place}: {first.message}")
