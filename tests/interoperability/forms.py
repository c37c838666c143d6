"""The first table of docs/interoperability.md: each sealed form of ours, and each client that a GP may have.

What is tried here is told by the test that tries it; of what does not run on Debian, a public source tells.
"""

from __future__ import annotations

import pytest

TABLE = "Our sealed forms, by client"
RSA = "S/MIME, AES-256-CBC to an RSA key"
EC = "S/MIME, AES-256-CBC to a P-256 key"
INSIDE = "the same to RSA, subject inside (RFC 9788)"
SIGNED = "signed alone, inside MSSanté"
GCM = "S/MIME, AES-256-GCM, key by RSA-OAEP"
OPENPGP = "OpenPGP/MIME"
ROWS = (RSA, EC, INSIDE, SIGNED, GCM, OPENPGP)

OUTLOOK, APPLE = "Outlook", "Apple Mail"
THUNDERBIRD, NEOMUTT, OPENSSL, NSS, GPG = "Thunderbird", "neomutt", "OpenSSL", "NSS cmsutil", "gpg"
CLIENTS = (OUTLOOK, THUNDERBIRD, APPLE, NEOMUTT, OPENSSL, NSS, GPG)

DOCUMENTED = {
    (RSA, OUTLOOK): "documented [1]",
    (RSA, APPLE): "documented [3]",
    (EC, APPLE): "documented [4]",
    (SIGNED, OUTLOOK): "documented [5]",
    (SIGNED, APPLE): "documented [6]",
    (GCM, OUTLOOK): "no: documented [2]",
    (GCM, APPLE): "no: documented [3]",
}
NOTES = """\
"yes" and "no: …" were tried by the tests of tests/interoperability with the versions above; "-" was not, and no public
source was found that tells. GCM goes to nobody who is not known to read it, an elliptic key is used when it is the one
of the addressee's certificate; `huitaine letters trace` says why a letter got its form.

1. AES-256 is what Outlook itself writes since 2016: learn.microsoft.com, archive/blogs/dvespa,
   "Outlook sends 3DES when I've chosen AES 256"; gradenegger.eu, "Control the encryption algorithm used for S/MIME".
2. Outlook showed the header of such a mail and did not decrypt it: github.com/jstedfast/MimeKit, issue 1149 (2025).
3. Apple's published source reads AES in CBC and refuses every mode that it does not list, GCM among them:
   github.com/apple-open-source/macos, libsecurity_smime/lib/cmscipher.c (an older macOS; nothing newer was found).
4. The same library, lib/cmspubkey.c: key agreement with an elliptic key; with which key derivations was not found out.
5. learn.microsoft.com, "Plan for e-mail messaging cryptography in Outlook 2010": S/MIME version 3, signed mail.
6. support.apple.com, deployment reference, "Digital signing and encryption".
"""


def form(row: str, client: str, told: str = "yes") -> pytest.MarkDecorator:
    """The cell that a test fills when it passes; ``told`` begins with "no" where it shows that the client cannot."""
    return pytest.mark.cell(TABLE, row, client, told=told)
