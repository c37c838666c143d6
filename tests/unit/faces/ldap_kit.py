"""An address book on loopback over an invented directory, and ldapsearch to ask it."""

from __future__ import annotations

import asyncio
import base64
import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from directory import Directory, import_files
from gateway.faces.ldap.face import LdapFace, open_ldap_face
from gateway.faces.ldap.settings import LdapFaceSettings, LdapLimits, LdapListener, TooManyGuesses
from tests.unit.directory.synthetic import ACTIVITY_HEADER, MAILBOX_HEADER, activity_line, mailbox_line, rpps_of, write

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
BASE = "o=annuaire"
LEA, ADAM, PAUL = (f"8{rpps_of(number)}" for number in (1, 2, 3))
PEOPLE = [
    mailbox_line(
        "lea.dubreuil@medecin.example", LEA, family="DUBREUIL", given="Léa-Noëlle", skill="SM26",
        organisation="CABINET DES TILLEULS", postcode="35000", town="RENNES", structure="990000001",
    ),
    mailbox_line("lea.dubreuil@ch.example", LEA, family="DUBREUIL", given="Léa-Noëlle", skill="SM26",
                 organisation="CH DE L'EST", postcode="67000", town="STRASBOURG", service="Médecine"),
    mailbox_line("adam.dubois@medecin.example", ADAM, family="DUBOIS", given="Adam", skill="SM04", accepts="N",
                 postcode="75007", town="PARIS"),
    mailbox_line("p.martin@medecin.example", PAUL, family="MARTIN-DUPRÉ", given="Paul", postcode="35000",
                 town="RENNES"),
    mailbox_line("secretariat@ch.example", organisation="CENTRE HOSPITALIER DE L'EST", service="Cardiologie",
                 postcode="67000", town="STRASBOURG", structure="670000001"),
]  # fmt: skip


@dataclass
class OneUser:
    """``secretariat`` and its password; after ``most`` wrong ones nobody is checked any more."""

    password: bytes = b"cheval de course"
    most: int = 5
    wrong: int = field(default=0)

    async def check(self, login: bytes, password: bytes, address: str) -> bool:
        if self.wrong >= self.most:
            raise TooManyGuesses
        right = (login, password) == (b"secretariat", self.password)
        self.wrong += not right
        return right

    def close(self) -> None:
        self.closed = True


def filled(folder: Path, lines: list[str] | None = None) -> Directory:
    """A directory of a few people, one of them with an activity besides."""
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / "directory.db").write_bytes(_imported(tuple(PEOPLE if lines is None else lines)))
    return Directory.open(folder / "data")


@cache
def _imported(lines: tuple[str, ...]) -> bytes:
    """The file that an import makes, made once."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        mailboxes = write(folder / "mailboxes.txt", iter([MAILBOX_HEADER, *lines]))
        activity = activity_line(ADAM, family="DUBOIS", given="Adam", finess="350000001", phone="0100000001")
        activities = write(folder / "activities.txt", iter([ACTIVITY_HEADER, activity]))
        import_files(folder, [mailboxes, activities], clock=lambda: NOW, confirm=True)
        return (folder / "directory.db").read_bytes()


@asynccontextmanager
async def opened(
    folder: Path, *, accounts: OneUser | None = None, limits: LdapLimits | None = None, tls=None, implicit=False, **more
) -> AsyncIterator[LdapFace]:
    """The face on a free port of loopback."""
    directory = filled(folder)
    listener = LdapListener(name="ldap", host="127.0.0.1", tls=tls, implicit_tls=implicit)
    settings = LdapFaceSettings(listeners=(listener,), base=BASE, limits=limits or LdapLimits(), **more)
    face = await open_ldap_face(settings, directory, accounts or OneUser(), clock=lambda: NOW)
    try:
        yield face
    finally:
        await face.close()
        directory.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What ldapsearch printed: entries, and its exit code, which is the result code."""

    code: int
    entries: list[dict[str, list[str]]]
    output: str
    errors: str

    @property
    def mails(self) -> set[str]:
        return {mail for entry in self.entries for mail in entry.get("mail", [])}


LOGIN = ("-D", f"uid=secretariat,{BASE}", "-w", "cheval de course")


async def ldapsearch(face: LdapFace, *words: str, login: tuple[str, ...] = LOGIN, **more: str) -> Said:
    """Debian's own client; ``words`` are options, the filter and attributes."""
    uri = more.pop("uri", f"ldap://127.0.0.1:{face.ports['ldap']}")
    base = () if "-b" in words else ("-b", BASE)
    command = ["ldapsearch", "-x", "-LLL", "-o", "ldif_wrap=no", "-H", uri, *login, *base, *words]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=os.environ | _environment(more)
    )
    out, errors = await process.communicate()
    text = out.decode()
    return Said(code=process.returncode or 0, entries=_entries(text), output=text, errors=errors.decode())


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    """No ldap.conf of this machine."""
    return dict(more) if more else {"LDAPNOINIT": "1"}


def _entries(text: str) -> list[dict[str, list[str]]]:
    found = []
    for block in re.split(r"\n\n+", text):
        entry: dict[str, list[str]] = {}
        for line in block.splitlines():
            if plain := re.fullmatch(r"([^:#]+):(:?) ?(.*)", line):
                name, encoded, value = plain.groups()
                decoded = base64.b64decode(value).decode("utf-8", "replace") if encoded else value
                entry.setdefault(name, []).append(decoded)
        if "dn" in entry:
            found.append(entry)
    return found
