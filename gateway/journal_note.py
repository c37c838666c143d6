"""A signed tree head of the journal in the form of C2SP tlog-checkpoint, which other tools read too.

Three lines (whose journal, how many entries, the root), an empty one, and a line for each signature.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.errors import JournalRefused

Sign = Callable[[bytes], bytes]
_ED25519 = b"\x01"
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_DASH = "\u2014 "


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The first ``size`` entries of the journal ``origin`` have this root (RFC 9162 §2.1.1)."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The note's text: what is signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


def origin(domain: str) -> str:
    """The journal's name, which is its key's as well: a schema-less URL, as C2SP has it."""
    return f"{domain}/huitaine/journal"


def key_id(name: str, public: bytes) -> bytes:
    """The four octets that say which key signed (C2SP signed-note)."""
    return sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def verifier_key(name: str, public: bytes) -> str:
    """The public key as one line, to be published: ``name+id+base64``."""
    return f"{name}+{key_id(name, public).hex()}+{b64encode(_ED25519 + public).decode()}"


def signed(checkpoint: Checkpoint, public: bytes, sign: Sign) -> str:
    """The whole note, signed under the journal's name."""
    mark = b64encode(key_id(checkpoint.origin, public) + sign(checkpoint.text.encode())).decode()
    return f"{checkpoint.text}\n{_DASH}{checkpoint.origin} {mark}\n"


def opened(note: str, public: bytes) -> Checkpoint:
    """The checkpoint of a note that this key signed; signatures of others are passed over.

    Raises JournalRefused when it is no checkpoint, or when the key did not sign it.
    """
    text, gap, marks = note.rpartition("\n\n")
    checkpoint = _parsed(f"{text}\n") if gap else None
    if checkpoint is None:
        raise JournalRefused("this is not a checkpoint (origin, size, root, an empty line, signatures)")
    ours = key_id(checkpoint.origin, public)
    for line in marks.splitlines():
        name, _, encoded = line.removeprefix(_DASH).rpartition(" ")
        mark = _octets(encoded)
        if line.startswith(_DASH) and name == checkpoint.origin and mark is not None and mark[:4] == ours:
            _verify(public, mark[4:], checkpoint)
            return checkpoint
    raise JournalRefused("this checkpoint was not signed with the key of this journal")


def _verify(public: bytes, signature: bytes, checkpoint: Checkpoint) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, checkpoint.text.encode())
    except InvalidSignature as error:
        raise JournalRefused("the signature of this checkpoint is wrong: it was changed, or forged") from error


def _parsed(text: str) -> Checkpoint | None:
    """Three lines and no more: we sign no extension, so a longer text is not ours."""
    lines = text.split("\n")
    if len(lines) != 4 or not lines[0] or not _SIZE.fullmatch(lines[1]):
        return None
    root = _octets(lines[2])
    return Checkpoint(origin=lines[0], size=int(lines[1]), root=root) if root and len(root) == 32 else None


def _octets(text: str) -> bytes | None:
    """What a canonical base64 text stands for."""
    try:
        octets = b64decode(text, validate=True)
    except ValueError:
        return None
    return octets if b64encode(octets).decode() == text else None
