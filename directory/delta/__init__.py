"""What changed in the national directory since it was last taken: its FHIR API v2, from pages to rows.

``api`` asks one page, ``gathering`` all of them and survives an interruption, ``resources`` reads them, ``apply``
changes the directory in one switch.
"""

from directory.delta.api import FhirApi
from directory.delta.apply import DeltaReport, since_when, take_delta
from directory.delta.gathering import Gathering

__all__ = ["DeltaReport", "FhirApi", "Gathering", "since_when", "take_delta"]
