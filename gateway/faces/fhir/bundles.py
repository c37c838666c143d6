"""Pages of a search, refusals, and what this server can do, as FHIR R4 resources; pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid5

from gateway.faces.fhir.asking import PAGE, PARAMETERS, Asked
from gateway.faces.fhir.book import Matches
from gateway.faces.fhir.resources import Resource

_CUT = "more than may be told in one search: add a town, an identifier or more of the name"
_DOCUMENTATION = {
    "city": "by whole words, beside a name, an identifier or a mailbox",
    "name": "each word begins a word of the name, in any order; accents, case and hyphens do not matter",
    "telecom": "the whole address",
}
_TYPES = {"id": "token", "identifier": "token", "telecom": "token", "practitioner": "reference"}


def searchset(matches: Matches, asked: Asked, *, base: str, parameters: Iterable[tuple[str, str]]) -> Resource:
    """One page; ``total`` when it is known, a ``next`` link while there is more."""
    end = asked.offset + asked.count
    entries = [_entry(one, base) for one in matches.resources[asked.offset : end]] if asked.count else []
    last = end >= len(matches.resources) or not asked.count
    if matches.cut and last:
        entries.append({"resource": outcome("information", "too-costly", _CUT), "search": {"mode": "outcome"}})
    given = [(name, value) for name, value in parameters if name != "_offset"]
    links = [{"relation": "self", "url": _link(base, asked, [*given, ("_offset", str(asked.offset))])}]
    if not last:
        links.append({"relation": "next", "url": _link(base, asked, [*given, ("_offset", str(end))])})
    told: Resource = {"resourceType": "Bundle", "type": "searchset", "link": links}
    if not matches.cut:
        told["total"] = len(matches.resources)
    return told | ({"entry": entries} if entries else {})


def outcome(severity: str, code: str, words: str) -> Resource:
    """What went wrong, or what the client should know."""
    issue = {"severity": severity, "code": code, "diagnostics": words}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def capabilities(base: str, *, since: datetime, version: str) -> Resource:
    """What can be read and searched by what (FHIR R4, 3.1.0.9)."""
    resources = [
        {
            "type": kind,
            "interaction": [{"code": "read"}, {"code": "search-type"}],
            "searchParam": [_parameter(name, means) for name, means in parameters.items()],
        }
        for kind, parameters in PARAMETERS.items()
    ]
    security = {"description": "a bearer token in the Authorization header, inside TLS"}
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": since.isoformat(timespec="seconds"),
        "kind": "instance",
        "software": {"name": "Huitaine", "version": version},
        "implementation": {"description": f"Directory of addressees; {PAGE} to a page", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "rest": [{"mode": "server", "security": security, "resource": resources}],
    }


def _parameter(name: str, means: str) -> Resource:
    told = {"name": name, "type": _TYPES.get(means, "string")}
    return told | ({"documentation": _DOCUMENTATION[means]} if means in _DOCUMENTATION else {})


def _entry(resource: Resource, base: str) -> Resource:
    """An organisation without a number is told under a name that is made of what it says."""
    kind, identifier = resource["resourceType"], resource.get("id")
    url = f"{base}/{kind}/{identifier}" if identifier else f"urn:uuid:{uuid5(NAMESPACE_URL, repr(resource))}"
    return {"fullUrl": url, "resource": resource, "search": {"mode": "match"}}


def _link(base: str, asked: Asked, parameters: list[tuple[str, str]]) -> str:
    return f"{base}/{asked.kind}?{urlencode(parameters)}"
