"""EnvelopedData and AuthEnvelopedData, writing side: AES-256 in CBC (RFC 3565) or GCM (RFC 5083, RFC 5084)."""

from __future__ import annotations

import os
from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.beside import pieces
from gateway.crypto.cms import names
from gateway.crypto.cms.der import OCTETS, SEQUENCE, SET, header, integer, oid, tlv
from gateway.crypto.cms.recipients import CmsRecipient

_TAG = 16


def encrypt_cbc(content: bytes, recipients: Sequence[CmsRecipient], *, oaep: bool = False) -> bytes:
    """ContentInfo of EnvelopedData in DER. CBC does not protect against change: sign first (CR-02)."""
    key, iv = os.urandom(32), os.urandom(16)
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    fill = 16 - len(content) % 16  # RFC 5652 §6.3
    sealed = (*map(encryptor.update, pieces(content)), encryptor.update(bytes((fill,)) * fill) + encryptor.finalize())
    cipher = tlv(SEQUENCE, oid(names.AES256_CBC), tlv(OCTETS, iv))
    version = integer(2 if any(each.agreed for each in recipients) else 0)
    infos = _recipient_infos(key, recipients, oaep=oaep)
    return _content_info(names.ENVELOPED_DATA, version + infos, cipher, sealed)


def encrypt_gcm(content: bytes, recipients: Sequence[CmsRecipient], *, oaep: bool = True) -> bytes:
    """ContentInfo of AuthEnvelopedData in DER: fresh key and nonce, 16-byte tag, content of type id-data."""
    key, nonce = os.urandom(32), os.urandom(12)
    sealed = AESGCM(key).encrypt(nonce, content, None)
    parameters = tlv(SEQUENCE, tlv(OCTETS, nonce), integer(_TAG))  # ICVlen 16 is not the default of 12
    cipher = tlv(SEQUENCE, oid(names.AES256_GCM), parameters)
    before = integer(0) + _recipient_infos(key, recipients, oaep=oaep)
    view = memoryview(sealed)
    mac = tlv(OCTETS, sealed[-_TAG:])
    return _content_info(names.AUTH_ENVELOPED_DATA, before, cipher, (view[:-_TAG],), mac)


def _recipient_infos(key: bytes, recipients: Sequence[CmsRecipient], *, oaep: bool) -> bytes:
    return tlv(SET, *sorted(each.recipient_info(key, oaep=oaep) for each in recipients))


def _content_info(
    kind: str, before: bytes, cipher: bytes, sealed: Sequence[bytes | memoryview], after: bytes = b""
) -> bytes:
    """Put the headers around the ciphertext from inside outwards, so that it is copied once only."""
    size = sum(map(len, sealed))
    head = oid(names.DATA) + cipher + header(0x80, size)
    head = before + header(SEQUENCE, len(head) + size) + head
    head = header(SEQUENCE, len(head) + size + len(after)) + head
    head = oid(kind) + header(0xA0, len(head) + size + len(after)) + head
    return b"".join((header(SEQUENCE, len(head) + size + len(after)), head, *sealed, after))
