"""The layers of a sealed mail as far as they can be told without any key: how it is sealed, for whom, by whom.

What is signed and not encrypted is judged as `huitaine open` would; nobody is asked over the network.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from cryptography import x509
from pysequoia.packet import PacketPile, Tag

from gateway.crypto.cms import names
from gateway.crypto.cms.decrypt import read_content_info
from gateway.crypto.cms.encapsulation import read_kem
from gateway.crypto.cms.structures import BAD_BYTES, Asn1
from gateway.crypto.cms.verify import Signer, encapsulated, signatures
from gateway.crypto.mime import PKCS7, Entity, read_entity, split
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.opened import Layer
from gateway.crypto.openpgp_open import protection
from gateway.crypto.reception import Reception
from gateway.errors import HuitaineError, NotOpened
from gateway.moments import utc_now

Json = dict[str, Any]  # Any: JSON
_DEPTH = 10
_MOST_RECIPIENTS = 20


def layers(
    content: bytes, authorities: Sequence[x509.Certificate] = (), reception: Reception | None = None
) -> list[Json]:
    """From outside inwards, down to the first that only a key opens; what cannot be read further ends the list.

    ``for`` names certificates by issuer and serial number, as the mail itself does (RFC 5652 §6.2), or key ids.
    ``verified`` and ``why_not`` are those of ``huitaine open`` with ``authorities`` to believe and what ``reception``
    knows; ``None`` for what is encrypted, and for all inside it.
    """
    found: list[Json] = []
    with contextlib.suppress(HuitaineError, *BAD_BYTES):  # what was found so far is what can be told
        entity: Entity | None = read_entity(content)
        while entity is not None and len(found) < _DEPTH:
            told, inner = _peeled(entity)
            found += told
            entity = read_entity(inner) if inner else None
    for told_layer, judged in zip(found, _judged(content, authorities, reception), strict=False):
        told_layer.update(verified=judged.verified, why_not=judged.why_not or None)
    return found


def _judged(content: bytes, authorities: Sequence[x509.Certificate], reception: Reception | None) -> tuple[Layer, ...]:
    """Every layer, when no key is needed for any."""
    try:
        return open_mail(content, OpeningKeys(), at=utc_now(), trust_roots=authorities, reception=reception).layers
    except NotOpened:
        return ()


def _peeled(entity: Entity) -> tuple[list[Json], bytes | None]:
    if entity.media_type in PKCS7:
        return _cms(entity.content())
    if entity.media_type == "multipart/signed":
        return _signed(entity)
    if entity.media_type == "multipart/encrypted":
        return [_pgp_encrypted(read_entity(split(entity)[-1]).content())], None
    return [], None


def _cms(der: bytes) -> tuple[list[Json], bytes | None]:
    kind, content = read_content_info(der)
    if kind == names.SIGNED_DATA:
        inner = encapsulated(content)
        return _signers(content, inner or b""), inner
    if kind not in {names.ENVELOPED_DATA, names.AUTH_ENVELOPED_DATA}:
        return [_layer("smime-compressed")], None
    encrypted = "auth_encrypted_content_info" if kind == names.AUTH_ENVELOPED_DATA else "encrypted_content_info"
    algorithm = content[encrypted]["content_encryption_algorithm"]["algorithm"]
    meant = list(_recipients(content["recipient_infos"]))
    return [_layer("smime-encrypted", algorithms=[str(algorithm.native)], meant=meant)], None


def _signed(entity: Entity) -> tuple[list[Json], bytes | None]:
    signed, *others = split(entity)
    signature = read_entity(others[-1])
    if "pgp" in signature.media_type:
        return [_layer("openpgp-signed")], signed
    _, content = read_content_info(signature.content())
    return _signers(content, signed), signed


def _signers(signed: Asn1, content: bytes) -> list[Json]:
    found = signatures(signed, content, at=utc_now(), trust=_Anybody())
    return [
        _layer("smime-signed", algorithms=list(one.algorithms), signer=", ".join(one.addresses) or one.subject or None)
        for one in found
    ]


class _Anybody:
    """Who signed is told here; whether he counts is judged with the whole mail."""

    def why_not(self, signer: Signer) -> str:
        """Nothing is held against anybody."""
        del signer
        return ""

    def vouches(self, beside: Signer) -> bool:
        """What he tells of others is not told on."""
        del beside
        return False


def _recipients(infos: Asn1) -> Iterator[str]:
    for info in list(infos)[:_MOST_RECIPIENTS]:
        if info.name == "ktri":
            yield _certificate(info.chosen["rid"])
        elif info.name == "kari":
            yield from (_certificate(one["rid"]) for one in info.chosen["recipient_encrypted_keys"])
        elif info.name == "ori" and (kem := read_kem(info.chosen)) is not None:
            yield _certificate(kem["rid"])


def _certificate(rid: Asn1) -> str:
    if rid.name != "issuer_and_serial_number":
        return "key " + (rid.chosen.native if isinstance(rid.chosen.native, bytes) else b"").hex()
    return f"{rid.chosen['issuer'].human_friendly}, {rid.chosen['serial_number'].native:X}"


def _pgp_encrypted(message: bytes) -> Json:
    pile, algorithms = list(PacketPile.from_bytes(message)), list(protection(message))
    meant = [_key(packet.body) for packet in pile if packet.tag == Tag.PKESK and packet.body]
    return _layer("openpgp-encrypted", algorithms=algorithms, meant=meant)


def _key(session_key: bytes) -> str:
    """The key that a session key is for: by id in version 3, by fingerprint in version 6 (RFC 9580 §5.1)."""
    if session_key[0] == 3:
        return f"key {session_key[1:9].hex().upper()}"
    return f"key {session_key[3 : 2 + session_key[1]].hex().upper()}" if session_key[1] else "key not named"


def _layer(
    kind: str, *, algorithms: list[str] | None = None, meant: list[str] | None = None, signer: str | None = None
) -> Json:
    told = {"kind": kind, "algorithms": algorithms or [], "for": meant or [], "signer": signer}
    return {**told, "verified": None, "why_not": None}
