"""EnvelopedData and AuthEnvelopedData, reading side: DER or BER, CBC or GCM, nothing released before its check.

Every failure is one NotOpened ``not-decrypted``, also when none of our keys is meant (CR-34); for whom a mail is can be
read in it without any key (``huitaine check``).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from asn1crypto import cms, core
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, algorithms, modes
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap

from gateway.crypto.cms import names
from gateway.crypto.cms.ber import definite
from gateway.crypto.cms.structures import BAD_BYTES, Asn1, GcmParameters, check_version
from gateway.crypto.cms.unwrap import HeldKey, content_keys
from gateway.errors import NotOpened

TRIPLE_DES = "des-ede3-cbc"
"""How an opened layer names the one old cipher that is opened at all, and only from an archive."""
_INFLATED = 100 << 20
_FAILED = (*BAD_BYTES, InvalidTag, InvalidUnwrap)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decrypted:
    """The content, how it was protected, and whether a change would have been noticed (never with CBC alone)."""

    content: bytes = field(repr=False)
    algorithms: tuple[str, ...]
    intact: bool


def read_content_info(ber: bytes | bytearray) -> tuple[str, Asn1]:
    """The content type's identifier and the content; NotOpened ``not-cms`` when it is none."""
    try:
        info = cms.ContentInfo.load(definite(bytes(ber)))
        return info["content_type"].dotted, info["content"]
    except BAD_BYTES as error:
        raise NotOpened("not-cms") from error


def decrypt(kind: str, content: Asn1, mine: Sequence[HeldKey], *, archive: bool = False) -> Decrypted:
    """The content of an envelope that one of our keys opens.

    ``archive`` opens what was sealed with triple DES, too: for a person who reads an old mail of his own (CR-12).
    """
    try:
        return _opened(_cipher_of(kind, content, archive=archive), content, mine)
    except _FAILED as error:
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


def _opened(cipher: _Cbc | _Gcm, content: Asn1, mine: Sequence[HeldKey]) -> Decrypted:
    """By the first RecipientInfo of ours whose content key passes the content's check."""
    for take in content_keys(content["recipient_infos"], mine, cipher.size):
        try:
            key = take()
            plain = cipher.open(key.key)
        except _FAILED:
            continue
        return Decrypted(content=plain, algorithms=(cipher.name, key.scheme), intact=isinstance(cipher, _Gcm))
    raise ValueError("no key of ours opens it")


def _cipher_of(kind: str, content: Asn1, *, archive: bool) -> _Cbc | _Gcm:
    if kind == names.AUTH_ENVELOPED_DATA:
        return _Gcm(content)
    named = content["encrypted_content_info"]["content_encryption_algorithm"]["algorithm"].dotted
    return _TripleDesCbc(content) if archive and named in names.ARCHIVED_CBC else _Cbc(content)


class _Cbc:
    """AES-CBC (RFC 3565); 3DES, RC2 and DES are refused (CR-12)."""

    sizes: ClassVar[Mapping[str, int]] = names.CBC
    block: ClassVar[int] = 128

    def __init__(self, content: Asn1) -> None:
        info = content["encrypted_content_info"]
        cipher = info["content_encryption_algorithm"]
        self.size = self.sizes[cipher["algorithm"].dotted]
        self._mode = modes.CBC(core.OctetString.load(cipher["parameters"].dump()).native)
        self._sealed: bytes = info["encrypted_content"].native

    @property
    def name(self) -> str:
        return f"aes{self.size * 8}-cbc"

    def open(self, key: bytes) -> bytes:
        decryptor = Cipher(self._algorithm(key), self._mode).decryptor()
        padded = decryptor.update(self._sealed) + decryptor.finalize()
        unpadder = padding.PKCS7(self.block).unpadder()
        return unpadder.update(padded) + unpadder.finalize()

    def _algorithm(self, key: bytes) -> BlockCipherAlgorithm:
        return algorithms.AES(key)


class _TripleDesCbc(_Cbc):
    """DES-EDE3-CBC (RFC 3370 §5.1), as mails were sealed until some ten years ago; for archives alone."""

    sizes = names.ARCHIVED_CBC
    block = 64
    name = TRIPLE_DES

    def _algorithm(self, key: bytes) -> BlockCipherAlgorithm:
        from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES  # noqa: PLC0415 - for who reads an archive

        return TripleDES(key)


class _Gcm:
    """AES-GCM (RFC 5083, RFC 5084)."""

    def __init__(self, content: Asn1) -> None:
        check_version(content, 0)  # RFC 5083 §2.1
        info = content["auth_encrypted_content_info"]
        cipher = info["content_encryption_algorithm"]
        self.size = names.GCM[cipher["algorithm"].dotted]
        self.name = f"aes{self.size * 8}-gcm"
        parameters = GcmParameters.load(cipher["parameters"].dump())
        tag = content["mac"].native
        if len(tag) != parameters["icv_length"].native:
            raise ValueError("tag length")
        self._mode = modes.GCM(parameters["nonce"].native, tag, min_tag_length=12)  # RFC 5084 §3.2: 12 to 16
        self._beside = _associated_data(content, info["content_type"].dotted)
        self._sealed: bytes = info["encrypted_content"].native

    def open(self, key: bytes) -> bytes:
        decryptor = Cipher(algorithms.AES(key), self._mode).decryptor()
        decryptor.authenticate_additional_data(self._beside)
        held_back = decryptor.update(self._sealed)
        return held_back + decryptor.finalize()  # raises InvalidTag before anything is given on (CR-05)


def _associated_data(content: Asn1, content_type: str) -> bytes:
    """AuthAttrs with the SET OF tag (RFC 5083 §2.2); needed when the content is not id-data (§2.1, CR-04)."""
    attributes = content["auth_attrs"]
    if not isinstance(attributes, cms.CMSAttributes):
        if content_type != names.DATA:
            raise ValueError("authenticated attributes are missing")
        return b""
    stated = [each["values"][0].dotted for each in attributes if each["type"].dotted == names.CONTENT_TYPE]
    if stated not in ([content_type], []) or (not stated and content_type != names.DATA):
        raise ValueError("content type")
    return bytes(attributes.untag().dump())
