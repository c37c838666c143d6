"""Station 9, tell: stays, clocks, deadlines and the report.

    Movement ─ record_movement ─▶ movement ─ fold ─▶ stay ┐
                                                          ├─ settle ─▶ timing ─ report, late, missing
    letter ─── tie_letter ──────▶ clock ◀─ record_leg ────┘

``movement`` and ``clock`` hold what was said; ``stay`` and ``timing`` are drawn from them again after each event, so
the figures depend on what happened and not on the order in which we heard of it.
"""
