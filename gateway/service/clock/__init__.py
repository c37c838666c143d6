"""Stays, escalation and opposition at work: what the pure clock says, written with the letters."""
