"""One page of the national FHIR API: its key, its patience, and what it means when it says no."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urljoin, urlsplit

from directory.errors import DirectoryError
from directory.https import client, is_https

if TYPE_CHECKING:
    import httpx2

Page = dict[str, Any]
"""A FHIR Bundle as its JSON is: what it holds is looked at piece by piece, nothing is taken for granted."""
TRIES = 5
LONGEST_WAIT = 120.0
"""Seconds: a server that wants more is asked again another time."""


class GonePage(Exception):
    """The server no longer knows this page: its search has to begin again."""


class FhirApi:
    """Asks one server; make it with :meth:`opened`. The key goes to the address it was given for and nowhere else."""

    def __init__(self, base: str, asking: httpx2.Client, wait: Callable[[float], None]) -> None:
        self._base, self._client, self._wait = base.rstrip("/") + "/", asking, wait

    @classmethod
    @contextmanager
    def opened(
        cls, base: str, key: str, *, authorities: Path | None = None, wait: Callable[[float], None] = time.sleep
    ) -> Iterator[Self]:
        """``base`` is the address up to the version; ``authorities`` (PEM) vouch for it, the system's when ``None``.

        Raises :class:`DirectoryError` ``not-https``, ``no-authority``, ``fetch-failed``.
        """
        headers = {"ESANTE-API-KEY": key, "Accept": "application/fhir+json"}
        with client(authorities, headers) as asking:
            yield cls(is_https(base), asking, wait)

    def page(self, address: str) -> Page:
        """The Bundle at ``address``, relative to the base or a link of a page before.

        A server that is busy is waited for as it asks (429, 503, Retry-After), a page that breaks off is asked for
        again. Raises :class:`GonePage`; :class:`DirectoryError` ``key-refused``, ``wrong-page`` (a link that leads
        elsewhere, an answer that is no Bundle), ``interrupted`` (it stays busy or broken; go on later).
        """
        url = self._ours(address)
        for number in range(TRIES):
            pause = self._asked(url, number)
            if not isinstance(pause, float):
                return pause
            self._wait(min(pause, LONGEST_WAIT))
        raise DirectoryError("interrupted", "the directory's server is busy or breaks off: the same command goes on")

    def _asked(self, url: str, number: int) -> Page | float:
        """The page, or how many seconds to wait before asking again."""
        import httpx2  # noqa: PLC0415 - loaded already where there is a client

        try:
            answer = self._client.get(url)
            if answer.status_code == 200:
                return _bundle(answer)
        except (httpx2.TransportError, ValueError):
            return float(2**number)
        if answer.status_code in {401, 403}:
            raise DirectoryError("key-refused", "the directory's server refuses the key (directory.delta_key_secret)")
        if answer.status_code in {404, 410}:
            raise GonePage
        if answer.status_code in {429, 502, 503, 504}:
            return _retry_after(answer, default=float(2**number))
        raise DirectoryError("fetch-failed", f"the directory's server answered {answer.status_code}: ours stays")

    def _ours(self, address: str) -> str:
        url = urljoin(self._base, address)
        if urlsplit(url)[:2] != urlsplit(self._base)[:2]:
            raise DirectoryError("wrong-page", "a page of the directory's server leads to another server: not followed")
        return url


def _bundle(answer: httpx2.Response) -> Page:
    """Raises ValueError when its JSON breaks off."""
    page = answer.json()
    if not isinstance(page, dict) or page.get("resourceType") != "Bundle":
        raise DirectoryError("wrong-page", "the directory's server answered something else than a FHIR Bundle")
    return page


def _retry_after(answer: httpx2.Response, default: float) -> float:
    """Seconds or a date (RFC 9110 §10.2.3)."""
    told = answer.headers.get("retry-after", "")
    if told.isascii() and told.isdigit():
        return float(told)
    try:
        return max(0.0, (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return default
