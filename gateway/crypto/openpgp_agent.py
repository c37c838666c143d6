"""Our OpenPGP key when it is on a card, or under a password of gpg-agent's: gpg does the work, as slow as it is.

Ten to twenty times the cost of :class:`OpenPgpSigner` (decision 0008); for whoever must not have the key in a file.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import gnupg
import pysequoia

from gateway.crypto.keyring import Keyring
from gateway.crypto.openpgp import OpenPgpRecipient, addresses_of, public_keys
from gateway.crypto.openpgp_gpg import MEMORY
from gateway.crypto.openpgp_open import OpenPgpOpened, OpenPgpSignature, protection, signed_by, why_not
from gateway.crypto.openpgp_process import AgentTurns, TimedGpg
from gateway.errors import KeyStoreRefused, NoProtection, NotOpened, TokenUnavailable

_LARGEST = 100 << 20
_FAILED = re.compile(r"\] ERROR pkdecrypt_failed (\d+)")
_SIGNED = re.compile(r"\] (?:GOOD|BAD|ERR|EXP|EXPKEY|REVKEY)SIG ([0-9A-F]{16,64}) ")
_PINENTRY = 5
_TOKEN = frozenset({11, 31, 62, 77, 78, 85, 86, 87, 91, 99, *range(108, 113), 119, 120, 123, 130, 177, 178, 198})
"""libgpg-error's codes that tell of a card, a PIN, an agent: nothing of the message, so that it may be tried again."""


class AgentSigner:
    """Seals with the secret key that gpg-agent has in a GnuPG home; the same verbs as :class:`OpenPgpSigner`."""

    def __init__(
        self, home: Path, fingerprint: str, password: str | None = None, *, turns: AgentTurns | None = None
    ) -> None:
        """``password`` is the key's, or the card's PIN; KeyStoreRefused when the home lacks that secret key.

        ``turns`` are those of all that use this home; without them nobody else does.
        """
        ring = Keyring(home)
        self._fingerprint = ring.secret_fingerprint(fingerprint)
        self._public = ring.export(self._fingerprint)
        self._password = password or None  # python-gnupg: an empty one swallows the first line of what follows
        self._gpg, self._turns = TimedGpg(home), turns or AgentTurns()

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
        certificate = recipient.certificate
        sealed = self._turns.ask(self._gpg, lambda: self._sealed(entity, bytes(certificate), certificate.fingerprint))
        if not sealed.ok:
            raise TokenUnavailable(f"gpg: {sealed.status or 'no answer'}")
        return bytes(sealed.data).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")

    def _sealed(self, entity: bytes, certificate: bytes, fingerprint: str) -> gnupg.Crypt:
        if not self._gpg.import_keys(certificate).count:
            raise NoProtection("openpgp-refused")
        try:
            return self._gpg.encrypt(
                entity,
                fingerprint,
                sign=self._fingerprint,
                always_trust=True,  # whose key it is was decided by the directory, its mailbox was compared just now
                passphrase=self._password,
                extra_args=["--compress-algo", "none"],
            )
        except BrokenPipeError as error:  # it ended before it had read a large entity
            raise TokenUnavailable("gpg: no answer") from error


class AgentSecret:
    """Opens with the secret keys that gpg-agent has in a GnuPG home; the same verb as :class:`OpenPgpSecret`."""

    def __init__(
        self, home: Path, fingerprint: str = "", password: str | None = None, *, turns: AgentTurns | None = None
    ) -> None:
        """Without ``fingerprint`` every key of the home is tried; KeyStoreRefused when it has none, or not that one.

        ``turns`` as for :class:`AgentSigner`.
        """
        ring = Keyring(home)
        wanted = [fingerprint] if fingerprint else [key.fingerprint for key in ring.list(secret=True)]
        if not wanted:
            raise KeyStoreRefused("openpgp: no secret key in the keyring")
        self._public = b"".join(ring.export(ring.secret_fingerprint(each)) for each in wanted)
        self._home, self._password, self._turns = home, password or None, turns or AgentTurns()

    def __repr__(self) -> str:
        return "AgentSecret(hidden)"

    def mailboxes(self) -> tuple[str, ...]:
        """The addresses of its user ids."""
        return tuple(address for one in public_keys(self._public) for address in addresses_of(one))

    def open(self, message: bytes, known: Sequence[pysequoia.Cert]) -> OpenPgpOpened:
        """As :meth:`OpenPgpSecret.open`; TokenUnavailable when the card does not answer now, or its PIN is wrong.

        Whoever is not in ``known`` counts for nobody, whatever public keys the home has.
        """
        place = MEMORY if MEMORY.is_dir() else None
        with tempfile.TemporaryDirectory(prefix="hz", dir=place) as folder:
            gpg = TimedGpg(self._home, "--max-output", str(_LARGEST), keyring=Path(folder) / "known.kbx")
            result = self._turns.ask(gpg, lambda: self._opened(gpg, message, known))
        if not _is_whole(result):
            raise _refusal(result.stderr)
        return OpenPgpOpened(
            content=bytes(result.data), signature=_judged(result, known), algorithms=protection(message)
        )

    def _opened(self, gpg: TimedGpg, message: bytes, known: Sequence[pysequoia.Cert]) -> gnupg.Crypt:
        gpg.import_keys(b"".join((self._public, *map(bytes, known))))
        try:
            return gpg.decrypt(message, always_trust=True, passphrase=self._password)
        except BrokenPipeError as error:  # it had enough before the end of a large message
            raise NotOpened("not-decrypted") from error


def _is_whole(result: gnupg.Crypt) -> bool:
    """A broken message in packet 20 is okay to gpg 2.2, its check good: there its exit alone tells (CR-05).

    Such a message by a signer who is not known stays closed as well: gpg ends in the same way.
    """
    return bool(result.ok) and ("] DECRYPTION_INFO 0 " not in result.stderr or result.returncode == 0)


def _refusal(told: str) -> TokenUnavailable | NotOpened:
    """The token's trouble is its own; whatever else gpg found has one word (CR-34)."""
    failed = _FAILED.search(told)
    source, code = divmod(int(failed[1]), 1 << 24) if failed else (0, 0)
    if source == _PINENTRY or code & 0xFFFF in _TOKEN:
        return TokenUnavailable(f"gpg: error {code & 0xFFFF}")
    return NotOpened("not-decrypted")


def _judged(result: gnupg.Crypt, known: Sequence[pysequoia.Cert]) -> OpenPgpSignature | None:
    named = _SIGNED.findall(result.stderr)
    if not named:
        return None
    fingerprint = str(result.pubkey_fingerprint or "").lower()
    if result.valid and fingerprint in {certificate.fingerprint for certificate in known}:
        return signed_by(fingerprint, known)
    return OpenPgpSignature(why_not=why_not([each.lower() for each in named], known))
