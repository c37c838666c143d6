"""Asking authorities over HTTP, bounded in time and size; plain HTTP is usual, for what comes back is signed."""

from __future__ import annotations

from typing import Protocol

import httpx2

from gateway.crypto.bounded_http import NoAnswer, fetch
from gateway.crypto.trust.statements import NoStatement

_LARGEST = 32 << 20
_OCSP = {"Content-Type": "application/ocsp-request", "Accept": "application/ocsp-response"}
_TOO_MUCH = dict.fromkeys(("too-large", "too-slow"), "too-large-or-too-slow")


class Asking(Protocol):
    """How a statement is fetched."""

    def __call__(self, url: str, question: bytes | None = None) -> bytes:
        """What ``url`` holds, or answers to ``question``; NoStatement when nothing comes in time."""
        ...


class HttpAsking:
    """GET for lists, POST for OCSP (RFC 6960 §A.1), no redirects, through the proxy of the environment if there is one.

    Only addresses out of certificates under an anchor of ours are asked: that, and not their network, bounds who is.
    """

    def __init__(self, *, seconds: float, largest: int = _LARGEST) -> None:
        """``seconds``: for one answer as a whole; ``largest``: its octets."""
        self._seconds, self._largest = seconds, largest

    def __call__(self, url: str, question: bytes | None = None) -> bytes:
        """One answer."""
        method, headers = ("GET", {}) if question is None else ("POST", _OCSP)
        try:
            with httpx2.Client(timeout=self._seconds) as client:
                request = client.build_request(method, url, content=question, headers=headers)
                answer = fetch(client, request, seconds=self._seconds, largest=self._largest)
        except NoAnswer as error:
            raise NoStatement(_TOO_MUCH.get(str(error), "unreachable")) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise NoStatement("unreachable") from error
        if answer.status != httpx2.codes.OK:
            raise NoStatement("unreachable")
        return answer.content
