"""The faces as the settings open them: off by default, with the users and the token that the secrets hold."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import httpx2
import pytest
from argon2 import PasswordHasher

from commands.check_settings import check_settings
from config.settings import Settings, load
from directory import Directory
from gateway.errors import SettingsRefused
from gateway.faces.ldap.settings import TooManyGuesses
from gateway.service.from_settings import faces as service_faces
from gateway.service.from_settings.faces import Faces, LdapAccounts, fhir_settings, ldap_settings
from tests.unit.faces.ldap_kit import LEA, NOW, filled, ldapsearch

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
ROOT = Path(__file__).resolve().parents[3]
TOKEN = "0123456789abcdef0123456789abcdef"


def settings(folder: Path, text: str) -> Settings:
    (folder / "secrets").mkdir(exist_ok=True)
    (folder / "huitaine.toml").write_text('[gateway]\ndata = "data"\nsecrets = "secrets"\n' + text)
    return load(folder / "huitaine.toml")


def secret(folder: Path, name: str, text: str) -> None:
    (folder / "secrets").mkdir(exist_ok=True)
    (folder / "secrets" / name).write_text(text)


@pytest.fixture
def directory(tmp_path):
    directory = filled(tmp_path)
    yield directory
    directory.close()


def test_the_faces_are_off_by_default():
    wanted = load(ROOT / "config" / "huitaine.toml")
    assert ldap_settings(wanted) is None
    assert fhir_settings(wanted) is None


async def test_no_search_of_a_face_keeps_the_road_waiting(tmp_path, directory, monkeypatch):
    """Each has a connection of its own: a reading of all addresses would hold the only one, and with it the loop."""
    begun, let_go = threading.Event(), threading.Event()

    def slow(self, piece, **_):
        with self._national._shelf._database._lock:
            begun.set()
            let_go.wait(10)
        return []

    monkeypatch.setattr(Directory, "addresses", slow)
    faces = Faces(settings(tmp_path, "[ldap]\nport = 0\nanonymous = true\n"), clock=lambda: NOW)
    await faces.open()
    asking = asyncio.create_task(ldapsearch(faces, "(mail=*x*)", "mail", login=()))
    assert await asyncio.to_thread(begun.wait, 10)
    box, *_ = await asyncio.wait_for(asyncio.to_thread(directory.by_national_id, "IDNPS", LEA), 60)
    let_go.set()
    assert box.national_id == LEA
    await asking
    await faces.close()


async def test_both_faces_open_as_set_and_close(tmp_path, directory):
    secret(tmp_path, "ldap-secretariat", CHEAP.hash("cheval de course"))
    secret(tmp_path, "fhir-token", TOKEN)
    wanted = settings(tmp_path, '[ldap]\nport = 0\nusers = ["secretariat"]\n[web]\nport = 0\n')
    faces = Faces(wanted, clock=lambda: NOW)
    await faces.open()
    said = await ldapsearch(faces, "(sn=dubreuil)", "mail")
    assert (said.code, len(said.mails)) == (0, 2)
    url = f"http://127.0.0.1:{faces.ports['fhir']}/Practitioner?name=dubreuil"
    async with httpx2.AsyncClient() as client:
        assert (await client.get(url)).status_code == 401
        answer = await client.get(url, headers={"authorization": f"Bearer {TOKEN}"})
        assert answer.json()["total"] == 1
    await faces.close()
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", faces.ports["fhir"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[ldap]\nport = 0\n", "nobody may log in"),
        ('[ldap]\nport = 0\nusers = ["nobody"]\n', "ldap-nobody"),
        ('[ldap]\nport = 0\nhost = "192.0.2.1"\nanonymous = true\n', "only with TLS"),
        ('[ldap]\ntls_port = 0\nanonymous = true\n', "certificate"),
        ('[web]\nport = 0\nhost = "192.0.2.1"\n', "only with TLS"),
    ],
)  # fmt: skip
async def test_what_would_show_the_directory_to_strangers_is_refused(tmp_path, text, words):
    wanted = settings(tmp_path, text)
    with pytest.raises(SettingsRefused) as refused:
        await Faces(wanted, clock=lambda: NOW).open()
    assert words in refused.value.detail


def test_a_token_that_could_be_guessed_is_refused(tmp_path):
    secret(tmp_path, "fhir-token", "short")
    with pytest.raises(SettingsRefused):
        fhir_settings(settings(tmp_path, "[web]\nport = 0\n"))


async def test_the_address_book_checks_as_the_smtp_door_does(monkeypatch):
    monkeypatch.setattr(service_faces, "_STEP", 0.0)
    accounts = LdapAccounts({"secretariat": CHEAP.hash("right")}, max_guesses=2)
    assert await accounts.check(b"secretariat", b"right", "192.0.2.1")
    assert not await accounts.check(b"stranger", b"right", "192.0.2.9")
    for guess in (b"one", b"two"):
        assert not await accounts.check(b"secretariat", guess, "192.0.2.2")
    with pytest.raises(TooManyGuesses):
        await accounts.check(b"secretariat", b"three", "192.0.2.2")
    assert await accounts.check(b"secretariat", b"right", "192.0.2.1")
    accounts.close()


@pytest.mark.parametrize(
    ("text", "place", "code"),
    [
        ('[ldap]\nport = 3890\nusers = ["nobody"]\n', "ldap.users", "secret-missing"),
        ('[ldap]\nport = 3890\nhost = "192.0.2.1"\nusers = ["nobody"]\n', "ldap", "face-refused"),
        ('[web]\nport = 8443\nhost = "192.0.2.1"\n', "web", "face-refused"),
    ],
)
def test_check_settings_tells_what_would_keep_a_face_from_opening(tmp_path, monkeypatch, text, place, code):
    settings(tmp_path, text)
    monkeypatch.setenv("HUITAINE_CONFIG", str(tmp_path / "huitaine.toml"))
    assert (place, code) in {(found.place, found.code) for found in check_settings()}
