"""Who a login and password are: Argon2id once per credential and off the loop, then a keyed hash in memory.

An Argon2 check costs 126 ms and a cache look-up 2 µs (design.md, numbers). The cache holds HMACs under a key that lives
as long as this object: passwords are in no memory dump and new settings start anew. Guessing is slowed per account and
per network, the same wrong password is neither counted nor hashed again (promise E5).
"""

from __future__ import annotations

import asyncio
import hmac
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from gateway.smtp.reply import Refusal
from gateway.smtp.server.known import KnownNetworks
from gateway.smtp.server.settings import SmtpSource

_WINDOW = 600.0
_WRONG_KEPT = 10_000
_HASHES_AT_ONCE = 2
_HASHES_WAITING = 64


class Failures:
    """How often something failed in the last ten minutes."""

    def __init__(self, monotonic: Callable[[], float], keys: int = 100_000) -> None:
        self._monotonic = monotonic
        self._keys = keys
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def count(self, key: str) -> int:
        """Failures of ``key`` within the window."""
        times = self._times.get(key, deque())
        while times and times[0] < self._monotonic() - _WINDOW:
            times.popleft()
        return len(times)

    def add(self, key: str) -> None:
        """One more; the keys that failed longest ago are forgotten when there are too many."""
        self._times.setdefault(key, deque(maxlen=1000)).append(self._monotonic())
        self._times.move_to_end(key)
        if len(self._times) > self._keys:
            self._times.popitem(last=False)

    def take_back(self, key: str) -> None:
        """It was no failure after all."""
        if self._times.get(key):
            self._times[key].pop()


class Credentials:
    """The sources that have a password; made once per settings."""

    def __init__(
        self,
        sources: tuple[SmtpSource, ...],
        *,
        key: bytes,
        monotonic: Callable[[], float],
        max_guesses: int,
        known: KnownNetworks | None = None,
    ) -> None:
        self._sources = {source.login.encode(): source for source in sources if source.login and source.password_hash}
        self._key = key
        self._max_guesses = max_guesses
        self._right: dict[bytes, bytes] = {}
        self._wrong: OrderedDict[bytes, None] = OrderedDict()
        self._under_way: dict[bytes, asyncio.Task[bool]] = {}
        self._known = known or KnownNetworks()
        self._failures = Failures(monotonic)
        self._pool = ThreadPoolExecutor(max_workers=_HASHES_AT_ONCE, thread_name_prefix="argon2")
        self.hashed = 0

    async def check(self, login: bytes, password: bytes, network: str) -> SmtpSource | None:
        """The source, or ``None`` for wrong credentials.

        Raises ``Refusal``: ``421`` when too much was guessed for this account or from this network, ``454`` when too
        many checks wait.
        """
        digest = self._digest(login, password)
        if hmac.compare_digest(self._right.get(login, b""), digest):
            self._known.add(login, network)
            return self._sources[login]
        if digest in self._wrong:
            return None
        self._refuse_guesser(login, network)
        if login not in self._sources:
            # No hash: names are as cheap to invent as passwords. Who is told later hides that it was quicker (auth.py).
            self._failures.add(f"from {network}")
            return None
        if await self._is_right(login, password, network):
            self._right[login] = digest
            self._known.add(login, network)
            return self._sources[login]
        self._wrong[digest] = None
        if len(self._wrong) > _WRONG_KEPT:
            self._wrong.popitem(last=False)
        return None

    def failures(self, network: str) -> int:
        """Wrong passwords from ``network`` in the last ten minutes."""
        return self._failures.count(f"from {network}")

    def close(self) -> None:
        """End the threads; checks under way finish."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _refuse_guesser(self, login: bytes, network: str) -> None:
        # A network that has logged in before is not locked out by strangers who guess at its account.
        stranger = (login, network) not in self._known
        guessed = self._failures.count(f"at {login!r}") >= self._max_guesses
        if (stranger and guessed) or self.failures(network) >= 2 * self._max_guesses:
            raise Refusal(421, "4.7.0", "Too many failed logins, try again in ten minutes")

    async def _is_right(self, login: bytes, password: bytes, network: str) -> bool:
        """One check per credential even when many connections bring it at once."""
        digest = self._digest(login, password)
        task = self._under_way.get(digest)
        if task is None:
            if len(self._under_way) >= _HASHES_WAITING:
                raise Refusal(454, "4.7.0", "Temporary authentication failure, try again later")
            # Counted as wrong until proved right, or a thousand guesses at once would all be hashed.
            keys = [f"from {network}"] if (login, network) in self._known else [f"from {network}", f"at {login!r}"]
            for key in keys:
                self._failures.add(key)
            task = asyncio.create_task(self._hash(login, password, keys))
            self._under_way[digest] = task
            task.add_done_callback(lambda _: self._under_way.pop(digest, None))
        return await asyncio.shield(task)

    async def _hash(self, login: bytes, password: bytes, keys: list[str]) -> bool:
        self.hashed += 1
        stored = self._sources[login].password_hash
        right = await asyncio.get_running_loop().run_in_executor(self._pool, _verify, stored, password)
        if right:
            for key in keys:
                self._failures.take_back(key)
        return right

    def _digest(self, login: bytes, password: bytes) -> bytes:
        return hmac.digest(self._key, len(login).to_bytes(4, "big") + login + password, sha256)


def _verify(stored: str, password: bytes) -> bool:
    try:
        return PasswordHasher().verify(stored, password)
    except (Argon2Error, InvalidHashError):
        return False
