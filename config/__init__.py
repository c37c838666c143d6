"""Typed settings; ``huitaine.toml`` beside this file is the default and the documentation."""
