"""A real Dovecot with its own folder: IMAPS, IMAP with STARTTLS, LMTP, an auth port for Postfix, users in a file.

Nothing in /etc is read or written; everything ends with the context.
"""

from __future__ import annotations

import contextlib
import imaplib
import shutil
import smtplib
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.peers.authority import Authority, KeyPair
from tests.peers.running import LOOPBACK, daemon, free_ports, need, open_folder, wait_for_port

PASSWORD = "correct horse"

# A wrong password holds nobody up: Dovecot delays its answer, then every login from that address, by up to 15 s.
_CONFIGURATION = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
auth_verbose = yes
auth_failure_delay = 0
protocols = imap lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
ssl_min_protocol = TLSv1.2
ssl_dh =
disable_plaintext_auth = yes
default_internal_user = dovecot
default_login_user = dovenull
first_valid_uid = 1
mail_location = maildir:~/Maildir
maildir_stat_dirs = yes
mail_plugins = quota
protocol imap {{
  mail_max_userip_connections = 200
}}
protocol lmtp {{
  postmaster_address = postmaster@localhost
  mail_plugins = quota
}}
lmtp_save_to_detail_mailbox = no
recipient_delimiter = +
plugin {{
  quota = count:User quota
  quota_vsizes = yes
}}
namespace inbox {{
  inbox = yes
  separator = /
  {folders}
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/users
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {folder}/users
  default_fields = uid=mail gid=mail home={folder}/mail/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
service auth {{
  inet_listener {{
    port = {auth}
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  client_limit = 1000
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dovecot:
    """A running Dovecot; every user's password is ``PASSWORD``."""

    folder: Path
    authority: Authority
    imap_port: int
    imaps_port: int
    lmtp_port: int
    auth_port: int
    host: str = LOOPBACK
    password: str = PASSWORD

    def add_user(self, address: str, *, quota_bytes: int | None = None) -> str:
        """A mailbox, usable when this returns (Dovecot rereads the file in its own time); gives the address back."""
        extra = f"userdb_quota_rule=*:bytes={quota_bytes}" if quota_bytes else ""
        with (self.folder / "users").open("a") as users:
            users.write(f"{address}:{{PLAIN}}{PASSWORD}::::::{extra}\n")
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with contextlib.suppress(subprocess.CalledProcessError):
                self.doveadm("user", address)
                return address
        raise AssertionError(f"Dovecot does not see {address}")

    def maildir(self, user: str) -> Path:
        """Where the user's INBOX lies on the disk."""
        return self.folder / "mail" / user / "Maildir"

    def doveadm(self, *arguments: str) -> str:
        """What ``doveadm`` says about this instance."""
        command = ["/usr/bin/doveadm", "-c", str(self.folder / "dovecot.conf"), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def deliver(self, user: str, content: bytes, sender: str = "") -> None:
        """Hands a mail in by LMTP, as an MTA does."""
        with smtplib.LMTP(self.host, self.lmtp_port) as client:
            client.sendmail(sender, [user], content)

    def open_mailbox(self, user: str) -> imaplib.IMAP4_SSL:
        """The user's own view, by Python's client rather than ours."""
        context = ssl.create_default_context(cafile=str(self.authority.roots))
        client = imaplib.IMAP4_SSL(self.host, self.imaps_port, ssl_context=context)
        client.login(user, PASSWORD)
        return client

    def mails(self, user: str, mailbox: str = "INBOX") -> list[bytes]:
        """Every mail in a folder of the user, oldest first; none when the folder does not exist."""
        client = self.open_mailbox(user)
        try:
            if client.select(f'"{mailbox}"', readonly=True)[0] != "OK":
                return []
            numbers = client.search(None, "ALL")[1][0].split()
            return [client.fetch(number.decode(), "(BODY.PEEK[])")[1][0][1] for number in numbers]  # type: ignore[index,misc]
        finally:
            with contextlib.suppress(imaplib.IMAP4.error, OSError):
                client.logout()

    def forget_uids(self, user: str) -> None:
        """Gives the INBOX a new UIDVALIDITY, as a restore from a backup does; it has it when this returns.

        A session that was just cut may still write the old list back, so it is looked at, and done again if need be.
        """
        before, until = self.uidvalidity(user), time.monotonic() + 60
        while self.uidvalidity(user) == before and time.monotonic() < until:
            self.kick(user)
            for index in self.maildir(user).glob("dovecot*"):
                shutil.rmtree(index, ignore_errors=True) if index.is_dir() else index.unlink(missing_ok=True)
            time.sleep(0.2)

    def uidvalidity(self, user: str) -> str:
        """The INBOX's UIDVALIDITY as the server tells it."""
        return self.doveadm("mailbox", "status", "-u", user, "uidvalidity", "INBOX").strip()

    def kick(self, user: str) -> None:
        """Cuts every connection of the user, and returns when the server has let go of them."""
        until = time.monotonic() + 30
        while user in self.doveadm("who") and time.monotonic() < until:
            with contextlib.suppress(subprocess.CalledProcessError):  # it may go by itself meanwhile
                self.doveadm("kick", user)
            time.sleep(0.05)

    @property
    def log(self) -> str:
        """What the server wrote."""
        return (self.folder / "dovecot.log").read_text(errors="replace")


@contextlib.contextmanager
def running_dovecot(
    authority: Authority,
    users: Sequence[str] = (),
    *,
    pair: KeyPair | None = None,
    folders: Sequence[str] = ("Sent", "Trash"),
) -> Iterator[Dovecot]:
    """A Dovecot that listens on ephemeral loopback ports until the context ends."""
    need("dovecot", "doveadm", root=True)
    with open_folder("dovecot") as folder:
        imap, imaps, lmtp, auth = free_ports(4)
        (folder / "mail").mkdir()
        shutil.chown(folder / "mail", "mail", "mail")
        (folder / "users").write_text("".join(f"{user}:{{PLAIN}}{PASSWORD}::::::\n" for user in users))
        (folder / "users").chmod(0o644)
        chosen = pair or authority.server
        specials = "".join(
            f"mailbox {name} {{\n    auto = create\n    special_use = \\{name}\n  }}\n  " for name in folders
        )
        text = _CONFIGURATION.format(
            folder=folder,
            certificate=chosen.certificate,
            key=chosen.key,
            folders=specials,
            imap=imap,
            imaps=imaps,
            lmtp=lmtp,
            auth=auth,
        )
        (folder / "dovecot.conf").write_text(text)
        log = folder / "start.log"
        server = Dovecot(
            folder=folder, authority=authority, imap_port=imap, imaps_port=imaps, lmtp_port=lmtp, auth_port=auth
        )
        with daemon(["/usr/sbin/dovecot", "-F", "-c", str(folder / "dovecot.conf")], log) as process:
            wait_for_port(imaps, process, folder / "dovecot.log")
            yield server


if __name__ == "__main__":  # a look at a running one by hand
    from tests.peers.authority import make_authority

    with open_folder("authority") as where, running_dovecot(make_authority(where), ["gp@gp.test"]) as running:
        sys.stdout.write(f"{running}\n")
        sys.stdin.readline()
