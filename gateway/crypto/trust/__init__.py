"""Whom to believe: paths to an anchor of ours, and what authorities say of revoked certificates (RFC 5280, RFC 6960).

Nothing here is asked inside an SMTP transaction: statements are fetched by whoever judges, in a thread with a deadline.
"""
