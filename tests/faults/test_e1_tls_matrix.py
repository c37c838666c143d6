"""E1: a password is heard only inside TLS 1.2 or newer with forward secrecy: OpenSSL tries every other way."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.service.from_settings.tls import server_context
from gateway.smtp.server import SmtpListener
from tests.peers.running import need
from tests.unit.smtp.smtp_door_kit import AUTHORITY, PASSWORD, OpenDoor, smtp_door

pytestmark = pytest.mark.peer

OLD = "DEFAULT@SECLEVEL=0"
REFUSED = {
    "TLS 1.0": ("-tls1", "-cipher", OLD),
    "TLS 1.1": ("-tls1_1", "-cipher", OLD),
    "no forward secrecy": ("-tls1_2", "-cipher", "AES256-GCM-SHA384:AES128-GCM-SHA256"),
    "CBC": ("-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA"),
    "finite-field DH": ("-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-SHA"),
    "anonymous": ("-tls1_2", "-cipher", "aNULL@SECLEVEL=0"),
    "no encryption": ("-tls1_2", "-cipher", "eNULL@SECLEVEL=0"),
    "3DES and RC4": ("-tls1_2", "-cipher", "3DES:RC4:@SECLEVEL=0"),
}
TAKEN = {
    "TLS 1.2": ("-tls1_2",),
    "TLS 1.3": ("-tls1_3",),
    "ChaCha20": ("-tls1_2", "-cipher", "ECDHE+CHACHA20"),
    "P-256 alone": ("-curves", "P-256"),
}
LOG_IN = f"AUTH PLAIN {b64encode(f'{chr(0)}dpi{chr(0)}{PASSWORD}'.encode()).decode()}\r\n"


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[OpenDoor]:
    """Both listeners with the very contexts that the gateway makes."""
    need("openssl")
    pem = tmp_path / "server.pem"
    AUTHORITY.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(pem))
    context = server_context(pem, None)
    listeners = (
        SmtpListener(name="starttls", host="127.0.0.1", tls=context),
        SmtpListener(name="implicit", host="127.0.0.1", tls=context, implicit_tls=True),
    )
    async with smtp_door(listeners=listeners) as opened:
        yield opened


async def openssl(door: OpenDoor, listener: str, *options: str) -> str:
    """What the server said to EHLO, a login and QUIT; the client waits for each answer by itself."""
    where = f"127.0.0.1:{door.doors.ports[listener]}"
    command = ["openssl", "s_client", "-connect", where, "-quiet", "-crlf", "-no_ign_eof", *options]
    command += ["-starttls", "smtp"] if listener == "starttls" else []
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert process.stdin is not None
    assert process.stdout is not None
    said = ""
    async with asyncio.timeout(30):
        for line in ("EHLO a\r\n", LOG_IN, "QUIT\r\n"):
            if listener == "implicit" and not said:
                said += (await process.stdout.readline()).decode()
            process.stdin.write(line.encode())
            while answer := (await process.stdout.readline()).decode():
                said += answer
                if answer[3:4] == " ":
                    break
        process.stdin.close()
        await process.wait()
    return said


@pytest.mark.parametrize("listener", ["starttls", "implicit"])
async def test_e1_a_password_is_heard_inside_good_tls_alone(door: OpenDoor, listener: str):
    for what, options in REFUSED.items():
        said = await openssl(door, listener, *options)
        assert "235" not in said, what
        assert "AUTH" not in said, what


@pytest.mark.parametrize("listener", ["starttls", "implicit"])
async def test_e1_control_what_is_good_enough_logs_in(door: OpenDoor, listener: str):
    for what, options in TAKEN.items():
        assert "235 2.7.0" in await openssl(door, listener, *options), what


@pytest.mark.parametrize("said", [LOG_IN, "AUTH LOGIN\r\n", "MAIL FROM:<a@b.test>\r\n"])
async def test_e1_in_clear_nothing_is_heard_but_starttls(door: OpenDoor, said: str):
    async with door.client("starttls") as client:
        assert (await client.ask(said.strip())).startswith("530 5.7.0 Must issue a STARTTLS command first")
    client = await door.connect("implicit")
    await client.send(said.encode())
    async with asyncio.timeout(30):
        answer = await client.reader.read()
    assert len(answer) <= 7  # a TLS alert at most
    await client.close()


def test_e1_renegotiation_and_compression_are_off(tmp_path: Path):
    pem = tmp_path / "server.pem"
    AUTHORITY.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(pem))
    context = server_context(pem, None)
    assert context.options & ssl.OP_NO_COMPRESSION
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
