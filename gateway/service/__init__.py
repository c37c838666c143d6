"""Builds and runs everything; the only importer of ``config`` in the gateway."""
