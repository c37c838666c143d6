"""An OpenPGP certificate over keys that stay on a card, or in a PKCS #11 token behind gnupg-pkcs11-scd.

gpg-agent learns what the card has; gpg 2.2 makes a certificate over keys that it knows by their keygrip alone. Keys are
made by the card's own tool before.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from gateway.crypto.keyring import Keyring
from gateway.crypto.openpgp_process import SECONDS, end_agent
from gateway.crypto.private_file import private_folder
from gateway.errors import KeyStoreRefused, TokenUnavailable

_DAEMON = "gnupg-pkcs11-scd"
_PAIR = re.compile(r"^S KEYPAIRINFO ([0-9A-F]{40}) (\S+)", re.MULTILINE)
_MADE = re.compile(r"\] KEY_CREATED [BP] ([0-9A-F]{40})")
_ADDED = re.compile(r"\] KEY_CREATED S [0-9A-F]{40}")
_YEARS = "3y"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardKey:
    """One key pair of the card: its keygrip, and the card's own name for it."""

    grip: str
    place: str


class Card:
    """The card that the agent of a GnuPG home sees; every method raises KeyStoreRefused or TokenUnavailable."""

    def __init__(self, home: Path, pin: str) -> None:
        """``home`` is made when it is not there; nothing is asked of the card yet."""
        self._home, self._pin = home, pin

    def __repr__(self) -> str:
        return "Card(hidden)"

    def use_module(self, module: Path) -> None:
        """Let the agent of this home use a PKCS #11 module; what other hands wrote there is not touched."""
        daemon = shutil.which(_DAEMON)
        if daemon is None:
            raise KeyStoreRefused(f"card: {_DAEMON} is not installed (Debian: apt install {_DAEMON})")
        if not module.is_file():
            raise KeyStoreRefused("card: there is no such PKCS #11 module")
        private_folder(self._home)
        _write(self._home / "gpg-agent.conf", f"scdaemon-program {daemon}\nallow-loopback-pinentry\n")
        _write(self._home / f"{_DAEMON}.conf", f"providers p1\nprovider-p1-library {module}\n")

    def keys(self) -> tuple[CardKey, ...]:
        """The card's key pairs, in its own order; the agent knows them from now on."""
        private_folder(self._home)
        told = self._run("gpg-connect-agent", "--homedir", str(self._home), "LEARN --sendinfo", "/bye")
        return tuple(CardKey(grip=found[1], place=found[2]) for found in _PAIR.finditer(told))

    def certify(self, user_id: str, *, signing: str, opening: str) -> str:
        """Make a certificate (three years) of the card's keys with these keygrips; gives its fingerprint.

        The first one signs and certifies, the second one opens.
        """
        name, _, address = user_id.rpartition("<")
        wanted = (
            f"Key-Type: RSA\nKey-Grip: {signing}\nKey-Usage: sign\nName-Real: {name.strip()}\n"
            f"Name-Email: {address.rstrip('>')}\nExpire-Date: {_YEARS}\n%commit\n"
        )
        made = _MADE.search(self._gpg("--batch", "--full-generate-key", given=wanted))
        if made is None:
            raise TokenUnavailable("gpg: no certificate (is the PIN right?)")
        answers = ("addkey", "13", opening, "S", "Q", _YEARS, "save", "")  # 13: an existing key; S: it does not sign
        if not _ADDED.search(
            self._gpg("--expert", "--command-fd", "0", "--edit-key", made[1], given="\n".join(answers))
        ):
            raise TokenUnavailable("gpg: no key that opens")
        return made[1]

    def adopt(self, public: bytes) -> str:
        """Take a certificate that was made over the card's keys elsewhere; gives its fingerprint."""
        ring = Keyring(self._home)
        ours = {key.fingerprint for key in ring.list(secret=True)}
        added = set(ring.add(public))
        self.keys()
        found = ({key.fingerprint for key in ring.list(secret=True)} - ours) | (added & ours)
        if len(found & added) != 1:
            raise KeyStoreRefused("card: it has no key of this certificate")
        return (found & added).pop()

    def _gpg(self, *arguments: str, given: str) -> str:
        secret = ("--pinentry-mode", "loopback", "--passphrase-fd", "0")
        base = ("gpg", "--homedir", str(self._home), "--no-tty", "--status-fd", "1")
        return self._run(*base, *secret, *arguments, given=f"{self._pin}\n{given}")

    def _run(self, *command: str, given: str = "") -> str:
        try:
            done = subprocess.run(command, input=given.encode(), capture_output=True, check=False, timeout=SECONDS)
        except subprocess.TimeoutExpired as error:
            end_agent(self._home)
            raise TokenUnavailable("gpg: no answer in time (is the card there?)") from error
        except OSError as error:
            raise KeyStoreRefused("gpg: not installed") from error
        return done.stdout.decode("utf-8", "replace")


def _write(path: Path, text: str) -> None:
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise KeyStoreRefused(f"card: {path.name} in that home says something else: change it by hand")
    path.write_text(text, encoding="utf-8")
