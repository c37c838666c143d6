"""Whether a domain is in the MSSanté trust space as far as a list of some age can tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from directory import WhiteList
from gateway.addressing.policy import AddressingPolicy
from gateway.letter import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustSpace:
    """The white list at one moment, under one gateway's rules."""

    white_list: WhiteList
    policy: AddressingPolicy
    now: datetime

    def contains(self, domain: str) -> bool:
        """Whether the list has it: by membership, never by its ending."""
        return self.white_list.contains(domain)

    def refusal(self, domain: str) -> str | None:
        """Why nothing may be sent to a mailbox of MSSanté there; test domains stand in no list."""
        if self.policy.mode is Mode.TEST or not self.policy.white_list_required:
            return None
        if not self.contains(domain):
            return "domain-not-in-white-list" if self.white_list.loaded else "white-list-missing"
        return "white-list-too-old" if self._too_old() else None

    def _too_old(self) -> bool:
        """Whether so much may have changed that even a domain that is in the list may have left."""
        made, most = self.white_list.generated_at, self.policy.white_list_cut_off
        return made is not None and most is not None and self.now - made > most
