"""EnvelopedData and AuthEnvelopedData, writing side: AES in CBC (RFC 3565) or GCM (RFC 5083, RFC 5084), in DER."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes
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
_MAC = 2 + _TAG
_BLOCK = 16
_VERSION_0, _OF_DATA = integer(0), oid(names.DATA)


def encrypt_cbc(
    content: bytes | Sequence[bytes], recipients: Sequence[CmsRecipient], *, oaep: bool = False, bits: Bits = 256
) -> bytearray:
    """ContentInfo of EnvelopedData in DER. CBC does not protect against change: sign first (CR-02)."""
    parts, key, iv = _parts(content), os.urandom(bits // 8), os.urandom(16)
    size = sum(map(len, parts))
    fill = _BLOCK - size % _BLOCK  # RFC 5652 §6.3
    version = integer(max(each.enveloped_version for each in recipients))
    before = version + _recipient_infos(key, recipients, oaep=oaep)
    cipher = tlv(SEQUENCE, _CBC[bits], tlv(OCTETS, iv))
    head = _head(names.ENVELOPED_DATA, before, cipher, size + fill)
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return _written(head, encryptor, (*parts, bytes((fill,)) * fill))


def encrypt_gcm(
    content: bytes | Sequence[bytes], recipients: Sequence[CmsRecipient], *, oaep: bool = True, bits: Bits = 256
) -> bytearray:
    """ContentInfo of AuthEnvelopedData in DER: fresh key and nonce, 16-byte tag, content of type id-data."""
    whole, key, nonce = b"".join(_parts(content)), os.urandom(bits // 8), os.urandom(12)
    cipher = tlv(SEQUENCE, _GCM[bits], tlv(SEQUENCE, tlv(OCTETS, nonce), _ICV_LENGTH))
    before = _VERSION_0 + _recipient_infos(key, recipients, oaep=oaep)  # RFC 5083 §2.1
    head = _head(names.AUTH_ENVELOPED_DATA, before, cipher, len(whole), after=_MAC)
    out = bytearray(len(head) + len(whole) + _TAG)
    out[: len(head)] = head
    with memoryview(out) as view:
        AESGCM(key).encrypt_into(nonce, whole, None, view[len(head) :])
    out[-_TAG:] = tlv(OCTETS, bytes(out[-_TAG:]))
    return out


def _parts(content: bytes | Sequence[bytes]) -> Sequence[bytes]:
    return (content,) if isinstance(content, bytes) else content


def _recipient_infos(key: bytes, recipients: Sequence[CmsRecipient], *, oaep: bool) -> bytes:
    """RecipientInfos; NoProtection ``no-classical-recipient`` when only post-quantum keys are meant (CR-13)."""
    if all(each.kem for each in recipients):
        raise NoProtection("no-classical-recipient")
    return tlv(SET, *sorted(each.recipient_info(key, oaep=oaep) for each in recipients))


def _head(kind: str, before: bytes, cipher: bytes, size: int, *, after: int = 0) -> bytes:
    """All that stands before ``size`` octets of ciphertext and ``after`` more, put together from inside outwards."""
    head = _OF_DATA + cipher + header(0x80, size)
    head = before + header(SEQUENCE, len(head) + size) + head
    head = header(SEQUENCE, len(head) + size + after) + head
    head = oid(kind) + header(0xA0, len(head) + size + after) + head
    return header(SEQUENCE, len(head) + size + after) + head


def _written(head: bytes, encryptor: CipherContext, parts: Sequence[bytes]) -> bytearray:
    """``head`` and the ciphertext, each part written where it stays: copies of a large mail cost as much as AES."""
    at = len(head)
    out = bytearray(at + sum(map(len, parts)) + _BLOCK)  # ``update_into`` asks for a block more than it writes
    out[:at] = head
    with memoryview(out) as view:
        for part in parts:
            for piece in pieces(part):
                at += encryptor.update_into(piece, view[at:])
    encryptor.finalize()
    del out[at:]
    return out
