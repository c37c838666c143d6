"""A gateway whose notes to hospitals quote the letter: what was found beside a refused file, its subject in reports."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import cli
from gateway.document import Finding
from gateway.imap.headers import read_headers
from gateway.ingest.folder import door
from gateway.service.senders import notices, telling

_honest = door.reason_text


def reason_text(findings: tuple[Finding, ...], *, letter: str, at: datetime, **more: Any) -> str:
    """With what stood there."""
    return _honest(findings, letter=letter, at=at, **more) + "".join(finding.detail for finding in findings)


def own_message_id(content: bytes) -> str:
    """The subject for it."""
    return f"<{next(iter(read_headers(content).get('subject', [])), '')}@hospital.test>"


if __name__ == "__main__":
    door.reason_text = reason_text  # type: ignore[assignment]  # that is the point
    telling.own_message_id = notices.own_message_id = own_message_id
    cli.main()
