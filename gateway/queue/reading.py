"""What a person may see of a letter: the JSON of `huitaine letters show`, names only on demand."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from gateway.letter import Proof
from gateway.queue import bodies, queries
from gateway.queue.bodies import AtRest, Summary, Target


def shown(connection: Connection, row: queries.Row, vault: AtRest, *, identities: bool) -> dict[str, Any]:
    """The JSON of interface.md; an erased letter still shows its states and times."""
    key = vault.unwrap(row["body_key"]) if row["body_key"] else b""
    summary = Summary()
    if key:
        summary = bodies.unseal(vault, key, (row["id"], bodies.SUMMARY), row["sealed"], Summary)
    stay = summary.stay
    told = {
        "id": row["id"],
        "door": row["door"],
        "source": row["source"],
        "received_at": row["received_at"],
        "kind": {"loinc": row["loinc"], "label": summary.kind.label if summary.kind else ""},
        "state": row["state"],
        "reason": row["reason"],
        "stay": {"visit": stay.visit, "discharged_at": stay.discharged_at} if stay else None,
        "parts": queries.parts(connection, row["id"]),
        "deliveries": [_delivery(each, vault, key) for each in queries.deliveries(connection, row["id"])],
    }
    if identities and summary.patient:
        patient = summary.patient
        told["patient"] = {"family": patient.family, "given": patient.given, "birth_date": patient.birth_date}
    return told


def _delivery(row: queries.Row, vault: AtRest, key: bytes) -> dict[str, Any]:
    mailbox = None
    if key:
        target = bodies.unseal(vault, key, (row["id"], bodies.ADDRESSEE), row["addressee"], Target)
        mailbox = target.mailbox or target.addressee.mailbox
    return {
        "id": row["id"],
        "addressee": {"rpps": row["rpps"], "role": row["role"]},
        "mailbox": _unnamed(mailbox, row["role"]),
        "protection": row["protection"],
        "state": row["state"],
        "proof": Proof(row["proof"]).word,
        "attempts": row["attempts"],
        "ambiguous": row["ambiguous"],
        "reason": row["reason"] or row["status"],
        "sealed_at": row["sealed_at"],
        "accepted_at": row["accepted_at"],
    }


def _unnamed(mailbox: str | None, role: str) -> str | None:
    """A patient's mailbox is his INS: it never shows."""
    return None if mailbox is None or role == "patient" else mailbox
