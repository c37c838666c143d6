"""Where this installation is: its settings, a read-only look at its database, and a way to give it orders."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from commands.output import Exit, fail, say
from commands.places import settings
from config.settings import Settings
from gateway.control import Order, order
from gateway.errors import HuitaineError, PeerTimedOut, TransientFailure
from gateway.moments import utc_now
from gateway.parsers.french import in_french
from gateway.queue import keyring, migrations
from gateway.queue.sqlite import open_reader
from gateway.rest import RestVault
from gateway.service.clock.staybook import StayBook
from gateway.service.from_settings.ladder import clocks_of
from gateway.service.from_settings.storing import open_checkpoints, open_keys, open_store, open_vault
from gateway.service.upkeep.orders import Orders


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One installation as a command sees it."""

    settings: Settings

    @property
    def data(self) -> Path:
        """The folder of the databases and of the key store."""
        return self.settings.gateway.data

    @contextmanager
    def reader(self) -> Iterator[Connection]:
        """A read-only connection to the main database; exit 3 when there is none yet."""
        path = self.data / "huitaine.db"
        if not path.exists():
            fail(
                say("no database yet; `huitaine serve` makes it", "pas encore de base ; `huitaine serve` la crée"),
                Exit.REFUSED,
            )
        engine = open_reader(path)
        try:
            with engine.connect() as connection:
                _refuse_another_shape(connection)
                yield connection
        finally:
            engine.dispose()

    def vault(self) -> RestVault:
        """What opens the sealed columns; exit 2 without the master key."""
        try:
            vault = open_vault(self.settings)
            with self.reader() as connection:
                vault.hold(keyring.held(connection))
        except HuitaineError as error:
            fail(error.detail or str(error), Exit.USAGE)
        return vault

    def act(self, what: Order) -> dict[str, Any]:
        """Give an order: to the running gateway, else straight to its store; exit 3 or 4 when it is refused."""
        try:
            answer = order(self.data / "control.sock", what)
        except (ConnectionRefusedError, FileNotFoundError):
            answer = self._offline(what)
        except PeerTimedOut as error:
            fail(error.detail, Exit.TEMPORARY)
        if "error" in answer:
            temporary = str(answer.get("status", "")).startswith("4")
            fail(_refusal(answer), Exit.TEMPORARY if temporary else Exit.REFUSED)
        return answer

    def _offline(self, what: Order) -> dict[str, Any]:
        if what["act"] == "send":
            fail(
                say(
                    "no gateway runs here: start `huitaine serve`, or put the file in its drop folder",
                    "aucune passerelle ne tourne ici : lancez `huitaine serve`, ou déposez le fichier dans son dossier",
                ),
                Exit.TEMPORARY,
            )

        async def obey() -> Order:
            vault = open_vault(self.settings)
            store = open_store(self.settings, vault, utc_now)
            try:
                keys = open_keys(self.settings, store, vault, utc_now)
                checkpoints = open_checkpoints(self.settings, store, vault, utc_now)
                stays = StayBook(vault.pseudonym)
                orders = Orders(
                    store,
                    clock=utc_now,
                    keys=keys,
                    checkpoints=checkpoints,
                    stays=stays,
                    clocks=clocks_of(self.settings),
                )
                return await orders.obey(what)
            finally:
                store.close()

        try:
            return asyncio.run(obey())
        except HuitaineError as error:
            code = Exit.TEMPORARY if isinstance(error, TransientFailure) else Exit.REFUSED
            fail(error.detail or str(error), code)


def _refuse_another_shape(connection: Connection) -> None:
    try:
        migrations.refuse_another_shape(connection)
    except HuitaineError as error:
        fail(error.detail, Exit.REFUSED)


def _refusal(answer: Order) -> str:
    """Why an order was refused, a finding each in the reader's language."""
    findings = answer.get("findings") or ()
    told = (f"{f['place']}: {say(f['message'], in_french(f['code']) or f['message'])} ({f['code']})" for f in findings)
    return "; ".join(told) or str(answer.get("detail") or answer["error"])


def installation() -> Installation:
    """The installation of ``--config``, else of this folder, else of /etc/huitaine; exit 2 when it cannot be used."""
    return Installation(settings=settings())
