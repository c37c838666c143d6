"""Opens and closes the FHIR API: uvicorn on sockets of our own, in the gateway's loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from importlib.metadata import version

import structlog
import uvicorn

from directory import Directory
from gateway.accepting import open_sockets
from gateway.faces.fhir.app import Api
from gateway.faces.fhir.book import FhirBook
from gateway.faces.fhir.settings import FhirFaceSettings

_THREADS = 2
_LONGEST_HEADER = 16 << 10
_GOODBYE_SECONDS = 5

_log = structlog.get_logger()


class QuietServer(uvicorn.Server):
    """uvicorn takes SIGTERM and SIGINT for itself and raises them again at its end: here they are the gateway's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


class FhirFace:
    """The API and its port."""

    def __init__(
        self, server: uvicorn.Server, pool: ThreadPoolExecutor, serving: asyncio.Task[None], port: int
    ) -> None:
        self._server, self._pool, self._serving, self.port = server, pool, serving, port

    async def close(self) -> None:
        """Requests under way are answered, for a few seconds; then nobody is."""
        self._server.should_exit = True
        await asyncio.gather(self._serving, return_exceptions=True)
        self._pool.shutdown(wait=False, cancel_futures=True)


async def open_fhir_face(
    settings: FhirFaceSettings, directory: Directory, *, clock: Callable[[], datetime]
) -> FhirFace:
    """Listen; raises ``OSError`` with nothing open when the port cannot be had."""
    sockets = await open_sockets(settings.host, settings.port)
    pool = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="fhir")
    api = Api(
        book=FhirBook(directory, most=settings.max_entries),
        pool=pool,
        seconds=settings.max_seconds,
        since=clock(),
        version=version("huitaine"),
        token=settings.token,
    )
    server = QuietServer(_config(api, settings))
    port = int(sockets[0].getsockname()[1])
    serving = asyncio.get_running_loop().create_task(server.serve(sockets=sockets))
    _log.info("fhir_open", port=port)
    return FhirFace(server, pool, serving, port)


def _config(api: Api, settings: FhirFaceSettings) -> uvicorn.Config:
    config = uvicorn.Config(
        api.app(),
        http="h11",
        ws="none",
        loop="none",
        lifespan="off",
        log_config=None,
        access_log=False,  # its lines hold whom somebody looked for (promise E12)
        proxy_headers=False,
        server_header=False,
        limit_concurrency=settings.max_requests,
        h11_max_incomplete_event_size=_LONGEST_HEADER,
        timeout_graceful_shutdown=_GOODBYE_SECONDS,
    )
    config.load()
    config.ssl = settings.tls
    return config
