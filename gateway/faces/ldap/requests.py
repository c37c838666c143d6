"""What a client asks, as values: requests, and filters whose truth has three values (RFC 4511 §4.5.1.7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum


class Code(IntEnum):
    """Result codes that we give (RFC 4511 appendix A)."""

    SUCCESS = 0
    PROTOCOL_ERROR = 2
    TIME_LIMIT_EXCEEDED = 3
    SIZE_LIMIT_EXCEEDED = 4
    AUTH_METHOD_NOT_SUPPORTED = 7
    ADMIN_LIMIT_EXCEEDED = 11
    UNAVAILABLE_CRITICAL_EXTENSION = 12
    CONFIDENTIALITY_REQUIRED = 13
    NO_SUCH_OBJECT = 32
    INVALID_DN_SYNTAX = 34
    INAPPROPRIATE_AUTHENTICATION = 48
    INVALID_CREDENTIALS = 49
    INSUFFICIENT_ACCESS_RIGHTS = 50
    BUSY = 51
    UNAVAILABLE = 52
    UNWILLING_TO_PERFORM = 53


@dataclass(frozen=True, slots=True)
class And:
    """All of them; of none, true (RFC 4526)."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One of them; of none, false (RFC 4526)."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary; of what is undefined, undefined."""

    part: Filter


@dataclass(frozen=True, slots=True)
class Equal:
    """A value is this one."""

    attribute: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Approx:
    """A value has words that begin like these, in any order: what approximate means here."""

    attribute: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Substrings:
    """A value holds these pieces in this order; ``initial`` and ``final`` are empty when not given."""

    attribute: str
    initial: str = field(repr=False, default="")
    inner: tuple[str, ...] = field(repr=False, default=())
    final: str = field(repr=False, default="")

    @property
    def pieces(self) -> tuple[str, ...]:
        """All that are not empty, in order."""
        return tuple(piece for piece in (self.initial, *self.inner, self.final) if piece)


@dataclass(frozen=True, slots=True)
class Present:
    """There is a value."""

    attribute: str


@dataclass(frozen=True, slots=True)
class Undefined:
    """What no attribute here has a rule for: order, extensible matches."""


Filter = And | Or | Not | Equal | Approx | Substrings | Present | Undefined


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """Who the client says it is; ``password`` is ``None`` for a SASL bind."""

    version: int
    name: str = field(repr=False)
    password: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageWanted:
    """RFC 2696: so many entries, from where the cookie leads."""

    size: int
    cookie: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """RFC 4511 §4.5.1; limits are 0 when the client sets none."""

    base: str = field(repr=False)
    scope: str
    """``base``, ``one`` or ``sub``."""
    filter: Filter
    attributes: tuple[str, ...] = ()
    size_limit: int = 0
    time_limit: int = 0
    types_only: bool = False
    page: PageWanted | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unbind:
    """Goodbye; it has no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandon:
    """No answer is wanted any more to that request; it has none itself."""

    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Extended:
    """An extended operation by its OID."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that would change or compare an entry; ``answer`` is the application tag of its answer."""

    answer: int


Operation = Bind | Search | Unbind | Abandon | Extended | Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One message; ``unknown_control`` is a critical one that we do not know."""

    id: int
    operation: Operation
    unknown_control: bool = False
