"""Everything a gateway is made of, built once from the settings, each object handed what it needs."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from config.settings import Settings, SettingsError
from directory import Directory, DirectoryError
from gateway.admission import admission
from gateway.compose.composer import Composer
from gateway.compose.profile import ComposeProfile
from gateway.crypto.certificates import as_organisations
from gateway.crypto.seal import Sealer
from gateway.errors import NoProtection, SettingsRefused
from gateway.journey import Journey
from gateway.letter import Addressed, Done, Mode, Reason, SealedMail, Step
from gateway.parsers.children import Readers
from gateway.parsers.split import split_by_patient
from gateway.queue.gate import Gate
from gateway.queue.habits import Habits
from gateway.queue.keeper import Keeper
from gateway.queue.leases import Terms
from gateway.queue.schedule import Schedule
from gateway.queue.store import Store
from gateway.queue.worker import Worker
from gateway.rest import RestVault
from gateway.service.alarms.incidents import ADDRESSEES_UNCHECKED, Incidents
from gateway.service.clock import opposing
from gateway.service.clock.escalating import Escalating
from gateway.service.clock.staybook import StayBook
from gateway.service.from_settings.keystores import agent_turns, gateway_keys, openpgp_signer
from gateway.service.from_settings.ladder import rules_of
from gateway.service.from_settings.routes import routes
from gateway.service.from_settings.storing import open_checkpoints, open_keys, open_store, open_vault
from gateway.service.from_settings.trusting import vetting
from gateway.service.journal.checkpoints import Checkpoints
from gateway.service.process.listing import Listing
from gateway.service.receipts.hearing import Hearing
from gateway.service.receipts.message_ids import MessageIds
from gateway.service.road.addressing import addressing_desk
from gateway.service.road.composing import ComposingDesk
from gateway.service.road.sealing import SealingDesk
from gateway.service.road.seeking import Seeking
from gateway.service.senders.answering_back import AnsweringBack
from gateway.service.senders.answering_owed import AnsweringStayBook, Owed
from gateway.service.senders.answering_ways import answering_ways
from gateway.service.upkeep.rotating import Keys
from gateway.smtp.courier.courier import Courier
from gateway.smtp.courier.destinations import Rhythm
from gateway.smtp.courier.pool import PoolLimits
from gateway.stations import Stations

if TYPE_CHECKING:
    from gateway.crypto.openpgp_process import AgentTurns

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The built gateway; ``run.py`` brings it to life."""

    settings: Settings
    clock: Clock
    store: Store
    vault: RestVault
    keys: Keys
    checkpoints: Checkpoints
    directory: Directory
    readers: Readers
    courier: Courier
    journey: Journey
    keeper: Keeper
    worker: Worker
    hearing: Hearing
    escalating: Escalating
    stays: StayBook
    message_ids: MessageIds
    answering: AnsweringBack
    listing: Listing
    incidents: Incidents
    seeking: Seeking
    agent: AgentTurns | None


class Handover:
    """The courier with what is asked of each mail: DSN as the settings say, an ENVID that leads back."""

    def __init__(
        self, courier: Courier, message_ids: MessageIds, *, still: Callable[[Addressed], Reason | None], ask_dsn: bool
    ) -> None:
        """``still``: why an addressee may not be written to any more; ``ask_dsn`` wants a receipt of success too."""
        self._courier, self._ids, self._still = courier, message_ids, still
        self._notify = ("SUCCESS", "FAILURE", "DELAY") if ask_dsn else ("FAILURE", "DELAY")

    async def deliver(
        self, mail: SealedMail, step: Step, *, before_dot: Callable[[], Awaitable[None]] | None = None
    ) -> Done:
        """Hand one mail over; raises NoProtection when its domain left the trust space since it was addressed."""
        if reason := self._still(step.addressed):
            raise NoProtection(reason.code, words=reason.words)
        envid, orcpt = self._ids.envid(step.delivery, step.attempt), f"rfc822;{mail.mailbox}"
        return await self._courier.deliver(mail, notify=self._notify, orcpt=orcpt, envid=envid, before_dot=before_dot)


def build(settings: Settings, *, clock: Clock) -> Gateway:
    """Build the gateway; raises SettingsRefused, KeyStoreRefused or StorageUnavailable with one clear line each."""
    vault = open_vault(settings)
    agent = agent_turns(settings, clock)
    sealer = _sealer(settings, clock, agent)
    directory = _directory(settings)
    courier = _courier(settings, directory, clock)
    store = open_store(settings, vault, clock)
    ways = answering_ways(settings)
    owed = Owed(channels={name: each.channels() for name, each in ways.items()}, clock=clock)
    stays = AnsweringStayBook(vault.pseudonym, owed, protects=partial(_protects, settings), vault=vault)
    gate = Gate(store.waited)
    keeper = Keeper(store, gate=gate, stays=stays, clock=clock)
    message_ids = MessageIds(_sender(settings).rpartition("@")[2], vault.pseudonym)
    incidents = Incidents()
    readers = Readers(children=settings.gateway.readers)
    seeking = Seeking(settings, directory, store, clock=clock)
    desk = addressing_desk(settings, directory, clock, hears=seeking.hear)
    stations = Stations(
        queue=keeper,
        reader=readers,
        admit=admission(Mode(settings.gateway.mode)),
        split=split_by_patient,
        addressing=desk,
        composer=ComposingDesk(Composer(profile=_profile(settings), clock=clock)),
        sealer=SealingDesk(
            sealer,
            smime_elsewhere=settings.crypto.token_module is not None,
            openpgp_elsewhere=agent is not None,
        ),
        courier=Handover(courier, message_ids, still=desk.still, ask_dsn=settings.receipts.ask_dsn),
        message_id=message_ids,
        return_path=_sender(settings),
        gateway=settings.gateway.domain,
        vet=vetting(settings, clock, on_unknown=incidents.counting(ADDRESSEES_UNCHECKED)),
    )
    journey = Journey(stations)
    worker = Worker(store, journey, _habits(settings, courier, stays), gate=gate, clock=clock)
    keeper.worker = worker
    escalating = Escalating(store, journey, directory, rules_of(settings), route=courier.destination, clock=clock)
    return Gateway(
        settings=settings,
        clock=clock,
        store=store,
        vault=vault,
        keys=open_keys(settings, store, vault, clock),
        checkpoints=open_checkpoints(settings, store, vault, clock, courier=courier),
        directory=directory,
        readers=readers,
        courier=courier,
        journey=journey,
        keeper=keeper,
        worker=worker,
        hearing=Hearing(store, message_ids, StayBook(vault.pseudonym), owed=owed, clock=clock),
        escalating=escalating,
        stays=stays,
        message_ids=message_ids,
        answering=AnsweringBack(store, ways, clock=clock),
        listing=Listing(settings, clock=clock),
        incidents=incidents,
        seeking=seeking,
        agent=agent,
    )


def _protects(settings: Settings, source: str) -> bool:
    """Whether PD1-12 of this source means that the patient opposes the sending."""
    known = settings.sources.get(source)
    return known is None or known.opposition == "PD1-12"


def _sender(settings: Settings) -> str:
    return settings.courier.sender or f"passerelle@{settings.gateway.domain}"


def _directory(settings: Settings) -> Directory:
    try:
        return Directory.open(settings.gateway.data, settings.directory.database)
    except DirectoryError as error:
        raise SettingsRefused(str(error)) from error


def _courier(settings: Settings, directory: Directory, clock: Clock) -> Courier:
    kept = settings.courier
    limits = PoolLimits(connections=kept.connections, mails=kept.letters_per_connection, idle=kept.idle_seconds)
    first, longest = (timedelta(minutes=minutes) for minutes in kept.rest_minutes)
    rhythm = Rhythm(most=kept.connections, failures=kept.rest_after, rest=first, longest=longest)
    ways = routes(settings, directory, clock)
    return Courier(routes=ways, clock=clock, our_name=settings.gateway.domain, limits=limits, rhythm=rhythm)


def _sealer(settings: Settings, clock: Clock, agent: AgentTurns | None = None) -> Sealer:
    try:
        store = gateway_keys(settings)
        openpgp = openpgp_signer(settings, store, agent)
    except SettingsError as error:
        raise SettingsRefused(str(error)) from error
    crypto = settings.crypto
    return Sealer(
        identity=store.signing_identity(crypto.identity),
        openpgp=openpgp,
        clock=clock,
        wrapped_domains=crypto.wrapped_domains,
        organisations=as_organisations(crypto.organisation_certificates),
    )


def _profile(settings: Settings) -> ComposeProfile:
    courier, hospital = settings.courier, settings.gateway.hospital
    return ComposeProfile(
        sender=_sender(settings),
        sender_name=courier.display_name or hospital,
        nil=courier.nil,
        hospital=hospital,
        reply_to=courier.reply_to,
        ask_mdn=settings.receipts.ask_mdn,
        oid=settings.gateway.oid,
        structure_id=settings.gateway.structure_id,
    )


def _habits(settings: Settings, courier: Courier, stays: StayBook) -> Habits:
    queue = settings.queue
    terms = Terms(
        node=socket.gethostname(), lasting=timedelta(seconds=queue.lease_seconds), record_dot=queue.record_dot
    )
    return Habits(
        terms=terms,
        slots=queue.workers,
        schedule=_schedule(settings),
        leg=stays.leg,
        route=courier.destination,
        resting=courier.resting,
        version=version("huitaine"),
        stops=opposing.stops,
    )


def _schedule(settings: Settings) -> Schedule:
    queue = settings.queue
    return Schedule(
        waits=tuple(timedelta(minutes=minutes) for minutes in queue.retry_minutes),
        expire=timedelta(hours=queue.expire_hours),
        jitter=queue.jitter,
    )
