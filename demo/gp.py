"""The demonstration's GP: a mailbox, a key, and a mail client that opens, verifies and sends a reading receipt."""

from __future__ import annotations

import os
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from demo.operator import Operator, mdn
from directory import add_certificate
from gateway.crypto.authority import TestAuthority, certificates_pem, to_p12
from gateway.crypto.keys import SigningIdentity
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.opened import OpenedMail
from gateway.moments import utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """One letter as the GP sees it."""

    mailbox: str
    subject: str
    mail: OpenedMail


@dataclass(frozen=True, slots=True, kw_only=True)
class Gp:
    """One GP with his key in a PKCS #12 file, as a mail client imports it."""

    folder: Path
    mailbox: str
    identity: SigningIdentity
    roots: tuple[x509.Certificate, ...]

    @classmethod
    def settle(cls, folder: Path, mailbox: str) -> Gp:
        """Get a certificate from an authority of the GPs' own; trust the hospital's."""
        authority = TestAuthority.create("Huitaine GP")
        identity = authority.issue(address=mailbox)
        kept = folder / "gp" / mailbox
        kept.mkdir(parents=True)
        (kept / "key.p12").write_bytes(to_p12(identity, None, name=mailbox))
        roots = x509.load_pem_x509_certificates((folder / "tls" / "authority.pem").read_bytes())
        (kept / "trust.pem").write_bytes(certificates_pem(tuple(roots)))
        return cls(folder=kept, mailbox=mailbox, identity=identity, roots=tuple(roots))

    def give_certificate(self, data: Path) -> None:
        """Let the hospital's directory know the key to encrypt to."""
        add_certificate(data, self.mailbox, self.identity.certificate.public_bytes(Encoding.DER))

    def open_all(self, operator: Operator) -> list[Opened]:
        """Open what is in the mailbox; a letter counts only when its signature was verified inside the envelope."""
        opened = []
        for n, (mailbox, content) in enumerate(operator.delivered):
            if mailbox != self.mailbox:
                continue
            (self.folder / f"letter-{n}.eml").write_bytes(content)
            mail = open_mail(content, OpeningKeys(smime=(self.identity,)), at=utc_now(), trust_roots=self.roots)
            if not mail.authenticated:
                continue
            self._keep(mail, n)
            outer = message_from_bytes(content)
            if outer["Disposition-Notification-To"]:
                operator.receipts.deliver(mdn(outer, self.mailbox))
            opened.append(Opened(mailbox=mailbox, subject=str(outer["Subject"]), mail=mail))
        return opened

    def _keep(self, mail: OpenedMail, n: int) -> None:
        """The parts as files of the GP's own, under names of the GP's own."""
        for m, part in enumerate(mail.parts):
            suffix = os.path.splitext(part.name)[1] or ".txt"  # noqa: PTH122 (a name, not a path)
            (self.folder / f"letter-{n}-part-{m}{suffix}").write_bytes(part.content)
