"""The address book by LDAP (RFC 4511), read-only: what auto-completion in Thunderbird and Outlook asks.

``wire`` octets to messages · ``asn1`` and ``reading`` messages to requests · ``session`` who may ask what ·
``plan`` and ``book`` a filter to look-ups in the directory · ``matching`` which entries it means · ``answers`` back.
"""
