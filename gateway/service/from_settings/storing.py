"""The store and its vault out of the settings alone: all that a command needs when no gateway runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from config.settings import Settings, secret_file
from gateway.queue.store import Limits, Store
from gateway.rest import RestVault
from gateway.service.journal.checkpoint_mail import CheckpointMail, HandsOver, Outside
from gateway.service.journal.checkpoints import Checkpoints
from gateway.service.upkeep import rotating


def master_file(settings: Settings) -> Path:
    """Where the master key is: a credential of systemd, else a file of the secrets folder."""
    return secret_file(settings, settings.crypto.master_key_secret)


def open_vault(settings: Settings) -> RestVault:
    """The vault under the master key; raises KeyStoreRefused. A rotation that was killed left another beside it."""
    path = master_file(settings)
    following = rotating.successor(path)
    tenants = {name: source.tenant for name, source in settings.sources.items()}
    return RestVault.open(path, *((following,) if following.exists() else ()), tenants=tenants)


def open_store(settings: Settings, vault: RestVault, clock: Callable[[], datetime]) -> Store:
    """The store of the data folder, locked for this process."""
    limits = Limits(
        replay=timedelta(hours=settings.queue.replay_hours),
        free_share=settings.queue.min_free_share,
        body=timedelta(hours=settings.retention.body_hours),
    )
    store = Store(settings.gateway.data, vault, limits=limits, clock=clock)
    rotating.finish(master_file(settings), vault)
    return store


def open_keys(settings: Settings, store: Store, vault: RestVault, clock: Callable[[], datetime]) -> rotating.Keys:
    """The rotation of the store's keys."""
    crypto = settings.crypto
    return rotating.Keys(
        store,
        vault,
        master_file(settings),
        clock=clock,
        turn_after=timedelta(days=crypto.tenant_key_days),
        destroy_after=timedelta(days=crypto.former_key_days),
    )


def open_checkpoints(
    settings: Settings,
    store: Store,
    vault: RestVault,
    clock: Callable[[], datetime],
    *,
    courier: HandsOver | None = None,
) -> Checkpoints:
    """What signs the store's journal; with a ``courier`` checkpoints go to whom the settings name."""
    every = timedelta(minutes=settings.audit.checkpoint_minutes)
    folder, domain = settings.audit.checkpoints, settings.gateway.domain
    to, hours = settings.audit.checkpoint_to, timedelta(hours=settings.audit.mail_hours)
    outside = Outside(to=to, domain=domain, every=hours)
    mail = CheckpointMail(store, courier, outside, clock=clock) if to and courier else None
    return Checkpoints(store, vault, domain=domain, clock=clock, every=every, folder=folder, mail=mail)
