"""What a GP sees: neomutt opens a mail of his IMAP mailbox, decrypts it with ``openssl`` and verifies the signature.

neomutt wants a terminal, so it gets a pseudo-terminal and its keys are pushed; its pager is a copy into a file, which
is exactly the text that would be on the screen.
"""

from __future__ import annotations

import os
import pty
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.peers.authority import KeyPair
from tests.peers.dovecot import Dovecot
from tests.peers.running import need, open_folder

_CONFIGURATION = """\
set folder="imaps://{user}@localhost:{port}/"
set spool_file="+INBOX"
set imap_user="{user}"
set imap_pass="{password}"
set ssl_ca_certificates_file="{server_roots}"
set ssl_force_tls=yes
set crypt_use_gpgme=no
set smime_is_default=yes
set smime_keys="{folder}/keys"
set smime_certificates="{folder}/certificates"
set smime_ca_location="{roots}"
set smime_default_key="gp.0"
set smime_decrypt_use_default_key=yes
set smime_timeout=300
set smime_decrypt_command="openssl cms -decrypt -inform DER -in %f -inkey %k -recip %c"
set smime_verify_command="openssl cms -verify -inform DER -in %s %C -content %f -purpose any -out /dev/null"
set smime_verify_opaque_command="openssl cms -verify -inform DER -in %s %C -purpose any"
set smime_pk7out_command="openssl smime -verify -in %f -noverify -pk7out"
set smime_get_cert_command="openssl pkcs7 -print_certs -in %f"
set smime_get_signer_cert_command="openssl smime -verify -in %f -noverify -signer %c -out /dev/null"
set smime_get_cert_email_command="openssl x509 -in %f -noout -email"
set crypt_verify_sig=yes
set header_cache=""
set confirm_create=no
set confirm_append=no
set wait_key=no
set mark_old=no
set sleep_time=0
set send_charset="utf-8"
set charset="utf-8"
set assumed_charset="utf-8"
alternative_order text/plain
auto_view text/html
set pager="{folder}/pager.sh"
set prompt_after=no
push "{keys}"
"""

_PAGER = """#!/bin/sh
for last; do :; done
cp "$last" '{folder}/screen.new' && mv '{folder}/screen.new' '{folder}/screen'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """``screen`` is what the pager showed, with neomutt's own remarks, or what the terminal showed when it
    could not open the mail; ``decrypted`` is the mail without its seals."""

    screen: str
    decrypted: bytes


def open_in_neomutt(dovecot: Dovecot, user: str, *, pair: KeyPair, roots: Path, number: int = 1) -> Seen:
    """The ``number``-th mail of the user's INBOX, opened with his certificate and key; ``roots`` verify the signer."""
    need("neomutt", "openssl")
    with open_folder("neomutt") as folder:
        _write(folder, dovecot, user, pair, roots, number)
        terminal = _Terminal(folder)
        terminal.run(seconds=60)
        screen, decrypted = folder / "screen", folder / "decrypted"
        shown = screen.read_bytes() if screen.exists() else terminal.shown
        return Seen(
            screen=shown.decode("utf-8", "replace"), decrypted=decrypted.read_bytes() if decrypted.exists() else b""
        )


def _write(folder: Path, dovecot: Dovecot, user: str, pair: KeyPair, roots: Path, number: int) -> None:
    for name, source in (("keys", pair.key), ("certificates", pair.certificate)):
        (folder / name).mkdir()
        (folder / name / "gp.0").write_bytes(source.read_bytes())
    keys = f"{number}<enter><display-message><decrypt-copy>^U{folder}/decrypted<enter><exit>"
    text = _CONFIGURATION.format(
        folder=folder,
        user=user,
        port=dovecot.imaps_port,
        password=dovecot.password,
        server_roots=dovecot.authority.roots,
        roots=roots,
        keys=keys.replace("^U", "<kill-line>"),
    )
    (folder / "neomuttrc").write_text(text)
    (folder / "pager.sh").write_text(_PAGER.format(folder=folder))
    (folder / "pager.sh").chmod(0o755)


class _Terminal:
    """neomutt on a pseudo-terminal: what it prints is kept, what it asks is answered."""

    def __init__(self, folder: Path) -> None:
        self._master, slave = pty.openpty()
        environment = {**os.environ, "TERM": "xterm", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "HOME": str(folder)}
        self._process = subprocess.Popen(
            ["neomutt", "-n", "-F", str(folder / "neomuttrc")],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
        )
        os.close(slave)
        os.set_blocking(self._master, False)
        self.shown = b""

    def run(self, seconds: float) -> None:
        """Until it ends by itself, or time is up; it is ended then."""
        until = time.monotonic() + seconds
        asked = 0
        try:
            while time.monotonic() < until and self._process.poll() is None:
                with suppress(OSError):  # BlockingIOError: nothing to read now
                    self.shown += os.read(self._master, 65536)
                if self.shown.count(b"passphrase:") > asked:
                    asked += 1
                    os.write(self._master, b"x\n")
                time.sleep(0.01)
        finally:
            with suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait()
            os.close(self._master)
