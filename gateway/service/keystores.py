"""The gateway's own private keys as the settings name them: files of the key store, or keys of a PKCS #11 token."""

from __future__ import annotations

from config.settings import Settings, secret
from gateway.crypto.keystore import KeyStore
from gateway.crypto.tokens.token import Token, TokenPlace


def gateway_keys(settings: Settings) -> KeyStore:
    """The key store under its password, with the token when there is one; raises SettingsError for a missing secret."""
    password = secret(settings, settings.crypto.keystore_secret)
    return KeyStore(settings.gateway.data / "keys", password, token=_token(settings))


def _token(settings: Settings) -> Token | None:
    crypto = settings.crypto
    if crypto.token_module is None:
        return None
    pin = secret(settings, crypto.token_pin_secret).decode()
    return Token(TokenPlace(module=crypto.token_module, label=crypto.token_label, pin=pin))
