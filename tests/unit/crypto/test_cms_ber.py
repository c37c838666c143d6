"""Envelopes and signatures of senders that stream: indefinite lengths, strings in pieces, at any nesting (CR-06)."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.crypto.authority import TestAuthority
from gateway.crypto.cms.ber import definite
from gateway.crypto.cms.decrypt import decrypt, read_content_info
from gateway.crypto.cms.der import tlv
from gateway.crypto.cms.recipients import CmsRecipient
from gateway.crypto.cms.signed import DetachedSigner
from gateway.crypto.cms.structures import BAD_BYTES
from gateway.crypto.cms.verify import signatures
from gateway.errors import NotOpened
from tests.unit.crypto.cms_people import Person, believing, encrypt_cbc, encrypt_gcm, person
from tests.unit.crypto.cms_streams import END, elements, streamed

TEXT = b"Content-Type: text/plain\r\n\r\n" + b"Compte rendu d'essai\r\n" * 20


@pytest.fixture(scope="session")
def readers(authority: TestAuthority) -> dict[str, Person]:
    return {kind: person(authority, kind) for kind in ("rsa", "p256", "x25519", "ml-kem-768")}


@pytest.mark.parametrize("depth", [0, 1, 3])
@pytest.mark.parametrize("form", [encrypt_cbc, encrypt_gcm])
@pytest.mark.parametrize("kind", ["rsa", "p256", "x25519", "ml-kem-768"])
def test_cr_06_a_streamed_envelope_opens(readers, kind, form, depth):
    meant = [CmsRecipient(readers[one].certificate) for one in dict.fromkeys((kind, "p256"))]
    ((tag, inner),) = elements(form(TEXT, meant))
    ber = streamed(tag, inner, depth=depth)
    found, content = read_content_info(ber)
    assert decrypt(found, content, [readers[kind]]).content == TEXT


def test_encrypted_content_in_pieces_of_definite_length_opens(readers):
    ((_, inner),) = elements(encrypt_gcm(TEXT, [CmsRecipient(readers["p256"].certificate)]))
    (kind, (_, wrapped)) = elements(inner)
    ((_, body),) = elements(wrapped)
    (version, infos, (_, info), mac) = elements(body)
    (data, cipher, (_, sealed)) = elements(info)
    pieces = tlv(0xA0, tlv(0x04, sealed[:100]), tlv(0x04, sealed[100:]))
    told = tlv(0x30, tlv(*version), tlv(*infos), tlv(0x30, tlv(*data), tlv(*cipher), pieces), tlv(*mac))
    found, content = read_content_info(tlv(0x30, tlv(*kind), tlv(0xA0, told)))
    assert decrypt(found, content, [readers["p256"]]).content == TEXT


def test_cr_06_a_streamed_signature_holds(authority: TestAuthority, readers, now: datetime):
    ((tag, inner),) = elements(DetachedSigner(readers["p256"]).sign(TEXT, now))
    _, signed = read_content_info(streamed_outside(tag, inner))
    (found,) = signatures(signed, TEXT, at=now, trust=believing(authority.roots, now))
    assert found.why_not == ""


def streamed_outside(tag: int, content: bytes) -> bytes:
    """Indefinite down to SignedData; its certificates and attributes are DER always (RFC 5652 §5.3)."""
    (kind, (_, wrapped)) = elements(content)
    ((_, signed),) = elements(wrapped)
    inner = b"".join(tlv(*each) for each in elements(signed))
    return bytes((tag, 0x80)) + tlv(*kind) + b"\xa0\x80\x30\x80" + inner + END + END + END


def test_what_is_der_already_stays_byte_for_byte(readers):
    der = encrypt_cbc(TEXT, [CmsRecipient(readers["rsa"].certificate)])
    assert definite(der) == der
    assert definite(der + b"\r\n") == der  # what follows the first element is nobody's


def test_lengths_that_are_longer_than_they_need_be_stay_too():
    assert definite(b"\x30\x82\x00\x03\x02\x01\x01") == b"\x30\x82\x00\x03\x02\x01\x01"


@pytest.mark.parametrize(
    ("ber", "der"),
    [
        (b"\x30\x80\x00\x00", b"\x30\x00"),
        (b"\x30\x80\x02\x01\x07\x00\x00", b"\x30\x03\x02\x01\x07"),
        (b"\x24\x80\x00\x00", b"\x04\x00"),
        (b"\x24\x03\x04\x01a", b"\x04\x01a"),
        (b"\x24\x80\x04\x01a\x24\x80\x04\x01b\x00\x00\x04\x00\x00\x00", b"\x04\x02ab"),
        (b"\x30\x04\x30\x80\x00\x00", b"\x30\x02\x30\x00"),
        (b"\x7f\x81\x01\x80\x02\x01\x07\x00\x00", b"\x7f\x81\x01\x03\x02\x01\x07"),
    ],
)
def test_what_is_indefinite_becomes_definite(ber, der):
    assert definite(ber) == der


@pytest.mark.parametrize(
    "ber",
    [
        b"",
        b"\x30",
        b"\x30\x80",
        b"\x30\x80\x02\x01",
        b"\x30\x05\x02\x01\x01",
        b"\x04\x80\x00\x00",
        b"\x24\x80\x02\x01\x01\x00\x00",
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\xff" + b"\x01" * 127,
        b"\x7f\x81\x81",
        b"\x30\x80" * 100 + b"\x00\x00" * 100,
    ],
)
def test_what_is_no_ber_is_refused(ber):
    with pytest.raises(BAD_BYTES):
        definite(ber)
    with pytest.raises(NotOpened):
        read_content_info(ber)


def test_more_elements_than_any_message_has_are_not_walked():
    """Thirty megabytes of NULL are fifteen million elements: minutes, and gigabytes of places to remember."""
    many = tlv(0x30, b"\x05\x00" * 600_000)
    with pytest.raises(NotOpened) as refused:
        read_content_info(many)
    assert refused.value.detail == "not-cms"
    with pytest.raises(ValueError, match="too many elements"):
        definite(many)


TREES = st.recursive(
    st.builds(partial(tlv, 0x04), st.binary(max_size=40)) | st.builds(partial(tlv, 0x02), st.binary(max_size=4)),
    lambda inside: st.builds(lambda parts: tlv(0x30, *parts), st.lists(inside, max_size=4)),
    max_leaves=20,
)


@given(tree=TREES, depth=st.integers(0, 3))
def test_any_tree_streamed_is_the_tree_again(tree: bytes, depth: int):
    ((tag, content),) = elements(tree)
    assert definite(streamed(tag, content, depth=depth)) == tree


@given(noise=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(noise: bytes):
    try:
        found = definite(noise)
    except (ValueError, IndexError):
        return
    assert definite(found) == found
