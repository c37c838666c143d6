"""The FHIR API without a socket over the invented directory, and fhir.resources to judge what it says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from fhir.resources.R4B import get_fhir_model_class

from gateway.faces.fhir.app import Api
from gateway.faces.fhir.book import FhirBook
from tests.unit.faces.ldap_kit import NOW, filled

BASE = "https://annuaire.test"


@dataclass
class Asking:
    """A client; each answer is checked against the FHIR R4B model of what it says it is."""

    client: httpx2.AsyncClient

    async def get(self, path: str, status: int = 200, **more: Any) -> dict[str, Any]:
        return judged(await self.client.get(path, **more), status)

    async def all_pages(self, path: str) -> list[dict[str, Any]]:
        """The resources that match, over all next links."""
        found, url = [], path
        while url:
            bundle = await self.get(url)
            found += [one["resource"] for one in bundle.get("entry", []) if one["search"]["mode"] == "match"]
            url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")
        return found


def judged(answer: httpx2.Response, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/fhir+json"
    told = answer.json()
    get_fhir_model_class(told["resourceType"]).model_validate(told)
    return told


@asynccontextmanager
async def asking(folder: Path, *, token: bytes = b"", most: int = 200, lines=None) -> AsyncIterator[Asking]:
    directory = filled(folder, lines)
    pool = ThreadPoolExecutor(max_workers=1)
    book = FhirBook(directory, most=most)
    app = Api(book=book, pool=pool, seconds=10.0, since=NOW, version="0", token=token).app()
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE) as client:
        yield Asking(client)
    pool.shutdown()
    directory.close()
