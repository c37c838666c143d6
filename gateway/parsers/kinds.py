"""Kinds of document (JDV_J07) and of section that a reader must tell apart, by their code."""

from __future__ import annotations

STAY_REPORTS = frozenset({"11490-0", "34112-3"})
"""Discharge letter and hospital report: the event that they document is the stay itself."""

LABORATORY_REPORT = "11502-2"

COPY_SECTION = "55108-5"
"""«Copie du document»: it holds a file, and its entries describe that file."""
