"""A gateway that runs shows its directory: the secretary's mail client and other software find the GP in it."""

from __future__ import annotations

import re
import secrets as random
from pathlib import Path

import httpx2
import pytest
from argon2 import PasswordHasher
from typer.testing import CliRunner

import cli
from config.settings import load
from gateway.moments import utc_now
from gateway.service.build import build
from gateway.service.running import Running
from gateway.service.upkeep.installing import install
from tests.unit.faces.ldap_kit import LEA, filled, ldapsearch

pytestmark = pytest.mark.peer

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """An installation whose doors and faces take any free port."""
    settings = install(tmp_path).settings
    text = re.sub(r"(port = )\d+", r"\g<1>0", settings.read_text())
    text = text.replace("[smtp]", "metrics_port = 0\n\n[smtp]", 1)
    settings.write_text(text + '\n[ldap]\nport = 0\nusers = ["secretariat"]\n[web]\nport = 0\n')
    (tmp_path / "secrets" / "ldap-secretariat").write_text(CHEAP.hash("cheval de course"))
    filled(tmp_path).close()
    return settings


async def test_the_secretary_and_the_software_find_the_gp_while_the_gateway_runs(installed: Path):
    token = random.token_hex(32)
    (installed.parent / "secrets" / "fhir-token").write_text(token)
    async with Running(build(load(installed), clock=utc_now)) as running:
        said = await ldapsearch(running.faces, "(|(cn=dubr*)(mail=dubr*)(sn=dubr*))", "mail", "cn")
        assert said.mails == {"lea.dubreuil@medecin.example", "lea.dubreuil@ch.example"}
        url = f"http://127.0.0.1:{running.faces.ports['fhir']}/Practitioner/{LEA}"
        async with httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}) as client:
            assert (await client.get(url)).json()["name"][0]["family"] == "DUBREUIL"


async def test_a_mailbox_that_the_administrator_enters_is_found_at_once(installed: Path, monkeypatch):
    monkeypatch.setenv("HUITAINE_CONFIG", str(installed))
    async with Running(build(load(installed), clock=utc_now)) as running:
        assert (await ldapsearch(running.faces, "(mail=cabinet@*)", "mail")).mails == set()
        words = ["directory", "set", "cabinet@ordinaire.example", f"rpps={LEA[1:]}"]
        assert CliRunner().invoke(cli.application(words), words).exit_code == 0
        assert (await ldapsearch(running.faces, "(mail=cabinet@*)", "mail", "sn")).entries[0]["sn"] == ["DUBREUIL"]
