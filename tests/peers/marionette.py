"""Mozilla's own remote control, enough of it to ask a program of theirs what it shows.

A message is ``length:[0, id, command, parameters]``, an answer ``length:[1, id, error, result]`` (protocol 3).
"""

from __future__ import annotations

import json
import socket
from typing import Any

from tests.peers.running import LOOPBACK

_PATIENCE = 240


class Marionette:
    """One session in the program's own context: what its windows know may be asked for."""

    def __init__(self, port: int) -> None:
        """Connects; the port listens already."""
        self._socket = socket.create_connection((LOOPBACK, port), timeout=_PATIENCE)
        self._heard, self._number = b"", 0
        self._answer()
        self._do("WebDriver:NewSession", capabilities={})
        self._do("Marionette:SetContext", value="chrome")
        self._do("WebDriver:SetTimeouts", script=_PATIENCE * 1000)

    def ask(self, script: str, *arguments: object) -> Any:
        """Run the body of an asynchronous function, give what it returns; RuntimeError when it throws."""
        body = f"const done = arguments[arguments.length - 1]; const given = arguments;\
            (async () => {{ {script} }})().then(value => done({{value}}), error => done({{error: String(error)}}));"
        told = self._do("WebDriver:ExecuteAsyncScript", script=body, args=list(arguments))["value"]
        if "error" in told:
            raise RuntimeError(told["error"])
        return told.get("value")

    def close(self) -> None:
        """The program itself goes on."""
        self._socket.close()

    def _do(self, command: str, **parameters: object) -> Any:
        self._number += 1
        said = json.dumps([0, self._number, command, parameters]).encode()
        self._socket.sendall(b"%d:%b" % (len(said), said))
        _, _, error, result = self._answer()
        if error:
            raise RuntimeError(error["message"])
        return result

    def _answer(self) -> Any:
        while b":" not in self._heard:
            self._hear()
        length, _, self._heard = self._heard.partition(b":")
        while len(self._heard) < int(length):
            self._hear()
        said, self._heard = self._heard[: int(length)], self._heard[int(length) :]
        return json.loads(said)

    def _hear(self) -> None:
        if not (heard := self._socket.recv(65_536)):
            raise ConnectionError("the program is gone")
        self._heard += heard
