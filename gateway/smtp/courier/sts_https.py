"""Fetches MTA-STS policies with httpx2 (RFC 8461 §3.3): our addresses, our anchors, no redirects, no proxies."""

from __future__ import annotations

import asyncio
import ssl
from typing import Protocol

import httpx2

from gateway.smtp.courier.failures import HandOverFailure
from gateway.smtp.courier.sts import LARGEST
from gateway.smtp.courier.sts_policies import PolicyUnavailable


class Addresses(Protocol):
    """Addresses of hosts."""

    async def addresses(self, host: str) -> tuple[str, ...]:
        """In the order to try; raises ``HandOverFailure``."""


class HttpsFetch:
    """``https://mta-sts.DOMAIN/.well-known/mta-sts.txt``, of a server whose certificate is valid for that name."""

    def __init__(self, addresses: Addresses, context: ssl.SSLContext, *, port: int = 443, seconds: float = 30) -> None:
        """``context`` verifies; ``seconds`` bounds the whole."""
        self._addresses, self._context, self._port, self._seconds = addresses, context, port, seconds

    async def __call__(self, domain: str) -> str:
        """The policy file; raises ``PolicyUnavailable``."""
        host = f"mta-sts.{domain}"
        try:
            async with asyncio.timeout(self._seconds):
                address = (await self._addresses.addresses(host))[0]
                return await self._fetched(host, address)
        except (TimeoutError, HandOverFailure, httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise PolicyUnavailable(type(error).__name__) from error

    async def _fetched(self, host: str, address: str) -> str:
        shown = f"[{address}]" if ":" in address else address
        url = f"https://{shown}:{self._port}/.well-known/mta-sts.txt"
        # trust_env: a proxy or netrc of the machine's environment has no say in what is believed about mail.
        async with httpx2.AsyncClient(verify=self._context, trust_env=False, timeout=self._seconds) as client:
            request = client.build_request("GET", url, headers={"Host": host}, extensions={"sni_hostname": host})
            answer = await client.send(request, stream=True, follow_redirects=False)
            try:
                return await _body(answer)
            finally:
                await answer.aclose()


async def _body(answer: httpx2.Response) -> str:
    if answer.status_code != 200:
        raise PolicyUnavailable(f"HTTP {answer.status_code}")
    if answer.headers.get("content-type", "").partition(";")[0].strip().lower() != "text/plain":
        raise PolicyUnavailable("not text/plain")
    body = b""
    async for piece in answer.aiter_bytes():
        body += piece
        if len(body) > LARGEST:
            raise PolicyUnavailable("too long")
    try:
        return body.decode()
    except UnicodeError as error:
        raise PolicyUnavailable("not UTF-8") from error
