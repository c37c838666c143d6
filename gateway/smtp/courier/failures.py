"""How a hand-over fails: the classes of ``gateway.errors``, each with the phase in which it happened."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from gateway.errors import HuitaineError, PeerDeferred, PeerRefused, PeerTimedOut, PeerUnreachable, TlsBelowFloor


class Below(StrEnum):
    """Why a session is below its floor, in words for people; none of them comes from the far side."""

    NO_TLS = "Next hop does not offer TLS"
    NOT_STARTED = "Next hop did not start TLS"
    BROKEN_OFF = "Next hop broke off the TLS handshake"
    TOO_OLD = "Next hop's TLS is too old"
    EXPIRED = "Next hop's certificate has expired"
    OTHER_NAME = "Next hop's certificate is for another name"
    UNKNOWN_AUTHORITY = "Next hop's certificate is of no authority we trust"
    OTHER_OPERATOR = "Next hop's certificate is another operator's"
    NO_TLSA = "Next hop's certificate is none that its domain published"
    NOT_PERMITTED = "No mail host of the domain is one that its MTA-STS policy permits"
    BROKEN = "Next hop's TLS is below what the policy asks for"


class Phase(StrEnum):
    """Where a session with the next hop stands (queue.md, phases of a lease)."""

    CONNECT = "connect"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    DOT = "dot"


class HandOverFailure(HuitaineError):
    """Any failure of a hand-over; always also a ``TransientFailure`` or a ``PermanentFailure``.

    ``ambiguous`` is true only when the final dot was written and no valid reply came: the next hop may hold the mail.
    ``code`` is the SMTP reply code when there was one; the reply's text is only in ``detail``, cut and escaped.
    """

    def __init__(
        self,
        detail: str,
        *,
        phase: Phase,
        code: int | None = None,
        status: str | None = None,
        ambiguous: bool = False,
        words: str | None = None,
    ) -> None:
        """See the class."""
        super().__init__(detail, status=status, words=words)
        self.phase = phase
        self.code = code
        self.ambiguous = ambiguous

    @property
    def is_an_answer(self) -> bool:
        """Whether there was a session in which the hop said, or its offers decided, what becomes of this letter."""
        return self.phase is not Phase.CONNECT and self.code != 421 and (self.permanent or self.code is not None)


class HopUnreachable(HandOverFailure, PeerUnreachable):
    """No connection, or it broke."""


class HopTimedOut(HandOverFailure, PeerTimedOut):
    """Silence longer than RFC 5321 §4.5.3.2 grants to the phase."""


class HopDeferred(HandOverFailure, PeerDeferred):
    """A 4xx reply, or bytes that are not SMTP."""


class HopBusy(HopDeferred):
    """No place became free at the destination in time (RFC 3463 X.4.5: congestion)."""

    status = "4.4.5"


class HopResting(HopDeferred):
    """The destination could not be reached a moment ago and is left in peace ``until``; no connection was made."""

    def __init__(self, detail: str, *, phase: Phase, status: str, until: datetime) -> None:
        """``status`` is the last failure's."""
        super().__init__(detail, phase=phase, status=status)
        self.until = until


class HopBelowFloor(HandOverFailure, TlsBelowFloor):
    """No TLS, a certificate that does not verify, or one that belongs to somebody else; nothing was sent."""

    def __init__(self, detail: str, *, why: Below) -> None:
        """Status 4.7.10 (encryption needed) when there was no handshake at all, else 4.7.5."""
        unsaid = why in {Below.NO_TLS, Below.NOT_STARTED}
        super().__init__(detail, phase=Phase.CONNECT, status="4.7.10" if unsaid else "4.7.5", words=why.value)


class HopRefused(HandOverFailure, PeerRefused):
    """A 5xx reply to MAIL, RCPT, DATA or the dot, or a mail that this hop can never take."""
