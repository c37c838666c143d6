"""A domain's Web Key Directory on loopback, over TLS, and who may ask it."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import trustme

from gateway.crypto.wkd.lookup import WebKeyDirectory
from gateway.crypto.wkd.places import Place, places


@dataclass(slots=True, kw_only=True)
class Published:
    """What the domain's server answers, and what it was asked."""

    authority: trustme.CA
    places: tuple[Place, Place]
    port: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    status: int = 200
    asked: list[tuple[str, str]] = field(default_factory=list)
    encodings: list[str | None] = field(default_factory=list)
    """What each one who asked would take (Accept-Encoding)."""
    headers: dict[str, str] = field(default_factory=dict)
    drips: float | None = None
    """Seconds between two octets of a header field before all others."""
    over: threading.Event = field(default_factory=threading.Event)

    def publish(self, content: bytes, *, place: int = 0) -> None:
        """At the advanced place of the mailbox, or at the direct one (1)."""
        self.files[self.places[place].host + self.places[place].path] = content

    def asking(
        self, *, hosts: Sequence[str] | None = None, authority: trustme.CA | None = None, seconds: float = 30
    ) -> WebKeyDirectory:
        """Who asks this server, for all of the domain's hosts (``hosts``: those that exist), and believes it."""
        known = [place.host for place in self.places] if hosts is None else hosts
        context = ssl.create_default_context()
        (authority or self.authority).configure_trust(context)
        return WebKeyDirectory(
            resolve=lambda host: ("127.0.0.1",) if host in known else (),
            context=context,
            port=self.port,
            seconds=seconds,
        )


@contextmanager
def web_key_directory(mailbox: str, authority: trustme.CA) -> Iterator[Published]:
    """The server of the mailbox's domain, for both of its hosts."""
    published = Published(authority=authority, places=places(mailbox))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(place.host for place in published.places)).configure_cert(context)
    listening = ThreadingHTTPServer(("127.0.0.1", 0), _answering(published))
    listening.socket = context.wrap_socket(listening.socket, server_side=True)
    published.port = listening.server_port
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield published
    finally:
        published.over.set()
        listening.shutdown()
        thread.join()
        listening.server_close()


def _answering(published: Published) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            published.asked.append((self.headers["Host"], self.path))
            published.encodings.append(self.headers["Accept-Encoding"])
            content = published.files.get(self.headers["Host"] + self.path)
            status = published.status if content is not None else 404
            self.send_response(status)
            if published.drips is not None and not self._has_dripped(published.drips):
                return
            for name, value in published.headers.items():
                self.send_header(name, value)
            if status == 302:
                self.send_header("Location", "https://127.0.0.1/elsewhere")
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def _has_dripped(self, seconds: float) -> bool:
            """Whether whoever asked had the patience."""
            self.flush_headers()
            with suppress(OSError):
                self.wfile.write(b"X-Long: ")
                for _ in range(200):
                    if published.over.wait(seconds):
                        return False
                    self.wfile.write(b"x")
                self.wfile.write(b"\r\n")
                return True
            return False

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    return Handler
