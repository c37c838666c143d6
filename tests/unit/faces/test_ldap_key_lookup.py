"""Certificates looked up in an LDAP directory (ours plays it): kept as the least trusted source, bad ones aside."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import sys
from pathlib import Path

import pytest
from asn1crypto.parser import emit, parse
from typer.testing import CliRunner

import directory as book
from commands.directory import app
from directory import Directory, DirectoryError, LdapServer, Source, add_certificate, look_up_certificates
from tests.peers.authority import Authority
from tests.unit.directory.test_directory_local import make, named
from tests.unit.faces.ldap_kit import BASE, LOGIN, NOW, opened

ROOT = Path(__file__).resolve().parents[3]
BOX = "lea.dubreuil@ch.example"
UNTIL = NOW.replace(year=2036)


def tls(authority: Authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.server.certificate, authority.server.key)
    return context


def server(face, authority: Authority, scheme: str = "ldap", **more) -> LdapServer:
    url = f"{scheme}://127.0.0.1:{face.ports['ldap']}"
    known = {"ca": authority.roots, "user": LOGIN[1], "password": LOGIN[3]} | more
    return LdapServer(url=url, base=BASE, **known)


async def looked_up(ours: Path, where: LdapServer, mailbox: str = BOX):
    return await asyncio.to_thread(look_up_certificates, ours, mailbox, where)


@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
async def test_what_is_found_is_kept_as_of_the_least_trusted_source(tmp_path, authority, scheme):
    ours = tmp_path / "ours"
    async with opened(tmp_path, tls=tls(authority), implicit=scheme == "ldaps") as face:
        add_certificate(tmp_path / "data", BOX, make(None, *named(BOX), until=UNTIL))
        found = await looked_up(ours, server(face, authority, scheme))
    assert [one.source for one in found.kept] == [Source.LDAP]
    assert found.refused == ()
    here = Directory.open(ours)
    assert here.certificates(BOX) == list(found.kept)
    here.close()


async def test_the_trust_spaces_own_directory_comes_before_the_administrators_key(tmp_path, authority):
    ours, [his, theirs] = tmp_path / "ours", [make(None, *named(BOX), until=UNTIL) for _ in range(2)]
    async with opened(tmp_path, tls=tls(authority)) as face:
        add_certificate(ours, BOX, his)
        add_certificate(tmp_path / "data", BOX, theirs)
        await looked_up(ours, server(face, authority, authoritative=True))
    here = Directory.open(ours)
    assert [(one.source, one.der) for one in here.certificates(BOX)] == [
        (Source.DIRECTORY, theirs), (Source.ADMINISTRATOR, his),
    ]  # fmt: skip
    here.close()


async def test_a_certificate_of_another_name_is_refused_and_blocks_no_other(tmp_path, authority):
    async with opened(tmp_path, tls=tls(authority)) as face:
        for der in (make(None, *named("other@x.example"), until=UNTIL), make(None, *named(BOX), until=UNTIL)):
            add_certificate(tmp_path / "data", BOX, der, any_name=True)
        found = await looked_up(tmp_path / "ours", server(face, authority))
    assert (len(found.kept), found.refused) == (1, ("other-name",))


async def test_a_mailbox_that_nobody_knows_has_none(tmp_path, authority):
    async with opened(tmp_path, tls=tls(authority)) as face:
        found = await looked_up(tmp_path / "ours", server(face, authority), "l*@ch.example")
    assert found == book.LookedUp()


@pytest.mark.parametrize("wrong", ["password", "authority", "clear", "nobody there"])
async def test_a_server_that_cannot_be_trusted_or_asked_gives_nothing(tmp_path, authority, wrong):
    async with opened(tmp_path, tls=None if wrong == "clear" else tls(authority)) as face:
        where = {
            "password": server(face, authority, password="wrong"),
            "authority": server(face, authority, ca=authority.client.certificate),
            "clear": server(face, authority),
            "nobody there": LdapServer(url="ldaps://127.0.0.1:9", base=BASE, ca=authority.roots),
        }[wrong]
        with pytest.raises(DirectoryError) as caught:
            await looked_up(tmp_path / "ours", where)
    assert caught.value.code == "lookup-failed"


async def test_a_server_of_another_name_is_not_believed(tmp_path, authority):
    """In a process of its own: ldap3 leaves that socket open, for the garbage collector of some other test."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.wrong_name.certificate, authority.wrong_name.key)
    async with opened(tmp_path, tls=context) as face:
        ask = (
            "import pathlib, directory\n"
            f"server = directory.LdapServer(url='ldap://127.0.0.1:{face.ports['ldap']}', base='{BASE}', "
            f"ca=pathlib.Path('{authority.roots}'))\n"
            f"try: directory.look_up_certificates(pathlib.Path('{tmp_path / 'ours'}'), '{BOX}', server)\n"
            "except directory.DirectoryError as error: print(error.code, error.__cause__)\n"
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", ask, cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
    assert out.startswith(b"lookup-failed")
    assert b"doesn't match" in out


async def test_the_login_is_never_taken_to_a_server_that_the_first_one_names(tmp_path, authority):
    """ldap3 follows a referral to any server, in clear too, and logs in there with the same password."""
    called = []

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.append(await reader.read(1000))
        writer.close()

    other = await asyncio.start_server(elsewhere, "127.0.0.1", 0)
    url = f"ldap://127.0.0.1:{other.sockets[0].getsockname()[1]}/{BASE}".encode()

    async def refer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for tag, code, more in ((1, 0, b""), (5, 10, emit(2, 1, 3, emit(0, 0, 4, url)))):
            asked = await reader.read(1000)
            result = emit(0, 0, 10, bytes([code])) + emit(0, 0, 4, b"") * 2 + more
            number = parse(asked)[4][:3]  # the message's id
            writer.write(emit(0, 1, 16, number + emit(1, 1, tag, result)))
        await reader.read()
        writer.close()

    first = await asyncio.start_server(refer, "127.0.0.1", 0, ssl=tls(authority))
    where = LdapServer(url=f"ldaps://127.0.0.1:{first.sockets[0].getsockname()[1]}", base=BASE, ca=authority.roots,
                       user=LOGIN[1], password=LOGIN[3])  # fmt: skip
    async with first, other:
        with contextlib.suppress(DirectoryError):
            assert (await looked_up(tmp_path / "ours", where)).kept == ()
    assert called == []


@pytest.mark.parametrize("octets", [b"0\x06\x00\x00\x00", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"0\x03\x02\x01\x07"])
async def test_an_answer_that_is_no_ldap_is_a_refusal_in_words(tmp_path, authority, octets):
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(octets)
        writer.close()

    first = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls(authority))
    where = LdapServer(url=f"ldaps://127.0.0.1:{first.sockets[0].getsockname()[1]}", base=BASE, ca=authority.roots)
    async with first:
        with pytest.raises(DirectoryError) as caught:
            await looked_up(tmp_path / "ours", where)
    assert caught.value.code == "lookup-failed"


@pytest.mark.parametrize(("authoritative", "source"), [(False, "ldap"), (True, "directory")])
async def test_the_command_asks_the_server_of_the_settings(tmp_path, authority, monkeypatch, authoritative, source):
    async with opened(tmp_path, tls=tls(authority)) as face:
        add_certificate(tmp_path / "data", BOX, make(None, *named(BOX), until=UNTIL))
        (tmp_path / "secrets").mkdir()
        (tmp_path / "secrets" / "key-lookup-password").write_text(LOGIN[3])
        (tmp_path / "huitaine.toml").write_text(
            '[gateway]\ndata = "ours"\nsecrets = "secrets"\n'
            f'[key_lookup]\nurl = "ldap://127.0.0.1:{face.ports["ldap"]}"\nbase = "{BASE}"\nuser = "{LOGIN[1]}"\n'
            f'ca = "{authority.roots}"\nauthoritative = {str(authoritative).lower()}\n'
        )
        monkeypatch.setenv("HUITAINE_CONFIG", str(tmp_path / "huitaine.toml"))
        run = CliRunner().invoke
        done = await asyncio.to_thread(run, app, ["key", "fetch", BOX])
        assert (done.exit_code, "taken" in done.output or "pris" in done.output) == (0, True)
        run(app, ["set", BOX, "rpps=99000000001"])
        (box,) = json.loads(run(app, ["show", "99000000001", "--format", "json"]).stdout)["mailboxes"]
        assert [one["source"] for one in box["keys"]] == [source]
        none = await asyncio.to_thread(run, app, ["key", "fetch", "p.martin@medecin.example"])
        assert none.exit_code == 3


def test_without_settings_the_command_says_what_is_missing(tmp_path, monkeypatch):
    (tmp_path / "huitaine.toml").write_text("[gateway]\n")
    monkeypatch.setenv("HUITAINE_CONFIG", str(tmp_path / "huitaine.toml"))
    done = CliRunner().invoke(app, ["key", "fetch", BOX])
    assert done.exit_code == 2
    assert "key_lookup" in done.stderr
