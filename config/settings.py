"""Typed settings: defaults in ``sections.py``, told in ``huitaine.toml``; ``HUITAINE__SECTION__KEY`` overrides.

Secrets never stand in the TOML: they are files of the ``secrets`` folder (systemd credentials look the same).
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from config import sections
from config.crypto import Crypto
from config.directory import Directory
from config.escalation import Escalation
from config.faces import KeyLookup, Ldap, Web
from config.operators import Operators

PREFIX = "HUITAINE__"


class SettingsError(Exception):
    """The settings cannot be used; ``str`` says which key, why, and what was probably meant."""


class Settings(BaseSettings):
    """All of it. Build it with :func:`load`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True)

    gateway: sections.Gateway = sections.Gateway()
    smtp: sections.Smtp = sections.Smtp()
    mllp: sections.Mllp = sections.Mllp()
    folder: sections.Folder = sections.Folder()
    imap: sections.Imap = sections.Imap()
    sources: dict[str, sections.Source] = {}
    courier: sections.Courier = sections.Courier()
    operators: Operators = Operators()
    directory: Directory = Directory()
    crypto: Crypto = Crypto()
    queue: sections.Queue = sections.Queue()
    receipts: sections.Receipts = sections.Receipts()
    delays: sections.Delays = sections.Delays()
    escalation: Escalation = Escalation()
    alarms: sections.Alarms = sections.Alarms()
    retention: sections.Retention = sections.Retention()
    audit: sections.Audit = sections.Audit()
    key_lookup: KeyLookup = KeyLookup()
    ldap: Ldap = Ldap()
    web: Web = Web()

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

    if strangers := list(_strangers()):
        raise SettingsError("\n".join(strangers))
    try:
        return cast("Settings", _beside(path.resolve().parent, Located()))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not TOML: {error}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: byte {error.start + 1} is not UTF-8; save the file in UTF-8") from error
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(error))) from error


def secret(settings: Settings, name: str) -> bytes:
    """The content of one file of the secrets folder, without the final line end."""
    try:
        return secret_file(settings, name).read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise SettingsError(f"secret {name}: cannot be read in the secrets folder") from error


def secret_file(settings: Settings, name: str) -> Path:
    """Where a secret is: handed over by systemd (``LoadCredential=``), else in the secrets folder."""
    handed_over = Path(os.environ.get("CREDENTIALS_DIRECTORY", "/nonexistent")) / name
    return handed_over if handed_over.is_file() else settings.gateway.secrets / name


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
            yield _unknown(tuple(map(str, problem["loc"])))
        else:
            yield f"{place}: {problem['msg']}"


def _strangers() -> Iterator[str]:
    """Environment variables with our prefix that name no section: the library passes over them in silence."""
    for name in sorted(os.environ):
        if name.upper().startswith(PREFIX):
            parts = tuple(name[len(PREFIX) :].lower().split("__"))
            if parts[0] not in Settings.model_fields:
                yield _unknown(parts)


def _unknown(place: tuple[str, ...]) -> str:
    """The nearest known key: one of the same table when it is close, else of them all."""
    *table, key = place
    siblings = get_close_matches(key, list(_fields(table)), n=1)
    known = [".".join((*table, *siblings))] if siblings else list(_known(Settings))
    near = get_close_matches(".".join(place), known, n=1, cutoff=0.0)
    return f"{'.'.join(place)}: unknown key; the nearest known one is {near[0]}"


def _fields(table: Sequence[str]) -> Iterable[str]:
    """The keys that the table of this place knows; none when there is no such table."""
    model: type[BaseModel] = Settings
    parts = iter(table)
    for part in parts:
        if part not in model.model_fields:
            return ()
        found = _model_in(model.model_fields[part].annotation)
        if found is None:
            return ()
        model, is_named = found
        if is_named:
            next(parts, "")
    return model.model_fields


def _model_in(annotation: Any) -> tuple[type[BaseModel], bool] | None:  # noqa: ANN401 (any annotation)
    """The section behind an annotation, and whether a name of the administrator's stands before its keys."""
    inner = next((part for part in (annotation, *get_args(annotation)) if _is_model(part)), None)
    return None if inner is None else (inner, get_origin(annotation) is dict)


def _is_model(part: object) -> bool:
    return isinstance(part, type) and issubclass(part, BaseModel)


def _known(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, described in model.model_fields.items():
        yield prefix + name
        found = _model_in(described.annotation)
        if found is not None:
            inner, is_named = found
            yield from _known(inner, f"{prefix}{name}.NAME." if is_named else f"{prefix}{name}.")
