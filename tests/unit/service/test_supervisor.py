"""What systemd hears of us, and the doors it opens for us; each seen from the manager's side."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from config.settings import load
from gateway.errors import SettingsRefused
from gateway.moments import utc_now
from gateway.service.build import build
from gateway.service.from_settings import entrances
from gateway.service.process.supervisor import given_sockets, notify, watchdog
from gateway.service.running import Running
from gateway.service.upkeep.installing import install

ROOT = Path(__file__).resolve().parents[3]
GIVEN = """
import os, sys
os.dup2(int(sys.argv[1]), 3, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="starttls")
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""
"""As the service manager starts a service: the same process id, the socket at 3."""


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hearing:
        hearing.bind(str(tmp_path / "notify"))
        hearing.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield hearing


def test_the_manager_is_told(manager: socket.socket):
    notify("READY=1", "STATUS=open")
    assert manager.recv(100) == b"READY=1\nSTATUS=open"


def test_without_a_manager_or_with_one_that_is_gone_nothing_happens(monkeypatch: pytest.MonkeyPatch):
    for address in ("", "/nowhere/notify", "relative"):
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        notify("READY=1")


def test_the_watchdog_is_ours_only_when_it_names_us(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    assert watchdog() is None
    monkeypatch.setenv("WATCHDOG_USEC", "3000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    wanted = watchdog()
    assert wanted is not None
    assert wanted.total_seconds() == 3
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert watchdog() is None


def test_sockets_meant_for_another_process_are_left_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LISTEN_PID", "1")
    monkeypatch.setenv("LISTEN_FDS", "1")
    assert given_sockets() == {}


@pytest.mark.timeout(180)
def test_f6_systemd_opens_the_door_hears_ready_alive_and_stopping_and_the_end_is_clean(
    tmp_path: Path, manager: socket.socket
):
    made = install(tmp_path / "here")
    text = made.settings.read_text(encoding="utf-8").replace("implicit_tls_port = 2465\n", "")
    text = text.replace("[mllp]\nport = 2575\n", "").replace("[gateway]\n", "[gateway]\nmetrics_port = 0\n")
    made.settings.write_text(text, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as door:
        os.set_inheritable(door.fileno(), True)
        environment = {**os.environ, "WATCHDOG_USEC": "900000"}
        environment.pop("WATCHDOG_PID", None)
        process = subprocess.Popen(
            [sys.executable, "-c", GIVEN, str(door.fileno()), "cli.py", "--config", str(made.settings), "serve"],
            cwd=ROOT,
            env=environment,
            pass_fds=[door.fileno()],
            stderr=subprocess.DEVNULL,
        )
        try:
            heard = [manager.recv(100)]
            with socket.create_connection(door.getsockname(), timeout=30) as client:
                assert client.recv(100).startswith(b"220 ")
            while heard.count(b"WATCHDOG=1") < 2 or b"READY=1" not in heard:
                heard.append(manager.recv(100))
            process.terminate()
            while b"STOPPING=1" not in heard:
                heard.append(manager.recv(100))
            assert process.wait(40) == 0
        finally:
            process.kill()
            process.wait()
    assert set(heard) == {b"READY=1", b"WATCHDOG=1", b"STOPPING=1"}


async def test_a_socket_of_systemds_that_no_door_answers_refuses_to_start(tmp_path: Path, monkeypatch):
    settings = load(install(tmp_path / "here").settings)
    with socket.create_server(("127.0.0.1", 0)) as door:
        monkeypatch.setattr(entrances, "given_sockets", lambda: {"certificate": door})
        with pytest.raises(SettingsRefused) as refused:
            async with Running(build(settings, clock=utc_now)):
                pass
    assert "systemd opened the socket certificate" in refused.value.detail
