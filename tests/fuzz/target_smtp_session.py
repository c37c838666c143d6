"""A whole SMTP session of the door's own engine, without a socket (rows 1 to 18).

``!`` first: the listener with TLS, where AUTH is offered; else the clear one, where the client is known. ``\\xff`` cuts
the stream into what arrives at once. No byte of a client's may look like a fault of ours (451 with a reference).
"""

from __future__ import annotations

import asyncio
import re
import ssl

from gateway.smtp.server.credentials import Credentials
from gateway.smtp.server.door import SharedDoor
from gateway.smtp.server.session import SmtpSession
from gateway.smtp.server.settings import SmtpDoorSettings, SmtpListener
from tests.fuzz.wire import Wire
from tests.unit.smtp.smtp_door_kit import DPI, LABO, LETTER, NOW, QUICK, FakeIntake, ids

TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
CLEAR = SmtpListener(name="clear", host="127.0.0.1", unsafe_source="dpi")
IMPLICIT = SmtpListener(name="tls", host="127.0.0.1", tls=TLS, implicit_tls=True)
SETTINGS = SmtpDoorSettings(
    hostname="huitaine.test",
    listeners=(CLEAR, IMPLICIT),
    sources=(DPI, LABO),
    limits=QUICK,
    loop_marker="X-Huitaine-Gateway: ch-exemple",
)
_REPLY = re.compile(r"[2345]\d\d[ -][^\x00-\x1f\x7f]*")
_PATIENCE = 5.0
WORDS = (
    b"EHLO a\r\n", b"HELO a\r\n", b"MAIL FROM:<secretariat@ch-exemple.test>", b"RCPT TO:<a@gp.test>\r\n", b"DATA\r\n",
    b"\r\n.\r\n", b"RSET\r\n", b"NOOP\r\n", b"VRFY a\r\n", b"QUIT\r\n", b"STARTTLS\r\n", b"AUTH PLAIN ",
    b"AUTH LOGIN\r\n", b"AGRwaQBjb3JyZWN0IGhvcnNl\r\n", b"*\r\n", b" SMTPUTF8", b" SIZE=", b" RET=HDRS",
    b" NOTIFY=NEVER",
    b"\n.\n",
    b"\xff",
)  # fmt: skip
_BEGIN = b"EHLO a\r\nMAIL FROM:<secretariat@ch-exemple.test>\r\nRCPT TO:<a@gp.test>\r\nDATA\r\n"
_loop = asyncio.new_event_loop()


def seeds() -> list[bytes]:
    return [
        _BEGIN + LETTER + b".\r\nQUIT\r\n",
        _BEGIN.replace(b"\r\n", b"\r\n\xff") + LETTER + b"\n.\n" + LETTER + b".\r\nQUIT\r\n",
        b"!EHLO a\r\nAUTH PLAIN AGRwaQBjb3JyZWN0IGhvcnNl\r\n" + _BEGIN + LETTER + b".\r\n",
        b"!EHLO a\r\n\xffAUTH LOGIN\r\n\xffZHBp\r\n\xffQQ==\r\n\xffAUTH PLAIN\r\n\xff*\r\nAUTH CRAM-MD5\r\n",
        b"HELO a\r\nMAIL FROM:<> SIZE=99999999999 RET=HDRS ENVID=x\r\nHELP\r\nVRFY a\r\nEXPN a\r\nSTARTTLS\r\nFOO\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
    ]


def run(data: bytes) -> None:
    _loop.run_until_complete(_session(data))


async def _session(data: bytes) -> None:
    encrypted = data[:1] == b"!"
    wire = Wire(sslcontext=TLS) if encrypted else Wire()
    intake = FakeIntake()
    credentials = Credentials((DPI, LABO), key=b"k" * 32, monotonic=_loop.time, max_guesses=10)
    door = SharedDoor(SETTINGS, intake, lambda: NOW, ids(), credentials=credentials)
    admitted = door.gate.admit("127.0.0.1")
    session = SmtpSession(door, IMPLICIT if encrypted else CLEAR, network="127.0.0.1", admitted=admitted)
    session.connection_made(wire)
    try:
        for piece in data[encrypted:].split(b"\xff"):
            await _settled(session)
            if wire.closed:
                break
            session.data_received(piece)
        await _settled(session)
    finally:
        session.connection_lost(None)
        await asyncio.gather(session._handler_coroutine, *door.commits, return_exceptions=True)
        credentials.close()
    _judge(wire, intake, door)


async def _settled(session: SmtpSession) -> None:
    """Until it waits for more, or is over."""
    until = _loop.time() + _PATIENCE
    spins = 0
    while not session._handler_coroutine.done() and session._reader._waiter is None and not session.deaf:
        await asyncio.sleep(0 if spins < 200 else 0.001)
        spins += 1
        if _loop.time() > until:
            raise AssertionError("the session does nothing and waits for nothing")


def _judge(wire: Wire, intake: FakeIntake, door: SharedDoor) -> None:
    for line in bytes(wire.written).decode().split("\r\n")[:-1]:
        if not _REPLY.fullmatch(line) or "reference" in line:
            raise AssertionError(f"not a reply, or a fault of ours: {line[:80]!r}")
    if door.in_memory or door.gate.connections or door.sessions:
        raise AssertionError("something of the session stays")
    for letter in intake.kept:
        content = letter.content.replace(b"\r\n", b"")
        if b"\r" in content or b"\n" in content or b"\0" in content:
            raise AssertionError("a bare CR, LF or NUL was kept")
