"""E4: who shows a certificate gets in by it alone when every single thing about it is right."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from structlog.testing import capture_logs

from gateway.errors import SettingsRefused
from gateway.service.from_settings.tls import server_context
from gateway.smtp.server import SmtpDoorSettings, SmtpListener
from tests.faults.client_certificates import Client, HospitalAuthority
from tests.unit.smtp.smtp_door_kit import AUTHORITY, DPI, LABO, OpenDoor, client_tls, smtp_door

NAMED = replace(DPI, certificate_names=frozenset({"DNS:dpi.ch-exemple.test", "URI:urn:dpi", "commonName=dpi"}))
OTHER = replace(LABO, certificate_names=frozenset({"email:labo@ch-exemple.test"}))
LETTER = b"From: secretariat@ch-exemple.test\r\nSubject: essai\r\n\r\nBonjour.\r\n"


@dataclass
class Scene:
    """The authority, its list and the server's own files."""

    authority: HospitalAuthority
    list: Path
    server: Path

    def context(self, *, demand: bool = True, lists: Path | None = None) -> ssl.SSLContext:
        return server_context(
            self.server, None, client_ca=self.authority.ca, client_crl=lists or self.list, demand=demand
        )


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    authority = HospitalAuthority(tmp_path)
    server = tmp_path / "server.pem"
    AUTHORITY.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(server))
    return Scene(authority, authority.write_list(tmp_path / "clients.crl"), server)


@contextlib.asynccontextmanager
async def certificate_door(context: ssl.SSLContext) -> AsyncIterator[OpenDoor]:
    listeners = (
        SmtpListener(name="certificate", host="127.0.0.1", tls=context, implicit_tls=True, demand_certificate=True),
    )
    async with smtp_door(listeners=listeners, sources=(NAMED, OTHER)) as door:
        yield door


async def hand_in(door: OpenDoor, shown: Client | None) -> str:
    """The last thing the client heard; empty when TLS did not let him speak."""
    context = client_tls()
    if shown:
        context.load_cert_chain(shown.pem)
    try:
        client = await door.connect("certificate", ssl=context, server_hostname="localhost")
        try:
            greeting = await client.reply()
            if not greeting.startswith("220"):
                return greeting
            await client.ask("EHLO dpi")
            return await client.letter(LETTER)
        finally:
            await client.close()
    except (ssl.SSLError, ConnectionError):
        return ""


def wrong(scene: Scene, tmp_path: Path) -> dict[str, tuple[Client | None, str]]:
    """Each certificate that must not get in, and what the journal says of it."""
    right, dns = scene.authority, x509.DNSName("dpi.ch-exemple.test")
    stranger = HospitalAuthority(tmp_path / "stranger", "CA of somebody else")
    stranger.folder.mkdir()
    revoked = right.issue("dpi", dns)
    right.revoked.append(revoked.serial)
    right.write_list(scene.list)
    return {
        "wrong CA": (stranger.issue("dpi", dns), "unable to get local issuer certificate"),
        "same CA name, other key": (
            HospitalAuthority(stranger.folder).issue("dpi", dns),
            "certificate signature failure",
        ),
        "expired": (right.issue("dpi", dns, days=(-30, -1)), "certificate has expired"),
        "not yet valid": (right.issue("dpi", dns, days=(2, 30)), "certificate is not yet valid"),
        "server only": (
            right.issue("dpi", dns, usage=ExtendedKeyUsageOID.SERVER_AUTH),
            "unsuitable certificate purpose",
        ),
        "revoked": (revoked, "certificate revoked"),
        "unknown name": (right.issue("autre", x509.DNSName("autre.ch-exemple.test")), "smtp_certificate_unknown"),
        "two sources at once": (
            right.issue("dpi", x509.RFC822Name("labo@ch-exemple.test")),
            "smtp_certificate_unknown",
        ),
        "none": (None, "peer did not return a certificate"),
    }


async def test_e4_nobody_gets_in_whose_certificate_is_wrong_in_one_thing(scene: Scene, tmp_path: Path):
    async with certificate_door(scene.context()) as door:
        for what, (shown, reason) in wrong(scene, tmp_path).items():
            with capture_logs() as said:
                heard = await hand_in(door, shown)
                async with asyncio.timeout(30):
                    await door.doors._door.empty.wait()
            assert heard == "" or heard.startswith("554 5.7.1 "), what
            lines = [line for line in said if "handshake_failed" in line["event"] or "certificate" in line["event"]]
            assert [line.get("reason", line["event"]) for line in lines] == [reason], what
            assert "dpi" not in str(lines)
            assert "exemple" not in str(lines)
        assert door.intake.kept == []
        good = scene.authority.issue("x", x509.DNSName("dpi.ch-exemple.test"))
        assert (await hand_in(door, good)).startswith("250 ")


async def test_e4_control_without_revocation_lists_the_revoked_one_gets_in(scene: Scene, tmp_path: Path):
    revoked, _ = wrong(scene, tmp_path)["revoked"]
    careless = server_context(scene.server, None, client_ca=scene.authority.ca, demand=True)
    async with certificate_door(careless) as door:
        assert (await hand_in(door, revoked)).startswith("250 ")
    async with certificate_door(scene.context()) as door:
        assert await hand_in(door, revoked) == ""


@pytest.mark.parametrize(
    "names",
    [[x509.DNSName("dpi.ch-exemple.test")], [x509.UniformResourceIdentifier("urn:dpi")], []],
    ids=["DNS", "URI", "CN"],
)
async def test_e4_each_kind_of_name_stands_for_its_source(scene: Scene, names: list[x509.GeneralName]):
    async with certificate_door(scene.context()) as door:
        shown = scene.authority.issue("dpi" if not names else "x", *names)
        assert (await hand_in(door, shown)).startswith("250 ")
        assert door.intake.kept[0].source == "dpi"


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
@pytest.mark.parametrize("folder", [False, True])
async def test_e4_a_new_list_counts_without_a_restart(scene: Scene, tmp_path: Path, encoding: Encoding, folder: bool):
    lists = tmp_path / "lists"
    lists.mkdir()
    one = scene.authority.write_list(lists / "one.crl", encoding=encoding)
    async with certificate_door(scene.context(lists=lists if folder else one)) as door:
        shown = scene.authority.issue("dpi")
        assert (await hand_in(door, shown)).startswith("250 ")
        scene.authority.revoked.append(shown.serial)
        scene.authority.write_list(one, encoding=encoding)
        assert await hand_in(door, shown) == ""
        scene.authority.revoked.clear()
        scene.authority.write_list(one, encoding=encoding)
        assert (await hand_in(door, shown)).startswith("250 ")


async def test_e4_a_list_that_cannot_be_read_leaves_the_last_good_one_in_force(scene: Scene):
    async with certificate_door(scene.context()) as door:
        good, bad = scene.authority.issue("dpi"), scene.authority.issue("dpi")
        scene.authority.revoked.append(bad.serial)
        scene.authority.write_list(scene.list)
        assert await hand_in(door, bad) == ""
        with capture_logs() as said:
            scene.list.write_bytes(b"half a download")
            assert await hand_in(door, bad) == ""
            assert (await hand_in(door, good)).startswith("250 ")
        assert [line["event"] for line in said if line["log_level"] == "error"] == ["tls_files_not_read"]


async def test_e4_after_a_list_has_run_out_no_certificate_is_taken_and_the_journal_says_so(scene: Scene):
    async with certificate_door(scene.context()) as door:
        shown = scene.authority.issue("dpi")
        assert (await hand_in(door, shown)).startswith("250 ")
        scene.authority.write_list(scene.list, days=-1)
        with capture_logs() as said:
            assert await hand_in(door, shown) == ""
        assert {"client_crl_expired"} <= {line["event"] for line in said}
        assert "CRL has expired" in {line.get("reason") for line in said}


async def test_e4_who_was_let_in_before_does_not_resume_past_a_new_list(scene: Scene):
    """TLS 1.2, where a server remembers sessions by itself; TLS 1.3 hands out no tickets at all."""
    async with certificate_door(scene.context()) as door:
        shown = scene.authority.issue("dpi")
        context = client_tls()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(shown.pem)
        async with door.client("certificate", ssl=context, server_hostname="localhost") as client:
            assert not client.writer.get_extra_info("ssl_object").session.has_ticket
        scene.authority.revoked.append(shown.serial)
        scene.authority.write_list(scene.list)
        with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
            async with door.client("certificate", ssl=context, server_hostname="localhost"):
                pass


def test_e4_settings_that_would_not_demand_a_certificate_are_refused(scene: Scene):
    with pytest.raises(SettingsRefused):
        server_context(scene.server, None, demand=True)
    with pytest.raises(SettingsRefused):
        server_context(scene.server, None, client_crl=scene.list)
    (scene.list.parent / "nothing").mkdir()
    with pytest.raises(SettingsRefused):
        scene.context(lists=scene.list.parent / "nothing")
    optional = scene.context(demand=False)
    for listener in (
        SmtpListener(name="c", host="127.0.0.1", tls=optional, implicit_tls=True, demand_certificate=True),
        SmtpListener(name="c", host="127.0.0.1", tls=scene.context(), demand_certificate=True),
    ):
        with pytest.raises(SettingsRefused):
            SmtpDoorSettings(hostname="h", listeners=(listener,), sources=(NAMED,))
