"""Fetches the white list over TLS: only the authorities that were handed in vouch for its server (mssante.md §1.3).

What comes is not believed for that: :func:`~directory.whitelist.update_white_list` looks at its signature.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from directory.errors import DirectoryError

LARGEST = 64 * 2**20
"""Octets; the list of 2026 has about five million."""
SECONDS = 120.0


def fetch_white_list(url: str, *, authorities: Path | None, seconds: float = SECONDS, largest: int = LARGEST) -> bytes:
    """The bytes behind an ``https`` address, within ``seconds`` and ``largest`` octets; no redirect, no proxy.

    ``authorities`` (PEM) are the only anchors, the system's when ``None``. Raises :class:`DirectoryError`:
    ``not-https``, ``no-authority``, ``fetch-failed``, ``too-large``. Blocks: call it in a thread.
    """
    import httpx2  # noqa: PLC0415 - only where a list is fetched

    if not url.lower().startswith("https://"):
        raise DirectoryError(
            "not-https", "the white list is fetched over https alone: give its https address, or a file"
        )
    until = time.monotonic() + seconds
    with (
        _told(),
        # trust_env: a proxy or netrc of the machine's environment has no say in whom we believe.
        httpx2.Client(verify=_anchors(authorities), trust_env=False, timeout=seconds) as client,
        client.stream("GET", url, follow_redirects=False) as answer,
    ):
        if answer.status_code != httpx2.codes.OK:
            raise DirectoryError("fetch-failed", f"the white list's server answered {answer.status_code}: ours stays")
        return _body(answer.iter_bytes(), until, largest)


def _anchors(authorities: Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=authorities)
    except OSError as error:
        raise DirectoryError(
            "no-authority", "the authority's file for the white list's server cannot be read"
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _body(pieces: Iterator[bytes], until: float, largest: int) -> bytes:
    found = bytearray()
    for piece in pieces:
        found += piece
        if len(found) > largest:
            raise DirectoryError("too-large", f"the white list's server sends more than {largest} octets: ours stays")
        if time.monotonic() > until:
            raise DirectoryError("fetch-failed", "the white list's server is too slow: ours stays")
    return bytes(found)


@contextmanager
def _told() -> Iterator[None]:
    """What a network can do, as one line: the last good list stands."""
    import httpx2  # noqa: PLC0415

    try:
        yield
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        why = "its certificate is not one of the given authority" if _is_certificate(error) else type(error).__name__
        raise DirectoryError("fetch-failed", f"the white list's server cannot be asked ({why}): ours stays") from error


def _is_certificate(error: BaseException) -> bool:
    return "CERTIFICATE_VERIFY_FAILED" in str(error)
