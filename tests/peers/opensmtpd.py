"""A real OpenSMTPD: a clear port, implicit TLS by a stunnel before it, DSN, mail into LMTP or onwards with a login.

Debian 12's build cannot answer a TLS handshake itself (OpenSSL 3: its issue 1171); as a client it can.

Its spool and its socket have fixed places, so it runs in a mount namespace of its own where these are empty; everything
ends with the context.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.peers.authority import Authority
from tests.peers.exim import Duties
from tests.peers.running import LOOPBACK, daemon, free_ports, need, open_folder, wait_for_port
from tests.peers.unpacked import FOLDER, unpacked

_START = """\
set -e
mount -t tmpfs tmpfs /var/spool && mkdir -m 711 /var/spool/smtpd
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib && mkdir -p -m 755 /var/lib/opensmtpd/empty
mkdir -p /run/libexec && cp -a /usr/libexec/. /run/libexec/ 2>/dev/null || true
mkdir -p /run/libexec/opensmtpd && cp -a {unpacked}/usr/libexec/opensmtpd/. /run/libexec/opensmtpd/
mount --bind /run/libexec /usr/libexec
mount --bind {folder}/roots.pem /etc/ssl/certs/ca-certificates.crt
exec {program} -d -f {folder}/smtpd.conf
"""
_STUNNEL = """\
foreground = yes
pid =
syslog = no
[smtps]
accept = 127.0.0.1:{tls_port}
connect = 127.0.0.1:{port}
cert = {certificate}
key = {key}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSmtpd:
    """A running OpenSMTPD: ``port`` is clear, ``tls_port`` speaks TLS from the first byte."""

    folder: Path
    authority: Authority
    port: int
    tls_port: int
    host: str = LOOPBACK

    @property
    def log(self) -> str:
        """What the server wrote."""
        return (self.folder / "start.log").read_text(errors="replace")


@contextlib.contextmanager
def running_opensmtpd(authority: Authority, duties: Duties) -> Iterator[OpenSmtpd]:
    """An OpenSMTPD on ephemeral loopback ports until the end."""
    program = unpacked("usr/sbin/smtpd")
    need("stunnel")
    with open_folder("opensmtpd") as folder:
        port, tls_port = free_ports(2)
        server = OpenSmtpd(folder=folder, authority=authority, port=port, tls_port=tls_port)
        (folder / "smtpd.conf").write_text(_configuration(server, duties))
        roots = duties.onwards.roots if duties.onwards else authority.roots
        shutil.copy(roots, folder / "roots.pem")  # the only authorities it will believe
        (folder / "roots.pem").chmod(0o644)
        pair = authority.server
        tunnel = _STUNNEL.format(port=port, tls_port=tls_port, certificate=pair.certificate, key=pair.key)
        (folder / "stunnel.conf").write_text(tunnel)
        start = _START.format(program=program, folder=folder, unpacked=FOLDER)
        with (
            daemon(["unshare", "--mount", "sh", "-c", start], folder / "start.log") as process,
            daemon(["stunnel", str(folder / "stunnel.conf")], folder / "stunnel.log") as tunnelling,
        ):
            wait_for_port(port, process, folder / "start.log")
            wait_for_port(tls_port, tunnelling, folder / "stunnel.log")
            yield server


def _configuration(server: OpenSmtpd, duties: Duties) -> str:
    refused = ", ".join(f'"{address}"' for address in duties.refused or ["nobody@invalid.test"])
    lines = [
        "queue ttl 1h",
        "smtp max-message-size 40M",
        f"table unknown {{ {refused} }}",
        'filter known phase rcpt-to match rcpt-to <unknown> reject "550 5.1.1 Unknown mailbox"',
        f"listen on 127.0.0.1 port {server.port} hostname mx.test filter known",
    ]
    for number, (domain, port) in enumerate(duties.mailboxes.items()):
        lines.append(f'action "box{number}" lmtp "127.0.0.1:{port}" rcpt-to virtual {{ "@" = "mail" }}')
        lines.append(f'match from any for domain "{domain}" action "box{number}"')
    if onwards := duties.onwards:
        lines.append(f'table logins {{ "us" = "{onwards.login}:{onwards.password}" }}')
        lines.append(f'action "onwards" relay host "smtp+tls://us@localhost:{onwards.port}" auth <logins>')
        lines.append('match from any for any action "onwards"')
    return "\n".join(lines) + "\n"
