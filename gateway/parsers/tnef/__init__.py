"""winmail.dat: the wrapping in which Outlook and Exchange hide a mail's files (MS-OXTNEF)."""

from gateway.parsers.tnef.read import Unpacked, Wrapped, is_tnef, unpack

__all__ = ["Unpacked", "Wrapped", "is_tnef", "unpack"]
