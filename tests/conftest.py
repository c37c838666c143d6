"""Fixtures that every test may use."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from gateway.crypto import authority, keystore
from gateway.queue import migrations
from gateway.service import running
from gateway.service.upkeep import installing
from tests import cheap

pytest_plugins = ["tests.peers.fixtures"]

# Deadlines of wall-clock time, and the check that calls drawing slow, fail on a machine that is busy with other things.
_PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("whole", max_examples=300, **_PATIENT)
settings.register_profile("short", max_examples=40, **_PATIENT)
settings.load_profile("short")

ROOT = Path(__file__).resolve().parents[1]
_made: list[authority.PrivateKey] = []


@pytest.fixture(autouse=True)
def what_is_dear_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """RSA keys of test authorities serve again in the next test, never twice in one; passwords are hashed cheaply.

    An installation cost a second and a half of CPU: the keys, Argon2id and scrypt at their defaults, fifteen revisions.
    """
    anew, used = authority.new_key, count()

    def new_key(kind: authority.KeyKind) -> authority.PrivateKey:
        if kind != "rsa2048":
            return anew(kind)
        if (number := next(used)) == len(_made):
            _made.append(anew(kind))
        return _made[number]

    monkeypatch.setattr(authority, "new_key", new_key)
    monkeypatch.setattr(installing, "PasswordHasher", lambda: cheap.HASHER)
    monkeypatch.setitem(keystore.KeyStore.__init__.__kwdefaults__, "cost", cheap.SCRYPT_N)
    monkeypatch.setattr(keystore, "load_der_private_key", cheap.load_key)


@pytest.fixture(autouse=True)
def databases_are_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new database is a copy of one that the revisions made; who proves the revisions has a fixture of this name."""
    monkeypatch.setattr(migrations, "upgrade", cheap.upgrade)


@pytest.fixture(autouse=True)
def rounds_come_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway in this process looks four times a second for what is due; a start by the nursery does as well."""
    for name, seconds in cheap.ROUNDS.items():
        monkeypatch.setattr(running, name, seconds)


@pytest.fixture(scope="session")
def samples() -> Path:
    """The shared samples beside the checkout; tests that read them are skipped where they are absent."""
    folder = ROOT.parent / "shared" / "samples"
    if not folder.is_dir():
        pytest.skip("the shared samples are not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def vectors() -> Path:
    """Our own invented inputs."""
    return ROOT / "tests" / "vectors"
