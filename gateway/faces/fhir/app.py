"""The paths of the FHIR API, on Starlette; whatever goes wrong is an OperationOutcome that quotes nobody."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from directory import DirectoryError
from gateway.faces.fhir.asking import PARAMETERS, Refused, asked_of
from gateway.faces.fhir.book import FhirBook
from gateway.faces.fhir.bundles import capabilities, outcome, searchset
from gateway.faces.fhir.resources import Resource

MEDIA_TYPE = "application/fhir+json"
_LONGEST_QUERY = 8 << 10
_READABLE = ("*/*", "application/*", "application/json", "application/fhir+json", "text/json", "json")

_log = structlog.get_logger()
_T = TypeVar("_T")
Answering = Callable[[Request], Awaitable[Resource]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """Answers requests out of the book; ``token`` is what a client must show, empty when none is asked."""

    book: FhirBook
    pool: ThreadPoolExecutor
    seconds: float
    since: datetime
    version: str
    token: bytes = field(repr=False, default=b"")

    def app(self) -> Starlette:
        """The ASGI application; no docs, no debug, no redirects."""
        routes = [Route("/metadata", self._answered(self.metadata, is_open=True), methods=["GET"])]
        for kind in PARAMETERS:
            routes += [
                Route(f"/{kind}", self._answered(self.search), methods=["GET"], name=f"{kind}-search"),
                Route(f"/{kind}/_search", self._answered(self.search), methods=["POST"], name=f"{kind}-post"),
                Route(f"/{kind}/{{id}}", self._answered(self.read), methods=["GET"], name=f"{kind}-read"),
            ]
        app = Starlette(routes=routes, exception_handlers={HTTPException: _refused_path})
        app.router.redirect_slashes = False
        return app

    async def metadata(self, request: Request) -> Resource:
        """The CapabilityStatement."""
        return capabilities(_base(request), since=self.since, version=self.version)

    async def search(self, request: Request) -> Resource:
        """One page of a search, by GET or POST."""
        kind = _kind(request)
        parameters = await _parameters(request)
        asked = asked_of(kind, parameters)
        matches = await self._in_thread(lambda: self.book.search(asked))
        _log.info("fhir_search", kind=kind, found=len(matches.resources))
        return searchset(matches, asked, base=_base(request), parameters=parameters)

    async def read(self, request: Request) -> Resource:
        """One resource by its id."""
        kind, identifier = _kind(request), str(request.path_params["id"])[:64]
        found = await self._in_thread(lambda: self.book.read(kind, identifier))
        if found is None:
            raise Refused(404, "not-found", f"no such {kind}")
        return found

    def _answered(self, answer: Answering, *, is_open: bool = False) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                self._check(request, is_open=is_open)
                return _response(200, await answer(request))
            except Refused as refused:
                return _response(refused.status, outcome("error", refused.code, str(refused)))
            except TimeoutError:
                return _response(503, outcome("error", "timeout", "the search took too long"))
            except DirectoryError as error:
                _log.error("fhir_directory_unreadable", code=error.code)
                return _response(503, outcome("error", "transient", "the directory cannot be read now"))
            except Exception as error:  # noqa: BLE001  atop a request: uvicorn would print what it quotes
                _log.error("fhir_fault", error=type(error).__name__)
                return _response(500, outcome("error", "exception", "our fault"))

        return endpoint

    def _check(self, request: Request, *, is_open: bool) -> None:
        """The token first: who has none learns nothing."""
        if not (is_open or self._is_known(request.headers.get("authorization", ""))):
            raise Refused(401, "login", "a bearer token is needed")
        wanted = request.query_params.get("_format") or request.headers.get("accept", "*/*")
        kinds = {one.partition(";")[0].strip().lower() for one in wanted.replace(" ", "+").split(",")}
        if kinds.isdisjoint(_READABLE):
            raise Refused(406, "not-supported", f"only {MEDIA_TYPE}")

    def _is_known(self, authorization: str) -> bool:
        scheme, _, given = authorization.partition(" ")
        return not self.token or (
            scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self.token)
        )

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        async with asyncio.timeout(self.seconds):
            return await asyncio.get_running_loop().run_in_executor(self.pool, work)


async def _parameters(request: Request) -> list[tuple[str, str]]:
    """Those of the query string, and of a form that was posted (FHIR R4, 3.1.1.2)."""
    query = request.url.query
    if len(query) > _LONGEST_QUERY:
        raise Refused(414, "too-long", "the query is too long")
    posted = b""
    if request.method == "POST":
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
            raise Refused(415, "not-supported", "post a form: application/x-www-form-urlencoded")
        async for piece in request.stream():
            posted += piece
            if len(posted) > _LONGEST_QUERY:
                raise Refused(413, "too-long", "the form is too long")
    return _read_query(query) + _read_query(posted.decode("utf-8", "replace"))


def _read_query(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=50)
    except ValueError as error:
        raise Refused(400, "invalid", "the query cannot be read") from error


def _kind(request: Request) -> str:
    return request.url.path.split("/")[1]


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _response(status: int, resource: Resource) -> Response:
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    return Response(msgspec.json.encode(resource), status, headers=headers, media_type=MEDIA_TYPE)


async def _refused_path(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    code, words = ("not-supported", "read and search only") if status == 405 else ("not-found", "no such path")
    return _response(status, outcome("error", code, words))
