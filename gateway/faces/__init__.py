"""The directory shown to other programs: an LDAP address book and a FHIR read API. Read-only, off unless set.

Beside the road of a letter: nothing here sees one. A face imports the directory and the leaves, and no station.
"""
