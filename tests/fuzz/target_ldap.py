"""What a client of the address book sends: a stream of octets to messages, requests, and filters over an entry.

``\\xff\\xff\\xff`` cuts the stream into what arrives at once.
"""

from __future__ import annotations

import asyncio

from asn1crypto.parser import emit

from gateway.faces.ldap.entry import Entry
from gateway.faces.ldap.login import login_in, refused_form, refused_login
from gateway.faces.ldap.matching import matches
from gateway.faces.ldap.names import BadName, parse_name
from gateway.faces.ldap.plan import plan_of
from gateway.faces.ldap.reading import NotLdap, read_request
from gateway.faces.ldap.requests import Bind, Search
from gateway.faces.ldap.wire import Wire
from tests.fuzz.wire import Wire as Transport

WORDS = (
    b"\x30\x0c\x02\x01\x01", b"\x60\x07\x02\x01\x03\x04", b"\x63", b"\xa0", b"\xa1", b"\xa2", b"\xa3", b"\xa4", b"\xa9",
    b"\x87\x04mail", b"\x0a\x01\x02", b"1.2.840.113556.1.4.319", b"1.3.6.1.4.1.1466.20037", b"o=annuaire",
    b"\x30\x80", b"\x84\x7f\xff\xff\xff", b"uid=8+mail=a\\2Cb,", b"\xff\xff\xff",
)  # fmt: skip
_LARGEST = 16 << 10
_loop = asyncio.new_event_loop()
_ENTRY = Entry(
    name="mail=lea@x.example,o=annuaire",
    values={
        "objectClass": ("top", "person"), "cn": ("Léa DUBREUIL",), "sn": ("DUBREUIL",), "mail": ("lea@x.example",),
        "userCertificate": (b"\x30",),
    },
)  # fmt: skip


def seeds() -> list[bytes]:
    bind = emit(1, 1, 0, _number(3) + _octets(b"uid=secretariat,o=annuaire") + emit(2, 0, 0, b"secret"))
    pieces = _sequence(emit(2, 0, 0, b"le"), emit(2, 0, 1, b"du"), emit(2, 0, 2, b"l"))
    names = emit(2, 1, 4, _octets(b"cn") + pieces) + emit(2, 1, 3, _octets(b"mail") + _octets(b"lea@x.example"))
    wanted = emit(2, 1, 0, emit(2, 1, 1, names) + emit(2, 1, 2, emit(2, 0, 7, b"userCertificate")))
    limits = _number(2, 10) + _number(0, 10) + _number(0) + _number(0) + emit(0, 0, 1, b"\0")
    search = emit(1, 1, 3, _octets(b"o=annuaire") + limits + wanted + _sequence(_octets(b"cn"), _octets(b"*")))
    page = _sequence(_octets(b"1.2.840.113556.1.4.319"), _octets(_sequence(_number(5), _octets(b""))))
    start = emit(1, 1, 23, emit(2, 0, 0, b"1.3.6.1.4.1.1466.20037"))
    operations = [bind, search, search + emit(2, 1, 0, page), start, emit(1, 0, 2, b""), emit(1, 0, 16, b"\x02")]
    messages = [_sequence(_number(number), one) for number, one in enumerate(operations, start=1)]
    return [*messages, b"".join(messages), b"\xff\xff\xff".join(messages)]


def run(data: bytes) -> None:
    _loop.run_until_complete(_converse(data))


async def _converse(data: bytes) -> None:
    wire = Wire(largest=_LARGEST, patience=0.0)
    wire.connection_made(Transport())
    for piece in data.split(b"\xff\xff\xff"):
        wire.data_received(piece)
    wire.eof_received()
    try:
        while (octets := await wire.message(0.0)) is not None:
            _obey(octets)
    except NotLdap as refusal:
        if not str(refusal).isprintable() or len(str(refusal)) > 60:
            raise AssertionError("words that a client chose") from refusal


def _obey(octets: bytes) -> None:
    operation = read_request(octets).operation
    if isinstance(operation, Bind):
        refused_form(operation, unknown_control=False)
        refused_login(operation, is_clear=False, anonymous=False)
        login_in(operation.name)
    if isinstance(operation, Search):
        plan = plan_of(operation.filter)
        is_meant = matches(_ENTRY, operation.filter)
        if is_meant and plan.complete and not plan.lookups:
            raise AssertionError("an entry that no look-up would find")
        try:
            parse_name(operation.base)
        except BadName:
            return


def _sequence(*parts: bytes) -> bytes:
    return bytes(emit(0, 1, 16, b"".join(parts)))


def _octets(value: bytes) -> bytes:
    return bytes(emit(0, 0, 4, value))


def _number(value: int, tag: int = 2) -> bytes:
    return bytes(emit(0, 0, tag, bytes([value])))
