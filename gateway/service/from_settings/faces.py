"""The directory's faces out of the settings: none unless a port is set, and none is loaded before it is wanted."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime

from config.settings import Settings, SettingsError, secret
from directory import Directory
from gateway.errors import SettingsRefused
from gateway.faces.fhir.settings import FhirFaceSettings
from gateway.faces.ldap.settings import LdapFaceSettings, LdapLimits, LdapListener, TooManyGuesses
from gateway.service.from_settings.tls import server_context
from gateway.smtp.reply import Refusal
from gateway.smtp.server.addresses import network_of
from gateway.smtp.server.credentials import Credentials
from gateway.smtp.server.settings import SmtpSource

_STEP, _LONGEST = 2.0, 15.0
"""Seconds that a wrong password costs, as at the SMTP door: for each failure of the last ten minutes, at most."""


class Faces:
    """Opened when the doors are; ``ports`` tells the port of each by its name.

    They read the directory on connections of their own: the road, which asks inside the loop, never waits for a search.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], datetime]) -> None:
        """Nothing is open yet."""
        self._settings, self._clock = settings, clock
        self._directory = Directory.open(settings.gateway.data, settings.directory.database)
        self._closers: list[Callable[[], Awaitable[None]]] = []
        self.ports: dict[str, int] = {}

    async def open(self) -> None:
        """Open what the settings name; raises ``SettingsRefused`` or ``OSError`` with none left open."""
        try:
            await self._open_ldap()
            await self._open_fhir()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Nobody is answered any more."""
        closers, self._closers = self._closers, []
        await asyncio.gather(*(close() for close in closers))
        self._directory.close()

    async def _open_ldap(self) -> None:
        wanted = ldap_settings(self._settings)
        if wanted:
            from gateway.faces.ldap.face import open_ldap_face  # noqa: PLC0415  not loaded where it is off

            face = await open_ldap_face(wanted, self._directory, ldap_accounts(self._settings), clock=self._clock)
            self._closers.append(face.close)
            self.ports |= face.ports

    async def _open_fhir(self) -> None:
        wanted = fhir_settings(self._settings)
        if wanted:
            from gateway.faces.fhir.face import open_fhir_face  # noqa: PLC0415  not loaded where it is off

            face = await open_fhir_face(wanted, self._directory, clock=self._clock)
            self._closers.append(face.close)
            self.ports["fhir"] = face.port


def fhir_settings(settings: Settings) -> FhirFaceSettings | None:
    """What the FHIR face is told; ``None`` when no port is set. On loopback a token is asked once there is one."""
    web = settings.web
    if web.port is None:
        return None
    try:
        token = secret(settings, web.token_secret)
    except SettingsError:
        token = b""
    context = server_context(web.certificate, web.key) if web.certificate else None
    return FhirFaceSettings(host=web.host, port=web.port, tls=context, token=token, max_entries=web.max_entries)


def ldap_settings(settings: Settings) -> LdapFaceSettings | None:
    """What the LDAP face is told; ``None`` when no port is set."""
    ldap = settings.ldap
    context = server_context(ldap.certificate, ldap.key) if ldap.certificate or ldap.tls_port is not None else None
    listeners = []
    if ldap.port is not None:
        listeners.append(LdapListener(name="ldap", host=ldap.host, port=ldap.port, tls=context))
    if ldap.tls_port is not None:
        listeners.append(LdapListener(name="ldaps", host=ldap.host, port=ldap.tls_port, tls=context, implicit_tls=True))
    if not listeners:
        return None
    if not ldap.users and not ldap.anonymous:
        raise SettingsRefused("ldap: nobody may log in: name users, each with a secret ldap-NAME")
    limits = LdapLimits(max_entries=ldap.max_entries)
    return LdapFaceSettings(listeners=tuple(listeners), base=ldap.base, anonymous=ldap.anonymous, limits=limits)


def ldap_accounts(settings: Settings) -> LdapAccounts:
    """The users of the settings with their hashes out of the secrets; raises ``SettingsRefused``."""
    try:
        hashes = ldap_hashes(settings)
    except SettingsError as error:
        raise SettingsRefused(str(error)) from error
    return LdapAccounts(hashes, max_guesses=settings.ldap.max_guesses)


def ldap_hashes(settings: Settings) -> dict[str, str]:
    """The PHC string of each user's password; raises ``SettingsError`` when one is missing."""
    return {user: secret(settings, f"ldap-{user}").decode("utf-8", "replace") for user in settings.ldap.users}


class LdapAccounts:
    """The SMTP door's checker for the users of the address book: Argon2id, a cache, and its limits for guessers."""

    def __init__(self, hashes: dict[str, str], *, max_guesses: int) -> None:
        """Users and the PHC strings of their passwords."""
        self._credentials = Credentials(
            tuple(
                SmtpSource(name=user, login=user, password_hash=phc, senders=frozenset())
                for user, phc in hashes.items()
            ),
            key=secrets.token_bytes(32),
            monotonic=asyncio.get_running_loop().time,
            max_guesses=max_guesses,
        )

    async def check(self, login: bytes, password: bytes, address: str) -> bool:
        """See :class:`gateway.faces.ldap.settings.Accounts`."""
        loop, network = asyncio.get_running_loop(), network_of(address)
        began = loop.time()
        try:
            found = await self._credentials.check(login, password, network)
        except Refusal as refusal:
            raise TooManyGuesses from refusal
        if found is None:
            # From the beginning, so that a login that does not exist is not told by its quick refusal.
            penalty = min(_LONGEST, _STEP * max(1, self._credentials.failures(network)))
            await asyncio.sleep(began + penalty - loop.time())
        return found is not None

    def close(self) -> None:
        """End the hashing threads."""
        self._credentials.close()
