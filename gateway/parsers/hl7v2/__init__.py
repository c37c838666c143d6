"""HL7 v2: letters (MDM, ORU of the CI-SIS volet), plain lab results (ORU), movements of a stay (ADT of PAM.fr)."""

from gateway.parsers.hl7v2.read import read_hl7v2

__all__ = ["read_hl7v2"]
