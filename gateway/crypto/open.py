"""The station backwards: take a sealed mail apart, layer by layer, and say of each who vouches for it and why not.

Only a whole mail is unwrapped, never one part among others: a decrypted part shown beside foreign parts is how Efail
works (CR-23). An unsigned CBC envelope opens but proves nothing (CR-24). What is inside is given only when every layer
around it is off and checked; a signature that does not hold is told beside it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

import pysequoia
from cryptography import x509

from gateway.crypto.certificates import UNREADABLE, addresses_of
from gateway.crypto.cms import decrypt as cms_decrypt
from gateway.crypto.cms import names
from gateway.crypto.cms.structures import Asn1
from gateway.crypto.cms.unwrap import HeldKey
from gateway.crypto.cms.verify import encapsulated, signatures
from gateway.crypto.header_protection import read_protected
from gateway.crypto.mime import PKCS7, Entity, leaves, read_entity, split
from gateway.crypto.opened import Layer, OpenedMail, Part
from gateway.crypto.openpgp import public_keys
from gateway.crypto.openpgp_open import OpenPgpSignature, OpensOpenPgp, decrypt, verify_detached
from gateway.crypto.payload import ClearSigned, clear_signed, inline_message, inline_text, read_payload
from gateway.crypto.peeled import Peeled, Shown, Taken, mail_fields
from gateway.crypto.reception import Reception
from gateway.crypto.remarks import remarks
from gateway.crypto.trust.policy import Trust
from gateway.crypto.trust.signers import SignersTrust
from gateway.crypto.weighing import weighed
from gateway.errors import NotOpened

_DEPTH = 10
_OPAQUE_NAMES = (".p7m", ".p7z")
_MAXIMUM_PARTS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningKeys:
    """What may be tried: our own secrets, and the OpenPGP certificates (binary or armor) whose signatures count."""

    smime: tuple[HeldKey, ...] = ()
    openpgp: tuple[OpensOpenPgp, ...] = ()
    correspondents: tuple[bytes, ...] = field(repr=False, default=())

    def mailboxes(self) -> Iterator[str]:
        """Whose keys they are, as far as certificates say."""
        for identity in self.smime:
            with contextlib.suppress(*UNREADABLE):
                yield from addresses_of(identity.certificate)
        for secret in self.openpgp:
            yield from secret.mailboxes()


def open_mail(
    content: bytes,
    keys: OpeningKeys,
    *,
    at: datetime,
    trust_roots: Sequence[x509.Certificate],
    reception: Reception | None = None,
) -> OpenedMail:
    """Open every layer of a mail received at ``at``.

    NotOpened when a layer cannot be decrypted: the same words whatever the reason (CR-34). TokenUnavailable when the
    token that has our key does not answer now, ReaderUnavailable when this machine cannot decrypt at all: the same mail
    may open later. A signature that does not hold is no error: its layer says ``verified`` false and why.
    """
    known = reception or Reception()
    trust = replace(Trust.of(trust_roots), revocation=known.revocation, by_domain=known.by_domain)
    opening = _Opening(keys, SignersTrust(trust=trust, at=at), archive=known.from_archive)
    peeled = opening.peel(read_payload(content))
    layers = weighed(peeled, known, (*known.mailboxes, *keys.mailboxes()))
    parts = list(_parts(peeled.inner))
    mail = OpenedMail(
        layers=layers,
        entity=peeled.inner.raw,
        parts=tuple(Part(name=each.filename, media_type=each.media_type, content=each.content()) for each in parts),
        headers=replace(peeled, taken=_with(peeled.taken, layers)).headers(),
    )
    return replace(mail, remarks=remarks(mail, peeled, parts))


@dataclass(frozen=True, slots=True)
class _Step:
    """What one layer turned out to be: its entries for the list, and what is inside."""

    taken: tuple[Taken, ...]
    inner: Entity


class _Opening:
    """One run of :func:`open_mail`."""

    def __init__(self, keys: OpeningKeys, trust: SignersTrust, *, archive: bool) -> None:
        self._keys, self._trust, self._archive = keys, trust, archive
        self._known: list[pysequoia.Cert] = [cert for key in keys.correspondents for cert in public_keys(key)]

    def peel(self, entity: Entity) -> Peeled:
        """Take off what there is, until nothing is left to take off."""
        taken: list[Taken] = []
        shown = [Shown(depth=0, fields=mail_fields(entity))]
        while (step := self._peel(entity)) is not None:
            taken += step.taken
            if len(taken) > _DEPTH:
                raise NotOpened("too-many-layers")
            entity = step.inner
            if step.taken[0].layer.kind == "message":
                shown.append(Shown(depth=len(taken), fields=mail_fields(entity)))
        protected = read_protected(entity) if taken else None
        if protected is not None:
            shown.append(Shown(depth=len(taken), fields=protected.inside))
        return Peeled(taken=tuple(taken), shown=tuple(shown), protected=protected, inner=entity)

    def _peel(self, entity: Entity) -> _Step | None:
        kind = entity.media_type
        if kind in PKCS7 or entity.filename.lower().endswith(_OPAQUE_NAMES):
            return self._pkcs7(entity.content())
        if kind == "multipart/signed":
            return self._signed(entity)
        if kind == "multipart/encrypted":
            return self._openpgp_encrypted(entity)
        if kind == "message/rfc822":
            return _Step((Taken(layer=Layer(kind="message")),), read_payload(entity.content()))
        if (message := inline_message(entity)) is not None:
            return self._openpgp(message, inline_text)
        signed = clear_signed(entity)
        return None if signed is None else self._clear_signed(signed)

    def _pkcs7(self, der: bytes) -> _Step:
        """Decide by the content type inside: smime-type is written in many ways, or not at all (CR-07)."""
        kind, content = cms_decrypt.read_content_info(der)
        if kind == names.SIGNED_DATA:
            inner = encapsulated(content)
            if inner is None:
                raise NotOpened("nothing-inside")
            return _Step(self._judged(content, inner), read_payload(inner))
        if kind == names.COMPRESSED_DATA:
            plain = cms_decrypt.inflate(content)
            return _Step((Taken(layer=Layer(kind="smime-compressed")),), read_payload(plain))
        if kind not in {names.ENVELOPED_DATA, names.AUTH_ENVELOPED_DATA}:
            raise NotOpened("not-cms")
        opened = cms_decrypt.decrypt(kind, content, self._keys.smime, archive=self._archive)
        layer = Layer(kind="smime-encrypted", algorithms=opened.algorithms, intact=opened.intact)
        return _Step((Taken(layer=layer),), read_payload(opened.content))

    def _signed(self, entity: Entity) -> _Step:
        parts = split(entity)
        if len(parts) != 2:
            raise NotOpened("not-two-parts")  # RFC 1847 §2.1: anything else hides unsigned parts
        signed, signature = parts[0], read_entity(parts[1])
        if "pgp" in (signature.media_type + entity.parameter("protocol")).lower():
            judged = verify_detached(_crlf(signed), signature.content(), self._known)
            return _Step((_openpgp_signed(judged),), read_payload(signed))
        kind, content = cms_decrypt.read_content_info(signature.content())
        if kind != names.SIGNED_DATA or encapsulated(content) is not None:
            raise NotOpened("not-cms")
        return _Step(self._judged(content, _crlf(signed)), read_payload(signed))

    def _judged(self, signed: Asn1, content: bytes) -> tuple[Taken, ...]:
        """One layer per signer."""
        found = signatures(signed, content, at=self._trust.at, trust=self._trust)
        return tuple(
            Taken(
                signers=each.addresses,
                domains=each.domains,
                layer=Layer(
                    kind="smime-signed",
                    algorithms=each.algorithms,
                    signer=", ".join(each.addresses) or each.subject or None,
                    signed_at=each.signed_at,
                    told=each.told,
                    verified=not each.why_not,
                    why_not=each.why_not,
                    revocation=self._trust.revocation.get(each.certificate),
                ),
            )
            for each in found
        )

    def _clear_signed(self, signed: ClearSigned) -> _Step:
        """What is shown is what was judged, and nothing else."""
        judged = verify_detached(signed.text, signed.signature, self._known)
        return _Step((_openpgp_signed(judged),), inline_text(signed.text))

    def _openpgp_encrypted(self, entity: Entity) -> _Step:
        parts = split(entity)
        if len(parts) != 2:
            raise NotOpened("not-two-parts")
        return self._openpgp(read_entity(parts[1]).content(), read_payload)

    def _openpgp(self, message: bytes, read: Callable[[bytes], Entity]) -> _Step:
        opened = decrypt(message, self._keys.openpgp, self._known)
        taken = [Taken(layer=Layer(kind="openpgp-encrypted", algorithms=opened.algorithms, intact=True))]
        if opened.signature is not None:
            taken.append(_openpgp_signed(opened.signature))
        return _Step(tuple(taken), read(opened.content))


def _openpgp_signed(judged: OpenPgpSignature) -> Taken:
    signer = ", ".join(judged.addresses) or judged.fingerprint or None
    layer = Layer(kind="openpgp-signed", signer=signer, verified=not judged.why_not, why_not=judged.why_not)
    return Taken(layer=layer, signers=judged.addresses)


def _with(taken: Sequence[Taken], layers: Sequence[Layer]) -> tuple[Taken, ...]:
    return tuple(replace(one, layer=layer) for one, layer in zip(taken, layers, strict=True))


def _crlf(signed: bytes) -> bytes:
    """The canonical form that was signed, also when the mail was saved with bare LF (RFC 1847 §2.1)."""
    return signed if b"\r\n" in signed else signed.replace(b"\n", b"\r\n")


def _parts(entity: Entity) -> list[Entity]:
    found = list(islice(leaves(entity), _MAXIMUM_PARTS + 1))
    if len(found) > _MAXIMUM_PARTS:
        raise NotOpened("too-many-parts")
    return found
