"""Sealing one letter beside the bare primitives it cannot do without, and beside two ``openssl cms`` in a row.

Run alone: ``python -m tests.bench.bench_seal``, which shows every form; `make bench` takes :func:`figures`. CPU time of
one core, contenders turn by turn; of each its quickest batch, because what disturbs a batch only ever makes it slower.
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pybase64
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.crypto.authority import TestAuthority, certificates_pem, to_pem
from gateway.crypto.keys import SigningIdentity
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.crypto.seal import Sealer
from gateway.crypto.vault import open_chunk, seal_chunk
from gateway.identifiers import new_delivery_id, new_letter_id
from gateway.letter import ComposedMail, MssTls, OpenPgp, Protection, Smime

SENDER, GP = "sortie@hopital-essai.mssante.fr", "dr.essai@medecin-essai.mssante.fr"
ROUNDS, LETTERS, SPAWNED = 100, 3, 1
"""Short batches: on a busy machine only those are left alone."""
_OAEP = ("-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256")
Work = Callable[[], object]
Row = dict[str, object]


def letter(size: int = 61_440) -> bytes:
    """A MIME entity around a PDF of that size: 85 KB for the default."""
    body = pybase64.encodebytes(os.urandom(size)).replace(b"\n", b"\r\n")
    return b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + body


class People:
    """RSA-2048 for both, and the same letter for everybody."""

    def __init__(self) -> None:
        self.authority = TestAuthority.create("Bench")
        self.hospital, self.gp = (self.authority.issue(address=address) for address in (SENDER, GP))
        self.entity = letter()
        self.pgp = OpenPgpSigner(OpenPgpSigner.generate(f"<{SENDER}>"))
        self._sealer = Sealer(identity=self.hospital, openpgp=self.pgp, clock=lambda: datetime.now(UTC))

    def seal(self, protection: Protection) -> Work:
        """Mail bytes in, mail bytes out."""
        mail = ComposedMail(
            letter=new_letter_id(),
            delivery=new_delivery_id(),
            message_id="<bench@hopital-essai.mssante.fr>",
            sender=SENDER,
            mailbox=GP,
            headers=(("From", SENDER), ("To", GP), ("Subject", "Lettre")),
            entity=self.entity,
            protection=protection,
        )
        return lambda: self._sealer.seal(mail).content

    def floor(self) -> Work:
        """One RSA-2048 signature, one RSA-2048 encryption, AES-256-GCM and SHA-256 of the letter: nothing else."""
        key, nonce, entity = os.urandom(32), os.urandom(12), self.entity
        private, public = self.hospital.private_key, self.gp.certificate.public_key()

        def raw() -> None:
            sha256(entity).digest()
            private.sign(b"x" * 300, padding.PKCS1v15(), hashes.SHA256())
            public.encrypt(key, padding.PKCS1v15())
            AESGCM(key).encrypt(nonce, entity, None)

        return raw


def figures() -> list[Row]:
    """Rows of `make bench`: against the primitives (at most 1.5), against openssl's processes (at least 25)."""
    people = People()
    der = _der(people.gp)
    with _one_core(), _openssl(people) as peer:
        gcm, cbc, floor, their_gcm, their_cbc = _quickest(
            [people.seal(Smime(certificate=der, gcm=True)), people.seal(Smime(certificate=der)), people.floor()],
            spawned=[lambda: peer("-aes-256-gcm", *_OAEP), lambda: peer("-aes-256-cbc")],
        )
    return [
        _over_floor("sealing_vs_raw_openssl", "smime-gcm", ours=gcm, floor=floor),
        _over_floor("sealing_cbc_vs_raw_openssl", "smime-cbc", ours=cbc, floor=floor),
        _beside_processes("sealing_vs_openssl_subprocess", "smime-gcm", ours=gcm, theirs=their_gcm),
        _beside_processes("sealing_cbc_vs_openssl_subprocess", "smime-cbc", ours=cbc, theirs=their_cbc),
    ]


def _over_floor(name: str, form: str, *, ours: float, floor: float) -> Row:
    return _row(name, ours, floor, "raw primitives", f"us CPU per letter, {form}", ours / floor)


def _beside_processes(name: str, form: str, *, ours: float, theirs: float) -> Row:
    peer, unit = "openssl cms -sign, openssl cms -encrypt", f"letters/s of CPU, {form}"
    return _row(name, 1e6 / ours, 1e6 / theirs, peer, unit, theirs / ours)


def _row(name: str, ours: float, peer: float, peer_name: str, unit: str, ratio: float) -> Row:
    return {
        "name": name,
        "ours": round(ours, 1),
        "peer": round(peer, 1),
        "peer_name": peer_name,
        "unit": unit,
        "ratio": round(ratio, 3),
    }


def _quickest(works: list[Work], *, spawned: Sequence[Work] = ()) -> list[float]:
    """Microseconds of CPU that one call of each takes in its quickest batch, those that start processes last."""
    turns = [(work, LETTERS) for work in works] + [(work, SPAWNED) for work in spawned]
    best = [float("inf")] * len(turns)
    gc.collect()
    for _ in range(ROUNDS):
        for number, (work, letters) in enumerate(turns):
            best[number] = min(best[number], microseconds(work, letters))
    return best


def microseconds(work: Work, letters: int) -> float:
    """CPU time of one call, ours and of the processes it waited for, averaged over a batch.

    One call before is not counted: it finds the processor's caches full of what the contender before it left.
    """
    work()
    started = _cpu()
    for _ in range(letters):
        work()
    return (_cpu() - started) / letters * 1e6


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


@contextlib.contextmanager
def _one_core() -> Iterator[None]:
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


@contextlib.contextmanager
def _openssl(people: People) -> Iterator[Callable[..., bytes]]:
    """The same letter through the command line: signed, then enveloped for the same certificate as it is told."""
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        here = Path(folder)
        (here / "signer.pem").write_bytes(to_pem(people.hospital, None))
        (here / "chain.pem").write_bytes(certificates_pem((people.authority.issuer.certificate,)))
        (here / "gp.pem").write_bytes(certificates_pem((people.gp.certificate,)))
        sign = ["openssl", "cms", "-sign", "-signer", "signer.pem", "-certfile", "chain.pem", "-binary"]
        encrypt = ["openssl", "cms", "-encrypt", "-from", SENDER, "-to", GP, "-subject", "Lettre"]

        def sealed(cipher: str, *transport: str) -> bytes:
            signed = subprocess.run(sign, input=people.entity, cwd=here, check=True, capture_output=True).stdout
            how = [*encrypt, cipher, "-recip", "gp.pem", *transport]
            return subprocess.run(how, input=signed, cwd=here, check=True, capture_output=True).stdout

        yield sealed


def _der(identity: SigningIdentity) -> bytes:
    return identity.certificate.public_bytes(Encoding.DER)


def main() -> None:
    """Every form beside the floor, then the rows of `make bench`."""
    people = People()
    elliptic = people.authority.issue(address=GP, key="p256")
    chunk, key = os.urandom(50_000), os.urandom(32)
    works = {
        "floor: SHA-256, RSA-2048 sign and encrypt, AES-256-GCM": people.floor(),
        "smime-cbc": people.seal(Smime(certificate=_der(people.gp))),
        "smime-gcm": people.seal(Smime(certificate=_der(people.gp), gcm=True)),
        "smime-cbc, P-256 addressee": people.seal(Smime(certificate=_der(elliptic))),
        "mss-tls (signature alone)": people.seal(MssTls()),
        "openpgp, Cv25519": people.seal(OpenPgp(key=OpenPgpSigner(OpenPgpSigner.generate(f"<{GP}>")).public_key)),
        "vault: seal and open 50 KB": lambda: open_chunk(key, "L", 0, seal_chunk(key, "L", 0, chunk)),
    }
    taken = dict(zip(works, _quickest(list(works.values())), strict=True))
    base = next(iter(taken.values()))
    for name, spent in taken.items():
        print(f"{name:58} {spent:8.0f} us  {spent / base:5.2f} x floor")
    for row in figures():
        print(f"{row['name']:58} {row['ours']:8} {row['peer']:8} {row['ratio']:6}  {row['unit']}")


if __name__ == "__main__":
    main()
