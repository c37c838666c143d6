"""How the directory asks a server: over TLS, with the authorities it was given, and with one line when it cannot."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from directory.errors import DirectoryError

if TYPE_CHECKING:
    import httpx2

SECONDS = 60.0
"""Without a byte for so long, a server is given up."""


@contextmanager
def client(authorities: Path | None, headers: dict[str, str] | None = None) -> Iterator[httpx2.Client]:
    """A client that trusts ``authorities`` (PEM; the system's when ``None``) alone; no proxy, no netrc.

    What the network does inside is raised as :class:`DirectoryError` ``fetch-failed``.
    """
    import httpx2  # noqa: PLC0415 - only where something is fetched

    try:
        anchors = ssl.create_default_context(cafile=authorities)
    except OSError as error:
        raise DirectoryError("no-authority", "the authority's file for this server cannot be read") from error
    try:
        with httpx2.Client(verify=anchors, trust_env=False, timeout=SECONDS, headers=headers) as asking:
            yield asking
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        untrusted = "CERTIFICATE_VERIFY_FAILED" in str(error)
        why = "its certificate is not one of the given authority" if untrusted else type(error).__name__
        raise DirectoryError("fetch-failed", f"the directory's server cannot be asked ({why}): ours stays") from error


def is_https(url: str) -> str:
    """The same address; raises :class:`DirectoryError` ``not-https`` when its bytes could be changed on the way."""
    if not url.lower().startswith("https://"):
        raise DirectoryError("not-https", "national files are fetched over https alone")
    return url
