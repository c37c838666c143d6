"""Cryptographic Message Syntax (RFC 5652): DER written by hand where letters leave, asn1crypto where they come in.

The hand-written side exists for speed (a whole S/MIME letter in the time of its RSA signature and little more) and
because the library's builders know neither GCM, OAEP nor ECDH recipients.
"""
