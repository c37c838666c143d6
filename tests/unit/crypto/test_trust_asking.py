"""Authorities over HTTP: what they answer in time and size, and nothing else."""

from __future__ import annotations

import contextlib
import gzip
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread, Timer

import pytest

from gateway.crypto import bounded_http
from gateway.crypto.trust.asking import HttpAsking
from gateway.crypto.trust.statements import NoStatement


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


class Answers(BaseHTTPRequestHandler):
    """By path; ``server.over`` ends what is kept waiting."""

    def do_GET(self):
        match self.path:
            case "/list":
                self._say(200, b"list")
            case "/elsewhere":
                self._say(302, b"", Location="/list")
            case "/mute":
                self.server.over.wait(30)
            case "/drip":
                self._drip()
            case "/drip-head":
                self._drip_head()
            case "/packed":
                self._say(200, gzip.compress(bytes(1 << 20)), **{"Content-Encoding": "gzip"})
            case "/asked":
                self._say(200, self.headers["Accept-Encoding"].encode())
            case _:
                self._say(404, b"")

    def do_POST(self):
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self._say(200, self.headers["Content-Type"].encode() + b" " + content)

    def handle(self):
        with contextlib.suppress(OSError):  # who asked is gone
            super().handle()

    def log_message(self, *_):
        pass

    def _drip(self):
        self.send_response(200)
        self.end_headers()
        while not self.server.over.wait(0.02):
            self.wfile.write(b"x")

    def _drip_head(self):
        """Each read has its octet long before it is given up."""
        self.wfile.write(b"HTTP/1.0 200 OK\r\nX-Long: ")
        for _ in range(500):
            if self.server.over.wait(0.02):
                return
            self.wfile.write(b"x")
        self.wfile.write(b"\r\n\r\nlist")

    def _say(self, status, content, **headers):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as http:
        http.over = Event()
        thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.over.set()
        http.shutdown()
        thread.join()


def test_a_list_is_fetched_and_a_question_is_posted(server):
    asking = HttpAsking(seconds=10)
    assert asking(f"{server}/list") == b"list"
    assert asking(server, b"question") == b"application/ocsp-request question"


@pytest.mark.parametrize("path", ["/missing", "/elsewhere"])
def test_no_list_and_no_redirect(server, path):
    with pytest.raises(NoStatement, match="unreachable"):
        HttpAsking(seconds=10)(server + path)


@pytest.mark.parametrize("path", ["/mute", "/drip", "/drip-head"])
def test_who_is_slow_has_not_answered(server, path):
    with pytest.raises(NoStatement):
        HttpAsking(seconds=0.2)(server + path)


def test_a_list_without_end_is_cut(server):
    with pytest.raises(NoStatement, match="too-large"):
        HttpAsking(seconds=30, largest=3)(f"{server}/list")
    assert HttpAsking(seconds=30, largest=4)(f"{server}/list") == b"list"


def test_what_comes_packed_is_not_unpacked(server):
    """A thousand times its size would come out: it is said that nothing packed is wanted, and none is taken."""
    asking = HttpAsking(seconds=30)
    assert asking(f"{server}/asked") == b"identity"
    with pytest.raises(NoStatement, match="unreachable"):
        asking(f"{server}/packed")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://[::bad/", "gopher://x/", "http://\x00/", ""])
def test_an_address_that_leads_nowhere_is_unreachable(url):
    with pytest.raises(NoStatement, match="unreachable"):
        HttpAsking(seconds=10)(url)


def test_a_connection_whose_time_was_over_before_its_first_word_is_shut_down(server, monkeypatch):
    """The machine was slow, or the names were."""
    monkeypatch.setattr(bounded_http, "Timer", _AtOnce)
    with pytest.raises(NoStatement, match="too-slow"):
        HttpAsking(seconds=30)(f"{server}/list")


class _AtOnce(Timer):
    def start(self):
        self.function()
