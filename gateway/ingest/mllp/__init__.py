"""Station 1, the HL7 door: MLLP in, and an acknowledgement only once the letter is durable and readable."""

from gateway.ingest.mllp.door import MllpDoor, open_mllp_door
from gateway.ingest.mllp.settings import MllpDoorSettings, MllpLimits, MllpListener, MllpSource

__all__ = ["MllpDoor", "MllpDoorSettings", "MllpLimits", "MllpListener", "MllpSource", "open_mllp_door"]
