"""What a reply that is no yes means for the letter: for ever, for now, or no answer at all; pure."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from gateway.smtp.courier.failures import (
    HandOverFailure,
    HopDeferred,
    HopRefused,
    HopTimedOut,
    HopUnreachable,
    Phase,
)
from gateway.smtp.courier.replies import NotSmtp, Reply

ABOUT_US = {530: "4.7.0", 534: "4.7.9", 535: "4.7.8", 538: "4.7.11"}
"""TLS or a login is missing (RFC 3207 §4, RFC 4954 §6): our settings are at fault, the letter may still leave."""
_BARE = {(552, Phase.MAIL): "5.3.4", (552, Phase.DOT): "5.3.4", (452, Phase.RCPT): "4.5.3"}
"""What codes mean that come without an enhanced status (RFC 5321 §4.2.3)."""


def failure_of(reply: Reply, phase: Phase) -> HandOverFailure:
    """5xx is for ever, 4xx is for now, anything else is not an answer to what was asked.

    After the dot, something that is no answer leaves open whether the hop holds the mail.
    """
    if reply.code in ABOUT_US:
        return _deferred(reply, phase, ABOUT_US[reply.code])
    if _is_too_many(reply, phase):
        return _deferred(reply, phase, "4.5.3")
    status = _BARE.get((reply.code, phase), reply.status) if reply.status.endswith(".0.0") else reply.status
    match reply.kind:
        case 5:
            return HopRefused(reply.shown, phase=phase, code=reply.code, status=status)
        case 4:
            return _deferred(reply, phase, status)
    return HopDeferred(reply.shown, phase=phase, status="4.5.0", ambiguous=phase is Phase.DOT)


def _is_too_many(reply: Reply, phase: Phase) -> bool:
    """RFC 5321 §4.5.3.1.10: 552 to RCPT, from old servers, is a 452; with any status of its own it is what it says."""
    return reply.code == 552 and phase is Phase.RCPT and reply.status in {"5.0.0", "5.5.3"}


def _deferred(reply: Reply, phase: Phase, status: str) -> HopDeferred:
    return HopDeferred(reply.shown, phase=phase, code=reply.code, status=status)


@contextlib.contextmanager
def told_with_phase(phase: Callable[[], Phase]) -> Iterator[None]:
    """Turns what a socket or a stranger can do into the failure that says how far it came: ``phase()`` at that moment.

    Once the dot was written, no valid answer to it means that nobody knows.
    """
    try:
        yield
    except HandOverFailure:
        raise
    except TimeoutError as error:
        raise HopTimedOut("silence", phase=phase(), ambiguous=phase() is Phase.DOT) from error
    except NotSmtp as error:
        raise HopDeferred(str(error), phase=phase(), ambiguous=phase() is Phase.DOT) from error
    except OSError as error:
        raise HopUnreachable(str(error), phase=phase(), ambiguous=phase() is Phase.DOT) from error
