"""GnuPG keyrings through python-gnupg: import, list, trust and export of OpenPGP keys in a home of our own.

Bulk work goes through PySequoia on the same keys (``openpgp.py``); this is for administration. gpg is a child process
and takes 10 ms and more a call: not on the road of a letter.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import gnupg

from gateway.crypto.openpgp_process import end_agent
from gateway.crypto.private_file import private_folder
from gateway.errors import KeyStoreRefused

Trust = Literal["undefined", "never", "marginal", "fully", "ultimate"]
_TRUST_LETTERS: dict[str, Trust] = {"n": "never", "m": "marginal", "f": "fully", "u": "ultimate"}
_VALID = {b"f", b"u"}
_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")
_LONGEST_SOCKET = 90
"""gpg-agent's socket is a path of at most 107 bytes (sun_path); deeper homes fail in obscure ways."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyringKey:
    """One key of the keyring as gpg lists it."""

    fingerprint: str
    user_ids: tuple[str, ...] = field(repr=False)
    expires: datetime | None
    trust: Trust
    """What its owner's signatures on other keys are worth."""
    valid_user_ids: tuple[str, ...] = field(repr=False, default=())
    """Those of its user ids that signatures we count vouch for: anybody may add another to his own key."""
    secret: bool = False


class Keyring:
    """A GnuPG home (0700) that nothing else uses; every method raises KeyStoreRefused when gpg does not do as asked."""

    def __init__(self, home: Path) -> None:
        if len(str(home.absolute())) > _LONGEST_SOCKET:
            raise KeyStoreRefused("openpgp: the keyring's folder has too long a path for gpg-agent")
        private_folder(home)
        home.chmod(0o700)
        self._home = home
        self._gpg = gnupg.GPG(gnupghome=str(home), options=["--no-auto-key-retrieve", "--no-auto-key-locate"])

    def __repr__(self) -> str:
        return "Keyring(hidden)"

    def add(self, content: bytes) -> tuple[str, ...]:
        """Import a key file, binary or armor; the fingerprints of all keys in it."""
        result = self._gpg.import_keys(content)
        found = tuple(dict.fromkeys(each for each in result.fingerprints if each))
        if not found:
            raise KeyStoreRefused("openpgp: no key in the file")
        return found

    def list(self, *, secret: bool = False) -> tuple[KeyringKey, ...]:
        """All public keys, or those with their secret part."""
        rows = self._gpg.list_keys(secret)
        valid = _valid_user_ids(bytes(rows.data))
        return tuple(
            KeyringKey(
                fingerprint=row["fingerprint"],
                user_ids=tuple(row["uids"]),
                expires=datetime.fromtimestamp(int(row["expires"]), UTC) if row["expires"] else None,
                trust=_TRUST_LETTERS.get(row["ownertrust"], "undefined"),
                valid_user_ids=tuple(valid.get(row["fingerprint"], ())),
                secret=secret,
            )
            for row in rows
        )

    def trust(self, fingerprint: str, level: Trust) -> None:
        """Set the owner trust of one key that is in the keyring."""
        self._present(fingerprint)
        result = self._gpg.trust_keys([fingerprint], f"TRUST_{level.upper()}")
        if result.returncode:
            raise KeyStoreRefused("openpgp: gpg did not set the trust")

    def export(self, fingerprint: str) -> bytes:
        """The transferable public key, in binary."""
        self._present(fingerprint)
        return bytes(self._gpg.export_keys(fingerprint, armor=False, minimal=False))

    def export_secret(self, fingerprint: str, password: str = "") -> bytes:
        """The transferable secret key, still under its own password, in binary: for PySequoia and the key store."""
        content = self._gpg.export_keys(
            fingerprint, secret=True, armor=False, passphrase=password, expect_passphrase=True
        )
        if not content:
            raise KeyStoreRefused("openpgp: no such secret key, or wrong password")
        return bytes(content)

    def secret_fingerprint(self, fingerprint: str) -> str:
        """The full fingerprint of a secret key that the agent has, on a card or not."""
        wanted = fingerprint.replace(" ", "").upper()
        if wanted not in {key.fingerprint for key in self.list(secret=True)}:
            raise KeyStoreRefused("openpgp: no secret key with that full fingerprint in the keyring")
        return wanted

    def delete(self, fingerprint: str) -> None:
        """Take a public key out of the keyring."""
        self._present(fingerprint)
        if self._gpg.delete_keys(fingerprint).status != "ok":
            raise KeyStoreRefused("openpgp: gpg did not delete the key")

    def close(self) -> None:
        """End the gpg-agent of this home."""
        end_agent(self._home)

    def _present(self, fingerprint: str) -> None:
        """A full fingerprint only: anything else is a search, and gpg would pick one for us."""
        known = {key.fingerprint for key in self.list()}
        if fingerprint.replace(" ", "").upper() not in known:
            raise KeyStoreRefused("openpgp: no key with that full fingerprint in the keyring")


def _valid_user_ids(listing: bytes) -> dict[str, list[str]]:
    """By fingerprint, from gpg's colon listing (GnuPG doc/DETAILS): python-gnupg keeps the validity of keys alone."""
    found: dict[str, list[str]] = defaultdict(list)
    fingerprint = ""
    for line in listing.splitlines():
        kind, *fields = line.split(b":")
        if kind in {b"pub", b"sec"}:
            fingerprint = ""
        elif kind == b"fpr" and not fingerprint:
            fingerprint = fields[8].decode()
        elif kind == b"uid" and fields[0] in _VALID:
            text = _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), fields[8])
            found[fingerprint].append(text.decode("utf-8", "replace"))
    return found
