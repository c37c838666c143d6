"""The section ``[directory]``: whom we can write to; the TOML tells each key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from config.sections import FormName, Section

DomainName = Annotated[str, Field(pattern=r"^[^@\s]+\.[^@\s.]+$")]
MailboxOrDomain = Annotated[str, Field(pattern=r"^([^@\s]+@)?[^@\s]+\.[^@\s.]+$")]


class Directory(Section):
    """Whom we can write to."""

    mss_tls: bool = False
    forms: dict[str, tuple[FormName, ...]] = {}  # noqa: RUF012 (pydantic copies it)
    default_forms: tuple[FormName, ...] = ("pdf", "hprim-attached")
    mss_forms: tuple[FormName, ...] = ("pdf", "xdm")
    floors: dict[MailboxOrDomain, Literal["mss-tls", "encrypted", "gcm"]] = {}  # noqa: RUF012 (pydantic copies it)
    post_services: tuple[str, ...] = ("secrétariat", "secrétariat médical", "accueil")
    generic_domains: tuple[DomainName, ...] = ("medecin.mssante.fr",)
    white_list_ca: Path | None = None
    white_list_cn: str = "alb.mssante.fr"
    white_list_url: Annotated[str, Field(pattern=r"^(https://\S+)?$")] = ""
    white_list_tls_ca: Path | None = None
    white_list_minutes: Annotated[float, Field(gt=0)] = 60.0
    white_list_cut_off_days: Annotated[float, Field(gt=0)] = 30.0
    white_list_required: bool = True
    stale_days: Annotated[float, Field(gt=0)] = 10.0
    database: str = ""
    national_urls: tuple[str, ...] = ()
    national_ca: Path | None = None
    delta_url: str = ""
    delta_key_secret: str = "esante-api-key"  # noqa: S105 (the name of a file)
