"""Station 1, the SMTP door: a hospital's software submits letters (RFC 6409) and hears yes once they are durable."""

from gateway.smtp.server.contract import Intake, RecipientPolicy
from gateway.smtp.server.doors import SmtpDoors, open_smtp_doors
from gateway.smtp.server.settings import LineEnds, SmtpDoorSettings, SmtpLimits, SmtpListener, SmtpSource

__all__ = [
    "Intake",
    "LineEnds",
    "RecipientPolicy",
    "SmtpDoorSettings",
    "SmtpDoors",
    "SmtpLimits",
    "SmtpListener",
    "SmtpSource",
    "open_smtp_doors",
]
