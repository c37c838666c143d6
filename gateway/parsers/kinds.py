"""Kinds of document (JDV_J07) and of section that a reader must tell apart, by their code."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.document import Wishes

STAY_REPORTS = frozenset({"11490-0", "34112-3"})
"""Discharge letter and hospital report: the event that they document is the stay itself."""

LABORATORY_REPORT = "11502-2"

COPY_SECTION = "55108-5"
"""«Copie du document»: it holds a file, and its entries describe that file."""

_FROM_PARENTS = {"INVISIBLE_REPRESENTANTS_LEGAUX", "INVISIBLE_REP_LEGAUX"}


def masks(codes: Iterable[str]) -> Wishes:
    """From whom a document is hidden, by its confidentiality codes (CI-SIS, JDV_J13): XDS metadata or CDA header."""
    stated = set(codes)
    return Wishes(
        hidden_from_professionals=True if "MASQUE_PS" in stated else None,
        hidden_from_patient=True if "INVISIBLE_PATIENT" in stated else None,
        hidden_from_legal_representatives=True if stated & _FROM_PARENTS else None,
    )
