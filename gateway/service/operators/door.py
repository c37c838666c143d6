"""The operators' door out of the settings: STARTTLS, a certificate demanded, the white list asked for every letter."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import datetime, timedelta

from config.operators import Operators
from config.settings import Settings
from directory.whitelist import WhiteList
from gateway.errors import SettingsRefused
from gateway.passing import loop_marker
from gateway.service.from_settings.routes import hop
from gateway.service.from_settings.tls import server_context
from gateway.service.operators.intake import MailServer, OperatorMail, Ours
from gateway.service.operators.mail_server import HospitalServer
from gateway.service.operators.peers import ListedPeers
from gateway.smtp.server.settings import SmtpDoorSettings, SmtpLimits, SmtpListener

NAME = "operators"
"""Of the listener, of its socket unit and of the source in journal lines."""


def listed_peers(settings: Settings, white_list: WhiteList, clock: Callable[[], datetime]) -> ListedPeers:
    """Who the operators are, by the list as it is at each question."""
    return ListedPeers(white_list, cut_off=timedelta(days=settings.directory.white_list_cut_off_days), clock=clock)


def operators_door(
    settings: Settings, peers: ListedPeers, mail: OperatorMail, *, limits: SmtpLimits
) -> SmtpDoorSettings | None:
    """What the operators' door is told; ``None`` when no port is set; raises SettingsRefused."""
    wanted = settings.operators
    if wanted.port is None:
        return None
    listener = SmtpListener(
        name=NAME,
        host=wanted.host,
        port=wanted.port,
        tls=door_context(wanted),
        peers=peers,
    )
    return SmtpDoorSettings(
        hostname=settings.gateway.domain,
        listeners=(listener,),
        sources=(),
        limits=limits,
        asks=mail.asks,
        loop_marker=loop_marker(settings.gateway.domain),
    )


def ours(settings: Settings, return_path: str) -> Ours:
    """Which addresses are ours to take mail for; raises SettingsRefused for domains without a server behind."""
    wanted = settings.operators
    if bool(wanted.domains) is not (wanted.mail_server is not None):
        raise SettingsRefused("[operators] domains and [operators.mail_server] go together: who has their mailboxes")
    return Ours(return_path=return_path, domains=frozenset(domain.lower() for domain in wanted.domains))


def mail_server(settings: Settings) -> MailServer | None:
    """The hospital's own server, if there is one; raises SettingsRefused."""
    route = settings.operators.mail_server
    return HospitalServer(hop(settings, route), gateway=settings.gateway.domain) if route else None


def door_context(wanted: Operators) -> ssl.SSLContext:
    """Who may shake hands at all; raises SettingsRefused.

    Revocation is no choice here: a stolen certificate of one operator would open every hospital's door.
    """
    if wanted.client_ca is None or wanted.client_crl is None:
        raise SettingsRefused("[operators] port needs client_ca and client_crl: who the operators are, and who no more")
    return server_context(
        wanted.certificate, wanted.key, client_ca=wanted.client_ca, client_crl=wanted.client_crl, demand=True
    )
