"""An installation for the campaigns: SMTP and MLLP doors, one GP with a key, a next hop of our own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from demo import letters
from directory import add_certificate, import_files
from gateway.crypto.authority import TestAuthority
from gateway.service.upkeep.installing import install
from tests.cheap import make_database
from tests.peers.authority import Authority
from tests.peers.running import free_ports

DROP_INTERVAL = 0.1
SHORT = "PYTEST_VERSION" in os.environ
"""A test, no campaign."""
READERS = 1 if SHORT else 2
"""Each start of a gateway starts them anew, which costs a second of CPU; the campaigns have more to read."""
RETRY = 0.005 if SHORT else 0.02
"""Minutes."""
TO = f"{letters.GP}@rpps.hospital.test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the installation is and how a hospital's software gets in."""

    settings: Path
    smtps: int
    mllp: int
    ca: Path
    login: str
    password: str
    drop: Path

    @property
    def database(self) -> Path:
        """The store's file, for questions from outside."""
        return self.settings.parent / "data" / "huitaine.db"


def prepare(
    folder: Path,
    authority: Authority,
    hop_port: int,
    *,
    drop: bool = False,
    readers: int = READERS,
    share: float = 0.0,
    more: str = "",
) -> Place:
    """A gateway in ``folder`` that submits to our hop over TLS and tries again soon.

    ``drop`` opens the folder door as well; ``share`` of the disk is kept free; ``more`` is added to the settings.
    """
    made = install(folder, hospital="CH d'essai")
    if SHORT:
        make_database(folder / "data")
    clear, smtps, mllp = free_ports(3)
    text = made.settings.read_text(encoding="utf-8")
    for old, new in (("2587", clear), ("2465", smtps), ("2575", mllp)):
        text = text.replace(f"= {old}\n", f"= {new}\n")
    text = text.replace("[courier]\n", f"[courier]\nrest_minutes = [{RETRY}, {RETRY}]\n")
    text = text.replace("= 1587\n", f'= {hop_port}\ntls = "implicit"\n')
    text = text.replace('ca = "tls/authority.pem"', f'ca = "{authority.roots}"')
    quick = f"interval_seconds = {DROP_INTERVAL}\n"
    text = text.replace('[folder]\npath = "drop"\n', f'[folder]\npath = "drop"\n{quick}' if drop else "")
    text = text.replace("[gateway]\n", f"[gateway]\nmetrics_port = 0\nreaders = {readers}\n")
    text += (
        f'\n[queue]\nmin_free_share = {share}\nretry_minutes = [{RETRY}]\n\n[directory]\nmss_forms = ["pdf"]\n' + more
    )
    made.settings.write_text(text, encoding="utf-8")
    extraction = folder / "Extraction_Correspondance_MSSante_202601150300.txt"
    extraction.write_text(letters.directory(), encoding="utf-8")
    import_files(folder / "data", [extraction])
    gp = TestAuthority.create("GP").issue(address=letters.GP_MAILBOX)
    add_certificate(folder / "data", letters.GP_MAILBOX, gp.certificate.public_bytes(Encoding.DER))
    return Place(
        settings=made.settings,
        smtps=smtps,
        mllp=mllp,
        ca=folder / "tls" / "authority.pem",
        login=made.login,
        password=made.password,
        drop=folder / "drop",
    )
