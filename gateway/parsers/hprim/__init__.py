"""HPRIM Médecin (12 header lines, text, results) and HPRIM Santé 2.x (segments): two formats, one family name."""

from gateway.parsers.hprim.medecin import read_hprim_medecin
from gateway.parsers.hprim.sante import read_hprim_sante

__all__ = ["read_hprim_medecin", "read_hprim_sante"]
