"""A real Exim with its own folder: STARTTLS and implicit TLS ports, DSN, mail into LMTP or onwards with a login.

Nothing in /etc is read or written; everything ends with the context.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.peers.authority import Authority
from tests.peers.running import LOOPBACK, daemon, free_ports, open_folder, wait_for_port
from tests.peers.unpacked import unpacked

_CONFIGURATION = """\
primary_hostname = mx.test
exim_path = {program}
spool_directory = {folder}/spool
log_file_path = {folder}/log/%s
pid_file_path = {folder}/exim.pid
keep_environment =
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port} : {tls_port}
tls_on_connect_ports = {tls_port}
tls_advertise_hosts = *
tls_certificate = {certificate}
tls_privatekey = {key}
dsn_advertise_hosts = *
smtputf8_advertise_hosts = *
message_size_limit = 40M
host_lookup =
rfc1413_query_timeout = 0s
smtp_accept_max = 100
recipient_unqualified_hosts = *
acl_smtp_rcpt = check_rcpt
acl_smtp_data = accept
begin acl
check_rcpt:
  deny recipients = {refused}
    message = Unknown mailbox
  accept
begin routers
{routers}
begin transports
mailboxes:
  driver = smtp
  protocol = lmtp
  port = {lmtp}
  hosts_try_prdr =
onwards:
  driver = smtp
  hosts_require_tls = *
  hosts_require_auth = *
  tls_verify_certificates = {roots}
  tls_verify_hosts = *
  tls_verify_cert_hostnames = *
begin retry
* * F,1h,2s
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  client_send = ^{login}^{password}
"""
_MAILBOXES = """\
mailboxes:
  driver = manualroute
  domains = {domains}
  transport = mailboxes
  route_list = * 127.0.0.1
  self = send
"""
_ONWARDS = """\
onwards:
  driver = manualroute
  transport = onwards
  route_list = * localhost::{port}
  self = send
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """Where a server hands on what is not for its own mailboxes: STARTTLS and AUTH PLAIN on ``localhost``."""

    port: int
    login: str
    password: str
    roots: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Exim:
    """A running Exim: ``port`` offers STARTTLS, ``tls_port`` speaks TLS from the first byte."""

    folder: Path
    authority: Authority
    port: int
    tls_port: int
    program: Path
    host: str = LOOPBACK

    @property
    def log(self) -> str:
        """What the server wrote."""
        return "".join(path.read_text(errors="replace") for path in sorted((self.folder / "log").glob("*")))

    def flush(self) -> None:
        """Tries deferred mail again at once."""
        command = [str(self.program), "-C", str(self.folder / "exim.conf"), "-qff"]
        subprocess.run(command, check=False, capture_output=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duties:
    """What the server does with mail: ``mailboxes`` maps its domains to one LMTP port; the rest goes ``onwards``."""

    mailboxes: Mapping[str, int] = field(default_factory=dict)
    refused: Sequence[str] = ()
    onwards: Submission | None = None


@contextlib.contextmanager
def running_exim(authority: Authority, duties: Duties) -> Iterator[Exim]:
    """An Exim on ephemeral loopback ports until the end."""
    program = unpacked("usr/sbin/exim4")
    with open_folder("exim") as folder:
        port, tls_port = free_ports(2)
        for name in ("spool", "log"):
            (folder / name).mkdir()
            shutil.chown(folder / name, "Debian-exim", "Debian-exim")
        for name, source in (("cert.pem", authority.server.certificate), ("key.pem", authority.server.key)):
            shutil.copy(source, folder / name)
            shutil.chown(folder / name, "Debian-exim")
        server = Exim(folder=folder, authority=authority, port=port, tls_port=tls_port, program=program)
        (folder / "exim.conf").write_text(_configuration(server, duties))
        command = [str(program), "-C", str(folder / "exim.conf"), "-bdf", "-q2s"]
        with daemon(command, folder / "start.log") as process:
            wait_for_port(port, process, folder / "start.log")
            yield server


def _configuration(server: Exim, duties: Duties) -> str:
    onwards = duties.onwards or Submission(port=25, login="", password="", roots=server.authority.roots)
    shutil.copy(onwards.roots, server.folder / "roots.pem")  # Exim's own user reads it
    routers = _MAILBOXES.format(domains=" : ".join(duties.mailboxes)) if duties.mailboxes else ""
    routers += _ONWARDS.format(port=onwards.port) if duties.onwards else ""
    (server.folder / "roots.pem").chmod(0o644)
    return _CONFIGURATION.format(
        program=server.program,
        folder=server.folder,
        port=server.port,
        tls_port=server.tls_port,
        certificate=server.folder / "cert.pem",
        key=server.folder / "key.pem",
        refused=" : ".join(duties.refused) or ":",
        routers=routers,
        lmtp=next(iter(duties.mailboxes.values()), 24),
        roots=server.folder / "roots.pem",
        login=onwards.login,
        password=onwards.password,
    )
