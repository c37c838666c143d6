"""A hospital that does not wait: letters come when they come, and each dot is timed (D2, D5, D7).

``python -m tests.load.generator PORT CA LOGIN PASSWORD RATE SECONDS BYTES SESSIONS`` prints one JSON line. ``RATE`` is
letters a second, told by the clock and not by the answers (open loop); 0 sends as fast as ``SESSIONS`` sessions can
(closed loop). A letter for which no session is free waits its turn, and is given up when it is a second late.
A connection that is closed before TLS, as the gate does with those beyond its limit, is "not connected".
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import ssl
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.faults.place import TO

LATE = 1.0
Due = asyncio.Queue[tuple[int, float] | None]
_PATIENCE = 30.0
_HEAD = (
    "From: dpi@hospital.test\r\nTo: {to}\r\nSubject: Lettre\r\nMessage-ID: <load-{run}-{n}@hospital.test>\r\n"
    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
)
_TEXT = "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nVeuillez trouver ci-joint la lettre.\r\n"
_PDF = (
    "--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"
    'Content-Disposition: attachment; filename="lettre.pdf"\r\n\r\n'
)


def body_of(size: int) -> bytes:
    """A mail's body of about ``size`` bytes that nothing compresses."""
    pdf = b"%PDF-1.7\n" + os.urandom(max(size - 600, 300) * 3 // 4)
    encoded = base64.encodebytes(pdf).rstrip().replace(b"\n", b"\r\n")
    return (_TEXT + _PDF).encode() + encoded + b"\r\n--b--\r\n.\r\n"


@dataclass(slots=True, kw_only=True)
class Seen:
    """What came back: seconds from dot to 250, from due to 250, and how many answers of each code."""

    dots: list[float] = field(default_factory=list)
    dues: list[float] = field(default_factory=list)
    codes: Counter[str] = field(default_factory=Counter)
    took: float = 0.0

    def told(self) -> dict[str, object]:
        """As one line."""
        dots, dues = sorted(self.dots), sorted(self.dues)
        shares = {"p50": 0.5, "p99": 0.99}
        return {
            "taken": len(dots),
            "seconds": self.took,
            "rate": len(dots) / self.took if self.took else 0.0,
            "codes": dict(self.codes),
            **{name: dots[int(len(dots) * share)] if dots else None for name, share in shares.items()},
            **{f"due_{name}": dues[int(len(dues) * share)] if dues else None for name, share in shares.items()},
        }


class Session:
    """One kept connection over implicit TLS; opened when it is needed, and again when it broke."""

    def __init__(self, port: int, context: ssl.SSLContext, login: str, password: str) -> None:
        self._port, self._context = port, context
        self._secret = base64.b64encode(f"\0{login}\0{password}".encode())
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def send(self, head: bytes, body: bytes, seen: Seen, due: float) -> None:
        """Hand one letter in; the code of whatever ended it is counted."""
        try:
            async with asyncio.timeout(_PATIENCE):
                code = await self._sent(head, body, seen, due)
        except (OSError, asyncio.IncompleteReadError, ssl.SSLError) as error:
            code = type(error).__name__ if self._writer else "not connected"
            self.close()
        seen.codes[code] += 1
        if code[:3] == "421":
            self.close()

    async def open(self) -> str:
        """Greeting, EHLO, AUTH; gives the reply that stopped it, or nothing."""
        if self._writer is not None:
            return ""
        self._reader, self._writer = await asyncio.open_connection(
            "127.0.0.1", self._port, ssl=self._context, server_hostname="localhost", limit=2**18
        )
        for line in (b"", b"EHLO load.test\r\n", b"AUTH PLAIN " + self._secret + b"\r\n"):
            self._writer.write(line)
            if (answer := await self._reply())[:1] != "2":
                return answer
        return ""

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    async def _sent(self, head: bytes, body: bytes, seen: Seen, due: float) -> str:
        if refused := await self.open():
            return refused
        assert self._writer is not None
        self._writer.write(f"MAIL FROM:<dpi@hospital.test>\r\nRCPT TO:<{TO}>\r\nDATA\r\n".encode())
        answers = [await self._reply() for _ in range(3)]
        if answers[2][:1] != "3":
            return next(answer for answer in answers if answer[:1] in "45")
        self._writer.write(head + body)
        began = time.monotonic()
        answer = await self._reply()
        if answer[:3] == "250":
            now = time.monotonic()
            seen.dots.append(now - began)
            seen.dues.append(now - due)
        return answer

    async def _reply(self) -> str:
        assert self._reader is not None
        while True:
            line = await self._reader.readuntil(b"\r\n")
            if line[3:4] != b"-":
                return line.decode()[: 3 if line[:1] in b"23" else 9]


async def offer(sessions: list[Session], *, rate: float, seconds: float, size: int) -> Seen:
    """Letters for so many seconds; what is under way then is waited for."""
    run, body, seen = os.urandom(6).hex(), body_of(size), Seen()
    await asyncio.gather(*(session.open() for session in sessions[:20]), return_exceptions=True)
    due: Due = asyncio.Queue()
    start = time.monotonic()

    async def work(session: Session) -> None:
        while (letter := await due.get()) is not None:
            number, at = letter
            if rate and time.monotonic() - at > LATE:
                seen.codes["not offered"] += 1
                continue
            await session.send(_HEAD.format(to=TO, run=run, n=number).encode(), body, seen, at)
            if not rate and time.monotonic() < start + seconds:
                due.put_nowait((number + len(sessions), time.monotonic()))

    workers = [asyncio.create_task(work(session)) for session in sessions]
    await _come(due, start, rate, seconds, len(sessions))
    for _ in workers:
        due.put_nowait(None)
    await asyncio.gather(*workers)
    seen.took = time.monotonic() - start
    for session in sessions:
        session.close()
    return seen


async def _come(due: Due, start: float, rate: float, seconds: float, many: int) -> None:
    """Put each letter into the queue at its moment, or one for each session to begin with."""
    if not rate:
        for number in range(many):
            due.put_nowait((number, start))
        await asyncio.sleep(seconds)
        return
    for number in range(int(rate * seconds)):
        at = start + number / rate
        if (wait := at - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        due.put_nowait((number, at))


async def main(port: str, ca: str, login: str, password: str, *stream: str) -> None:
    """One run, told as JSON."""
    rate, seconds, size, many = map(float, stream)
    context = ssl.create_default_context(cafile=ca)
    sessions = [Session(int(port), context, login, password) for _ in range(int(many))]
    seen = await offer(sessions, rate=rate, seconds=seconds, size=int(size))
    print(json.dumps(seen.told()), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
