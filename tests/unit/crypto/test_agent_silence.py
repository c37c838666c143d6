"""A gpg that does not answer: no call outlasts its time, and the letters behind it are not held up one by one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from config.settings import load
from gateway.crypto import openpgp_agent, openpgp_process
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.crypto.openpgp_agent import AgentSecret, AgentSigner
from gateway.crypto.openpgp_process import AgentTurns, end_agent
from gateway.errors import NotOpened, TokenUnavailable
from gateway.moments import utc_now
from gateway.service import build as build_module
from gateway.service.build import build
from gateway.service.upkeep.installing import install
from tests.peers.agent_home import PASSWORD, Home, SilentGpg, agent_home

pytestmark = pytest.mark.peer
HOSPITAL = "sortie.chirurgie@hopital-essai.mssante.fr"
GP = "dr.essai@medecin-essai.mssante.fr"
LARGE = b"x" * (1 << 20)
"""More than a pipe holds."""


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with agent_home(HOSPITAL) as made:
        yield made


@pytest.fixture
def gpg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SilentGpg:
    """First on the path; once it hangs its time is over."""
    made = SilentGpg.make(tmp_path)
    monkeypatch.setenv("PATH", made.path)
    monkeypatch.setattr(openpgp_process, "Timer", made.timer)
    return made


@dataclass
class Ward:
    """Both uses of one home, with a clock that the test moves."""

    home: Home
    theirs: bytes
    now: datetime

    def __post_init__(self) -> None:
        turns = AgentTurns(lambda: self.now)
        self.signer = AgentSigner(self.home.path, self.home.fingerprint, PASSWORD, turns=turns)
        self.secret = AgentSecret(self.home.path, self.home.fingerprint, PASSWORD, turns=turns)
        answer = OpenPgpSigner(OpenPgpSigner.generate("<gp@cabinet.example>"))
        self.sealed = answer.seal(b"merci", self.signer.public_key, fingerprint="", address=HOSPITAL, at=self.now)

    def seal(self, entity: bytes = b"x") -> bytes:
        return self.signer.seal(entity, self.theirs, fingerprint="", address=GP, at=self.now)

    def open(self) -> bytes:
        return self.secret.open(self.sealed, ()).content

    def refused(self, work) -> str:
        with pytest.raises(TokenUnavailable) as refused:
            work()
        return refused.value.detail


@pytest.fixture
def ward(home: Home, gpg: SilentGpg, gp_pgp: bytes, now: datetime) -> Ward:
    return Ward(home, OpenPgpSigner(gp_pgp).public_key, now)


def test_a_card_that_did_not_answer_is_not_asked_for_a_minute(ward: Ward, gpg: SilentGpg):
    gpg.hang("--encrypt")
    assert ward.refused(ward.seal) == "gpg: no answer in time"
    assert ward.refused(ward.seal) == "gpg: no answer a moment ago"
    ward.now += timedelta(seconds=59)
    assert ward.refused(ward.seal) == "gpg: no answer a moment ago"
    assert gpg.asked("--encrypt") == 1
    ward.now += timedelta(seconds=1)
    assert ward.refused(ward.seal) == "gpg: no answer in time"
    assert gpg.asked("--encrypt") == 2


def test_control_a_card_that_answers_again_is_asked_for_every_letter(ward: Ward, gpg: SilentGpg):
    gpg.hang("--encrypt")
    ward.refused(ward.seal)
    gpg.answer("--encrypt")
    ward.now += timedelta(seconds=60)
    assert ward.seal()
    assert ward.seal()
    assert ward.open() == b"merci"


def test_control_a_wrong_pin_is_an_answer(ward: Ward, home: Home, gpg: SilentGpg):
    end_agent(home.path)
    ward.signer._password = "wrong"
    for _ in range(2):
        assert "moment" not in ward.refused(ward.seal)
    assert gpg.asked("--encrypt") == 2


def test_while_one_letter_tries_the_card_again_the_others_do_not_wait_for_it(ward: Ward, gpg: SilentGpg, monkeypatch):
    gpg.hang("--encrypt")
    ward.refused(ward.seal)
    ward.now += timedelta(seconds=60)
    told: list[str] = []

    def meanwhile(_work) -> None:
        told.append(ward.refused(ward.open))

    monkeypatch.setattr(ward.signer._gpg, "within", meanwhile)
    with pytest.raises(AttributeError):  # what it gave is no sealed mail
        ward.seal()
    assert told == ["gpg: no answer a moment ago"]


def test_who_opens_learns_that_who_seals_had_no_answer_and_the_other_way_round(ward: Ward, gpg: SilentGpg):
    gpg.hang("--decrypt")
    assert ward.refused(ward.open) == "gpg: no answer in time"
    assert ward.refused(ward.seal) == "gpg: no answer a moment ago"
    assert gpg.asked("--encrypt") == 0
    alone = AgentSigner(ward.home.path, ward.home.fingerprint, PASSWORD)  # the control: turns of its own
    assert alone.seal(b"x", ward.theirs, fingerprint="", address=GP, at=ward.now)


@pytest.mark.parametrize("verb", ["seal", "open"])
def test_an_import_that_hangs_is_ended_as_well(ward: Ward, gpg: SilentGpg, verb: str):
    gpg.hang("--import")
    assert ward.refused(getattr(ward, verb)) == "gpg: no answer in time"


def test_broken_pipe_of_a_gpg_that_was_ended_means_that_a_large_letter_waits(ward: Ward, gpg: SilentGpg):
    gpg.hang("--encrypt")
    assert ward.refused(lambda: ward.seal(LARGE)) == "gpg: no answer in time"


@pytest.mark.parametrize(("verb", "raised"), [("encrypt", TokenUnavailable), ("decrypt", NotOpened)])
def test_broken_pipe_of_a_gpg_that_ended_by_itself_is_told_as_no_success(ward: Ward, monkeypatch, verb, raised):
    def broken(*_, **__):
        raise BrokenPipeError

    monkeypatch.setattr(openpgp_agent.TimedGpg, verb, broken)
    with pytest.raises(raised):
        (ward.seal if verb == "encrypt" else ward.open)()


def test_control_a_large_letter_is_sealed_by_a_gpg_that_answers(ward: Ward):
    assert len(ward.seal(LARGE)) > len(LARGE)


@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_gateway_asks_its_agent_beside_the_loop_and_only_when_it_has_one(
    tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch, elsewhere: bool
):
    install(tmp_path / "here", domain="hopital-essai.mssante.fr")
    file = tmp_path / "here" / "huitaine.toml"
    if elsewhere:
        file.write_text(
            f'{file.read_text()}\n[crypto]\nopenpgp_home = "{home.path}"\nopenpgp_key = "{home.fingerprint}"\n'
        )
    asked: dict[str, object] = {}
    monkeypatch.setattr(build_module, "SealingDesk", lambda _, **told: asked.update(told))
    gateway = build(load(file), clock=utc_now)
    gateway.store.close()
    assert asked == {"smime_elsewhere": False, "openpgp_elsewhere": elsewhere}
    assert (gateway.agent is not None) is elsewhere


# the end of the agent -----------------------------------------------------------------------------------------------


def gpgconf(folder: Path, script: str) -> None:
    (folder / "gpgconf").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "gpgconf").chmod(0o700)


def test_an_agent_that_cannot_be_ended_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """gpgconf_leaves_children: they keep its pipes, and go on asking an agent that hangs."""
    gpgconf(tmp_path, f"sleep 60 &\necho $! > {tmp_path}/child\nwait")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(openpgp_process, "_ENDING", 0.5)
    end_agent(tmp_path)
    child = tmp_path / "child"
    while child.exists() and not _has_ended(int(child.read_text() or 0)):
        time.sleep(0.01)  # it was told to end, and does so when the machine lets it


def _has_ended(process: int) -> bool:
    """Though whoever adopted it may not have looked yet."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}
    except OSError:
        return True


def test_a_machine_without_gpgconf_has_no_agent_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    end_agent(tmp_path)


def test_control_gpgconf_is_told_which_home_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    gpgconf(tmp_path, f'echo "$*" > {tmp_path}/told')
    monkeypatch.setenv("PATH", str(tmp_path))
    end_agent(tmp_path / "home")
    assert (tmp_path / "told").read_text() == f"--homedir {tmp_path}/home --kill all\n"
