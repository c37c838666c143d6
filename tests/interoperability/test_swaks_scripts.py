"""swaks, the field's own test client, against the submission doors: each script and the answer it must get."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.kit import Hospital, hospital
from tests.peers.authority import Authority
from tests.peers.dovecot import Dovecot
from tests.peers.postfix import Postfix
from tests.peers.running import need

pytestmark = [pytest.mark.peer, pytest.mark.root]

TABLE = "swaks scripts at the submission doors"
STARTTLS, IMPLICIT = ("--tls", "--port", "{starttls}"), ("--tls-on-connect", "--port", "{implicit}")
LOGIN = ("--auth-user", "{login}", "--auth-password", "{password}")
TAKEN = r"250 2\.0\.0 Queued as \w+"
SCRIPTS: dict[str, tuple[tuple[str, ...], str]] = {
    "STARTTLS, AUTH PLAIN": ((*STARTTLS, "--auth", "PLAIN", *LOGIN), TAKEN),
    "STARTTLS, AUTH LOGIN": ((*STARTTLS, "--auth", "LOGIN", *LOGIN), TAKEN),
    "implicit TLS, AUTH PLAIN": ((*IMPLICIT, "--auth", "PLAIN", *LOGIN), TAKEN),
    "pipelining": ((*IMPLICIT, "--auth", "PLAIN", *LOGIN, "--pipeline"), TAKEN),
    "8-bit text and an attachment of 5 MB": (
        (*IMPLICIT, "--auth", "PLAIN", *LOGIN, "--body", "Évolution favorable", "--attach", "@{large}"),
        TAKEN,
    ),
    "TLS 1.2": ((*IMPLICIT, "--tls-protocol", "tlsv1_2", "--auth", "PLAIN", *LOGIN), TAKEN),
    "TLS 1.1 is refused": ((*IMPLICIT, "--tls-protocol", "tlsv1_1", "--auth", "PLAIN", *LOGIN), r"TLS startup failed"),
    "a clear login is refused": (
        ("--port", "{starttls}", "--auth", "PLAIN", *LOGIN),
        r"\*\*\* Host did not advertise auth",
    ),
    "no login is refused": (STARTTLS, r"530 5\.7\.0"),
    "a wrong password is refused": (
        (*STARTTLS, "--auth", "PLAIN", "--auth-user", "{login}", "--auth-password", "wrong"),
        r"535 5\.7\.8",
    ),
    "a forged sender is refused": (
        (*STARTTLS, "--auth", "PLAIN", *LOGIN, "--from", "director@elsewhere.test"),
        r"55[03] 5\.7\.1",
    ),
    "relaying is refused": (
        (*STARTTLS, "--auth", "PLAIN", *LOGIN, "--to", "<@elsewhere.test:gp@gp.test>"),
        r"501 5\.1\.3",
    ),
    "a mail of 30 MB is refused": (
        (*IMPLICIT, "--auth", "PLAIN", *LOGIN, "--attach", "@{too_large}"),
        r"552 5\.3\.4 Message larger than 25 MB",
    ),
    "a client certificate instead of a login": (
        ("--tls-on-connect", "--port", "{certificate}", "--tls-cert", "{cert}", "--tls-key", "{key}"),
        TAKEN,
    ),
    "a stranger's certificate is refused": (
        ("--tls-on-connect", "--port", "{certificate}", "--tls-cert", "{strange_cert}", "--tls-key", "{strange_key}"),
        r"TLS startup failed|alert|closed connection|530 5\.7\.0",
    ),
}
FROM_A_PROXY = ("--proxy-family", "TCP4", "--proxy-source", "192.0.2.7", "--proxy-source-port", "4711")
FROM_A_PROXY += ("--proxy-dest", "192.0.2.1", "--proxy-dest-port", "465")
BEHIND: dict[str, tuple[tuple[str, ...], str]] = {
    "PROXY version 1": ((*STARTTLS, "--auth", "PLAIN", *LOGIN, "--proxy-version", "1", *FROM_A_PROXY), TAKEN),
    "PROXY version 2": (
        (
            *(*STARTTLS, "--auth", "PLAIN", *LOGIN, "--proxy-version", "2", "--proxy-family", "AF_INET"),
            *("--proxy-protocol", "STREAM", "--proxy-command", "PROXY", *FROM_A_PROXY[2:]),
        ),
        TAKEN,
    ),
}


def cells(scripts: dict[str, Any]) -> Any:  # a decorator
    column = "answered as it must be"
    found = [pytest.param(row, marks=pytest.mark.cell(TABLE, row, column), id=row) for row in scripts]
    return pytest.mark.parametrize("row", found)


@pytest.fixture
def opened(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, authority: Authority, mailbox: str, hospital_mailbox: str
) -> Callable[..., Any]:
    """Opens a gateway; ``extra`` goes into its [smtp] section."""
    need("swaks")

    def changed(text: str, extra: str) -> str:
        certificates = f'certificate_port = 0\nclient_ca = "{authority.roots}"\n'
        named = 'certificate_names = ["DNS:gateway.test"]\n'
        text = text.replace("[smtp]\n", f"[smtp]\n{certificates}{extra}")
        return text.replace("[sources.dpi]\n", f"[sources.dpi]\n{named}")

    def start(extra: str = "") -> Any:
        return hospital(
            tmp_path, postfix, dovecot, gp=mailbox, sender=hospital_mailbox, change=lambda text: changed(text, extra)
        )

    return start


def attachments(folder: Path) -> dict[str, Path]:
    found = {"large": folder / "large.bin", "too_large": folder / "too-large.bin"}
    found["large"].write_bytes(b"x" * (5 << 20))
    found["too_large"].write_bytes(b"x" * (30 << 20))
    return found


async def swaks(ward: Hospital, authority: Authority, options: tuple[str, ...]) -> str:
    """What swaks printed."""
    places = {**ward.running.entrances.ports, **attachments(ward.folder), "login": ward.login}
    places |= {"password": ward.password, "cert": authority.client.certificate, "key": authority.client.key}
    places |= {"strange_cert": authority.stranger.certificate, "strange_key": authority.stranger.key}
    fixed = ("--server", "127.0.0.1", "--helo", "dpi.hospital.test", "--timeout", "30", "--suppress-data")
    people = () if "--from" in options else ("--from", "dpi@hospital.test")
    people += () if "--to" in options else ("--to", ward.gp.mailbox)
    command = ["swaks", *fixed, *people, *(option.format(**places) for option in options)]
    done = await asyncio.to_thread(subprocess.run, command, check=False, capture_output=True, timeout=120)
    return (done.stdout + done.stderr).decode(errors="replace")


@cells(SCRIPTS)
async def test_a_script_gets_the_answer_it_must_get(opened, authority: Authority, row: str):
    options, answer = SCRIPTS[row]
    async with opened() as ward:
        said = await swaks(ward, authority, options)
        assert re.search(answer, said), said
        assert (answer == TAKEN) == bool(re.search(TAKEN, said))


@cells(BEHIND)
async def test_a_proxy_says_who_the_client_is(opened, authority: Authority, row: str):
    options, answer = BEHIND[row]
    async with opened('proxies = ["127.0.0.1"]\n') as ward:
        said = await swaks(ward, authority, options)
        assert re.search(answer, said), said
        without = await swaks(ward, authority, (*STARTTLS, "--auth", "PLAIN", *LOGIN))
        assert not re.search(TAKEN, without), "a connection of the proxy without its header"
