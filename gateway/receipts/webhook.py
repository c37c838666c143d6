"""Tells over HTTPS: one POST of a small JSON, signed; no redirect, no proxy, the address from the settings alone."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from datetime import datetime

from gateway.receipts.answer import Answer, as_json, signature
from gateway.receipts.saying import Again, Declined, Said, Taken

NEVER = frozenset({400, 409, 410, 413, 415, 422})
"""What is about this one answer; a wrong password, path or redirect is the settings', and is mended by a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookPeer:
    """Where to; ``key`` signs, ``tls`` verifies."""

    url: str
    key: bytes = field(repr=False)
    tls: ssl.SSLContext
    seconds: float = 30.0


async def post(peer: WebhookPeer, answer: Answer, now: datetime) -> Said:
    """Tell it; raises nothing of the network. What the server says besides its status is not read."""
    import httpx2  # noqa: PLC0415 - a tenth of a second and some megabytes that a gateway without webhook does not need

    body = as_json(answer)
    headers = {
        "Content-Type": "application/json",
        "Huitaine-Id": answer.id,
        "Huitaine-Signature": signature(peer.key, body, now),
    }
    # trust_env: a proxy or netrc of the machine's environment has no say in who hears of a letter.
    try:
        async with (
            httpx2.AsyncClient(verify=peer.tls, trust_env=False, timeout=peer.seconds) as client,
            client.stream("POST", peer.url, content=body, headers=headers, follow_redirects=False) as response,
        ):
            return judge(response.status_code)
    except httpx2.TimeoutException:
        return Again(code="timeout")
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError):
        return Again(code="connection")


def judge(status: int) -> Said:
    """What an HTTP status says (RFC 9110 §15)."""
    if 200 <= status < 300:
        return Taken(code=str(status))
    return Declined(code=str(status)) if status in NEVER else Again(code=str(status))
