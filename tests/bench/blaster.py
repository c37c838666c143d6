"""Hands letters in over TLS on kept connections and times each dot: the same for us and for the peer.

``python -m tests.bench.blaster PORT CA LETTERS CONNECTIONS TO [LOGIN PASSWORD]`` prints one JSON line.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import ssl
import sys
import time

TEMPLATE = (
    "From: dpi@hospital.test\r\nTo: {to}\r\nSubject: Lettre\r\nMessage-ID: <bench-{run}-{n}@hospital.test>\r\n"
    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nVeuillez trouver ci-joint la lettre.\r\n"
    "--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"
    'Content-Disposition: attachment; filename="lettre.pdf"\r\n\r\n{pdf}\r\n--b--\r\n'
)


def letter_body() -> str:
    """60 KiB that no compression helps, as a PDF is: 85 KB of mail."""
    pdf = b"%PDF-1.7\n" + os.urandom(61_431)
    return "\r\n".join(base64.encodebytes(pdf).decode().split("\n")).rstrip()


class Client:
    """One connection."""

    def __init__(self, port: int, ca: str, to: str, login: tuple[str, str] | None) -> None:
        self._port, self._ca, self._to, self._login = port, ca, to, login
        self.dots: list[float] = []

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
        await self._reply()
        await self._ask("EHLO bench.test")
        await self._ask("STARTTLS")
        context = ssl.create_default_context(cafile=self._ca)
        await self._writer.start_tls(context, server_hostname="localhost")
        await self._ask("EHLO bench.test")
        if self._login:
            secret = base64.b64encode("\0{}\0{}".format(*self._login).encode()).decode()
            await self._ask(f"AUTH PLAIN {secret}")

    async def send(self, content: bytes) -> None:
        self._writer.write(f"MAIL FROM:<dpi@hospital.test>\r\nRCPT TO:<{self._to}>\r\nDATA\r\n".encode())
        for _ in range(3):
            await self._reply()
        self._writer.write(content + b".\r\n")
        start = time.perf_counter()
        await self._reply()
        self.dots.append(time.perf_counter() - start)

    async def close(self) -> None:
        await self._ask("QUIT")
        self._writer.close()

    async def _ask(self, line: str) -> None:
        self._writer.write(line.encode() + b"\r\n")
        await self._reply()

    async def _reply(self) -> None:
        while True:
            line = await self._reader.readline()
            if not line or line[:1] not in b"23":
                raise RuntimeError(line)
            if line[3:4] == b" ":
                return


async def main(port: int, ca: str, letters: int, connections: int, to: str, login: tuple[str, str] | None) -> None:
    """Send ``letters`` over ``connections``; tell when the first byte left and how long each dot took."""
    pdf, run = letter_body(), os.urandom(6).hex()
    clients = [Client(port, ca, to, login) for _ in range(connections)]
    for client in clients:
        await client.open()
    numbers = iter(range(letters))

    async def work(client: Client) -> None:
        for n in numbers:
            await client.send(TEMPLATE.format(to=to, run=run, n=n, pdf=pdf).encode())

    start = time.time()
    await asyncio.gather(*(work(client) for client in clients))
    accepted = time.time()
    for client in clients:
        await client.close()
    dots = sorted(dot for client in clients for dot in client.dots)
    told = {"start": start, "accepted": accepted, "p50": dots[len(dots) // 2], "p99": dots[int(len(dots) * 0.99)]}
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    port, ca, letters, connections, to, *login = sys.argv[1:]
    pair = (login[0], login[1]) if login else None
    asyncio.run(main(int(port), ca, int(letters), int(connections), to, pair))
