"""The gateway's own private keys as the settings name them: files of the key store, or keys of a PKCS #11 token."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from config.settings import Settings, secret
from gateway.crypto.keystore import KeyStore
from gateway.crypto.openpgp import OpenPgpSigner, SealsOpenPgp
from gateway.crypto.tokens.token import Token, TokenPlace
from gateway.errors import KeyStoreRefused

if TYPE_CHECKING:
    from gateway.crypto.openpgp_open import OpensOpenPgp
    from gateway.crypto.openpgp_process import AgentTurns


def gateway_keys(settings: Settings) -> KeyStore:
    """The key store under its password, with the token when there is one; raises SettingsError for a missing secret."""
    password = secret(settings, settings.crypto.keystore_secret)
    return KeyStore(settings.gateway.data / "keys", password, token=_token(settings))


def agent_turns(settings: Settings, clock: Callable[[], datetime]) -> AgentTurns | None:
    """For all that ask the agent of the GnuPG home of the settings; ``None`` when they name none."""
    if settings.crypto.openpgp_home is None:
        return None
    from gateway.crypto.openpgp_process import AgentTurns  # noqa: PLC0415 - gpg, for whose key is there

    return AgentTurns(clock)


def openpgp_signer(settings: Settings, store: KeyStore, turns: AgentTurns | None = None) -> SealsOpenPgp | None:
    """Our OpenPGP key, from the key store or in the GnuPG home of the settings; ``None`` when they name none."""
    crypto = settings.crypto
    if crypto.openpgp_key is None:
        return None
    if crypto.openpgp_home is None:
        return OpenPgpSigner(store.openpgp_key(crypto.openpgp_key))
    from gateway.crypto.openpgp_agent import AgentSigner  # noqa: PLC0415 - gpg, for whose key is there

    return AgentSigner(crypto.openpgp_home, crypto.openpgp_key, _pin(settings), turns=turns)


def openpgp_secrets(settings: Settings, store: KeyStore, turns: AgentTurns | None = None) -> tuple[OpensOpenPgp, ...]:
    """What opens mails that come to us: every OpenPGP key of the store, then the card's, which answers slowest."""
    from gateway.crypto.openpgp_open import OpenPgpSecret  # noqa: PLC0415 - for who opens

    kept: tuple[OpensOpenPgp, ...] = tuple(OpenPgpSecret(key) for key in store.openpgp_keys())
    crypto = settings.crypto
    if crypto.openpgp_home is None:
        return kept
    from gateway.crypto.openpgp_agent import AgentSecret  # noqa: PLC0415 - gpg, for whose key is there

    return (*kept, AgentSecret(crypto.openpgp_home, crypto.openpgp_key or "", _pin(settings), turns=turns))


def openpgp_on_card(settings: Settings) -> bytes | None:
    """The certificate of our OpenPGP key in the GnuPG home of the settings, as gpg has it without asking the card.

    ``None`` when the settings name no home, or the home has no such key (any more).
    """
    crypto = settings.crypto
    if crypto.openpgp_home is None or crypto.openpgp_key is None:
        return None
    from gateway.crypto.keyring import Keyring  # noqa: PLC0415 - gpg, for whose key is there

    try:
        return Keyring(crypto.openpgp_home).export(crypto.openpgp_key)
    except KeyStoreRefused:
        return None


def _pin(settings: Settings) -> str | None:
    name = settings.crypto.openpgp_pin_secret
    return secret(settings, name).decode() if name else None


def _token(settings: Settings) -> Token | None:
    crypto = settings.crypto
    if crypto.token_module is None:
        return None
    pin = secret(settings, crypto.token_pin_secret).decode()
    return Token(TokenPlace(module=crypto.token_module, label=crypto.token_label, pin=pin))
