"""The section ``[crypto]``; what each key means stands in ``huitaine.toml``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from config.directory import DomainName
from config.sections import Section

Revocation = Literal["off", "soft", "hard"]


class Crypto(Section):
    """The gateway's own keys, and the authorities it believes."""

    identity: str = "gateway"
    openpgp_key: str | None = None
    openpgp_home: Path | None = None
    openpgp_pin_secret: str = ""
    keystore_secret: str = "keystore-password"  # noqa: S105 (the name of a file)
    token_module: Path | None = None
    token_label: str = "huitaine"  # noqa: S105 (no secret)
    token_pin_secret: str = "token-pin"  # noqa: S105 (the name of a file)
    algorithms: Path | None = None
    master_key_secret: str = "master-key"  # noqa: S105 (the name of a file)
    tenant_key_days: Annotated[float, Field(ge=1, le=366)] = 30.0
    former_key_days: Annotated[float, Field(ge=0, le=366)] = 7.0
    incoming_authorities: Path | None = None
    outgoing_authorities: Path | None = None
    domain_authorities: dict[DomainName, Path] = {}  # noqa: RUF012 (pydantic copies it)
    incoming_revocation: Revocation = "soft"
    outgoing_revocation: Revocation = "soft"
    revocation_seconds: Annotated[float, Field(gt=0, le=60)] = 5.0
    failed_openings: Annotated[int, Field(ge=1, le=1000)] = 10
    failed_openings_minutes: Annotated[float, Field(ge=1, le=10080)] = 60.0
    wkd_domains: tuple[str, ...] = ()
    wkd_hours: Annotated[float, Field(ge=1, le=720)] = 24.0
    wrapped_domains: tuple[DomainName, ...] = ()
    organisation_certificates: tuple[DomainName, ...] = ()
