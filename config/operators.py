"""The door at which the servers of other MSSanté operators hand mail in."""

from __future__ import annotations

from pathlib import Path

from config.sections import Port, Route, Section


class Operators(Section):
    """The door of other MSSanté operators."""

    host: str = "127.0.0.1"
    port: Port | None = None
    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None
    client_crl: Path | None = None
    domains: tuple[str, ...] = ()
    mail_server: Route | None = None
