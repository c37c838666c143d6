"""What an opened mail turned out to be: its layers with a verdict each, and its parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from gateway.crypto.cms.told import Told


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
class OpenedMail:
    """The layers from outside inwards, and what was inside, byte for byte."""

    layers: tuple[Layer, ...]
    entity: bytes = field(repr=False)
    parts: tuple[Part, ...]

    @property
    def authenticated(self) -> bool:
        """Whether a verified signature is inside the innermost envelope (CR-01): else show it, never file it."""
        inner: list[Layer] = []
        for layer in self.layers:
            inner = [] if layer.kind.endswith("-encrypted") else [*inner, layer]
        signed = [layer.verified for layer in inner if layer.verified is not None]
        return bool(signed) and all(signed)

    def as_json(self) -> dict[str, Any]:  # Any: JSON
        """The shape of ``huitaine open`` (interface.md)."""
        return {
            "authenticated": self.authenticated,
            "layers": [layer.as_json() for layer in self.layers],
            "parts": [part.as_json() for part in self.parts],
        }
