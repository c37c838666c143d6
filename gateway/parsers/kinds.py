"""Kinds of document that a reader must tell apart, by their code of JDV_J07."""

from __future__ import annotations

STAY_REPORTS = frozenset({"11490-0", "34112-3"})
"""Discharge letter and hospital report: the event that they document is the stay itself."""

LABORATORY_REPORT = "11502-2"
