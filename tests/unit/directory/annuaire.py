"""A server that plays pages of the national FHIR API over TLS on loopback: what it is told to, in that order."""

from __future__ import annotations

import json
import ssl
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import trustme

MAILBOX = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-mailbox-mss-metadata"
KEY = "clef-inventee"


@dataclass
class Annuaire:
    """Its resources by type, and what goes wrong first: a list of ways to answer badly, used up one by one."""

    base: str = ""
    ca: Path = Path()
    resources: dict[str, list[dict]] = field(default_factory=lambda: defaultdict(list))
    trouble: list[object] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    page: int = 2
    key: str = KEY
    next_host: str = ""

    def add(self, resource: dict, *, changed: bool = True) -> None:
        self.resources[resource["resourceType"]].append({**resource, "_changed": changed})

    def answer(self, path: str) -> dict:
        """A Bundle, as a search would find it."""
        parts = urlsplit(path)
        kind, query = parts.path.rpartition("/")[2], {k: v[0] for k, v in parse_qs(parts.query).items()}
        found = [one for one in self.resources[kind] if "_id" not in query or one["id"] in query["_id"].split(",")]
        if "_lastUpdated" in query:
            found = [one for one in found if one["_changed"]]
        begin = int(query.get("at", 0))
        shown = found[begin : begin + self.page]
        entries = [{"resource": one, "search": {"mode": "match"}} for one in shown]
        if "_revinclude" in query:
            ids = {f"Practitioner/{one['id']}" for one in shown}
            roles = [one for one in self.resources["PractitionerRole"] if one["practitioner"]["reference"] in ids]
            entries += [{"resource": one, "search": {"mode": "include"}} for one in roles]
        entries.append({"resource": {"resourceType": "OperationOutcome", "id": "x"}, "search": {"mode": "outcome"}})
        links = [{"relation": "self", "url": path}]
        if begin + self.page < len(found):
            more = parts.query.split("&at=")[0] + f"&at={begin + self.page}"
            links.append({"relation": "next", "url": f"{self.next_host or self.base}/{kind}?{more}"})
        return {"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries}


@contextmanager
def playing(folder: Path) -> Iterator[Annuaire]:
    """Runs until the end of the context."""
    annuaire = Annuaire()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            annuaire.asked.append(self.path)
            trouble = annuaire.trouble.pop(0) if annuaire.trouble else None
            if self.headers.get("ESANTE-API-KEY") != annuaire.key:
                trouble = (401, {})
            if isinstance(trouble, tuple):
                self.send_response(trouble[0])
                for name, value in trouble[1].items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            body = trouble if isinstance(trouble, bytes) else json.dumps(annuaire.answer(self.path)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if trouble == "cut" else body)

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    annuaire.ca = folder / "annuaire-ca.pem"
    authority.cert_pem.write_to_path(str(annuaire.ca))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    annuaire.base = f"https://127.0.0.1:{server.server_port}/fhir/v2"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield annuaire
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def mailbox(address: str, kind: str = "PER", **more: object) -> dict:
    told = {"type": {"valueCodeableConcept": {"coding": [{"code": kind}]}}}
    told |= {
        name: {"valueBoolean" if isinstance(value, bool) else "valueString": value} for name, value in more.items()
    }
    parts = [{"url": name, **value} for name, value in told.items()]
    return {"system": "email", "value": address, "extension": [{"url": MAILBOX, "extension": parts}]}


def practitioner(number: str, rpps: str, family: str, *boxes: dict, **more: object) -> dict:
    qualification = [
        {"code": {"coding": [{"system": f"https://mos.esante.gouv.fr/NOS/{table}/FHIR/x", "code": code}]}}
        for table, code in (("TRE_G15-ProfessionSante", "10"), ("TRE_R38-SpecialiteOrdinale", "SM26"))
    ]
    return {
        "resourceType": "Practitioner", "id": number, "active": True, "telecom": list(boxes),
        "identifier": [{"system": "urn:oid:1.2.250.1.71.4.2.1", "value": f"8{rpps}"},
                       {"system": "https://rpps.esante.gouv.fr", "value": rpps}],
        "name": [{"family": family, "given": ["Léa", "Anne"], "prefix": ["DR"]}], "qualification": qualification,
    } | more  # fmt: skip


def role(number: str, person: str, organisation: str, *boxes: dict, **more: object) -> dict:
    mode = {"coding": [{"system": "https://mos.esante.gouv.fr/NOS/TRE_R23-ModeExercice/FHIR/x", "code": "L"}]}
    return {
        "resourceType": "PractitionerRole", "id": number, "active": True, "telecom": list(boxes), "code": [mode],
        "practitioner": {"reference": f"Practitioner/{person}"},
        "organization": {"reference": f"Organization/{organisation}"},
    } | more  # fmt: skip


def organisation(number: str, finess: str, name: str, *boxes: dict, **more: object) -> dict:
    return {
        "resourceType": "Organization", "id": number, "active": True, "telecom": list(boxes), "name": name,
        "identifier": [{"system": "https://finess.esante.gouv.fr", "value": finess}],
        "address": [{"line": ["3 RUE DES TILLEULS"], "postalCode": "20000", "city": "Ajaccio"}],
    } | more  # fmt: skip
