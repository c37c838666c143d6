"""What an opened mail turned out to be: its layers with a verdict each, and its parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from gateway.crypto.cms.told import Told
from gateway.crypto.header_fields import addresses, unfolded, value_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One wrapping that was taken off.

    ``kind``: smime-encrypted, smime-signed, smime-compressed, openpgp-encrypted, openpgp-signed, message.
    ``verified`` is ``None`` where there is no signature to verify; ``why_not`` is a stable code.
    """

    kind: str
    algorithms: tuple[str, ...] = ()
    signer: str | None = field(repr=False, default=None)
    verified: bool | None = None
    why_not: str = ""
    signed_at: datetime | None = None
    intact: bool | None = None
    """For an encrypted layer: whether a change in transit would have been noticed (GCM, MDC), never for CBC."""
    told: Told = field(repr=False, default_factory=Told)
    """For a verified S/MIME signature: how its signer wants to be written to."""
    revocation: str | None = None
    """For an S/MIME signature: not-asked, good, revoked, unknown, unpublished; ``None`` when it never came to that."""

    def as_json(self) -> dict[str, Any]:  # Any: JSON
        """The shape of ``huitaine open``."""
        return {
            "kind": self.kind,
            "algorithms": list(self.algorithms),
            "signer": self.signer,
            "verified": self.verified,
            "why_not": self.why_not or None,
            "signed_at": self.signed_at.isoformat() if self.signed_at else None,
            "intact": self.intact,
            "revocation": self.revocation,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file of the opened mail; ``name`` is the sender's word and never a path."""

    name: str = field(repr=False)
    media_type: str
    content: bytes = field(repr=False)

    def as_json(self) -> dict[str, Any]:  # Any: JSON
        """The shape of ``huitaine open``."""
        digest = sha256(self.content).hexdigest()
        return {"name": self.name, "media_type": self.media_type, "size": len(self.content), "sha256": digest}


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """The header fields that count: those inside the layers when there are any, else what stood outside."""

    fields: tuple[tuple[str, bytes], ...] = field(repr=False, default=())
    """Name in lower case and the whole field as written, without those that belong to the body."""
    protection: str = "none"
    """none, signed, encrypted, signed-and-encrypted (RFC 9788 §1.8): what a relay could not have changed or read."""

    def text(self, name: str) -> str | None:
        """The decoded value of the one field of that name; ``None`` when there are none or several."""
        found = [value_of(raw) for each, raw in self.fields if each == name]
        return found[0] if len(found) == 1 else None

    def addresses(self, *names: str) -> tuple[str, ...]:
        """Every mailbox in the fields of those names."""
        return tuple(one for each, raw in self.fields if each in names for one in addresses(unfolded(raw)))

    def as_json(self) -> dict[str, Any]:  # Any: JSON
        """The shape of ``huitaine open``."""
        return {"protection": self.protection, **{name: self.text(name) for name in ("from", "to", "subject", "date")}}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedMail:
    """The layers from outside inwards, and what was inside, byte for byte."""

    layers: tuple[Layer, ...]
    entity: bytes = field(repr=False)
    """With an empty line before words that were sealed without a header."""
    parts: tuple[Part, ...]
    headers: Headers = field(default_factory=Headers)
    remarks: tuple[str, ...] = ()
    """Stable codes of what a reader should be told (``gateway/crypto/remarks.py``)."""

    @property
    def authenticated(self) -> bool:
        """Whether a verified signature is inside the innermost envelope (CR-01): else show it, never file it."""
        inner: list[Layer] = []
        for layer in self.layers:
            inner = [] if layer.kind.endswith("-encrypted") else [*inner, layer]
        signed = [layer.verified for layer in inner if layer.verified is not None]
        return bool(signed) and all(signed)

    @property
    def malleable(self) -> bool:
        """Whether somebody on the way may have changed words of it unnoticed: an envelope that nothing vouches for."""
        return not self.authenticated and any(layer.intact is False for layer in self.layers)

    def as_json(self) -> dict[str, Any]:  # Any: JSON
        """The shape of ``huitaine open`` (interface.md)."""
        return {
            "authenticated": self.authenticated,
            "layers": [layer.as_json() for layer in self.layers],
            "headers": self.headers.as_json(),
            "remarks": list(self.remarks),
            "parts": [part.as_json() for part in self.parts],
        }
