"""The station backwards: take a sealed mail apart, layer by layer, and say of each who vouches for it and why not.

Only a whole mail is unwrapped, never one part among others: a decrypted part shown beside foreign parts is how Efail
works (CR-23). An unsigned CBC envelope opens but proves nothing (CR-24).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pysequoia
from cryptography import x509

from gateway.crypto.certificates import same_address
from gateway.crypto.cms import decrypt as cms_decrypt
from gateway.crypto.cms import names
from gateway.crypto.cms.structures import Asn1
from gateway.crypto.cms.verify import encapsulated, signatures
from gateway.crypto.keys import SigningIdentity
from gateway.crypto.mime import Entity, leaves, read_entity, split
from gateway.crypto.opened import Layer, OpenedMail, Part
from gateway.crypto.openpgp import public_keys
from gateway.crypto.openpgp_open import OpenPgpSecret, OpenPgpSignature, decrypt, verify_detached
from gateway.errors import NotOpened

_DEPTH = 10
_PKCS7 = {"application/pkcs7-mime", "application/x-pkcs7-mime"}
_OPAQUE_NAMES = (".p7m", ".p7z")
_MAXIMUM_PARTS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningKeys:
    """What may be tried: our own secrets, and the OpenPGP certificates (binary or armor) whose signatures count."""

    smime: tuple[SigningIdentity, ...] = ()
    openpgp: tuple[OpenPgpSecret, ...] = ()
    correspondents: tuple[bytes, ...] = field(repr=False, default=())


def open_mail(
    content: bytes, keys: OpeningKeys, *, at: datetime, trust_roots: Sequence[x509.Certificate]
) -> OpenedMail:
    """Open every layer of a mail received at ``at``.

    NotOpened when a layer cannot be decrypted: the same words whatever the reason (CR-34). A signature that does not
    hold is no error: its layer says ``verified`` false and why.
    """
    return _Opening(keys, at, trust_roots).run(read_entity(content))


@dataclass(frozen=True, slots=True)
class _Step:
    """What one layer turned out to be: its entries for the list, and the bytes inside."""

    layers: tuple[Layer, ...]
    inner: bytes


class _Opening:
    """One run of :func:`open_mail`; remembers whose mail the current layer claims to be."""

    def __init__(self, keys: OpeningKeys, at: datetime, trust_roots: Sequence[x509.Certificate]) -> None:
        self._keys, self._at, self._trust_roots = keys, at, trust_roots
        self._known: list[pysequoia.Cert] = [cert for key in keys.correspondents for cert in public_keys(key)]
        self._sender = ""

    def run(self, entity: Entity) -> OpenedMail:
        """Peel until nothing is left to peel."""
        self._sender = entity.sender()
        layers: list[Layer] = []
        while (step := self._peel(entity)) is not None:
            layers += step.layers
            if len(layers) > _DEPTH:
                raise NotOpened("too-many-layers")
            entity = read_entity(step.inner)
            if step.layers[0].kind == "message":
                self._sender = entity.sender()
        return OpenedMail(layers=tuple(layers), entity=entity.raw, parts=tuple(_parts(entity)))

    def _peel(self, entity: Entity) -> _Step | None:
        kind = entity.media_type
        if kind in _PKCS7 or entity.filename.lower().endswith(_OPAQUE_NAMES):
            return self._pkcs7(entity.content())
        if kind == "multipart/signed":
            return self._signed(entity)
        if kind == "multipart/encrypted":
            return self._openpgp_encrypted(entity)
        if kind == "message/rfc822":
            return _Step((Layer(kind="message"),), entity.content())
        return None

    def _pkcs7(self, der: bytes) -> _Step:
        """Decide by the content type inside: smime-type is written in many ways, or not at all (CR-07)."""
        kind, content = cms_decrypt.read_content_info(der)
        if kind == names.SIGNED_DATA:
            inner = encapsulated(content)
            if inner is None:
                raise NotOpened("nothing-inside")
            return _Step(self._judged(content, inner), inner)
        if kind == names.COMPRESSED_DATA:
            return _Step((Layer(kind="smime-compressed"),), cms_decrypt.inflate(content))
        if kind not in {names.ENVELOPED_DATA, names.AUTH_ENVELOPED_DATA}:
            raise NotOpened("not-cms")
        opened = cms_decrypt.decrypt(kind, content, self._keys.smime)
        layer = Layer(kind="smime-encrypted", algorithms=opened.algorithms, intact=opened.intact)
        return _Step((layer,), opened.content)

    def _signed(self, entity: Entity) -> _Step:
        parts = split(entity)
        if len(parts) != 2:
            raise NotOpened("not-two-parts")  # RFC 1847 §2.1: anything else hides unsigned parts
        signed, signature = parts[0], read_entity(parts[1])
        if "pgp" in (signature.media_type + entity.parameter("protocol")).lower():
            judged = verify_detached(_crlf(signed), signature.content(), self._known)
            return _Step((self._openpgp_layer(judged),), signed)
        kind, content = cms_decrypt.read_content_info(signature.content())
        if kind != names.SIGNED_DATA or encapsulated(content) is not None:
            raise NotOpened("not-cms")
        return _Step(self._judged(content, _crlf(signed)), signed)

    def _judged(self, signed: Asn1, content: bytes) -> tuple[Layer, ...]:
        """One layer per signer; each must also be whom the mail says it is from (CR-17)."""
        found = signatures(signed, content, at=self._at, trust_roots=self._trust_roots)
        return tuple(
            Layer(
                kind="smime-signed",
                algorithms=each.algorithms,
                signer=", ".join(each.addresses) or each.subject or None,
                signed_at=each.signed_at,
                told=each.told,
                **self._verdict(each.why_not, each.addresses),
            )
            for each in found
        )

    def _openpgp_encrypted(self, entity: Entity) -> _Step:
        parts = split(entity)
        if len(parts) != 2:
            raise NotOpened("not-two-parts")
        opened = decrypt(read_entity(parts[1]).content(), self._keys.openpgp, self._known)
        layers = [Layer(kind="openpgp-encrypted", algorithms=opened.algorithms, intact=True)]
        if opened.signature is not None:
            layers.append(self._openpgp_layer(opened.signature))
        return _Step(tuple(layers), opened.content)

    def _openpgp_layer(self, judged: OpenPgpSignature) -> Layer:
        signer = ", ".join(judged.addresses) or judged.fingerprint or None
        return Layer(kind="openpgp-signed", signer=signer, **self._verdict(judged.why_not, judged.addresses))

    def _verdict(self, why_not: str, addresses: Sequence[str]) -> dict[str, Any]:  # Any: two fields of Layer
        if not why_not and not any(same_address(each, self._sender) for each in addresses):
            why_not = "signer-is-not-from"
        return {"verified": not why_not, "why_not": why_not}


def _crlf(signed: bytes) -> bytes:
    """The canonical form that was signed, also when the mail was saved with bare LF (RFC 1847 §2.1)."""
    return signed if b"\r\n" in signed else signed.replace(b"\n", b"\r\n")


def _parts(entity: Entity) -> list[Part]:
    found: list[Part] = []
    for leaf in leaves(entity):
        if len(found) >= _MAXIMUM_PARTS:
            raise NotOpened("too-many-parts")
        found.append(Part(name=leaf.filename, media_type=leaf.media_type, content=leaf.content()))
    return found
