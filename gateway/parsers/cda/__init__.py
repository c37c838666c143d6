"""CDA R2 documents of the CI-SIS, on their own or inside HL7 v2 messages and XDM archives."""

from gateway.parsers.cda.read import read_cda

__all__ = ["read_cda"]
