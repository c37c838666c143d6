"""One answer of a stranger's over HTTP: bounded in time as a whole, and in octets as they come over the wire.

httpx2 2.16.2 has a timeout for each read: who sends one octet of his header now and then would hold a thread for days.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Timer
from types import TracebackType
from typing import Any, Self

import httpx2

_OPENED = (".connect_tcp.complete", ".start_tls.complete")


class NoAnswer(Exception):
    """``str`` of it is a code: too-slow, too-large, encoded, or the name of the library's error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came; ``content`` is that of an answer 200 alone."""

    status: int
    content: bytes = field(repr=False)


def fetch(client: httpx2.Client, request: httpx2.Request, *, seconds: float, largest: int) -> Answer:
    """The answer within ``seconds`` and ``largest`` octets, without following redirects; raises NoAnswer.

    It is never unpacked: what is small on the wire could be endless behind it.
    """
    if seconds <= 0:
        raise NoAnswer("too-slow")
    with _Deadline(seconds) as deadline:
        request.headers["Accept-Encoding"] = "identity"
        request.extensions["trace"] = deadline.trace
        try:
            answer = client.send(request, stream=True, follow_redirects=False)
            try:
                content = _content(answer, largest) if answer.status_code == httpx2.codes.OK else b""
            finally:
                answer.close()
        except (httpx2.HTTPError, ssl.SSLError) as error:
            raise NoAnswer("too-slow" if deadline.is_over else type(error).__name__) from error
        if deadline.is_over:  # what was cut off may look whole: without Content-Length its end is the connection's
            raise NoAnswer("too-slow")
    return Answer(status=answer.status_code, content=content)


def _content(answer: httpx2.Response, largest: int) -> bytes:
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise NoAnswer("encoded")
    body = bytearray()
    for piece in answer.iter_raw():
        body += piece
        if len(body) > largest:
            raise NoAnswer("too-large")
    return bytes(body)


class _Deadline:
    """Shuts the connection down when its time is over, so that whoever reads from it reads its end."""

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self._socket: socket.socket | None = None
        self._timer = Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()

    def trace(self, event: str, told: Mapping[str, Any]) -> None:  # Any: httpcore2's own
        """httpcore2's extension: each new connection, its TLS, and what is done on it is told here.

        One whose time was over before is shut down once its TLS stands: ssl leaves a socket open that ends before.
        """
        if event.endswith(_OPENED):
            self._socket = told["return_value"].get_extra_info("socket")
        elif self.is_over and event.startswith("http11."):
            self._end()

    def _end(self) -> None:
        self.is_over = True
        if self._socket is not None:
            with suppress(OSError):
                # Not SSLSocket's own, which would have what follows read as clear text.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
