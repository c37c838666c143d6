"""What taking a mail apart gives, before anything is believed of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from gateway.crypto.header_fields import addresses, is_structural, raw_fields, unfolded
from gateway.crypto.header_protection import ProtectedHeaders
from gateway.crypto.mime import Entity
from gateway.crypto.opened import Headers, Layer

_READ_BY_PEOPLE = {"from", "sender", "to", "cc", "reply-to", "date", "subject"}
Fields = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One layer that was taken off, and the addresses that its signer's certificate stands for."""

    layer: Layer
    signers: tuple[str, ...] = field(repr=False, default=())
    domains: tuple[str, ...] = field(repr=False, default=())
    """Instead of addresses: those of the organisation whose certificate it is (CR-16)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A header that somebody could be shown, and how many layers lie around it."""

    depth: int
    fields: Fields = field(repr=False)

    def sender(self) -> str:
        """The one address of the one From field, or nothing."""
        stated = [unfolded(raw) for name, raw in self.fields if name == "from"]
        found = addresses(stated[0]) if len(stated) == 1 else ()
        return found[0] if len(found) == 1 else ""

    def names_sender(self) -> bool:
        """Whether it has any From at all: the older form of protected headers often hides the subject alone."""
        return any(name == "from" for name, _ in self.fields)

    def addressees(self) -> tuple[str, ...]:
        """Whom the mail is to."""
        return tuple(one for name, raw in self.fields if name in {"to", "cc"} for one in addresses(unfolded(raw)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Peeled:
    """Every layer and every header from outside inwards, and what was left."""

    taken: tuple[Taken, ...]
    shown: tuple[Shown, ...]
    protected: ProtectedHeaders | None = None
    inner: Entity = field(repr=False)

    def headers(self) -> Headers:
        """The header fields that count: the innermost; the outer ones only where nothing inside replaces them.

        Where one that people read comes from outside, they are as a whole no better protected than it is.
        """
        last, outside = self.shown[-1], Shown(depth=0, fields=())
        if self.protected is not None and not self.protected.tells_outside:
            inside = {name for name, _ in last.fields}
            before = self.shown[-2]
            outside = replace(before, fields=tuple(each for each in before.fields if each[0] not in inside))
        weakest = outside if any(name in _READ_BY_PEOPLE for name, _ in outside.fields) else last
        around = [one.layer for one in self.taken[: weakest.depth]]
        return Headers(fields=(*outside.fields, *last.fields), protection=_protection(around))


def mail_fields(entity: Entity) -> Fields:
    """The header fields of a mail, without those that belong to its body."""
    return tuple((name, raw) for name, raw in raw_fields(entity.head) if not is_structural(name))


def _protection(around: list[Layer]) -> str:
    signed = any(layer.verified for layer in around)
    encrypted = any(layer.kind.endswith("-encrypted") for layer in around)
    if signed and encrypted:
        return "signed-and-encrypted"
    return "signed" if signed else "encrypted" if encrypted else "none"
