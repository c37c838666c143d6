"""The store and its vault out of the settings alone: all that a command needs when no gateway runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from config.settings import Settings
from gateway.queue.store import Limits, Store
from gateway.rest import RestVault


def open_vault(settings: Settings) -> RestVault:
    """The vault under the master key of the secrets folder; raises KeyStoreRefused."""
    return RestVault.open(settings.gateway.secrets / settings.crypto.master_key_secret)


def open_store(settings: Settings, vault: RestVault, clock: Callable[[], datetime]) -> Store:
    """The store of the data folder, locked for this process."""
    limits = Limits(
        replay=timedelta(hours=settings.queue.replay_hours),
        free_share=settings.queue.min_free_share,
        body=timedelta(hours=settings.retention.body_hours),
    )
    return Store(settings.gateway.data, vault, limits=limits, clock=clock)
