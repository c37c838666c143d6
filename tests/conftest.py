"""Fixtures that every test may use."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings

from gateway.crypto import authority
from gateway.service import installing

pytest_plugins = ["tests.peers.fixtures"]

# Deadlines of wall-clock time, and the check that calls drawing slow, fail on a machine that is busy with other things.
_PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("whole", max_examples=300, **_PATIENT)
settings.register_profile("short", max_examples=40, **_PATIENT)
settings.load_profile("short")

ROOT = Path(__file__).resolve().parents[1]
_made: list[authority.PrivateKey] = []
_CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(autouse=True)
def what_is_dear_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """RSA keys of test authorities serve again in the next test, never twice in one; passwords are hashed cheaply.

    An installation cost half a second of CPU, and each first login a quarter (Argon2id at its defaults).
    """
    anew, used = authority.new_key, count()

    def new_key(kind: authority.KeyKind) -> authority.PrivateKey:
        if kind != "rsa2048":
            return anew(kind)
        if (number := next(used)) == len(_made):
            _made.append(anew(kind))
        return _made[number]

    monkeypatch.setattr(authority, "new_key", new_key)
    monkeypatch.setattr(installing, "PasswordHasher", lambda: _CHEAP)


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
