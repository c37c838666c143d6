"""Station 4: names on the letter to mailboxes, with the directory; every decision leaves its reason in the trace."""

from gateway.addressing.addressing import Addressing
from gateway.addressing.policy import AddressingPolicy, Floor, Unknown

__all__ = ["Addressing", "AddressingPolicy", "Floor", "Unknown"]
