"""The gateway's own private keys as the settings name them: files of the key store, or keys of a PKCS #11 token."""

from __future__ import annotations

from config.settings import Settings, secret
from gateway.crypto.keystore import KeyStore
from gateway.crypto.openpgp import OpenPgpSigner, SealsOpenPgp
from gateway.crypto.tokens.token import Token, TokenPlace


def gateway_keys(settings: Settings) -> KeyStore:
    """The key store under its password, with the token when there is one; raises SettingsError for a missing secret."""
    password = secret(settings, settings.crypto.keystore_secret)
    return KeyStore(settings.gateway.data / "keys", password, token=_token(settings))


def openpgp_signer(settings: Settings, store: KeyStore) -> SealsOpenPgp | None:
    """Our OpenPGP key, from the key store or in the GnuPG home of the settings; ``None`` when they name none."""
    crypto = settings.crypto
    if crypto.openpgp_key is None:
        return None
    if crypto.openpgp_home is None:
        return OpenPgpSigner(store.openpgp_key(crypto.openpgp_key))
    from gateway.crypto.openpgp_agent import AgentSigner  # noqa: PLC0415 - gpg, for whose key is there

    pin = secret(settings, crypto.openpgp_pin_secret).decode() if crypto.openpgp_pin_secret else None
    return AgentSigner(crypto.openpgp_home, crypto.openpgp_key, pin)


def _token(settings: Settings) -> Token | None:
    crypto = settings.crypto
    if crypto.token_module is None:
        return None
    pin = secret(settings, crypto.token_pin_secret).decode()
    return Token(TokenPlace(module=crypto.token_module, label=crypto.token_label, pin=pin))
