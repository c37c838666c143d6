"""A mail read as the door hands it on, and what was found in it."""

from __future__ import annotations

from email.message import EmailMessage

from gateway.document import Reading
from gateway.parsers.read import read


def read_mail(message: EmailMessage | bytes) -> Reading:
    return read(message if isinstance(message, bytes) else bytes(message), expect_mail=True)


def codes(reading: Reading, severity: str = "error") -> list[str]:
    return [finding.code for finding in reading.findings if finding.severity == severity]
