"""A balancer listed by its IPv4 address is known on a socket that systemd opened for both families."""

from __future__ import annotations

import asyncio
import socket

import pytest

from gateway.smtp.server import SmtpListener
from tests.unit.smtp.smtp_door_kit import Client, server_tls, smtp_door
from tests.unit.smtp.test_server_proxied import LOCAL, networks, v1


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
async def test_a_proxy_of_ipv4_is_known_on_a_socket_of_both_families():
    given = socket.create_server(("::ffff:127.0.0.1", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    listener = SmtpListener(name="starttls", host="127.0.0.1", tls=server_tls(), proxies=LOCAL, given=given)
    async with smtp_door(listeners=(listener,)) as door:
        raw = socket.create_connection(("127.0.0.1", door.doors.ports["starttls"]))
        raw.sendall(v1("203.0.113.9"))
        client = Client(*await asyncio.open_connection(sock=raw))
        assert (await client.reply()).startswith("220")
        assert networks(door) == {"203.0.113.9"}
        await client.close()
