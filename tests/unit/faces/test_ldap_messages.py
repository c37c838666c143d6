"""Octets to requests: what is no LDAP, or more of it than anybody needs, is refused before it costs anything."""

from __future__ import annotations

import pytest
from asn1crypto.parser import emit
from hypothesis import given
from hypothesis import strategies as st

from gateway.faces.ldap import asn1
from gateway.faces.ldap.login import login_in
from gateway.faces.ldap.names import BadName, escaped, parse_name
from gateway.faces.ldap.reading import NotLdap, read_request
from gateway.faces.ldap.requests import Abandon, And, Bind, Change, Equal, Present, Search, Substrings, Unbind
from gateway.faces.ldap.wire import message_length


def sequence(*parts: bytes) -> bytes:
    return emit(0, 1, 16, b"".join(parts))


def octets(value: bytes) -> bytes:
    return emit(0, 0, 4, value)


def number(value: int, tag: int = 2) -> bytes:
    return emit(0, 0, tag, bytes([value]))


PRESENT = emit(2, 0, 7, b"mail")


def search(wanted: bytes = PRESENT, *, controls: bytes = b"", attributes: int = 0) -> bytes:
    asked = octets(b"o=annuaire") + number(2, 10) + number(0, 10) + number(5) + number(7) + emit(0, 0, 1, b"\0")
    asked += wanted + sequence(*[octets(b"cn")] * attributes)
    return sequence(number(9), emit(1, 1, 3, asked), controls)


def refused(message: bytes) -> str:
    with pytest.raises(NotLdap) as caught:
        read_request(message)
    return str(caught.value)


def test_a_search_is_read_with_its_limits():
    pieces = sequence(emit(2, 0, 0, b"du"), emit(2, 0, 1, b"br"), emit(2, 0, 2, b"l"))
    wanted = emit(
        2, 1, 0, PRESENT + emit(2, 1, 4, octets(b"cn") + pieces) + emit(2, 1, 3, octets(b"sn") + octets(b"x"))
    )
    request = read_request(search(wanted, attributes=2))
    assert isinstance(request.operation, Search)
    assert (request.id, request.operation.size_limit, request.operation.time_limit) == (9, 5, 7)
    assert request.operation.attributes == ("cn", "cn")
    expected = {Present("mail"), Equal("sn", "x"), Substrings("cn", initial="du", inner=("br",), final="l")}
    assert isinstance(request.operation.filter, And)
    assert set(request.operation.filter.parts) == expected


def test_small_requests_are_read():
    bind = emit(1, 1, 0, number(3) + octets(b"uid=x") + emit(2, 0, 0, b"pw"))
    assert read_request(sequence(number(1), bind)).operation == Bind(version=3, name="uid=x", password=b"pw")
    assert "pw" not in repr(read_request(sequence(number(1), bind)))
    assert read_request(sequence(number(2), emit(1, 0, 2, b""))).operation == Unbind()
    assert read_request(sequence(number(3), emit(1, 0, 16, b"\x07"))).operation == Abandon(id=7)
    assert read_request(sequence(number(4), emit(1, 0, 10, b"cn=x"))).operation == Change(answer=11)


def test_a_critical_control_that_is_not_known_is_seen_and_another_is_not():
    control = octets(b"1.2.3")
    critical = emit(2, 1, 0, sequence(control, emit(0, 0, 1, b"\xff")))
    assert read_request(search(controls=critical)).unknown_control
    assert not read_request(search(controls=emit(2, 1, 0, sequence(control)))).unknown_control


@pytest.mark.parametrize(
    "message",
    [
        b"", b"\x30\x00", b"\x30\x80\x02\x01\x01\x42\x00\x00\x00", b"GET / HTTP/1.1\r\n\r\n",
        b"\x30\x05\x02\x01\x01\x42",
        sequence(number(0), emit(1, 0, 2, b"")), sequence(number(1), emit(1, 1, 25, b"")),
        sequence(emit(0, 0, 2, b"\x7f" * 9), emit(1, 0, 2, b"")), sequence(number(1)),
        search(emit(2, 1, 2, b"")), search(emit(2, 1, 4, octets(b"cn") + sequence())),
        search(emit(2, 1, 4, octets(b"cn") + sequence(emit(2, 0, 2, b"z"), emit(2, 0, 0, b"a")))),
        search(attributes=250), search(emit(2, 0, 11, b"x")), search() + b"\0",
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused(message):
    refused(message)


def test_a_filter_nested_too_deeply_is_refused_before_anything_recursive_sees_it():
    wanted = PRESENT
    for _ in range(2000):
        wanted = emit(2, 1, 2, wanted)
    assert refused(search(wanted)) == "nested too deeply"


def test_control_a_filter_of_twenty_levels_is_read():
    wanted = PRESENT
    for _ in range(20):
        wanted = emit(2, 1, 2, wanted)
    read_request(search(wanted))


def test_more_elements_than_anybody_needs_are_refused():
    assert refused(search(emit(2, 1, 1, PRESENT * 2100))) == "nested too deeply"


@given(st.binary(max_size=200))
def test_any_octets_are_a_request_or_refused(content):
    for message in (content, sequence(number(1), content), search(content)):
        try:
            read_request(message)
        except NotLdap:
            continue


@given(st.integers(0, 60), st.integers(0, 255))
def test_an_octet_that_changes_is_a_request_or_refused(place, value):
    message = bytearray(search(attributes=1))
    message[place % len(message)] = value
    try:
        read_request(bytes(message))
    except NotLdap:
        return


def test_our_structures_write_what_we_read():
    asked = asn1.SearchRequest({
        "base": b"", "scope": "base", "deref": "never", "size_limit": 0, "time_limit": 0, "types_only": False,
        "filter": asn1.Filter("present", b"objectClass"), "attributes": [b"+"],
    }, implicit=("application", 3))  # fmt: skip
    written = asn1.LdapMessage({"id": 5, "operation": asn1.Operation("search", asked)}).dump()
    operation = read_request(written).operation
    assert isinstance(operation, Search)
    assert (operation.scope, operation.filter, operation.attributes) == ("base", Present("objectClass"), ("+",))


@pytest.mark.parametrize(
    ("begins", "length"),
    [(b"", None), (b"\x30", None), (b"\x30\x05", 7), (b"\x30\x81", None), (b"\x30\x82\x01\x00", 260)],
)
def test_the_length_of_a_message_is_known_from_its_beginning(begins, length):
    assert message_length(begins, 1000) == length


@pytest.mark.parametrize(
    "begins", [b"\x31", b"G", b"\x30\x80", b"\x30\x85\0\0\0\0\0", b"\x30\x82\x10\x00", b"\x30\x84\xff\xff\xff\xff"]
)
def test_a_beginning_that_promises_no_message_is_refused_at_once(begins):
    with pytest.raises(NotLdap):
        message_length(begins, 1000)


# --- names -----------------------------------------------------------------------------------------------------------


@given(st.text(min_size=1, max_size=30))
def test_what_was_escaped_is_read_again(value):
    ((pair, *_), *rest) = parse_name(f"mail={escaped(value)},o=annuaire")
    assert pair == ("mail", value.casefold())
    assert len(rest) == 1


def test_several_values_of_one_level_and_escapes_of_octets():
    assert parse_name(r"UID=8+mail=a\2Cb@c\C3\A9, O=Annuaire") == (
        frozenset({("uid", "8"), ("mail", "a,b@cé")}),
        frozenset({("o", "annuaire")}),
    )
    assert parse_name("") == ()


@pytest.mark.parametrize("text", ["annuaire", "=x", "o=a,", r"o=\ff", "o=" + "x" * 2000])
def test_what_is_no_name_is_refused(text):
    with pytest.raises(BadName):
        parse_name(text)


@pytest.mark.parametrize(
    ("name", "login"),
    [("secretariat", "secretariat"), ("uid=Secretariat,o=annuaire", "secretariat"), ("cn=x", "x"), ("o=y", "o=y")],
)
def test_a_bind_name_is_a_login_or_a_distinguished_name(name, login):
    assert login_in(name) == login
