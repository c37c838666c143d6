"""The road of a letter: one folder per station, in the order told by ``journey.py``."""
