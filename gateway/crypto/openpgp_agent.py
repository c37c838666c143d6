"""Our OpenPGP key when it is on a card, or under a password of gpg-agent's: gpg signs and encrypts, as slow as it is.

Ten to twenty times the cost of :class:`OpenPgpSigner` (decision 0008); for whoever must not have the key in a file.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from threading import Lock

import gnupg

from gateway.crypto.keyring import Keyring
from gateway.crypto.openpgp import OpenPgpRecipient
from gateway.errors import NoProtection, TokenUnavailable


class AgentSigner:
    """Seals with the secret key that gpg-agent has in a GnuPG home; the same verbs as :class:`OpenPgpSigner`."""

    def __init__(self, home: Path, fingerprint: str, password: str | None = None) -> None:
        """``password`` is the key's, or the card's PIN; KeyStoreRefused when the home lacks that secret key."""
        ring = Keyring(home)
        self._fingerprint = ring.secret_fingerprint(fingerprint)
        self._public = ring.export(self._fingerprint)
        self._password = password
        self._gpg = gnupg.GPG(gnupghome=str(home), options=["--no-auto-key-retrieve", "--no-auto-key-locate"])
        self._lock = Lock()

    def __repr__(self) -> str:
        return "AgentSigner(hidden)"

    @property
    def public_key(self) -> bytes:
        """The transferable public key that addressees verify with, in binary."""
        return self._public

    def seal(self, entity: bytes, key: bytes, *, fingerprint: str, address: str, at: datetime) -> bytes:
        """``entity`` signed and encrypted to that key, as armor with CRLF.

        NoProtection when the addressee's key may not; TokenUnavailable when ours gives no signature now (no card, PIN).
        """
        recipient = OpenPgpRecipient.choose(key, fingerprint=fingerprint, address=address, at=at)
        with self._lock:
            return self._sealed(entity, bytes(recipient.certificate), recipient.certificate.fingerprint)

    def _sealed(self, entity: bytes, certificate: bytes, fingerprint: str) -> bytes:
        if not self._gpg.import_keys(certificate).count:
            raise NoProtection("openpgp-refused")
        sealed = self._gpg.encrypt(
            entity,
            fingerprint,
            sign=self._fingerprint,
            always_trust=True,  # whose key it is was decided by the directory, and its mailbox was compared just now
            passphrase=self._password,
            extra_args=["--compress-algo", "none"],
        )
        if not sealed.ok:
            raise TokenUnavailable(f"gpg: {sealed.status or 'no answer'}")
        return bytes(sealed.data).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
