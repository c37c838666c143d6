"""A real Postfix with its own folder: STARTTLS and implicit TLS ports, client certificates, login, DSN, LMTP onwards.

Nothing in /etc is read or written; everything ends with the context.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.peers.authority import Authority, KeyPair
from tests.peers.running import LOOPBACK, daemon, free_port, free_ports, need, open_folder, wait_for_port

_SERVICES = """\
postlog unix-dgram n - n - 1 postlogd
{port} inet n - n - - smtpd
{tls_port} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsproxy unix - - n - 0 tlsproxy
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What the Postfix should do with mail and whom it lets in.

    ``mailboxes`` maps a domain to the LMTP port that takes its mail (its success DSN says ``relayed``); ``maildirs``
    maps single addresses of those domains to a Maildir that Postfix fills itself (its DSN says ``delivered``);
    ``known`` refuses every other address of those domains at RCPT; ``relay`` sends everything else to ``host:port``;
    ``login_port`` is Dovecot's auth port.
    """

    mailboxes: Mapping[str, int] = field(default_factory=dict)
    maildirs: Mapping[str, Path] = field(default_factory=dict)
    known: Sequence[str] = ()
    relay: str | None = None
    login_port: int | None = None
    demand_client_certificate: bool = False
    pair: KeyPair | None = None
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Postfix:
    """A running Postfix: ``port`` offers STARTTLS, ``tls_port`` speaks TLS from the first byte."""

    folder: Path
    authority: Authority
    port: int
    tls_port: int
    host: str = LOOPBACK

    @property
    def log(self) -> str:
        """What the server wrote."""
        return (self.folder / "postfix.log").read_text(errors="replace")

    def queue(self) -> str:
        """``mailq`` of this instance."""
        command = ["/usr/sbin/postqueue", "-c", str(self.folder / "etc"), "-p"]
        return subprocess.run(command, check=False, capture_output=True, text=True).stdout

    def flush(self) -> None:
        """Tries deferred mail again at once."""
        subprocess.run(["/usr/sbin/postqueue", "-c", str(self.folder / "etc"), "-f"], check=False, capture_output=True)


def _main(folder: Path, authority: Authority, chain: Chain) -> str:
    pair = chain.pair or authority.server
    lines = {
        "compatibility_level": "3.6",
        "config_directory": f"{folder}/etc",
        "queue_directory": f"{folder}/queue",
        "data_directory": f"{folder}/data",
        "daemon_directory": "/usr/lib/postfix/sbin",
        "maillog_file": f"{folder}/postfix.log",
        "maillog_file_prefixes": str(folder),
        "myhostname": "mx.test",
        "mydestination": "",
        "mynetworks": "127.0.0.0/8",
        "inet_interfaces": "127.0.0.1",
        "inet_protocols": "ipv4",
        "alias_maps": "",
        "local_recipient_maps": "",
        "smtpd_tls_cert_file": str(pair.certificate),
        "smtpd_tls_key_file": str(pair.key),
        "smtpd_tls_CAfile": str(authority.roots),
        "smtpd_tls_security_level": "may",
        "smtpd_tls_loglevel": "1",
        "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
        "smtpd_recipient_restrictions": "permit_mynetworks",
        "smtpd_peername_lookup": "no",
        "smtp_dns_support_level": "disabled",
        "smtp_host_lookup": "native",
        "minimal_backoff_time": "5s",
        "queue_run_delay": "5s",
        "smtputf8_enable": "yes",
        "smtpd_client_connection_count_limit": "0",
        "message_size_limit": "41943040",
        **_onwards(chain),
        **_doors(chain),
        **chain.settings,
    }
    return "".join(f"{name} = {value}\n" for name, value in lines.items())


def _onwards(chain: Chain) -> dict[str, str]:
    if not chain.mailboxes:
        return {"relayhost": chain.relay or ""}
    hops = {domain: f"lmtp:inet:127.0.0.1:{port}" for domain, port in chain.mailboxes.items()}
    hops |= dict.fromkeys(chain.maildirs, "virtual:")
    routes = ", ".join(f"{{ {key} = {hop} }}" for key, hop in hops.items())
    settings = {
        "virtual_mailbox_domains": " ".join(chain.mailboxes),
        "transport_maps": f"inline:{{ {routes} }}",
        "lmtp_destination_recipient_limit": "1",
        "relayhost": chain.relay or "",
    }
    if chain.known or chain.maildirs:
        boxes = dict.fromkeys(chain.known, "known") | {address: f"{path}/" for address, path in chain.maildirs.items()}
        known = ", ".join(f"{{ {address} = {box} }}" for address, box in boxes.items())
        everybody = "" if chain.known else ", static:known"
        settings |= {
            "virtual_mailbox_maps": f"inline:{{ {known} }}{everybody}",
            "virtual_mailbox_base": "/",
            "virtual_minimum_uid": "1",
            "virtual_uid_maps": "static:8",
            "virtual_gid_maps": "static:8",
        }
    return settings


def _doors(chain: Chain) -> dict[str, str]:
    settings: dict[str, str] = {}
    if chain.demand_client_certificate:
        settings |= {"smtpd_tls_security_level": "encrypt", "smtpd_tls_ask_ccert": "yes", "smtpd_tls_req_ccert": "yes"}
    if chain.login_port:
        settings |= {
            "smtpd_sasl_auth_enable": "yes",
            "smtpd_sasl_type": "dovecot",
            "smtpd_sasl_path": f"inet:127.0.0.1:{chain.login_port}",
            "smtpd_tls_auth_only": "yes",
            "mynetworks": "192.0.2.1/32",
            "smtpd_relay_restrictions": "permit_sasl_authenticated, reject",
            "smtpd_recipient_restrictions": "permit_sasl_authenticated, reject",
        }
    return settings


def silent_postfix(authority: Authority) -> Postfix:
    """One that is down: nobody listens on its ports until :func:`running_postfix` is given them."""
    port, tls_port = free_ports(2)
    return Postfix(folder=Path(os.devnull), authority=authority, port=port, tls_port=tls_port)


@contextlib.contextmanager
def running_postfix(
    authority: Authority, chain: Chain | None = None, *, ports: Sequence[int] = ()
) -> Iterator[Postfix]:
    """A Postfix that listens on ephemeral loopback ports (or ``ports``, those of one that was down) until the end."""
    need("postfix", "postqueue", root=True)
    with open_folder("postfix") as folder:
        port, tls_port = ports or free_ports(2)
        for name in ("etc", "queue", "data"):
            (folder / name).mkdir()
        shutil.chown(folder / "data", "postfix", "postfix")
        (folder / "etc" / "main.cf").write_text(_main(folder, authority, chain or Chain()))
        (folder / "etc" / "master.cf").write_text(
            _SERVICES.format(port=f"127.0.0.1:{port}", tls_port=f"127.0.0.1:{tls_port}")
        )
        for name in ("dynamicmaps.cf", "postfix-files", "makedefs.out"):
            source = next((base / name for base in _BASES if (base / name).exists()), None)
            if source:
                shutil.copy(source, folder / "etc" / name)
        server = Postfix(folder=folder, authority=authority, port=port, tls_port=tls_port)
        with daemon(["/usr/sbin/postfix", "-c", str(folder / "etc"), "start-fg"], folder / "start.log") as process:
            try:
                wait_for_port(port, process, folder / "start.log")
                yield server
            finally:
                _stop_master(folder / "queue" / "pid" / "master.pid")


def _stop_master(pid_file: Path) -> None:
    """``start-fg`` gives its master a process group of its own: end that one, by the pid in the queue folder."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
        master = int(pid_file.read_text())
        os.kill(master, signal.SIGTERM)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            os.kill(master, 0)
            time.sleep(0.02)
        os.killpg(master, signal.SIGKILL)


_BASES = (Path("/etc/postfix"), Path("/usr/share/postfix"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """A running ``smtp-sink``: it takes, defers or refuses everything in clear, as its options say."""

    port: int
    folder: Path
    host: str = LOOPBACK


@contextlib.contextmanager
def running_sink(*options: str) -> Iterator[Sink]:
    """``smtp-sink`` with options such as ``-f RCPT`` (refuse) or ``-s RCPT`` (defer); see smtp-sink(1)."""
    need("smtp-sink")
    with open_folder("sink") as folder:
        port = free_port()
        command = ["smtp-sink", "-u", "nobody", *options, f"{LOOPBACK}:{port}", "100"]
        with daemon(command, folder / "sink.log") as process:
            wait_for_port(port, process, folder / "sink.log")
            yield Sink(port=port, folder=folder)
