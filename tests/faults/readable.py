"""Promise F1: canaries in every place of a letter go through a running gateway; then they are looked for everywhere."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import quopri
import signal
import smtplib
import socket
import ssl
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from demo import letters
from gateway.moments import utc_now
from tests.faults.campaign import until
from tests.faults.hop import running_hop
from tests.faults.ledger import left_to_do, looking
from tests.faults.place import TO, Place, prepare
from tests.faults.process import HONEST, ROOT, GatewayProcess
from tests.faults.restoring import huitaine
from tests.faults.sender import Mllp
from tests.peers.authority import make_authority

UNSEALED = ("-m", "tests.faults.broken.unsealed")
WORD = "ZEBRAPOISSON"
NAMES = ("NOM", "PRENOM", "SUJET", "CORPS", "PIECE", "BOITE", "TEXTE", "HPRIM", "MLLP")
SETTINGS = "\n[retention]\nbody_hours = 0\n"
STATES = {"held", "done", "cancelled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Where something was found, and that the search had something to look at."""

    hits: list[str]
    searched: int
    states: set[str]
    ambiguous: int
    erased: int
    core: list[str]


def canary(name: str) -> str:
    """The word that stands in this place of the letters."""
    return f"{WORD}{name}"


async def look_everywhere(folder: Path, count: int, *, entry: Sequence[str] = HONEST) -> Told:
    """Send, let some be held, cancelled, ambiguous, done and erased; search; crash; search again."""
    (folder / "tls").mkdir(parents=True)
    (folder / "tmp").mkdir()
    authority = make_authority(folder / "tls")
    with running_hop(authority, folder / "arrivals", cut=0.3) as hop:
        place = prepare(folder / "gateway", authority, hop.port, more=SETTINGS)
        environment = {"TMPDIR": str(folder / "tmp")}
        gateway = GatewayProcess(place, folder / "serve.log", entry=entry, environment=environment)
        try:
            await asyncio.to_thread(gateway.open)
            await asyncio.to_thread(_send, place, count)
            await until(lambda: not left_to_do(place.database))
            await _cancel_one(place)
            hits = _hits(folder, place, gateway)
            await huitaine(place, "purge")
            await huitaine(place, "backup", str(folder / "b" / "night.tar"), "--keys", str(folder / "b" / "night.keys"))
            states, ambiguous, erased = _states(place)
            hits += _hits(folder, place, gateway)
            os.kill(gateway.pid, signal.SIGSEGV)
            await asyncio.to_thread(gateway.wait, 60)
        finally:
            gateway.end()
        files = _contents(_files(folder, place))
        hits += [hit for name, content in files for hit in _in(name, content, _secrets(place))]
        return Told(
            hits=sorted(set(hits)),
            searched=sum(len(content) for _, content in files),
            states=states,
            ambiguous=ambiguous,
            erased=erased,
            core=[str(path) for each in (ROOT, folder / "tmp", place.settings.parent) for path in each.glob("core*")],
        )


def forms(text: str) -> Iterator[bytes]:
    """How a text may stand in a file: as it is, in UTF-16, in base64 at each of three places, in quoted-printable."""
    raw = text.encode()
    yield raw
    yield text.encode("utf-16-le")
    yield text.encode("utf-16-be")
    yield quopri.encodestring(raw)
    for start in range(3):
        encoded = base64.b64encode(b"\0" * start + raw).rstrip(b"=")
        yield encoded[(start * 8 + 5) // 6 : -1]


def _send(place: Place, count: int) -> None:
    """Mails to the GP and to nobody, an HPRIM file, an MDM over MLLP: each with its canaries."""
    context = ssl.create_default_context(cafile=str(place.ca))
    with smtplib.SMTP_SSL("localhost", place.smtps, context=context) as session:
        session.login(place.login, place.password)
        for number in range(count):
            session.sendmail("dpi@hospital.test", TO, _mail(number, TO))
        nobody = f"{canary('BOITE')}@gp.test"
        for number in range(2):
            session.sendmail("dpi@hospital.test", nobody, _mail(-number - 1, nobody))
        session.sendmail("dpi@hospital.test", TO, letters.hprim_mail(_marked(letters.hprim_lab(utc_now()), "HPRIM")))
    content = Mllp.letter("canary", 1, letters.pdf("Lettre", canary("MLLP")))
    with socket.create_connection(("127.0.0.1", place.mllp), timeout=30) as connection:
        connection.sendall(b"\x0b" + _marked(content, "NOM") + b"\x1c\r")
        assert b"MSA|AA|" in connection.recv(65536)


def _mail(number: int, to: str) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"] = f'"{canary("PRENOM")}" <dpi@hospital.test>', to
    mail["Subject"], mail["Message-ID"] = f"{canary('SUJET')} {number}", f"<canary{number}@hospital.test>"
    mail.set_content(f"{canary('CORPS')} n'est pas sur le disque, élève.\n", cte="quoted-printable")
    document = letters.pdf("Lettre", canary("TEXTE"))
    mail.add_attachment(document, maintype="application", subtype="pdf", filename=f"{canary('PIECE')}.pdf")
    return mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _marked(content: bytes, name: str) -> bytes:
    return content.replace(b"TESTINI", canary(name).encode())


async def _cancel_one(place: Place) -> None:
    with looking(place.database) as connection:
        (held,) = connection.execute("SELECT letter_id FROM delivery WHERE state = 'held' LIMIT 1").fetchone()
    await huitaine(place, "letters", "cancel", held, "--why", "essai")


def _states(place: Place) -> tuple[set[str], int, int]:
    with looking(place.database) as connection:
        states = {row[0] for row in connection.execute("SELECT DISTINCT state FROM delivery")}
        ambiguous = connection.execute("SELECT count(*) FROM delivery WHERE ambiguous > 0").fetchone()[0]
        erased = connection.execute("SELECT count(*) FROM entry WHERE kind = 'erased'").fetchone()[0]
    return states, ambiguous, erased


def _secrets(place: Place) -> list[str]:
    """The canaries, the password and the keys: none of them belongs on the disk outside the folder of secrets."""
    secrets = place.settings.parent / "secrets"
    key = (secrets / "master-key").read_bytes()
    password = (secrets / "keystore-password").read_text().strip()
    return [*map(canary, NAMES), place.password, password, key.hex(), base64.b64encode(key).decode()]


def _files(folder: Path, place: Place) -> list[Path]:
    data = place.settings.parent / "data"
    places = (data, folder / "tmp", folder / "b", folder / "serve.log")
    found = [path for each in places for path in (each.rglob("*") if each.is_dir() else [each])]
    return [path for path in found if path.is_file()]


def _contents(paths: Iterable[Path]) -> list[tuple[str, bytes]]:
    """Names and bytes; what is gone meanwhile, as the files of a gateway at work may be, says nothing more."""
    found = []
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            found.append((path.name, path.read_bytes()))
    return found


def _hits(folder: Path, place: Place, gateway: GatewayProcess) -> list[str]:
    wanted = _secrets(place)
    pieces = _contents(_files(folder, place))
    pieces += [(f"/proc/{name}", Path(f"/proc/{gateway.pid}/{name}").read_bytes()) for name in ("environ", "cmdline")]
    pieces += [(f"mapped {name}", content) for name, content in _contents(_mapped(folder, gateway.pid))]
    return [hit for name, content in pieces for hit in _in(name, content, wanted)]


def _mapped(folder: Path, pid: int) -> set[Path]:
    """Files of ours in the process's memory: the log's index, whatever else there may be."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    named = {Path(line.split(maxsplit=5)[5]) for line in lines if line.count("/")}
    return {path for path in named if path.is_relative_to(folder) and path.is_file()}


def _in(name: str, content: bytes, wanted: Sequence[str]) -> Iterator[str]:
    for text in wanted:
        if any(form in content for form in forms(text)):
            yield f"{text[:20]} in {name}"
