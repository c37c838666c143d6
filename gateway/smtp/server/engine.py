"""The one place that touches aiosmtpd's private attributes; each has a contract test (test_server_engine.py).

What we rely on, and why there is no public way:

========================  ========================================================================================
``_reader._buffer``       bytes behind the end of data go back to it; bytes behind STARTTLS are seen in it
``_smtp_methods``         an unknown verb gets our reply, not five chances; no table of methods for each connection
``_auth_require_tls``     implicit TLS would never offer AUTH (traps.md 3)
``_tls_protocol``         tells that STARTTLS was done
``_reset_timeout``        a timer of our own length, with ``_timeout_cb`` saying why before it closes
``_handle_client``        a connection over a limit is told so in place of the greeting
``_create_envelope``      an envelope with recipients that keep their DSN parameters
``_set_post_data_state``  forgets the transaction
``_original_transport``   the connection below STARTTLS, to end it at once
``command_size_limits``   one per connection: the library's is shared and grows at each EHLO (traps.md 7)
========================  ========================================================================================
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import cache

from aiosmtpd.smtp import SMTP
from aiosmtpd.smtp import Envelope as StockEnvelope

from gateway.letter import Recipient
from gateway.smtp.server.settings import SmtpListener, SmtpSource

COMMAND_LIMIT = 512
"""RFC 5321 §4.5.3.1.4, CRLF excepted."""

EXTENDED_LIMITS = {
    "AUTH": 12288,  # RFC 4954 §4
    "MAIL": COMMAND_LIMIT + 26 + 10 + 17 + 500 + 116,  # SIZE, SMTPUTF8, BODY, AUTH, RET and ENVID (RFC 3461 §4)
    "RCPT": COMMAND_LIMIT + 10 + 28 + 508,  # NOTIFY and ORCPT (RFC 3461 §4)
}

Verb = Callable[[str | None], Awaitable[None]]


class Transaction(StockEnvelope):
    """aiosmtpd's envelope with what RFC 3461 adds, kept per recipient and with its case."""

    def __init__(self) -> None:
        super().__init__()
        self.recipients: dict[str, Recipient] = {}
        self.ret: str | None = None
        self.envid: str | None = None


class _Verbs:
    """In place of aiosmtpd's table of bound methods, 2 KB for each connection; what is no verb goes to ``unknown``."""

    __slots__ = ("_session",)

    def __init__(self, session: Engine) -> None:
        self._session = session

    def get(self, key: str) -> Verb:
        known = f"smtp_{key}" if key in self._session.verbs() else "unknown_verb"
        verb: Verb = getattr(self._session, known)
        return verb


class Engine(SMTP):
    """aiosmtpd's session with names for what the door's concerns need of it."""

    line_length_limit = 1 << 16
    """Of the stream: DATA is read in chunks up to twice this; a command line that long closes the connection."""

    def __init__(self, hooks: object, listener: SmtpListener, *, hostname: str, max_size: int, idle: timedelta) -> None:
        self.command_size_limits = defaultdict(lambda: COMMAND_LIMIT)
        starttls = None if listener.implicit_tls else listener.tls
        super().__init__(
            hooks,
            data_size_limit=max_size,
            enable_SMTPUTF8=True,
            hostname=hostname,
            ident="ESMTP Huitaine",
            tls_context=starttls,
            require_starttls=starttls is not None,
            timeout=idle.total_seconds(),
            auth_required=True,
            loop=asyncio.get_running_loop(),
        )
        self.restore_command_limits()
        self._smtp_methods = _Verbs(self)  # type: ignore[assignment]  # of a dict, only ``get`` is used
        self.deaf = False

    @classmethod
    @cache
    def verbs(cls) -> frozenset[str]:
        """What we answer to, in capitals."""
        return frozenset(name.removeprefix("smtp_") for name in dir(cls) if name.startswith("smtp_"))

    def __dir__(self) -> list[str]:
        """Nothing: for each connection aiosmtpd looks at, and binds, everything that ``dir`` names."""
        return []

    async def unknown_verb(self, arg: str | None) -> None:
        """Called for a verb that RFC 5321 does not have."""
        raise NotImplementedError

    def _create_envelope(self) -> Transaction:
        return Transaction()

    @property
    def transaction(self) -> Transaction:
        """The mail transaction under way."""
        assert isinstance(self.envelope, Transaction)  # noqa: S101  for mypy; aiosmtpd makes it above
        return self.envelope

    @property
    def source(self) -> SmtpSource | None:
        """Who proved to be the client, if anybody did."""
        session = self.session
        return session.auth_data if session and session.authenticated else None

    def identify(self, source: SmtpSource) -> None:
        """The client is ``source`` from now on, until the next TLS handshake."""
        session = self.session
        assert session is not None  # noqa: S101  for mypy; aiosmtpd makes it with the connection
        session.authenticated = True
        session.auth_data = source  # type: ignore[assignment]  # aiosmtpd documents: anything

    def name_client(self, hostname: str) -> None:
        """What the client called itself in EHLO."""
        session = self.session
        assert session is not None  # noqa: S101  for mypy; aiosmtpd makes it with the connection
        session.host_name = hostname

    def forget_transaction(self) -> None:
        """As after RSET (RFC 5321 §4.1.1.5)."""
        self._set_post_data_state()  # type: ignore[no-untyped-call]  # aiosmtpd has no types there

    def restore_command_limits(self) -> None:
        """The limits of RFC 5321 and its extensions, after the library has added to them."""
        self.command_size_limits.clear()
        self.command_size_limits.update(EXTENDED_LIMITS)

    def offer_auth_if_encrypted(self, transport: asyncio.BaseTransport) -> None:
        """AUTH inside TLS however it began, and never outside (traps.md 3)."""
        self._auth_require_tls = transport.get_extra_info("sslcontext") is None

    @property
    def encrypted(self) -> bool:
        """Whether this connection is inside TLS."""
        return not self._auth_require_tls or self._tls_protocol is not None

    @property
    def _input(self) -> bytearray:
        buffer: bytearray = self._reader._buffer  # type: ignore[attr-defined]  # private to asyncio
        return buffer

    @property
    def unread(self) -> int:
        """How many bytes have come that no command has taken yet."""
        return len(self._input)

    def put_back(self, rest: bytes) -> None:
        """Commands pipelined behind the end of data (RFC 2920)."""
        self._input[:0] = rest

    def forget_input(self) -> None:
        """Nothing that came so far will be taken for a command."""
        self._input.clear()

    def time_out_after(self, seconds: float) -> None:
        """(Re)start the connection's one timer."""
        self._reset_timeout(max(0.001, seconds))

    @property
    def closing(self) -> bool:
        """Whether nothing can be written any more: asyncio's TLS transport would raise AttributeError."""
        transport = self.transport
        return not isinstance(transport, asyncio.WriteTransport) or transport.is_closing()

    def close_or_abort(self) -> None:
        """Close; at once when the client reads nothing, or the transport would wait for him for ever."""
        transport = self.transport
        if isinstance(transport, asyncio.WriteTransport):
            stuck = self.closing or transport.get_write_buffer_size() > 0
            transport.abort() if stuck else transport.close()

    def abort(self) -> None:
        """End the connection at once."""
        for transport in (self.transport, self._original_transport):
            if isinstance(transport, asyncio.WriteTransport):
                transport.abort()
