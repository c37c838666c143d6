"""IHE XDM archives (IHE_XDM.zip), as MSSanté mails carry them."""

from gateway.parsers.xdm.read import read_xdm

__all__ = ["read_xdm"]
