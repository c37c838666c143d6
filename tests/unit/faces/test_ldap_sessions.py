"""One client of the address book, octet by octet: who it may be, what it may ask, how it is let go."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
import trustme
from asn1crypto import parser
from asn1crypto.parser import emit

from gateway.errors import SettingsRefused
from gateway.faces.ldap.book import Found
from gateway.faces.ldap.requests import Code
from gateway.faces.ldap.schema import START_TLS
from gateway.faces.ldap.settings import LdapFaceSettings, LdapLimits, LdapListener
from tests.journeys.kit import until
from tests.unit.faces.ldap_kit import BASE, OneUser, opened
from tests.unit.faces.test_ldap_messages import number, octets, sequence

AUTHORITY = trustme.CA()
PASSWORD = b"cheval de course"
DISCONNECTED = -1


class Client:
    """Speaks and hears messages; what it hears is (message id, application tag, content)."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def say(self, *messages: bytes) -> None:
        self.writer.write(b"".join(messages))
        await self.writer.drain()

    async def hear(self):
        """The next message, or ``None`` when the connection has ended."""
        try:
            head = await self.reader.readexactly(2)
            more = await self.reader.readexactly(head[1] & 0x7F) if head[1] & 0x80 else b""
            length = int.from_bytes(more, "big") if more else head[1]
            _, _, _, _, content, _ = parser.parse(head + more + await self.reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        (_, _, _, header, ident, _) = parser.parse(content)
        (_, _, tag, _, inside, _) = parser.parse(content[len(header) + len(ident) :])
        return int.from_bytes(ident, "big"), tag, inside

    async def code(self) -> int:
        """The result code of the next message that is no entry."""
        while (heard := await self.hear()) is not None:
            if heard[1] != 4:
                return parser.parse(heard[2])[4][0]
        return DISCONNECTED

    async def bind(self, name: bytes = b"secretariat", password: bytes = PASSWORD) -> int:
        await self.say(bind(name, password))
        return await self.code()


def bind(name: bytes, password: bytes, *, version: int = 3, how: bytes | None = None) -> bytes:
    return sequence(number(1), emit(1, 1, 0, number(version) + octets(name) + (how or emit(2, 0, 0, password))))


def search(ident: int, value: bytes = b"dub", *, attribute: bytes = b"cn", base: bytes = BASE.encode(), scope: int = 2):
    wanted = emit(2, 1, 4, octets(attribute) + sequence(emit(2, 0, 0, value)))
    return asked(ident, wanted, base=base, scope=scope)


def asked(ident: int, wanted: bytes, *, base: bytes = BASE.encode(), scope: int = 2) -> bytes:
    limits = number(scope, 10) + number(0, 10) + number(0) + number(0) + emit(0, 0, 1, b"\0")
    return sequence(number(ident), emit(1, 1, 3, octets(base) + limits + wanted + sequence()))


START = sequence(number(7), emit(1, 1, 23, emit(2, 0, 0, START_TLS.encode())))


@asynccontextmanager
async def client_of(face):
    reader, writer = await asyncio.open_connection("127.0.0.1", face.ports["ldap"])
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()


def tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("localhost").configure_cert(context)
    return context


# --- who it may be ---------------------------------------------------------------------------------------------------


async def test_nobody_searches_without_a_login(tmp_path):
    async with opened(tmp_path) as face, client_of(face) as client:
        await client.say(search(2))
        assert await client.code() == Code.INSUFFICIENT_ACCESS_RIGHTS
        assert await client.bind() == Code.SUCCESS
        await client.say(search(3))
        assert (await client.hear())[1] == 4


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (bind(b"", b""), Code.INAPPROPRIATE_AUTHENTICATION),
        (bind(b"secretariat", b""), Code.UNWILLING_TO_PERFORM),
        (bind(b"", b"x"), Code.UNWILLING_TO_PERFORM),
        (bind(b"secretariat", PASSWORD, version=2), Code.PROTOCOL_ERROR),
        (bind(b"secretariat", b"", how=emit(2, 1, 3, octets(b"EXTERNAL"))), Code.AUTH_METHOD_NOT_SUPPORTED),
        (bind(b"secretariat", b"wrong"), Code.INVALID_CREDENTIALS),
        (bind(b"stranger", PASSWORD), Code.INVALID_CREDENTIALS),
    ],
)
async def test_a_bind_that_proves_nothing_is_refused_and_opens_nothing(tmp_path, message, code):
    async with opened(tmp_path) as face, client_of(face) as client:
        await client.say(message)
        assert await client.code() == code
        await client.say(search(2))
        assert await client.code() == Code.INSUFFICIENT_ACCESS_RIGHTS


async def test_a_bind_that_fails_ends_what_the_one_before_allowed(tmp_path):
    async with opened(tmp_path) as face, client_of(face) as client:
        assert await client.bind() == Code.SUCCESS
        assert await client.bind(password=b"wrong") == Code.INVALID_CREDENTIALS
        await client.say(search(2))
        assert await client.code() == Code.INSUFFICIENT_ACCESS_RIGHTS


async def test_anonymous_only_where_it_is_set(tmp_path):
    async with opened(tmp_path, anonymous=True) as face, client_of(face) as client:
        await client.say(bind(b"", b""), search(2))
        assert await client.code() == Code.SUCCESS
        assert (await client.hear())[1] == 4


async def test_three_wrong_passwords_end_the_connection(tmp_path):
    async with opened(tmp_path) as face, client_of(face) as client:
        for _ in range(3):
            assert await client.bind(password=b"wrong") == Code.INVALID_CREDENTIALS
        assert await client.code() == Code.UNWILLING_TO_PERFORM
        assert await client.hear() is None


async def test_a_guesser_is_let_go_even_with_the_right_password(tmp_path):
    async with opened(tmp_path, accounts=OneUser(most=0)) as face, client_of(face) as client:
        assert await client.bind() == Code.BUSY
        assert await client.hear() is None


# --- StartTLS --------------------------------------------------------------------------------------------------------


async def test_what_stands_behind_start_tls_in_clear_is_never_obeyed(tmp_path):
    async with opened(tmp_path, tls=tls()) as face, client_of(face) as client:
        await client.say(START + bind(b"secretariat", PASSWORD))
        assert await client.code() == Code.PROTOCOL_ERROR
        assert await client.hear() is None


async def test_who_was_bound_in_clear_is_not_bound_inside_tls(tmp_path):
    async with opened(tmp_path, tls=tls()) as face, client_of(face) as client:
        assert await client.bind() == Code.SUCCESS
        await client.say(START)
        assert await client.code() == Code.SUCCESS
        trusting = ssl.create_default_context()
        AUTHORITY.configure_trust(trusting)
        await client.writer.start_tls(trusting, server_hostname="localhost")
        await client.say(search(2))
        assert await client.code() == Code.INSUFFICIENT_ACCESS_RIGHTS
        assert await client.bind() == Code.SUCCESS
        await client.say(START)
        assert await client.code() == Code.PROTOCOL_ERROR
        client.writer.close()


async def test_start_tls_without_a_certificate_is_unavailable(tmp_path):
    async with opened(tmp_path) as face, client_of(face) as client:
        await client.say(START)
        assert await client.code() == Code.UNAVAILABLE


@pytest.mark.parametrize("host", ["::", "192.0.2.1", "annuaire.example"])
def test_clear_text_beyond_loopback_is_refused_at_the_start(host):
    with pytest.raises(SettingsRefused) as refused:
        LdapFaceSettings(listeners=(LdapListener(name="ldap", host=host),))
    assert "only with TLS" in str(refused.value.detail)


@pytest.mark.parametrize("base", ["", "annuaire", "o"])
def test_a_base_that_is_no_name_is_refused_at_the_start(base):
    with pytest.raises(SettingsRefused):
        LdapFaceSettings(listeners=(), base=base)


# --- what it may ask -------------------------------------------------------------------------------------------------


async def test_changes_are_refused_each_with_its_own_answer(tmp_path):
    async with opened(tmp_path) as face, client_of(face) as client:
        assert await client.bind() == Code.SUCCESS
        for tag, answer in ((6, 7), (8, 9), (12, 13), (14, 15)):
            await client.say(sequence(number(5), emit(1, 1, tag, octets(b"o=annuaire"))))
            _, heard, inside = await client.hear()
            assert (heard, parser.parse(inside)[4][0]) == (answer, Code.UNWILLING_TO_PERFORM)


async def test_who_am_i_and_other_extensions_are_not_known(tmp_path):
    async with opened(tmp_path) as face, client_of(face) as client:
        await client.say(sequence(number(5), emit(1, 1, 23, emit(2, 0, 0, b"1.3.6.1.4.1.4203.1.11.3"))))
        assert await client.code() == Code.PROTOCOL_ERROR


@pytest.mark.parametrize(
    ("base", "scope", "code", "entries"),
    [
        (b"o=annuaire", 0, 0, 0),
        (b"O = Annuaire", 2, 0, 3),
        (b"o=elsewhere", 2, Code.NO_SUCH_OBJECT, 0),
        (b"cn=x,cn=y,o=annuaire", 2, Code.NO_SUCH_OBJECT, 0),
        (b"mail=nobody@x.example,o=annuaire", 0, Code.NO_SUCH_OBJECT, 0),
        (b"uid=899000000001+mail=lea.dubreuil@ch.example,o=annuaire", 0, 0, 1),
        (b"mail=LEA.dubreuil@ch.example+UID=899000000001,o=annuaire", 2, 0, 1),
        (b"uid=899000000001+mail=lea.dubreuil@ch.example,o=annuaire", 1, 0, 0),
        (b"mail=lea.dubreuil@ch.example,o=annuaire", 0, Code.NO_SUCH_OBJECT, 0),
        (b"nonsense", 2, Code.INVALID_DN_SYNTAX, 0),
    ],
)
async def test_base_and_scope_choose_what_is_seen(tmp_path, base, scope, code, entries):
    async with opened(tmp_path) as face, client_of(face) as client:
        assert await client.bind() == Code.SUCCESS
        await client.say(search(2, base=base, scope=scope))
        heard = [await client.hear()]
        while heard[-1][1] == 4:
            heard.append(await client.hear())
        assert (parser.parse(heard[-1][2])[4][0], len(heard) - 1) == (code, entries)


async def test_the_same_message_id_twice_under_way_ends_the_connection(tmp_path):
    limits = LdapLimits(threads=1)
    async with opened(tmp_path, limits=limits) as face, client_of(face) as client:
        assert await client.bind() == Code.SUCCESS
        await client.say(search(2) + search(2))
        codes = [await client.code() for _ in range(2)]
        assert Code.PROTOCOL_ERROR in codes


async def test_an_abandoned_search_is_not_answered(tmp_path):
    async with opened(tmp_path) as face, client_of(face) as client:
        assert await client.bind() == Code.SUCCESS
        await client.say(search(2) + sequence(number(3), emit(1, 0, 16, b"\x02")) + search(4))
        heard = [await client.hear()]
        while heard[-1][1] != 5:
            heard.append(await client.hear())
        assert {ident for ident, _, _ in heard} == {4}


async def test_the_end_of_an_abandoned_search_forgets_no_other_of_its_number(tmp_path, monkeypatch):
    """What is not known to be under way is not counted, and outlives the next login."""
    async with opened(tmp_path, limits=LdapLimits(at_once=1)) as face, client_of(face) as client:
        begun, wait, loop = asyncio.Event(), asyncio.Event(), asyncio.get_running_loop()

        def slow(_):
            loop.call_soon_threadsafe(begun.set)
            asyncio.run_coroutine_threadsafe(wait.wait(), loop).result()
            return Found(entries=())

        monkeypatch.setattr(face._searcher, "_found", slow)
        assert await client.bind() == Code.SUCCESS
        await client.say(search(2) + sequence(number(3), emit(1, 0, 16, b"\x02")) + search(2))
        await begun.wait()
        await client.say(search(4))
        assert await client.code() == Code.BUSY
        wait.set()
        assert await client.code() == Code.SUCCESS


async def test_more_searches_at_once_than_allowed_hear_busy(tmp_path):
    async with opened(tmp_path, limits=LdapLimits(at_once=1)) as face, client_of(face) as client:
        assert await client.bind() == Code.SUCCESS
        await client.say(search(2) + search(3))
        assert {await client.code(), await client.code()} == {Code.BUSY, Code.SUCCESS}


async def test_a_search_that_takes_too_long_is_ended(tmp_path, monkeypatch):
    async with opened(tmp_path, limits=LdapLimits(max_seconds=0.05)) as face, client_of(face) as client:
        wait = asyncio.Event()
        loop = asyncio.get_running_loop()

        def slow(_):
            asyncio.run_coroutine_threadsafe(wait.wait(), loop).result()

        monkeypatch.setattr(face._searcher, "_found", slow)
        assert await client.bind() == Code.SUCCESS
        await client.say(search(2))
        assert await client.code() == Code.TIME_LIMIT_EXCEEDED
        wait.set()


# --- how it is let go ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "junk", [b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x02\x00", b"\x30\x84\x7f\xff\xff\xff", b"\x30\x80\x02\x01"]
)
async def test_what_is_no_ldap_hears_why_and_is_let_go(tmp_path, junk):
    async with opened(tmp_path) as face, client_of(face) as client:
        await client.say(junk)
        ident, tag, inside = await client.hear()
        assert (ident, tag, parser.parse(inside)[4][0]) == (0, 24, Code.PROTOCOL_ERROR)
        assert await client.hear() is None


async def test_half_a_message_is_not_waited_for(tmp_path):
    limits = LdapLimits(message=timedelta(milliseconds=50))
    async with opened(tmp_path, limits=limits) as face, client_of(face) as client:
        await client.say(search(2)[:10])
        assert await client.code() == Code.PROTOCOL_ERROR


async def test_who_does_not_log_in_is_let_go(tmp_path):
    limits = LdapLimits(unbound=timedelta(milliseconds=50))
    async with opened(tmp_path, limits=limits) as face, client_of(face) as client:
        assert await client.hear() is None


async def test_unbind_ends_the_connection_without_a_word(tmp_path):
    async with opened(tmp_path) as face, client_of(face) as client:
        await client.say(sequence(number(2), emit(1, 0, 2, b"")))
        assert await client.hear() is None


async def test_there_are_places_for_so_many_of_one_address_and_they_come_free(tmp_path):
    async with opened(tmp_path, limits=LdapLimits(max_per_address=1)) as face:
        async with client_of(face) as first, client_of(face) as second:
            assert await first.bind() == Code.SUCCESS
            assert await second.hear() is None
            await first.say(sequence(number(2), emit(1, 0, 2, b"")))
            assert await first.hear() is None
        await until(lambda: not face._from.total())
        async with client_of(face) as third:
            assert await third.bind() == Code.SUCCESS


async def test_closing_ends_every_session(tmp_path):
    async with opened(tmp_path) as face, client_of(face) as client:
        assert await client.bind() == Code.SUCCESS
        await face.close()
        assert await client.hear() is None
