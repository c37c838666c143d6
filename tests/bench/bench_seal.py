"""How long sealing one letter takes beside the bare primitives it cannot do without; printed, not asserted.

Run: ``python tests/bench/bench_seal.py``. Rounds are interleaved; CPU time, so that a busy machine disturbs less.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from statistics import median

import pybase64
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.crypto.authority import TestAuthority
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.crypto.seal import Sealer
from gateway.crypto.vault import open_chunk, seal_chunk
from gateway.identifiers import new_delivery_id, new_letter_id
from gateway.letter import ComposedMail, MssTls, OpenPgp, Protection, Smime

SENDER, GP = "sortie@hopital-essai.mssante.fr", "dr.essai@medecin-essai.mssante.fr"
ROUNDS, LETTERS = 7, 60


def letter(size: int = 61_440) -> bytes:
    """A MIME entity around a PDF of that size: 85 KB for the default."""
    body = pybase64.encodebytes(os.urandom(size)).replace(b"\n", b"\r\n")
    return b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + body


def microseconds(work: Callable[[], object]) -> float:
    """CPU time of one call, averaged over a round."""
    started = time.process_time()
    for _ in range(LETTERS):
        work()
    return (time.process_time() - started) / LETTERS * 1e6


def cases() -> dict[str, Callable[[], object]]:
    """The floor of raw primitives first, then each form, then the vault."""
    authority = TestAuthority.create("Bench")
    hospital, gp, gp_ec = (
        authority.issue(address=SENDER),
        authority.issue(address=GP),
        authority.issue(address=GP, key="p256"),
    )
    entity, key, nonce = letter(), os.urandom(32), os.urandom(12)
    ours, theirs = OpenPgpSigner.generate(f"<{SENDER}>"), OpenPgpSigner.generate(f"<{GP}>")
    sealer = Sealer(identity=hospital, openpgp=OpenPgpSigner(ours), clock=lambda: datetime.now(UTC))

    def floor() -> None:
        sha256(entity).digest()
        hospital.private_key.sign(b"x" * 300, padding.PKCS1v15(), hashes.SHA256())
        gp.certificate.public_key().encrypt(key, padding.PKCS1v15())
        AESGCM(key).encrypt(nonce, entity, None)

    def seal(protection: Protection) -> Callable[[], object]:
        mail = ComposedMail(
            letter=new_letter_id(),
            delivery=new_delivery_id(),
            message_id="<bench@hopital-essai.mssante.fr>",
            sender=SENDER,
            mailbox=GP,
            headers=(("From", SENDER), ("To", GP), ("Subject", "Lettre")),
            entity=entity,
            protection=protection,
        )
        return lambda: sealer.seal(mail)

    chunk = os.urandom(50_000)
    rsa, elliptic = (each.certificate.public_bytes(Encoding.DER) for each in (gp, gp_ec))
    return {
        "floor: SHA-256, RSA-2048 sign and encrypt, AES-256-GCM": floor,
        "smime-cbc": seal(Smime(certificate=rsa)),
        "smime-gcm": seal(Smime(certificate=rsa, gcm=True)),
        "smime-cbc, P-256 addressee": seal(Smime(certificate=elliptic)),
        "mss-tls (signature alone)": seal(MssTls()),
        "openpgp, Cv25519": seal(OpenPgp(key=OpenPgpSigner(theirs).public_key)),
        "vault: seal and open 50 KB": lambda: open_chunk(key, "L", 0, seal_chunk(key, "L", 0, chunk)),
    }


def main() -> None:
    """Print the median of interleaved rounds."""
    works = cases()
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            taken[name].append(microseconds(work))
    base = median(next(iter(taken.values())))
    for name, rounds in taken.items():
        print(f"{name:58} {median(rounds):8.0f} us  {median(rounds) / base:5.2f} x floor")


if __name__ == "__main__":
    main()
