"""Other people's programs hand letters in: curl, Postfix's smtp-source, OpenSSL, Python's own smtplib."""

from __future__ import annotations

import asyncio
import os
import shutil
import smtplib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.smtp.smtp_door_kit import AUTHORITY, LETTER, PASSWORD, QUICK, OpenDoor, client_tls, smtp_door

pytestmark = pytest.mark.peer


async def run(*command: str, given: bytes = b"") -> tuple[int, str]:
    if not shutil.which(command[0]):
        message = f"{command[0]} is not installed"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(60):
        output, _ = await process.communicate(given)
    return process.returncode or 0, output.decode(errors="replace")


@pytest.fixture
def authority(tmp_path: Path) -> str:
    path = tmp_path / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(str(path))
    return str(path)


def curl(door: OpenDoor, listener: str, *options: str) -> tuple[str, ...]:
    scheme = "smtps" if listener == "tls" else "smtp"
    return (
        "curl", "--silent", "--show-error", "--url", f"{scheme}://localhost:{door.doors.ports[listener]}/dpi.test",
        "--user", f"dpi:{PASSWORD}", "--mail-from", "secretariat@ch-exemple.test",
        "--mail-rcpt", "auto@huitaine.test", "--upload-file", "-", *options,
    )  # fmt: skip


@pytest.mark.parametrize("listener", ["starttls", "tls"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
async def test_curl_logs_in_and_hands_in(listener, mechanism, authority):
    async with smtp_door() as door:
        options = ("--ssl-reqd", "--cacert", authority, "--login-options", f"AUTH={mechanism}")
        code, said = await run(*curl(door, listener, *options), given=LETTER)
        assert code == 0, said
        assert [letter.content for letter in door.intake.kept] == [LETTER]


async def test_curl_cannot_log_in_without_tls():
    async with smtp_door() as door:
        code, _ = await run(*curl(door, "starttls"), given=LETTER)
        assert code != 0
        assert door.intake.kept == []


async def test_postfix_smtp_source_hands_in_five_hundred():
    limits = replace(QUICK, max_connections_per_minute=10_000)
    async with smtp_door(limits=limits) as door:
        door.intake.remembers = False
        code, said = await run(
            "smtp-source", "-s", "10", "-m", "500", "-l", "20000", "-f", "secretariat@ch-exemple.test",
            "-t", "auto@huitaine.test", f"inet:127.0.0.1:{door.doors.ports['clear']}",
        )  # fmt: skip
        assert code == 0, said
        assert len(door.intake.kept) == 500


async def test_openssl_finds_tls_1_2_at_least(authority):
    async with smtp_door() as door:
        where = f"127.0.0.1:{door.doors.ports['starttls']}"
        command = ("openssl", "s_client", "-connect", where, "-starttls", "smtp", "-CAfile", authority)
        code, said = await run(*command, "-verify_return_error", "-crlf", given=b"QUIT\r\n")
        assert code == 0
        assert "Verify return code: 0 (ok)" in said
        code, said = await run(*command, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0", given=b"QUIT\r\n")
        assert code != 0


async def test_pythons_smtplib_hands_in():
    async with smtp_door() as door:

        def hand_in() -> None:
            with smtplib.SMTP("127.0.0.1", door.doors.ports["starttls"]) as client:
                client._host = "localhost"
                client.starttls(context=client_tls())
                client.login("dpi", PASSWORD)
                client.sendmail(
                    "secretariat@ch-exemple.test", ["auto@huitaine.test"], LETTER, ["ret=hdrs"], ["notify=failure"]
                )

        await asyncio.to_thread(hand_in)
        (letter,) = door.intake.kept
        assert letter.content == LETTER
        assert letter.envelope.ret == "HDRS"
        assert letter.envelope.recipients[0].notify == ("FAILURE",)
