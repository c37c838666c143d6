"""What of a letter is sealed, as the store keeps it and gives it back: body, summary, addressees, and their keys."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import Connection, Engine, bindparam, select
from sqlalchemy.exc import SQLAlchemyError

from gateway import journal
from gateway.errors import StorageUnavailable
from gateway.identifiers import DeliveryId, LetterId, whole_of
from gateway.letter import Envelope, KeptLetter, ReceivedLetter
from gateway.prepared import Prepared
from gateway.queue import accept, bodies
from gateway.queue.bodies import AtRest, Summary, Target

_LETTER = Prepared(
    select(
        *(accept.LETTER.c[name] for name in ("door", "source", "sha256", "received_at", "body_key", "sealed"))
    ).where(accept.LETTER.c.id == bindparam("whole"))
)
_CHUNKS = Prepared(
    select(accept.CHUNK.c.n, accept.CHUNK.c.data)
    .where(accept.CHUNK.c.letter_id == bindparam("whole"))
    .order_by(accept.CHUNK.c.n)
)
REMEMBERED = 2048
"""Keys kept in memory for letters on their way."""


class Contents:
    """Reads through the read-only connections; writes nothing.

    For a letter's road a disk that cannot be read is StorageUnavailable: no letter is struck for it. Who asks what is
    left of one hears SQLAlchemy's own error: there an error of ours means that the row is damaged.
    """

    def __init__(self, readers: Engine, vault: AtRest, *, replay: timedelta) -> None:
        """``replay`` is how long the same letter is recognised."""
        self._readers, self._vault, self._replay = readers, vault, replay
        self._keys: OrderedDict[LetterId, tuple[bytes, bytes]] = OrderedDict()

    def load(self, letter: LetterId) -> KeptLetter:
        """The kept letter again, from its sealed chunks; ``letter`` may be a part; raises StorageUnavailable."""
        with unavailable(), self._readers.connect() as connection:
            return self._loaded(connection, letter)

    def load_all(self, letters: Sequence[LetterId]) -> list[KeptLetter | Exception]:
        """As :meth:`load` for each, in one look at the disk; what is wrong with one is in its place."""
        found: list[KeptLetter | Exception] = []
        with unavailable(), self._readers.connect() as connection:
            for letter in letters:
                try:
                    with unavailable():
                        found.append(self._loaded(connection, letter))
                except Exception as error:  # noqa: BLE001 (whoever asked for this one is told, nobody else)
                    found.append(error)
        return found

    def recall(self, letter: LetterId, *, erased: bool = False) -> KeptLetter | None:
        """As :meth:`load`, but ``None`` for one that is gone; with ``erased`` also what is left without its bytes."""
        with self._readers.connect() as connection:
            return self._recalled(connection, letter, erased=erased)

    def _loaded(self, connection: Connection, letter: LetterId) -> KeptLetter:
        kept = self._recalled(connection, letter)
        if kept is None:
            raise StorageUnavailable("letter erased or unknown")
        return kept

    def _recalled(self, connection: Connection, letter: LetterId, *, erased: bool = False) -> KeptLetter | None:
        whole = whole_of(letter)
        row = next(_LETTER.rows(connection, whole=whole), None)
        if row is None or not row["body_key"]:
            return None
        chunks = list(_CHUNKS.rows(connection, whole=whole))
        if not (chunks or erased):
            return None
        key = self._vault.unwrap(row["body_key"])
        if chunks:
            self._remember(whole, key, row["body_key"])
        content = b"".join(self._vault.open_chunk(key, whole, chunk["n"], chunk["data"]) for chunk in chunks)
        if chunks and sha256(content).hexdigest() != row["sha256"]:
            raise StorageUnavailable("body does not match its digest")
        summary = bodies.unseal(self._vault, key, (whole, bodies.SUMMARY), row["sealed"], Summary)
        received = ReceivedLetter(
            id=whole,
            door=row["door"],
            source=row["source"],
            envelope=summary.envelope,
            content=content,
            received_at=row["received_at"],
            name=summary.name,
        )
        return KeptLetter(received=received)

    def envelope(self, letter: LetterId) -> Envelope | None:
        """Who handed a letter in and to whom, without its bytes; ``None`` when that was erased.

        Raises KeyStoreRefused when its row is damaged.
        """
        whole = whole_of(letter)
        with self._readers.connect() as connection:
            row = connection.execute(select(accept.LETTER).where(accept.LETTER.c.id == whole)).mappings().one_or_none()
        if row is None or not row["body_key"]:
            return None
        key = self._vault.unwrap(row["body_key"])
        return bodies.unseal(self._vault, key, (whole, bodies.SUMMARY), row["sealed"], Summary).envelope

    def target(self, letter: LetterId, delivery: DeliveryId, sealed: bytes) -> Target:
        """Whom a delivery is for."""
        return bodies.unseal(self._vault, self._key(letter), (delivery, bodies.ADDRESSEE), sealed, Target)

    def seal_target(self, key: bytes, delivery: DeliveryId, target: Target) -> bytes:
        """The same, sealed under the letter's key."""
        return bodies.seal(self._vault, key, (delivery, bodies.ADDRESSEE), target)

    def seal_summary(self, key: bytes, letter: LetterId, summary: Summary) -> bytes:
        """A letter's summary, sealed under its key."""
        return bodies.seal(self._vault, key, (letter, bodies.SUMMARY), summary)

    def key_of(self, letter: LetterId) -> tuple[bytes, bytes]:
        """A letter's key and its wrapped form; those of letters on their way are remembered."""
        if remembered := self._keys.get(whole_of(letter)):
            return remembered
        with self._readers.connect() as connection:
            wrapped = connection.execute(select(accept.LETTER.c.body_key).where(accept.LETTER.c.id == whole_of(letter)))
            found = wrapped.scalar()
        if not found:
            raise StorageUnavailable("letter erased or unknown")
        return self._remember(whole_of(letter), self._vault.unwrap(found), found)

    def _remember(self, letter: LetterId, key: bytes, wrapped: bytes) -> tuple[bytes, bytes]:
        self._keys[letter] = (key, wrapped)
        if len(self._keys) > REMEMBERED:
            self._keys.popitem(last=False)
        return key, wrapped

    def _key(self, letter: LetterId) -> bytes:
        return self.key_of(letter)[0]

    def keeping(self, letter: ReceivedLetter) -> accept.Keeping:
        """The rows of a letter that is to be kept."""
        key, wrapped = self._remember(letter.id, *self._vault.new_letter_key(letter.source))
        summary = Summary(envelope=letter.envelope, name=letter.name)
        digest = sha256(letter.content).hexdigest()
        row = {
            "id": letter.id,
            "whole": letter.id,
            "part": 0,
            "door": letter.door.value,
            "source": letter.source,
            "state": "open",
            "planned": False,
            "reason": "",
            "size": len(letter.content),
            "sha256": digest,
            "received_at": letter.received_at,
            "body_key": wrapped,
            "sealed": self.seal_summary(key, letter.id, summary),
        }
        return accept.Keeping(
            letter=row,
            chunks=bodies.seal_body(self._vault, key, letter.id, letter.content),
            replay_key=_replay_key(letter),
            horizon=letter.received_at - self._replay,
            kept=journal.kept(
                letter.received_at,
                letter.id,
                door=letter.door.value,
                source=letter.source,
                size=len(letter.content),
                sha256=digest,
            ),
            kept_again=journal.kept_again(letter.received_at, letter.id, door=letter.door.value),
            mail=letter.mail,
        )

    def forget_all_keys(self) -> None:
        """After a rotation: the wrapped forms in memory are those of before."""
        self._keys.clear()

    def forget_keys(self, letters: Iterable[LetterId]) -> None:
        """Of erased letters not even a key in memory stays."""
        for letter in letters:
            self._keys.pop(letter, None)


@contextmanager
def unavailable() -> Iterator[None]:
    """A fault of the database as one of ours, without its words."""
    try:
        yield
    except SQLAlchemyError as error:
        raise StorageUnavailable(type(error).__name__) from error


def _replay_key(letter: ReceivedLetter) -> bytes:
    """What a second hand-over at the same door from the same source has in common with the first."""
    own = letter.replay_key or letter.id.encode()
    return sha256(f"{letter.door}|{letter.source}|".encode() + own).digest()
