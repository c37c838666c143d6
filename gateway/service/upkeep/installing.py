"""A new installation: settings, secrets, keys and, in test mode, an authority of its own so that it runs at once."""

from __future__ import annotations

import json
import os
import secrets
import string
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from argon2 import PasswordHasher

from gateway.crypto.authority import TestAuthority, certificates_pem, to_pem
from gateway.crypto.keystore import KeyStore
from gateway.crypto.vault import create_master_key
from gateway.errors import SettingsRefused
from gateway.letter import Mode

SETTINGS = Template("""\
# Huitaine, made by `huitaine init`. Every key with its default and its reason: config/huitaine.toml of the project.

[gateway]
mode = "$mode"
domain = "$domain"
hospital = $hospital
test_domains = $test_domains

[smtp]
starttls_port = 2587
implicit_tls_port = 2465
certificate = "tls/gateway.pem"
key = "tls/gateway.pem"

[mllp]
port = 2575

[folder]
path = "drop"

[sources.dpi]
senders = ["@$domain"]

[sources.mllp]

[sources.folder]

[courier]
sender = "passerelle@$domain"
display_name = $hospital

# The next hop of every sealed mail: your MSSanté operator's submission service.
[courier.operator]
host = "localhost"
port = 1587
ca = "tls/authority.pem"
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What was made; the password is shown once and kept nowhere but as its Argon2id hash."""

    settings: Path
    login: str
    password: str = field(repr=False)


def install(folder: Path, *, mode: Mode = Mode.TEST, domain: str = "hospital.test", hospital: str = "") -> Installed:
    """Make an installation in ``folder``; raises SettingsRefused when there is one already."""
    settings = folder / "huitaine.toml"
    if settings.exists():
        raise SettingsRefused(f"{settings} exists already")
    for name, access in (("", 0o755), ("data", 0o700), ("secrets", 0o700), ("tls", 0o700), ("drop", 0o700)):
        (folder / name).mkdir(mode=access, parents=True, exist_ok=True)
    create_master_key(folder / "secrets" / "master-key")
    _secret(folder, "keystore-password", _password(32))
    password = _password(16)
    _secret(folder, "source-dpi", PasswordHasher().hash(password))
    if mode is Mode.TEST:
        _authority(folder, domain)
    # In production a test domain is never written to: the hospital's own must not be one.
    tests = f'["{domain}", "gp.test"]' if mode is Mode.TEST else "[]"
    # A JSON string is a TOML string (TOML 1.0, basic strings): a quotation mark in the name breaks nothing.
    name = json.dumps(hospital or "Centre hospitalier d'essai", ensure_ascii=False)
    text = SETTINGS.substitute(mode=mode.value, domain=domain, hospital=name, test_domains=tests)
    settings.write_text(text, encoding="utf-8")
    return Installed(settings=settings, login="dpi", password=password)


def key_store(folder: Path, password: bytes) -> KeyStore:
    """The gateway's key store inside a data folder."""
    return KeyStore(folder / "keys", password)


def _password(length: int) -> str:
    """Letters and digits: pasted behind an option of a command, a dash in front would read as another option."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))


def _authority(folder: Path, domain: str) -> None:
    """A root, a server certificate for this machine, and the certificate that signs letters."""
    authority = TestAuthority.create("Huitaine essai")
    (folder / "tls" / "authority.pem").write_bytes(certificates_pem(authority.roots))
    server = authority.issue(address="localhost", kind="server", key="p256")
    _write(folder / "tls" / "gateway.pem", to_pem(server, None))
    signer = authority.issue(address=f"passerelle@{domain}", kind="email")
    password = (folder / "secrets" / "keystore-password").read_bytes()
    key_store(folder / "data", password).put("gateway", signer.private_key, signer.certificate, signer.chain)
    issuer = to_pem(authority.issuer, None)
    _write(folder / "tls" / "test-authority-key.pem", issuer)


def _secret(folder: Path, name: str, value: str) -> None:
    _write(folder / "secrets" / name, value.encode())


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
