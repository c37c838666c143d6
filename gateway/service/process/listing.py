"""Keeps the MSSanté white list fresh: fetched, verified and switched in again and again; the last good one stays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from config.directory import Directory as Wanted
from config.settings import Settings
from directory import DirectoryError, WhiteListReport, update_white_list
from directory.whitelist_fetch import fetch_white_list
from gateway.errors import SettingsRefused


class Listing:
    """One gateway's list. A fetch that fails is one more of its rounds' failures: alarm ``round-failed``."""

    def __init__(self, settings: Settings, *, clock: Callable[[], datetime]) -> None:
        """Nothing is fetched yet; raises SettingsRefused for an address without an authority to verify by."""
        self._wanted, self._folder, self._clock = settings.directory, settings.gateway.data, clock
        if self.wanted and self._wanted.white_list_ca is None:
            raise SettingsRefused("[directory] white_list_url needs white_list_ca: who signs the list's signer")

    @property
    def wanted(self) -> bool:
        """Whether there is an address to fetch from."""
        return bool(self._wanted.white_list_url)

    @property
    def every(self) -> timedelta:
        """How long between two fetches."""
        return timedelta(minutes=self._wanted.white_list_minutes)

    async def look(self) -> None:
        """Fetch, verify and take the list; raises DirectoryError, and the last good list stands."""
        told = structlog.get_logger()
        try:
            report = await asyncio.to_thread(take_list, self._wanted, self._folder, "", clock=self._clock)
        except DirectoryError as error:
            told.warning("white-list-not-taken", code=error.code, words=str(error))
            raise
        if report.added or report.removed:
            told.info("white-list-taken", domains=report.domains, added=report.added, removed=report.removed)


def take_list(wanted: Wanted, folder: Path, source: str, *, clock: Callable[[], datetime]) -> WhiteListReport:
    """The list of a file or an ``https`` address, else of the settings' address, verified and taken.

    Blocks; raises DirectoryError, and the last good list stands.
    """
    if wanted.white_list_ca is None or not wanted.white_list_ca.is_file():
        raise DirectoryError("no-authority", "directory.white_list_ca names no file: the list cannot be verified")
    content = _content(wanted, source or wanted.white_list_url)
    signers = wanted.white_list_ca.read_bytes()
    return update_white_list(folder, content, authorities=signers, common_name=wanted.white_list_cn, clock=clock)


def _content(wanted: Wanted, source: str) -> bytes:
    if "://" in source:
        return fetch_white_list(source, authorities=wanted.white_list_tls_ca or wanted.white_list_ca)
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise DirectoryError("no-file", f"{source} cannot be read") from error
