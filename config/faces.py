"""The sections ``[key_lookup]``, ``[ldap]``, ``[web]``: the directory and other programs; the TOML tells each key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from config.sections import Port, Section

Login = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


class KeyLookup(Section):
    """Somebody's LDAP directory that has addressees' certificates."""

    url: Annotated[str, Field(pattern=r"^(ldaps?://[^/\s@]+)?$")] = ""
    base: str = ""
    ca: Path | None = None
    user: str = ""
    password_secret: str = "key-lookup-password"  # noqa: S105 (the name of a file)
    authoritative: bool = False

    @model_validator(mode="after")
    def _its_own_authority(self) -> Self:
        """What it says comes before the administrator's own keys: not whoever any public authority vouches for."""
        if self.authoritative and self.ca is None:
            raise ValueError("authoritative: name the authority of that server too (ca)")
        return self


class Ldap(Section):
    """The directory as an LDAP address book."""

    host: str = "127.0.0.1"
    port: Port | None = None
    tls_port: Port | None = None
    certificate: Path | None = None
    key: Path | None = None
    base: str = "o=annuaire"
    users: tuple[Login, ...] = ()
    anonymous: bool = False
    max_entries: Annotated[int, Field(ge=1, le=400)] = 200
    max_guesses: Annotated[int, Field(ge=1)] = 10


class Web(Section):
    """The directory as a FHIR API."""

    host: str = "127.0.0.1"
    port: Port | None = None
    certificate: Path | None = None
    key: Path | None = None
    token_secret: str = "fhir-token"  # noqa: S105 (the name of a file)
    max_entries: Annotated[int, Field(ge=1, le=400)] = 200
