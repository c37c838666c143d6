"""Messages that openssl wrote once and that are kept: what opens today opens in ten years, whatever openssl does."""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_private_key

from gateway.crypto.cms.decrypt import decrypt, read_content_info
from gateway.crypto.cms.verify import encapsulated, signatures
from gateway.crypto.trust.policy import Trust
from gateway.crypto.trust.signers import SignersTrust
from gateway.errors import NotOpened
from tests.unit.crypto.cms_people import Person

KEPT: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "cms" / "openssl-3.0.json").read_text())
CONTENT = b64decode(KEPT["content"])
AT = datetime(2027, 1, 1, tzinfo=UTC)


def kept_person(name: str) -> Person:
    one = KEPT["people"][name]
    certificate = x509.load_der_x509_certificate(b64decode(one["certificate"]))
    return Person(certificate=certificate, private_key=load_der_private_key(b64decode(one["key"]), None), chain=())


def trust(authority: str = KEPT["authority"]) -> SignersTrust:
    root = x509.load_der_x509_certificate(b64decode(authority))
    return SignersTrust(trust=Trust(anchors=(root,)), at=AT)


@pytest.mark.parametrize("name", KEPT["sealed"])
def test_what_openssl_sealed_once_opens(name):
    message = KEPT["sealed"][name]
    kind, content = read_content_info(b64decode(message["cms"]))
    opened = decrypt(kind, content, [kept_person(message["to"])])
    assert opened.content == CONTENT
    assert list(opened.algorithms) == message["algorithms"]
    assert opened.intact == message["algorithms"][0].endswith("-gcm")


@pytest.mark.parametrize("name", KEPT["sealed"])
def test_what_openssl_sealed_once_opens_for_nobody_else(name):
    message = KEPT["sealed"][name]
    kind, content = read_content_info(b64decode(message["cms"]))
    others = [kept_person(each) for each in KEPT["people"] if each != message["to"]]
    with pytest.raises(NotOpened):
        decrypt(kind, content, others)


@pytest.mark.parametrize("name", KEPT["signed"])
def test_what_openssl_signed_once_holds(name):
    message = KEPT["signed"][name]
    _, signed = read_content_info(b64decode(message["cms"]))
    assert encapsulated(signed) == (CONTENT if "-nodetach" in message["options"] else None)
    (found,) = signatures(signed, CONTENT, at=AT, trust=trust())
    assert (found.why_not, list(found.algorithms)) == ("", message["algorithms"])
    assert found.addresses == ("dr.essai@medecin-essai.mssante.fr",)
    (changed,) = signatures(signed, CONTENT + b" ", at=AT, trust=trust())
    assert changed.why_not == "content-changed"


def test_what_openssl_signed_once_counts_under_its_own_authority_alone():
    _, signed = read_content_info(b64decode(KEPT["signed"]["rsa"]["cms"]))
    (found,) = signatures(signed, CONTENT, at=AT, trust=trust(KEPT["people"]["p384"]["certificate"]))
    assert found.why_not == "untrusted-signer"
