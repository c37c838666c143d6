"""EnvelopedData and AuthEnvelopedData, writing side: AES in CBC (RFC 3565) or GCM (RFC 5083, RFC 5084), in DER."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.beside import pieces
from gateway.crypto.cms import names
from gateway.crypto.cms.der import OCTETS, SEQUENCE, SET, header, integer, oid, tlv
from gateway.crypto.cms.recipients import CmsRecipient
from gateway.errors import NoProtection

Bits = Literal[128, 192, 256]
_CBC: dict[int, bytes] = {128: oid(names.AES128_CBC), 192: oid(names.AES192_CBC), 256: oid(names.AES256_CBC)}
_GCM: dict[int, bytes] = {128: oid(names.AES128_GCM), 192: oid(names.AES192_GCM), 256: oid(names.AES256_GCM)}
_TAG = 16
_ICV_LENGTH = integer(_TAG)  # not the default of 12
_VERSION_0, _OF_DATA = integer(0), oid(names.DATA)


def encrypt_cbc(content: bytes, recipients: Sequence[CmsRecipient], *, oaep: bool = False, bits: Bits = 256) -> bytes:
    """ContentInfo of EnvelopedData in DER. CBC does not protect against change: sign first (CR-02)."""
    key, iv = os.urandom(bits // 8), os.urandom(16)
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    fill = 16 - len(content) % 16  # RFC 5652 §6.3
    sealed = (*map(encryptor.update, pieces(content)), encryptor.update(bytes((fill,)) * fill) + encryptor.finalize())
    version = integer(max(each.enveloped_version for each in recipients))
    before = version + _recipient_infos(key, recipients, oaep=oaep)
    return _content_info(names.ENVELOPED_DATA, before, tlv(SEQUENCE, _CBC[bits], tlv(OCTETS, iv)), sealed)


def encrypt_gcm(content: bytes, recipients: Sequence[CmsRecipient], *, oaep: bool = True, bits: Bits = 256) -> bytes:
    """ContentInfo of AuthEnvelopedData in DER: fresh key and nonce, 16-byte tag, content of type id-data."""
    key, nonce = os.urandom(bits // 8), os.urandom(12)
    sealed = AESGCM(key).encrypt(nonce, content, None)
    cipher = tlv(SEQUENCE, _GCM[bits], tlv(SEQUENCE, tlv(OCTETS, nonce), _ICV_LENGTH))
    before = _VERSION_0 + _recipient_infos(key, recipients, oaep=oaep)  # RFC 5083 §2.1
    view = memoryview(sealed)
    mac = tlv(OCTETS, sealed[-_TAG:])
    return _content_info(names.AUTH_ENVELOPED_DATA, before, cipher, (view[:-_TAG],), mac)


def _recipient_infos(key: bytes, recipients: Sequence[CmsRecipient], *, oaep: bool) -> bytes:
    """RecipientInfos; NoProtection ``no-classical-recipient`` when only post-quantum keys are meant (CR-13)."""
    if all(each.kem for each in recipients):
        raise NoProtection("no-classical-recipient")
    return tlv(SET, *sorted(each.recipient_info(key, oaep=oaep) for each in recipients))


def _content_info(
    kind: str, before: bytes, cipher: bytes, sealed: Sequence[bytes | memoryview], after: bytes = b""
) -> bytes:
    """Put the headers around the ciphertext from inside outwards, so that it is copied once only."""
    size = sum(map(len, sealed))
    head = _OF_DATA + cipher + header(0x80, size)
    head = before + header(SEQUENCE, len(head) + size) + head
    head = header(SEQUENCE, len(head) + size + len(after)) + head
    head = oid(kind) + header(0xA0, len(head) + size + len(after)) + head
    return b"".join((header(SEQUENCE, len(head) + size + len(after)), head, *sealed, after))
