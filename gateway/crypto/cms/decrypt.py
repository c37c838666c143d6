"""EnvelopedData and AuthEnvelopedData, reading side: DER or BER, CBC or GCM, nothing released before its check.

Every failure is one NotOpened with ``detail`` ``not-decrypted`` or ``no-key`` (the latter tells only what the sender
knows already: which certificates he encrypted to).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from asn1crypto import cms, core
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap

from gateway.crypto.cms import names
from gateway.crypto.cms.structures import BAD_BYTES, Asn1, GcmParameters
from gateway.crypto.cms.unwrap import ContentKey, content_keys
from gateway.crypto.keys import SigningIdentity
from gateway.errors import NotOpened

_CBC = {names.AES128_CBC: 16, names.AES192_CBC: 24, names.AES256_CBC: 32}
_GCM = {names.AES128_GCM: 16, names.AES192_GCM: 24, names.AES256_GCM: 32}
_INFLATED = 100 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Decrypted:
    """The content, how it was protected, and whether a change would have been noticed (never with CBC alone)."""

    content: bytes = field(repr=False)
    algorithms: tuple[str, ...]
    intact: bool


def read_content_info(der: bytes) -> tuple[str, Asn1]:
    """The content type's identifier and the content; NotOpened ``not-cms`` when it is none."""
    try:
        info = cms.ContentInfo.load(der)
        return info["content_type"].dotted, info["content"]
    except BAD_BYTES as error:
        raise NotOpened("not-cms") from error


def decrypt(kind: str, content: Asn1, mine: Sequence[SigningIdentity]) -> Decrypted:
    """The content of an envelope that one of our keys opens."""
    try:
        return _auth_enveloped(content, mine) if kind == names.AUTH_ENVELOPED_DATA else _enveloped(content, mine)
    except (*BAD_BYTES, InvalidTag, InvalidUnwrap) as error:
        raise NotOpened("not-decrypted") from error


def inflate(content: Asn1) -> bytes:
    """The content of CompressedData (RFC 3274), at most 100 MiB of it: more is a bomb and refused."""
    try:
        inflater = zlib.decompressobj()
        plain = inflater.decompress(content["encap_content_info"]["content"].native, _INFLATED)
    except (*BAD_BYTES, zlib.error) as error:
        raise NotOpened("not-decompressed") from error
    if inflater.unconsumed_tail or not inflater.eof:
        raise NotOpened("not-decompressed")
    return plain


def _enveloped(content: Asn1, mine: Sequence[SigningIdentity]) -> Decrypted:
    info = content["encrypted_content_info"]
    cipher = info["content_encryption_algorithm"]
    size = _CBC.get(cipher["algorithm"].dotted)
    if size is None:  # 3DES, RC2 and DES are refused (CR-12)
        raise NotOpened("not-decrypted")
    key = _first(content, mine, size)
    iv = core.OctetString.load(cipher["parameters"].dump()).native
    decryptor = Cipher(algorithms.AES(key.key), modes.CBC(iv)).decryptor()
    padded = decryptor.update(info["encrypted_content"].native) + decryptor.finalize()
    unpadder = padding.PKCS7(128).unpadder()
    plain = unpadder.update(padded) + unpadder.finalize()
    return Decrypted(content=plain, algorithms=(f"aes{size * 8}-cbc", key.scheme), intact=False)


def _auth_enveloped(content: Asn1, mine: Sequence[SigningIdentity]) -> Decrypted:
    info = content["auth_encrypted_content_info"]
    cipher = info["content_encryption_algorithm"]
    size = _GCM.get(cipher["algorithm"].dotted)
    if size is None:
        raise NotOpened("not-decrypted")
    key = _first(content, mine, size)
    parameters = GcmParameters.load(cipher["parameters"].dump())
    tag = content["mac"].native
    if len(tag) != parameters["icv_length"].native:
        raise NotOpened("not-decrypted")
    mode = modes.GCM(parameters["nonce"].native, tag, min_tag_length=12)  # RFC 5084 §3.2: 12 to 16
    decryptor = Cipher(algorithms.AES(key.key), mode).decryptor()
    decryptor.authenticate_additional_data(_associated_data(content, info["content_type"].dotted))
    held_back = decryptor.update(info["encrypted_content"].native)
    plain = held_back + decryptor.finalize()  # raises InvalidTag before anything is given on (CR-05)
    return Decrypted(content=plain, algorithms=(f"aes{size * 8}-gcm", key.scheme), intact=True)


def _associated_data(content: Asn1, content_type: str) -> bytes:
    """AuthAttrs with the SET OF tag (RFC 5083 §2.2); needed when the content is not id-data (§2.1)."""
    attributes = content["auth_attrs"]
    if not isinstance(attributes, cms.CMSAttributes):
        if content_type != names.DATA:
            raise NotOpened("not-decrypted")
        return b""
    stated = [each["values"][0].dotted for each in attributes if each["type"].dotted == names.CONTENT_TYPE]
    if stated not in ([content_type], []) or (not stated and content_type != names.DATA):
        raise NotOpened("not-decrypted")
    return bytes(attributes.untag().dump())


def _first(content: Asn1, mine: Sequence[SigningIdentity], size: int) -> ContentKey:
    for key in content_keys(content["recipient_infos"], mine, size):
        return key
    raise NotOpened("no-key")
