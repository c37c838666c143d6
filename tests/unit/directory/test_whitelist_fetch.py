"""The list is fetched from a server that its own authority vouches for, and believed for its signature alone."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from config.directory import Directory as Wanted
from config.settings import Settings
from directory import Directory, DirectoryError
from directory.whitelist_fetch import fetch_white_list
from gateway.errors import SettingsRefused
from gateway.service.process.listing import Listing, take_list
from tests.unit.directory.signing import NOW, SIGNER, Authority, authority, list_xml, sign, signer_of

OPERATOR = "CN=mss.operateur.example,OU=1990000001,O=OPERATEUR"


@dataclass
class Server:
    """Answers each GET with ``status``, ``headers`` and ``body``; what it is asked for stands in ``asked``."""

    url: str = ""
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    drip: float = 0.0
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def anchors() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca(anchors: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("anchors") / "tls.pem"
    anchors.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def server(anchors: trustme.CA) -> Iterator[Server]:
    told = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.asked.append(self.path)
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for at in range(0, len(told.body), 4096):
                    self.wfile.write(told.body[at : at + 4096])
                    time.sleep(told.drip)
            except OSError:
                return

        def log_message(self, *_: object) -> None:
            return

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    anchors.issue_cert("localhost").configure_cert(context)
    listening.socket = context.wrap_socket(listening.socket, server_side=True)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    told.url = f"https://localhost:{listening.server_port}/listeblanche.xml"
    yield told
    listening.shutdown()
    listening.server_close()
    thread.join()


def refused(do: Callable[[], object]) -> str:
    with pytest.raises(DirectoryError) as caught:
        do()
    assert "\n" not in str(caught.value)
    return caught.value.code


def test_the_bytes_come_from_a_server_that_the_given_authority_vouches_for(server: Server, ca: Path):
    server.body = b"<list/>" * 2000
    assert fetch_white_list(server.url, authorities=ca) == server.body
    assert server.asked == ["/listeblanche.xml"]


def test_a_server_of_any_other_authority_is_not_asked(server: Server, tmp_path: Path):
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    assert refused(lambda: fetch_white_list(server.url, authorities=other)) == "fetch-failed"
    assert refused(lambda: fetch_white_list(server.url, authorities=None)) == "fetch-failed"
    assert server.asked == []


def test_a_server_that_is_not_the_one_named_is_not_asked(server: Server, ca: Path):
    assert (
        refused(lambda: fetch_white_list(server.url.replace("localhost", "127.0.0.1"), authorities=ca))
        == "fetch-failed"
    )
    assert server.asked == []


@pytest.mark.parametrize("url", ["http://localhost/x", "ftp://localhost/x", "//localhost/x"])
def test_nothing_is_fetched_in_clear(url: str, ca: Path):
    assert refused(lambda: fetch_white_list(url, authorities=ca)) == "not-https"


def test_an_error_page_is_no_list(server: Server, ca: Path):
    server.status, server.body = 503, b"busy"
    assert refused(lambda: fetch_white_list(server.url, authorities=ca)) == "fetch-failed"


def test_a_redirect_is_not_followed(server: Server, ca: Path):
    server.status, server.headers = 302, {"Location": server.url + "?elsewhere"}
    assert refused(lambda: fetch_white_list(server.url, authorities=ca)) == "fetch-failed"
    assert server.asked == ["/listeblanche.xml"]


def test_more_than_any_true_list_is_cut_off(server: Server, ca: Path):
    server.body = b"x" * 200_000
    assert refused(lambda: fetch_white_list(server.url, authorities=ca, largest=100_000)) == "too-large"
    assert len(fetch_white_list(server.url, authorities=ca, largest=200_000)) == 200_000


def test_a_server_that_drips_is_left_when_the_time_is_over(server: Server, ca: Path):
    server.body, server.drip = b"x" * 400_000, 0.05
    assert refused(lambda: fetch_white_list(server.url, authorities=ca, seconds=0.3)) == "fetch-failed"


def test_a_server_that_is_gone_is_one_line(ca: Path):
    assert refused(lambda: fetch_white_list("https://localhost:1/x", authorities=ca, seconds=5)) == "fetch-failed"


def test_an_authority_that_cannot_be_read_is_one_line(server: Server, tmp_path: Path):
    assert refused(lambda: fetch_white_list(server.url, authorities=tmp_path / "absent.pem")) == "no-authority"
    (tmp_path / "empty.pem").write_text("nothing")
    assert refused(lambda: fetch_white_list(server.url, authorities=tmp_path / "empty.pem")) == "no-authority"


# the gateway's regular work -----------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Place:
    """A gateway's folder, its settings about the list, and who signs it."""

    folder: Path
    wanted: Wanted
    issuer: Authority
    server: Server

    def publishes(self, *domains: str, days: float = 0) -> None:
        listed = list_xml(dict.fromkeys(domains, OPERATOR), NOW + timedelta(days=days))
        self.server.body = sign(listed, signer_of(self.issuer))

    def listing(self) -> Listing:
        settings = Settings.model_construct(directory=self.wanted, gateway=type("Gateway", (), {"data": self.folder})())
        return Listing(settings, clock=lambda: NOW + timedelta(days=2))

    def has(self, domain: str) -> bool:
        return Directory.open(self.folder).white_list.contains(domain)


@pytest.fixture
def place(tmp_path: Path, server: Server, ca: Path) -> Place:
    issuer = authority()
    (tmp_path / "signers.pem").write_bytes(issuer.pem)
    wanted = Wanted(
        white_list_url=server.url,
        white_list_ca=tmp_path / "signers.pem",
        white_list_tls_ca=ca,
        white_list_cn=SIGNER,
    )
    return Place(folder=tmp_path, wanted=wanted, issuer=issuer, server=server)


async def test_the_gateway_takes_each_newer_list_by_itself(place: Place):
    listing = place.listing()
    assert (listing.wanted, listing.every) == (True, timedelta(hours=1))
    place.publishes("a.example", "b.example")
    await listing.look()
    assert place.has("b.example")
    place.publishes("a.example", "c.example", days=1)
    await listing.look()
    assert [place.has(f"{name}.example") for name in "abc"] == [True, False, True]


@pytest.mark.parametrize("trouble", ["gone", "older", "forged", "garbage"])
async def test_whatever_comes_instead_the_last_good_list_stays_and_the_round_has_failed(place: Place, trouble: str):
    listing = place.listing()
    place.publishes("a.example", days=1)
    await listing.look()
    place.publishes("pirate.example", days=0 if trouble == "older" else 1.5)
    if trouble == "gone":
        place.server.status = 500
    elif trouble == "forged":
        place.server.body = place.server.body.replace(b"pirate.example", b"pirats.example")
    elif trouble == "garbage":
        place.server.body = b"<html>maintenance</html>"
    with pytest.raises(DirectoryError):
        await listing.look()
    assert (place.has("a.example"), place.has("pirate.example")) == (True, False)


async def test_control_an_honest_list_at_that_moment_is_taken(place: Place):
    place.publishes("a.example", days=1)
    await place.listing().look()
    place.publishes("honest.example", days=1.5)
    await place.listing().look()
    assert place.has("honest.example")


def test_an_address_without_an_authority_for_the_signature_refuses_to_start(place: Place):
    place.wanted = place.wanted.model_copy(update={"white_list_ca": None})
    with pytest.raises(SettingsRefused) as caught:
        place.listing()
    assert "white_list_ca" in caught.value.detail


def test_a_list_may_be_taken_from_a_file_or_another_address_too(place: Place, tmp_path: Path):
    place.publishes("a.example")
    (tmp_path / "list.xml").write_bytes(place.server.body)
    assert take_list(place.wanted, place.folder, str(tmp_path / "list.xml"), clock=lambda: NOW).added == 1
    assert take_list(place.wanted, place.folder, place.server.url, clock=lambda: NOW).added == 0
    assert refused(lambda: take_list(place.wanted, place.folder, "absent.xml", clock=lambda: NOW)) == "no-file"
    gone = place.wanted.model_copy(update={"white_list_ca": tmp_path / "absent.pem"})
    assert refused(lambda: take_list(gone, place.folder, "", clock=lambda: NOW)) == "no-authority"
