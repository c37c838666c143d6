"""A card as gpg sees one: SoftHSM's keys behind gnupg-pkcs11-scd, the card daemon that Debian has for PKCS #11."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pkcs11
from cryptography.hazmat.primitives.serialization import Encoding
from pkcs11 import Attribute, CertificateType, ObjectClass

from gateway.crypto.openpgp_process import end_agent
from gateway.crypto.requests import stand_in
from gateway.crypto.tokens.keys import token_key
from gateway.crypto.tokens.token import Token, TokenPlace
from gateway.moments import utc_now
from tests.peers.running import need
from tests.peers.softhsm import fresh_token


@dataclass(frozen=True, slots=True, kw_only=True)
class CardReader:
    """A token with two RSA keys and their certificates, and a GnuPG home for it."""

    home: Path
    module: Path
    pin: str


@contextmanager
def card_reader() -> Iterator[CardReader]:
    """The home's path is short, because its agent's socket lies in it; the agent ends with it."""
    need("gpg", "gpgconf", "gnupg-pkcs11-scd")
    place = fresh_token()
    token = Token(place)
    for name in ("signing", "opening"):
        key_id, public = token.generate(name, "rsa2048")
        certificate = stand_in(token_key(token, key_id, public), "card@hospital.test", "CH d'essai", at=utc_now())
        _put_certificate(place, key_id, certificate.public_bytes(Encoding.DER))
    token.close()
    with tempfile.TemporaryDirectory(prefix="hcard") as folder:
        home = Path(folder) / "gnupg"
        yield CardReader(home=home, module=place.module, pin=place.pin)
        end_agent(home)


def _put_certificate(place: TokenPlace, key_id: bytes, der: bytes) -> None:
    """Where a card's own tool puts it: gnupg-pkcs11-scd sees no key without."""
    token = pkcs11.lib(str(place.module)).get_token(token_label=place.label)
    with token.open(rw=True) as session:  # a login is the whole process's
        session.create_object(
            {
                Attribute.CLASS: ObjectClass.CERTIFICATE,
                Attribute.CERTIFICATE_TYPE: CertificateType.X_509,
                Attribute.TOKEN: True,
                Attribute.ID: key_id,
                Attribute.VALUE: der,
                Attribute.SUBJECT: b"",
            }
        )
