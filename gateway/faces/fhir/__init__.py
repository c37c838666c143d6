"""The directory as a FHIR R4 read API: Practitioner, PractitionerRole, Organization, for addressee pickers.

``asking`` a query to what is wanted · ``book`` that to records of the directory · ``resources`` records to FHIR ·
``bundles`` pages and refusals · ``app`` the paths · ``face`` the server.
"""
