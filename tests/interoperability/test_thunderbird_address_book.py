"""A secretary types a name in Thunderbird's To field: our address book, over ``ldaps://``, offers the GP."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.peers.authority import Authority
from tests.peers.thunderbird_book import Card, ThunderbirdWithBook, thunderbird_with_book
from tests.unit.faces.ldap_kit import BASE, LOGIN, opened

pytestmark = [
    pytest.mark.peer,
    pytest.mark.screen,
    pytest.mark.timeout(600),
    pytest.mark.asyncio(loop_scope="module"),
]

FACE, ROW = "As the LDAP address book", "Thunderbird, in its window"
AT_HOME, AT_THE_HOSPITAL = "lea.dubreuil@medecin.example", "lea.dubreuil@ch.example"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def book(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> AsyncIterator[ThunderbirdWithBook]:
    folder = tmp_path_factory.mktemp("book")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.server.certificate, authority.server.key)
    async with opened(folder, tls=context, implicit=True) as face:
        url = f"ldaps://localhost:{face.ports['ldap']}"
        window = thunderbird_with_book(url, base=BASE, login=(LOGIN[1], LOGIN[3]), roots=authority.roots)
        thunderbird = await asyncio.to_thread(window.__enter__)
        try:
            yield thunderbird
        finally:
            await asyncio.to_thread(window.__exit__, None, None, None)


@pytest.mark.cell(FACE, ROW, "completes names and addresses")
@pytest.mark.parametrize("typed", ["dubr", "DUBREUIL", "léa", "lea dub", "dubreuil lea", "lea.dub", "lea.dubreuil@"])
async def test_the_to_field_offers_the_gp(book: ThunderbirdWithBook, typed: str):
    pictures = os.environ.get("HUITAINE_PICTURES")
    offered = await asyncio.to_thread(book.offers, typed, Path(pictures, "to.png") if pictures else None)
    mailboxes = {one.partition("<")[2].strip(">") for one in offered}
    assert mailboxes == {AT_HOME, AT_THE_HOSPITAL}, offered
    assert all("DUBREUIL" in one for one in offered)


@pytest.mark.cell(FACE, ROW, "completes names and addresses")
async def test_the_to_field_offers_nobody_for_a_name_that_nobody_bears(book: ThunderbirdWithBook):
    assert await asyncio.to_thread(book.offers, "xylander") == []


@pytest.mark.cell(FACE, ROW, "searches its address book")
async def test_its_address_book_shows_the_gp_with_his_town(book: ThunderbirdWithBook):
    found = await asyncio.to_thread(book.finds, "dubreuil")
    assert {(one.mailbox, one.town) for one in found} == {(AT_HOME, "RENNES"), (AT_THE_HOSPITAL, "STRASBOURG")}, found
    assert isinstance(found[0], Card)
