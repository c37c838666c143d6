"""A guarded IMAP session over aioimaplib, for the IMAP door and for the mailbox of receipts; imports no station.

``names`` and ``answers`` are pure, ``guard`` fences the library, ``session`` is the few commands we need, ``watch``
gives each new mail of a mailbox and survives everything a server or a network can do.
"""

from gateway.imap.session import Account, Limits, Session
from gateway.imap.watch import FetchedMail, MailboxWatch, OversizedMail, Pace

__all__ = ["Account", "FetchedMail", "Limits", "MailboxWatch", "OversizedMail", "Pace", "Session"]
