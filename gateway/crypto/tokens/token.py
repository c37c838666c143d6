"""One PKCS #11 token (OASIS PKCS #11 v2.40): opened on first use, one call at a time, opened anew when it was away.

python-pkcs11 is imported late: only who has a token needs it, or pays for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.errors import KeyStoreRefused, TokenUnavailable

_T = TypeVar("_T")
Handle = Any
"""A key or session of python-pkcs11: which verbs its class has depends on what the token says it can do."""
GONE = (
    "CryptokiNotInitialized",
    "DeviceError",
    "DeviceRemoved",
    "KeyHandleInvalid",
    "ObjectHandleInvalid",
    "SessionClosed",
    "SessionHandleInvalid",
    "TokenNotPresent",
    "UserNotLoggedIn",
)
"""What python-pkcs11 raises when our session, or the token, is not there any more: a new session may help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPlace:
    """Which token: the maker's module, the token's label, and what unlocks it."""

    module: Path
    label: str
    pin: str = field(repr=False)


class Token:
    """The token of a :class:`TokenPlace`; threads may share it, their calls wait for each other.

    Every method raises KeyStoreRefused when the module, the label, the PIN or the key is wrong, and TokenUnavailable
    when the token does not answer now.
    """

    def __init__(self, place: TokenPlace) -> None:
        """Nothing is opened yet."""
        self._place, self._lock = place, Lock()
        self._session: Handle | None = None
        self._keys: dict[bytes, Handle] = {}

    def __repr__(self) -> str:
        return "Token(hidden)"

    def with_key(self, key_id: bytes, work: Callable[[Handle], _T]) -> _T:
        """What ``work`` gives for the private key of this CKA_ID; what it raises itself goes through."""
        return self._once_more(lambda: work(self._key(key_id)))

    def generate(self, name: str, kind: str) -> tuple[bytes, bytes]:
        """A new pair that stays in the token, ``rsa3072`` or ``p256``: its CKA_ID and SubjectPublicKeyInfo in DER."""
        key_id, made = os.urandom(16), _rsa_pair if kind.startswith("rsa") else _curve_pair
        where = {"id": key_id, "label": name, "store": True}
        with _answering():
            return key_id, self._once_more(lambda: _spki(made(self._opened(), kind, where)))

    def find(self, spki: bytes) -> bytes:
        """CKA_ID of the private key whose public half is ``spki`` (DER), as the token's own tool made it."""
        with _answering():
            key_id = self._once_more(lambda: self._id_of(spki))
        if not key_id:
            raise KeyStoreRefused("token: no key of that certificate is in it")
        self.with_key(key_id, lambda _: None)
        return key_id

    def close(self) -> None:
        """Let go of the token; the next call opens it again."""
        with self._lock:
            self._forget()

    def _once_more(self, work: Callable[[], _T]) -> _T:
        """``work``, in a new session when ours turns out to be gone."""
        with self._lock:
            try:
                return work()
            except _pkcs11().PKCS11Error as error:
                if type(error).__name__ not in GONE:
                    raise
                self._forget()
            return work()

    def _id_of(self, spki: bytes) -> bytes:
        pkcs11 = _pkcs11()
        public_keys = self._opened().get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PUBLIC_KEY})
        found = [bytes(each[pkcs11.Attribute.ID]) for each in public_keys if _spki(each) == spki]
        return found[0] if found else b""

    def _forget(self) -> None:
        session, self._session = self._session, None
        self._keys.clear()
        if session is not None:
            try:
                session.close()
            except _pkcs11().PKCS11Error:
                return  # it was away already: nothing is left to close

    def _key(self, key_id: bytes) -> Handle:
        pkcs11, session = _pkcs11(), self._opened()
        if key_id not in self._keys:
            try:
                found = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, id=key_id)
            except pkcs11.NoSuchKey as error:
                raise KeyStoreRefused("token: the private key is not in it any more") from error
            self._keys[key_id] = found
        return self._keys[key_id]

    def _opened(self) -> Handle:
        if self._session is None:
            with _answering():
                self._session = self._logged_in()
        return self._session

    def _logged_in(self) -> Handle:
        pkcs11 = _pkcs11()
        if not self._place.module.is_file():
            raise KeyStoreRefused("token: no module at the path of the settings")
        try:
            token = pkcs11.lib(str(self._place.module)).get_token(token_label=self._place.label)
        except pkcs11.NoSuchToken as error:
            raise KeyStoreRefused("token: none has the label of the settings") from error
        try:
            return token.open(user_pin=self._place.pin, rw=True)
        except pkcs11.UserAlreadyLoggedIn:  # a login is the whole process's, not one session's
            return token.open(rw=True)
        except (pkcs11.PinIncorrect, pkcs11.PinLenRange, pkcs11.PinLocked) as error:
            raise KeyStoreRefused("token: the PIN is wrong, or locked") from error


@contextmanager
def _answering() -> Iterator[None]:
    """Whatever else the token says means: not now."""
    try:
        yield
    except _pkcs11().PKCS11Error as error:
        raise TokenUnavailable(type(error).__name__) from error


def _rsa_pair(session: Handle, kind: str, where: dict[str, Any]) -> Handle:  # Any: id, label, store
    public, _ = session.generate_keypair(_pkcs11().KeyType.RSA, int(kind[3:]), **where)
    return public


def _curve_pair(session: Handle, _kind: str, where: dict[str, Any]) -> Handle:  # Any: as above
    pkcs11 = _pkcs11()
    curve = {pkcs11.Attribute.EC_PARAMS: pkcs11.util.ec.encode_named_curve_parameters("secp256r1")}
    public, _ = session.create_domain_parameters(pkcs11.KeyType.EC, curve, local=True).generate_keypair(**where)
    return public


def _spki(public: Handle) -> bytes:
    """SubjectPublicKeyInfo; nothing for a kind of key that signs no mail."""
    pkcs11 = _pkcs11()
    if public.key_type is pkcs11.KeyType.EC:
        return bytes(pkcs11.util.ec.encode_ec_public_key(public))
    if public.key_type is not pkcs11.KeyType.RSA:
        return b""
    parts = (public[each] for each in (pkcs11.Attribute.PUBLIC_EXPONENT, pkcs11.Attribute.MODULUS))
    numbers = RSAPublicNumbers(*(int.from_bytes(part, "big") for part in parts))
    return numbers.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _pkcs11() -> Any:  # noqa: ANN401 (a module)
    """The library, or one clear line when the extra ``hsm`` is not installed."""
    try:
        import pkcs11  # noqa: PLC0415
        import pkcs11.util.ec  # noqa: PLC0415
    except ImportError as error:
        raise KeyStoreRefused("token: python-pkcs11 is not installed; install huitaine[hsm]") from error
    return pkcs11
