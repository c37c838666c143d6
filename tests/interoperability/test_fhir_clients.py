"""The FHIR API on its socket: curl over TLS with a token, httpx2, and the signals that stay the gateway's."""

from __future__ import annotations

import asyncio
import json
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog
from fhir.resources.R4B import get_fhir_model_class

from gateway.faces.fhir.face import FhirFace, open_fhir_face
from gateway.faces.fhir.settings import FhirFaceSettings
from tests.peers.authority import Authority
from tests.unit.faces.ldap_kit import LEA, NOW, filled

pytestmark = [pytest.mark.peer]

FACE = "As the FHIR API"
TOKEN = b"0123456789abcdef0123456789abcdef"


@asynccontextmanager
async def opened(folder: Path, **more: Any) -> AsyncIterator[FhirFace]:
    directory = filled(folder)
    face = await open_fhir_face(FhirFaceSettings(host="127.0.0.1", **more), directory, clock=lambda: NOW)
    try:
        yield face
    finally:
        await face.close()
        directory.close()


async def curl(*words: str) -> tuple[int, dict[str, Any]]:
    """The exit code, and the resource that was printed."""
    process = await asyncio.create_subprocess_exec("curl", "-sS", *words, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    told = json.loads(out) if out else {}
    if told:
        get_fhir_model_class(told["resourceType"]).model_validate(told)
    return process.returncode or 0, told


def tls(authority: Authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.server.certificate, authority.server.key)
    return context


@pytest.mark.cell(FACE, "curl", "TLS, token, read, search, next page")
async def test_curl_reads_and_follows_pages_over_tls(tmp_path: Path, authority: Authority):
    async with opened(tmp_path, tls=tls(authority), token=TOKEN) as face:
        base = f"https://localhost:{face.port}"
        known = ("--cacert", str(authority.roots), "-H", f"Authorization: Bearer {TOKEN.decode()}")
        code, told = await curl(*known, f"{base}/Practitioner/{LEA}")
        assert (code, told["name"][0]["family"]) == (0, "DUBREUIL")
        _, first = await curl(*known, f"{base}/Practitioner?name=dub&_count=1")
        (following,) = (link["url"] for link in first["link"] if link["relation"] == "next")
        _, second = await curl(*known, following)
        assert first["entry"][0]["resource"]["id"] != second["entry"][0]["resource"]["id"]
        _, refused = await curl("--cacert", str(authority.roots), f"{base}/Practitioner?name=dub")
        assert refused["issue"][0]["code"] == "login"
        untrusting, _ = await curl(f"{base}/metadata")
        assert untrusting == 60  # the certificate is not verified


@pytest.mark.cell(FACE, "curl", "CapabilityStatement, form by POST")
async def test_curl_asks_what_there_is_and_posts_a_search(tmp_path: Path):
    async with opened(tmp_path) as face:
        base = f"http://127.0.0.1:{face.port}"
        _, told = await curl(f"{base}/metadata")
        assert told["fhirVersion"] == "4.0.1"
        _, found = await curl("--data-urlencode", "name=léa dubreuil", f"{base}/Practitioner/_search")
        assert found["total"] == 1


async def test_the_signals_stay_the_gateways(tmp_path: Path):
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    async with opened(tmp_path) as face, httpx2.AsyncClient() as client:
        assert (await client.get(f"http://127.0.0.1:{face.port}/metadata")).status_code == 200
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


async def test_whom_somebody_looks_for_is_in_no_log(tmp_path: Path, caplog, capfd):
    with structlog.testing.capture_logs() as lines:
        async with opened(tmp_path) as face, httpx2.AsyncClient() as client:
            await client.get(f"http://127.0.0.1:{face.port}/Practitioner?name=dubreuil")
    told = str(lines) + caplog.text + "".join(capfd.readouterr())
    assert "fhir_search" in told
    assert "dubreuil" not in told.lower()


async def test_a_request_under_way_is_answered_when_the_face_closes(tmp_path: Path):
    async with opened(tmp_path) as face, httpx2.AsyncClient() as client:
        answers = await asyncio.gather(
            *(client.get(f"http://127.0.0.1:{face.port}/Practitioner?name=dub") for _ in range(10))
        )
        assert {answer.status_code for answer in answers} == {200}
        await face.close()
        with pytest.raises(httpx2.ConnectError):
            await client.get(f"http://127.0.0.1:{face.port}/metadata")


async def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_open(tmp_path: Path):
    async with opened(tmp_path) as face:
        with pytest.raises(OSError):
            async with opened(tmp_path, port=face.port):
                pass
