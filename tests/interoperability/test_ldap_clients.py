"""The address book and real LDAP clients: OpenLDAP's ldapsearch sends what Thunderbird and Outlook send.

Their filters, with what a person typed put in:
- Thunderbird, completion of addresses: ``(|(cn=*%v1*%v2-*)(mail=*%v*)(givenName=*%v1*)(sn=*%v*))`` in version 153,
  ``(|(cn=%v1*%v2-*)(mail=%v1*%v2-*)(sn=%v1*%v2-*))`` in older ones (the default of ``autoComplete.filterTemplate``,
  AbLDAPAutoCompleteSearch); ``%v`` is all of it, ``%v1`` the first word, ``%v2-`` the others. Attributes and the limit
  of 100 are those of its default attribute map. A real one is asked in test_thunderbird_address_book.
- Thunderbird, search in the address book: a query of "contains" (``mail.addr_book.quicksearchquery.format``).
- Outlook, completion and "check names": ``(&(mail=*)(|(mail=%s*)(|(cn=%s*)(|(sn=%s*)(givenName=%s*)))))``, the default
  that its LDAP service keeps in the profile (registry value 001e6604).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.faces.ldap.requests import Code
from gateway.faces.ldap.settings import LdapLimits
from tests.peers.authority import Authority
from tests.unit.faces.ldap_kit import LOGIN, ldapsearch, opened

pytestmark = [pytest.mark.peer]

FACE = "As the LDAP address book"
DUBREUIL = {"lea.dubreuil@medecin.example", "lea.dubreuil@ch.example"}
THUNDERBIRD_ATTRIBUTES = (
    "cn", "commonname", "displayName", "givenName", "mail", "sn", "surname", "o", "company", "ou", "department", "l",
    "locality", "postalCode", "zip", "street", "streetaddress", "title", "telephoneNumber", "mobile",
    "xmozillanickname", "mozillaNickname", "description", "notes", "modifytimestamp",
)  # fmt: skip


def thunderbird(typed: str) -> str:
    first, _, others = typed.partition(" ")
    return f"(|(cn=*{first}*{others}*)(mail=*{typed}*)(givenName=*{first}*)(sn=*{typed}*))".replace("**", "*")


def thunderbird_of_old(typed: str) -> str:
    first, _, others = typed.partition(" ")
    value = f"{first}*{others}*" if others else f"{first}*"
    return f"(|(cn={value})(mail={value})(sn={value}))"


def thunderbird_contains(typed: str) -> str:
    names = ("displayName", "cn", "givenName", "sn", "mail", "ou", "o", "title")
    return f"(|{''.join(f'({name}=*{typed}*)' for name in names)})"


def outlook(typed: str) -> str:
    return f"(&(mail=*)(|(mail={typed}*)(|(cn={typed}*)(|(sn={typed}*)(givenName={typed}*)))))"


@pytest.mark.cell(FACE, "Thunderbird's filters (ldapsearch)", "completes names and addresses")
@pytest.mark.parametrize("typed", ["dubr", "DUBREUIL", "léa", "lea dub", "dubreuil lea", "lea.dub", "lea.dubreuil@"])
@pytest.mark.parametrize("asked", [thunderbird, thunderbird_of_old])
async def test_thunderbird_completes(tmp_path: Path, typed: str, asked: Callable[[str], str]):
    async with opened(tmp_path) as face:
        said = await ldapsearch(face, "-z", "100", asked(typed), *THUNDERBIRD_ATTRIBUTES)
        assert (said.code, said.mails) == (0, DUBREUIL)
        assert {"cn", "sn", "givenName", "mail", "l", "postalCode"} <= set(said.entries[0])


@pytest.mark.cell(FACE, "Thunderbird's filters (ldapsearch)", "searches its address book")
@pytest.mark.parametrize("typed", ["dubr", "noelle", "breuil@med"])
async def test_thunderbird_finds_in_its_address_book(tmp_path: Path, typed: str):
    async with opened(tmp_path) as face:
        said = await ldapsearch(face, thunderbird_contains(typed), *THUNDERBIRD_ATTRIBUTES)
        assert said.mails
        assert said.mails <= DUBREUIL
        # Its filter asks for organisation and title too, and no index leads there: that more may exist is said.
        assert said.code == Code.SIZE_LIMIT_EXCEEDED


@pytest.mark.cell(FACE, "Outlook's filter (ldapsearch)", "completes names and addresses")
@pytest.mark.parametrize("typed", ["dubr", "lea.dub", "Léa", "dubreuil lea"])
async def test_outlook_completes(tmp_path: Path, typed: str):
    async with opened(tmp_path) as face:
        said = await ldapsearch(face, "-z", "100", outlook(typed), "mail", "cn", "userSMIMECertificate")
        assert (said.code, said.mails) == (0, DUBREUIL)


@pytest.mark.cell(FACE, "OpenLDAP ldapsearch", "and, or, not, present, equality, approximate")
@pytest.mark.parametrize(
    ("wanted", "mails"),
    [
        ("(mail=LEA.dubreuil@ch.example)", {"lea.dubreuil@ch.example"}),
        ("(&(sn=dubreuil)(!(l=strasbourg)))", {"lea.dubreuil@medecin.example"}),
        ("(&(sn=dub*)(!(description=*refuse*)))", DUBREUIL),
        ("(&(cn=dub*)(userCertificate=*))", set()),
        ("(&(objectClass=inetOrgPerson)(cn~=dupre paul))", {"p.martin@medecin.example"}),
        ("(cn=centre hosp*card*)", {"secretariat@ch.example"}),
        ("(employeeNumber=99000000003)", {"p.martin@medecin.example"}),
        ("(uid=899000000003)", {"p.martin@medecin.example"}),
        ("(|)", set()),
        ("(&(sn=dub*)(whatever=x))", set()),
        ("(cn=nobody*)", set()),
    ],
)
async def test_filters(tmp_path: Path, wanted: str, mails: set[str]):
    async with opened(tmp_path) as face:
        said = await ldapsearch(face, wanted, "mail")
        assert (said.code, said.mails) == (0, mails)


@pytest.mark.cell(FACE, "OpenLDAP ldapsearch", "size limit and pages")
async def test_the_clients_size_limit_is_kept_and_told(tmp_path: Path):
    async with opened(tmp_path) as face:
        said = await ldapsearch(face, "-z", "1", "(cn=dub*)", "mail")
        assert (said.code, len(said.mails)) == (Code.SIZE_LIMIT_EXCEEDED, 1)


@pytest.mark.cell(FACE, "OpenLDAP ldapsearch", "size limit and pages")
@pytest.mark.parametrize("size", [1, 2, 3, 10])
async def test_pages_give_every_entry_once(tmp_path: Path, size: int):
    async with opened(tmp_path) as face:
        said = await ldapsearch(face, "-E", f"pr={size}/noprompt", "(|(cn=dub*)(cn=martin*))", "mail")
        mails = [mail for entry in said.entries for mail in entry["mail"]]
        assert said.code == 0
        assert sorted(mails) == sorted({*DUBREUIL, "adam.dubois@medecin.example", "p.martin@medecin.example"})


@pytest.mark.cell(FACE, "OpenLDAP ldapsearch", "size limit and pages")
async def test_our_own_limit_ends_the_pages_too(tmp_path: Path):
    async with opened(tmp_path, limits=LdapLimits(max_entries=2)) as face:
        said = await ldapsearch(face, "-E", "pr=1/noprompt", "(cn=dub*)", "mail")
        assert (said.code, len(said.entries)) == (Code.SIZE_LIMIT_EXCEEDED, 2)


@pytest.mark.cell(FACE, "OpenLDAP ldapsearch", "StartTLS and LDAPS")
async def test_start_tls(tmp_path: Path, authority: Authority):
    async with opened(tmp_path, tls=context_of(authority)) as face:
        trust = {"LDAPTLS_CACERT": str(authority.roots)}
        uri = f"ldap://127.0.0.1:{face.ports['ldap']}"
        said = await ldapsearch(face, "-ZZ", "(cn=dubr*)", "mail", uri=uri, **trust)
        assert (said.code, said.mails) == (0, DUBREUIL)
        stranger = await ldapsearch(face, "-ZZ", "(cn=dubr*)", uri=uri, LDAPTLS_CACERT="/dev/null")
        assert stranger.code != 0


@pytest.mark.cell(FACE, "OpenLDAP ldapsearch", "StartTLS and LDAPS")
async def test_ldaps(tmp_path: Path, authority: Authority):
    async with opened(tmp_path, tls=context_of(authority), implicit=True) as face:
        uri = f"ldaps://127.0.0.1:{face.ports['ldap']}"
        said = await ldapsearch(face, "(cn=dubr*)", "mail", uri=uri, LDAPTLS_CACERT=str(authority.roots))
        assert (said.code, said.mails) == (0, DUBREUIL)


@pytest.mark.cell(FACE, "OpenLDAP ldapsearch", "wrong password, nobody")
@pytest.mark.parametrize(
    ("login", "code"),
    [
        (("-D", LOGIN[1], "-w", "wrong"), Code.INVALID_CREDENTIALS),
        (("-D", "uid=stranger,o=annuaire", "-w", "cheval de course"), Code.INVALID_CREDENTIALS),
        ((), Code.INAPPROPRIATE_AUTHENTICATION),
    ],
)
async def test_who_proves_nothing_sees_nothing(tmp_path: Path, login: tuple[str, ...], code: Code):
    async with opened(tmp_path) as face:
        said = await ldapsearch(face, "(cn=dubr*)", login=login)
        assert (said.code, said.entries) == (code, [])


@pytest.mark.cell(FACE, "OpenLDAP ldapsearch", "Root DSE and schema")
async def test_the_root_dse_tells_what_there_is(tmp_path: Path):
    async with opened(tmp_path, anonymous=True) as face:
        said = await ldapsearch(face, "-b", "", "-s", "base", "(objectClass=*)", "*", "+", login=())
        (root,) = (line.split(": ") for line in said.output.splitlines() if line.startswith("namingContexts"))
        assert root[1] == "o=annuaire"
        assert "supportedControl: 1.2.840.113556.1.4.319" in said.output
        schema = await ldapsearch(face, "-b", "cn=subschema", "-s", "base", "(objectClass=subschema)", "+", login=())
        assert "NAME ( 'mail' 'rfc822Mailbox' )" in schema.output


async def test_ten_clients_at_once_each_get_their_own_answer(tmp_path: Path):
    async with opened(tmp_path) as face:
        wanted = ["(sn=dubreuil)", "(sn=dubois)"] * 5
        said = await asyncio.gather(*(ldapsearch(face, one, "mail") for one in wanted))
        assert [one.mails for one in said] == [DUBREUIL, {"adam.dubois@medecin.example"}] * 5


def context_of(authority: Authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.server.certificate, authority.server.key)
    return context
