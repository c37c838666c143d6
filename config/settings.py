"""Typed settings: defaults in ``sections.py``, told in ``huitaine.toml``; ``HUITAINE__SECTION__KEY`` overrides.

Secrets never stand in the TOML: they are files of the ``secrets`` folder (systemd credentials look the same).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from config import sections


class SettingsError(Exception):
    """The settings cannot be used; ``str`` says which key, why, and what was probably meant."""


class Settings(BaseSettings):
    """All of it. Build it with :func:`load`."""

    model_config = SettingsConfigDict(env_prefix="HUITAINE__", env_nested_delimiter="__", extra="forbid", frozen=True)

    gateway: sections.Gateway = sections.Gateway()
    smtp: sections.Smtp = sections.Smtp()
    mllp: sections.Mllp = sections.Mllp()
    folder: sections.Folder = sections.Folder()
    imap: sections.Imap = sections.Imap()
    sources: dict[str, sections.Source] = {}
    courier: sections.Courier = sections.Courier()
    directory: sections.Directory = sections.Directory()
    crypto: sections.Crypto = sections.Crypto()
    queue: sections.Queue = sections.Queue()
    receipts: sections.Receipts = sections.Receipts()
    delays: sections.Delays = sections.Delays()
    escalation: sections.Escalation = sections.Escalation()
    retention: sections.Retention = sections.Retention()
    web: sections.Web = sections.Web()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,  # the library names all five
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file, the file over the defaults."""
        return env_settings, TomlConfigSettingsSource(settings_cls)


def load(path: Path) -> Settings:
    """The settings of ``path``, its relative folders and files made absolute beside it.

    Raises :class:`SettingsError` with one line per problem: unknown key (and the nearest known one), wrong value.
    """
    if not path.is_file():
        raise SettingsError(f"{path}: no such file; `huitaine init` makes one")

    class Located(Settings):
        model_config = SettingsConfigDict(toml_file=path)

    try:
        return cast("Settings", _beside(path.resolve().parent, Located()))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not TOML: {error}") from error
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(error))) from error


def secret(settings: Settings, name: str) -> bytes:
    """The content of one file of the secrets folder, without the final line end."""
    path = settings.gateway.secrets / name
    try:
        return path.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise SettingsError(f"secret {name}: cannot be read in the secrets folder") from error


def _beside(folder: Path, model: Any) -> Any:  # noqa: ANN401 (any section of the settings)
    """The same settings with every relative path joined to ``folder``."""
    if isinstance(model, Path):
        return model if model.is_absolute() else folder / model
    if isinstance(model, dict):
        return {key: _beside(folder, value) for key, value in model.items()}
    if isinstance(model, BaseModel):
        return model.model_copy(
            update={name: _beside(folder, getattr(model, name)) for name in type(model).model_fields}
        )
    return model


def _explain(error: ValidationError) -> Iterator[str]:
    for problem in error.errors():
        place = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            near = get_close_matches(place, list(_known(Settings)), n=1, cutoff=0.0)
            yield f"{place}: unknown key; the nearest known one is {near[0]}"
        else:
            yield f"{place}: {problem['msg']}"


def _known(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, described in model.model_fields.items():
        yield prefix + name
        inner = described.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _known(inner, f"{prefix}{name}.")
    if model is Settings:
        yield from (f"sources.NAME.{name}" for name in sections.Source.model_fields)
