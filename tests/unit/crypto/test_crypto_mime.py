"""Bytes in and out: lines of base64, DER, and foreign MIME cut exactly, whatever is thrown at it."""

from __future__ import annotations

import base64
import contextlib
from datetime import UTC, datetime

import pytest
from asn1crypto import core
from hypothesis import given
from hypothesis import strategies as st

from gateway.crypto.cms import der
from gateway.crypto.mime import leaves, read_entity, split
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.peeled import Shown, mail_fields
from gateway.crypto.wire import base64_lines
from gateway.errors import NotOpened


@given(st.binary(max_size=30_000))
def test_base64_lines_are_those_of_rfc_2045(content):
    assert base64_lines(content) == base64.encodebytes(content).replace(b"\n", b"\r\n")


@pytest.mark.parametrize("size", [0, 1, 56, 57, 58, 57 * 128 - 1, 57 * 128, 57 * 128 + 1, 57 * 1000])
def test_base64_lines_at_every_edge(size):
    assert base64_lines(b"x" * size) == base64.encodebytes(b"x" * size).replace(b"\n", b"\r\n")


@given(st.integers(0, 1 << 200))
def test_integers_are_der(number):
    assert der.integer(number) == core.Integer(number).dump()


@given(st.integers(0, 2), st.integers(0, 39), st.lists(st.integers(0, 1 << 40), min_size=1, max_size=8))
def test_object_identifiers_are_der(first, second, arcs):
    dotted = ".".join(map(str, (first, second, *arcs)))
    assert der.oid(dotted) == core.ObjectIdentifier(dotted).dump()


@given(st.binary(max_size=70_000))
def test_octet_strings_are_der(content):
    assert der.tlv(der.OCTETS, content) == core.OctetString(content).dump()


@pytest.mark.parametrize(("year", "tag"), [(1950, 0x17), (2026, 0x17), (2049, 0x17), (2050, 0x18)])
def test_times_turn_to_generalized_time_in_2050(year, tag):
    assert der.time(datetime(year, 1, 2, 3, 4, 5, tzinfo=UTC))[0] == tag


def _multipart(body: bytes, boundary: bytes = b"b") -> bytes:
    return b'Content-Type: multipart/mixed; boundary="' + boundary + b'"\r\n\r\n' + body


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (b"--b\r\none\r\n--b\r\ntwo\r\n--b--\r\n", [b"one", b"two"]),
        (b"preamble\r\n--b\r\none\r\n--b--\r\nepilogue\r\n--b\r\nnot a part\r\n", [b"one"]),
        (b"--b\r\none\r\n\r\n--b--", [b"one\r\n"]),
        (b"--b \t\r\none --b\r\n --b\r\n--b--", [b"one --b\r\n --b"]),
        (b"--b\r\n--bc\r\n--b--\r\n", [b"--bc"]),
        (b"--b\r\n--b\r\n--b--", [b"", b""]),
        (b"--b\none\n--b--\n", [b"one"]),
        (b"--b\r\nnever closed", [b"never closed"]),
        (b"--b\r\none\r\n--b\r\nnever closed", [b"one", b"never closed"]),
        (b"no line of it", []),
        (b"no delimiter", []),
        (b"", []),
    ],
)
def test_parts_are_exactly_the_bytes_between_the_lines(body, parts):
    assert list(split(read_entity(_multipart(body)))) == parts


def test_a_missing_boundary_makes_one_part():
    entity = read_entity(b"Content-Type: multipart/mixed\r\n\r\nbody\r\n")
    assert split(entity) == ()
    assert [leaf.content() for leaf in leaves(entity)] == [b"body\r\n"]


def test_names_and_encodings_are_decoded():
    raw = (
        b"Content-Type: application/pdf; name*=utf-8''%C3%A9t%C3%A9.pdf\r\nContent-Transfer-Encoding: BASE64\r\n\r\n"
        b"JVBE\r\nRi0x\r\n"
    )
    assert read_entity(raw).filename == "été.pdf"
    assert read_entity(raw).content() == b"%PDF-1"
    assert read_entity(b"Content-Disposition: a; filename==?utf-8?q?=C3=A9?=\r\n\r\n").filename == "é"
    assert read_entity(b"Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A9=\r\n!").content() == "é!".encode()
    with pytest.raises(NotOpened):
        read_entity(b"Content-Transfer-Encoding: base64\r\n\r\nabcde").content()


def test_header_and_body_are_found_in_odd_mails():
    assert read_entity(b"\r\nbody").body == b"body"
    assert read_entity(b"\nbody").body == b"body"
    assert read_entity(b"A: b").body == b""
    assert read_entity(b"A: b\n\nbody").body == b"body"
    with pytest.raises(NotOpened):
        read_entity(b"A: b\r\n" * 100_000)


@pytest.mark.parametrize(
    ("header", "sender"),
    [
        (b"From: a@b.example", "a@b.example"),
        (b"From: Name <a@b.example>", "a@b.example"),
        (b"From: =?utf-8?q?x=40y.example=2C?= <a@b.example>", "a@b.example"),  # a name is no address
        (b"From: a@b.example, c@d.example", ""),
        (b"From: a@b.example\r\nFrom: c@d.example", ""),
        (b"Subject: none", ""),
    ],
)
def test_only_one_from_is_a_sender(header, sender):
    assert Shown(depth=0, fields=mail_fields(read_entity(header + b"\r\n\r\n"))).sender() == sender


@pytest.mark.parametrize("name", ["Content-Type", "content-disposition"])
def test_parameters_that_would_take_minutes_are_not_read(name):
    """250 KB of them take email some two minutes (``_parseparam``), and a mail may have a hundred such parts."""
    assert read_entity(f'{name}: text/plain; a="{";" * 8000}\r\n\r\n'.encode()).media_type == "text/plain"
    with pytest.raises(NotOpened) as refused:
        read_entity(f'{name}: multipart/mixed; a="{";" * 250_000}\r\n\r\n'.encode()).parameter("boundary")
    assert refused.value.detail == "unreadable-mail"


def test_depth_and_number_of_parts_are_bounded():
    deep = b"x"
    for level in range(30):
        name = b"b%d" % level
        deep = _multipart(b"--" + name + b"\r\n" + deep + b"\r\n--" + name + b"--\r\n", name)
    with pytest.raises(NotOpened):
        list(leaves(read_entity(deep)))
    many = _multipart(b"--b\r\nx\r\n" * 1500 + b"--b--\r\n")
    with pytest.raises(NotOpened):
        list(leaves(read_entity(many)))


@given(content=st.binary(max_size=400))
@pytest.mark.parametrize("kind", ["text/plain", "application/pkcs7-mime", "multipart/signed; boundary=b"])
def test_any_bytes_open_or_are_refused(kind, content):
    mail = f"Content-Type: {kind}\r\n\r\n".encode() + content
    with contextlib.suppress(NotOpened):
        open_mail(mail, OpeningKeys(), at=datetime(2026, 1, 1, tzinfo=UTC), trust_roots=())


@given(st.text(max_size=200))
def test_any_header_is_read_or_refused(text):
    raw = (
        b"Content-Type: "
        + text.encode("utf-8", "replace")
        + b"\r\nFrom: "
        + text.encode("utf-8", "replace")
        + b"\r\n\r\nx"
    )
    try:
        entity = read_entity(raw)
    except NotOpened:
        return
    assert isinstance(entity.media_type, str)
    assert isinstance(entity.filename, str)
    assert isinstance(Shown(depth=0, fields=mail_fields(entity)).sender(), str)
    assert isinstance(entity.parameter("boundary"), str)


@pytest.mark.parametrize("raised", [TypeError, ValueError, LookupError, RecursionError])
def test_trap_the_email_package_raises_what_it_likes_on_foreign_headers(monkeypatch, raised):
    """traps.md 11: what was found by fuzzing in one version is elsewhere in the next."""

    def fail(*_, **__):
        raise raised

    good = read_entity(b'Content-Type: text/html; charset=utf-8; name="a.pdf"\r\n\r\nx')
    assert (good.media_type, good.parameter("charset"), good.filename) == ("text/html", "utf-8", "a.pdf")
    for name in ("get_content_type", "get_param", "get_filename"):
        monkeypatch.setattr(f"email.message.Message.{name}", fail)
    assert (good.media_type, good.parameter("charset"), good.filename) == ("text/plain", "", "")
    monkeypatch.setattr("email.parser.BytesHeaderParser.parsebytes", fail)
    with pytest.raises(NotOpened):
        read_entity(b"A: b\r\n\r\nx")
