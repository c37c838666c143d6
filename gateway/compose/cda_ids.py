"""Which id a CDA that we make gets, so that a later replacement or withdrawal finds it in the GP's software."""

from __future__ import annotations

import re

from gateway.compose.dispatch import Dispatch
from gateway.compose.metadata import unique_oid
from gateway.compose.patient_id import hospital_oid
from gateway.compose.text import one_line
from gateway.document import Document

_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]*)){2,}")


def own_id(dispatch: Dispatch, document: Document) -> dict[str, str]:
    """The id of the document as attributes of ``id``.

    A withdrawal bears the id of what it withdraws: slot ``D`` of the metadata means the ClinicalDocument/id (IG-TRANS).
    Else the sender's own id when it is an OID, for that is what he will name later. Another number is no id: a partial
    and a final report of one order share it, and software that knows an id refuses the second document.
    """
    if document.cancels and is_global(document.cancels):
        return as_id(document.cancels)
    if document.id and is_global(document.id) and document.id != document.replaces:
        return as_id(document.id)
    place = next((index for index, one in enumerate(dispatch.documents) if one is document), 0)
    return {"root": unique_oid("document", dispatch.parsed.id, str(place))}


def parent_id(dispatch: Dispatch, replaced: str) -> dict[str, str]:
    """What is replaced: its OID, else the sender's number under the hospital's own root."""
    if is_global(replaced):
        return as_id(replaced)
    return {"root": hospital_oid(dispatch), "extension": one_line(replaced)}


def is_global(text: str) -> bool:
    """Whether ``root`` or ``root^extension`` (as the readers give it) is an id that nobody else uses."""
    return _OID.fullmatch(text.partition("^")[0]) is not None


def as_id(text: str) -> dict[str, str]:
    """``root`` or ``root^extension`` as attributes."""
    root, _, extension = text.partition("^")
    return {"root": root, "extension": one_line(extension)} if extension.strip() else {"root": root}
