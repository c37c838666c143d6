"""Is a mail sealed already? Believed only when the bytes say so: what is left alone must not be clear in disguise."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

import pybase64

from gateway.document import Finding
from gateway.parsers.mime_parts import Part
from gateway.parsers.remarks import error

SMIME_SIGNED, SMIME_ENCRYPTED = "smime-signed", "smime-encrypted"
OPENPGP_SIGNED, OPENPGP_ENCRYPTED = "openpgp-signed", "openpgp-encrypted"

_CMS = re.compile(rb"\x30(?:[\x00-\x80]|\x81.|\x82..|\x83...|\x84....)\x06(?:\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07(.)|"
                  rb"\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01(\x17))", re.DOTALL)  # fmt: skip
_BEGIN, _END = b"-----BEGIN PGP MESSAGE-----", b"-----END PGP MESSAGE-----"
_SIGNED_BEGIN, _SIGNED_END = b"-----BEGIN PGP SIGNED MESSAGE-----", b"-----END PGP SIGNATURE-----"
_ARMOR_BODY = re.compile(rb"\r?\n[ \t]*\r?\n([A-Za-z0-9+/]{4})")
_LONGEST_ARMOR_HEADER = 2048
_SEALS = {"multipart/signed", "multipart/encrypted"}
_ENCRYPTED_PACKETS = {1, 3, 9, 18, 20}
"""Tags of packets that open an encrypted message (RFC 9580 §5): session keys, and encrypted data itself."""


def sealed_as(mail: Part) -> str | Finding | None:
    """How the whole mail is sealed, ``None`` when it is not, a finding when it claims to be and is not.

    A part that is sealed inside a clear mail is a finding too: passing the mail on as it came would show the rest.
    """
    kind = mail.content_type
    if kind in {"application/pkcs7-mime", "application/x-pkcs7-mime"}:
        return _cms(mail) or _lie("CMS")
    if kind == "multipart/signed":
        return _signed(mail) or _lie("a signed mail")
    if kind == "multipart/encrypted":
        return _encrypted(mail) or _lie("an encrypted mail")
    if kind == "text/plain" and (inline := _inline(mail)):
        return inline
    inner = next((part for part in _own_parts(mail) if part.content_type in _SEALS), None)
    if inner:
        message = "signed or encrypted part inside a clear mail: send it alone, or leave the sealing to the gateway"
        return error("sealed-part-inside", f"part {inner.path}", message)
    return None


def _own_parts(part: Part) -> Iterator[Part]:
    """The parts of a mail, without those of a mail inside it: a forwarded seal is a file of its own."""
    yield part
    if part.span == (0, 0):
        for child in part.children:
            yield from _own_parts(child)


def _lie(what: str) -> Finding:
    return error("sealed-in-name-only", "Content-Type", f"the mail says it is {what}, its content is not")


def _cms(mail: Part) -> str | None:
    content, findings = mail.content()
    found = None if findings else _CMS.match(content)
    if found is None:
        return None
    if found[2] or found[1] == b"\x03":
        return SMIME_ENCRYPTED
    return SMIME_SIGNED if found[1] == b"\x02" else None


def _signed(mail: Part) -> str | None:
    if len(mail.children) != 2:
        return None
    signature = mail.children[1].content_type
    if signature in {"application/pkcs7-signature", "application/x-pkcs7-signature"}:
        content, findings = mail.children[1].content()
        return SMIME_SIGNED if not findings and _CMS.match(content) else None
    if signature == "application/pgp-signature":
        return OPENPGP_SIGNED if b"-----BEGIN PGP SIGNATURE-----" in mail.children[1].content()[0] else None
    return None


def _encrypted(mail: Part) -> str | None:
    if len(mail.children) != 2 or mail.children[0].content_type != "application/pgp-encrypted":
        return None
    return OPENPGP_ENCRYPTED if _is_encrypted_pgp(mail.children[1].content()[0]) else None


def _inline(mail: Part) -> str | None:
    """Only when nothing stands around the armour: words beside it would travel in clear."""
    content, _ = mail.content()
    if _is_encrypted_pgp(content):
        return OPENPGP_ENCRYPTED
    stripped = content.strip()
    whole = stripped.startswith(_SIGNED_BEGIN) and stripped.endswith(_SIGNED_END) and stripped.count(_SIGNED_END) == 1
    return OPENPGP_SIGNED if whole else None


def _is_encrypted_pgp(content: bytes) -> bool:
    stripped = content.strip()
    if not stripped.startswith(_BEGIN) or stripped.find(_END) != len(stripped) - len(_END):
        return False
    found = _ARMOR_BODY.search(stripped, len(_BEGIN), len(_BEGIN) + _LONGEST_ARMOR_HEADER)
    if found is None:
        return False
    try:
        first = pybase64.b64decode(found[1], validate=True)[0]
    except (binascii.Error, ValueError, IndexError):
        return False
    tag = first & 0x3F if first & 0x40 else (first & 0x3C) >> 2
    return bool(first & 0x80) and tag in _ENCRYPTED_PACKETS
