"""A GP's OpenPGP key as his own software makes one: it says that it reads what RFC 4880 knows, and no more."""

from __future__ import annotations

import subprocess
import tempfile

from tests.peers.running import need


def key_of_gpg(address: str) -> bytes:
    """A new secret key of GnuPG's without a password, in armor; made in a home that is gone afterwards."""
    need("gpg", "gpgconf")
    with tempfile.TemporaryDirectory(prefix="hgpg") as home:  # a short path, for the agent's socket
        gpg = ["gpg", "--homedir", home, "--batch", "--pinentry-mode", "loopback", "--passphrase", ""]
        subprocess.run([*gpg, "--quick-gen-key", f"Cabinet <{address}>", "rsa2048", "default", "1d"], check=True)
        listed = subprocess.run([*gpg, "--list-keys", "--with-colons"], check=True, capture_output=True).stdout.decode()
        fingerprint = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:"))
        subprocess.run([*gpg, "--quick-add-key", fingerprint, "rsa2048", "encr", "1d"], check=True)
        done = subprocess.run([*gpg, "--armor", "--export-secret-keys", fingerprint], check=True, capture_output=True)
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True)
        return done.stdout
