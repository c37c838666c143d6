"""An installation for the benchmark: one GP with a key, the sink as operator, no receipts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from demo import letters
from directory import add_certificate, import_files
from gateway.crypto.authority import TestAuthority
from gateway.moments import utc_now
from gateway.service.upkeep.installing import install
from tests.peers.authority import Authority
from tests.peers.running import free_port

GP = f"{letters.GP}@rpps.hospital.test"


@dataclass(frozen=True, slots=True)
class Installed:
    """Where it is and how to get in."""

    settings: Path
    port: int
    ca: Path
    login: str
    password: str


def install_bench(folder: Path, authority: Authority, sink_port: int) -> Installed:
    """A gateway in ``folder`` that submits to the sink with STARTTLS."""
    made = install(folder, hospital="CH d'essai")
    port = free_port()
    text = made.settings.read_text(encoding="utf-8")
    text = text.replace("= 2587\n", f"= {port}\n").replace("implicit_tls_port = 2465\n", "")
    text = text.replace("[mllp]\nport = 2575\n", "").replace('[folder]\npath = "drop"\n', "")
    text = text.replace("= 1587\n", f"= {sink_port}\n").replace('ca = "tls/authority.pem"', f'ca = "{authority.roots}"')
    text = text.replace("[gateway]\n", "[gateway]\nmetrics_port = 0\n")
    made.settings.write_text(
        text + '\n[queue]\nmin_free_share = 0.0\n\n[directory]\nmss_forms = ["pdf"]\n', encoding="utf-8"
    )
    extraction = folder / f"Extraction_Correspondance_MSSante_{utc_now():%Y%m%d%H%M}.txt"
    extraction.write_text(letters.directory(), encoding="utf-8")
    import_files(folder / "data", [extraction])
    gp = TestAuthority.create("GP").issue(address=letters.GP_MAILBOX)
    add_certificate(folder / "data", letters.GP_MAILBOX, gp.certificate.public_bytes(Encoding.DER))
    return Installed(made.settings, port, folder / "tls" / "authority.pem", made.login, made.password)
