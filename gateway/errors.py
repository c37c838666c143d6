"""What can go wrong, in two families; everything said to the far side derives from ``status`` alone.

    HuitaineError
    ├── TransientFailure            4.x.x  the same letter may succeed later
    │   ├── StorageUnavailable      4.3.0
    │   ├── StorageFull             4.3.1
    │   ├── Busy                    4.3.2
    │   ├── ReadingFailed           4.3.0  the reading child died of it or took too long over it
    │   ├── ReaderUnavailable       4.3.0  no reading child can be had: the machine's fault, not the letter's
    │   ├── PeerUnreachable         4.4.1
    │   ├── PeerTimedOut            4.4.2
    │   ├── PeerDeferred            4.x.x  as the peer said
    │   ├── TlsBelowFloor           4.7.5  never falls back to less
    │   ├── MailboxUnavailable      4.4.2  the IMAP mailbox does not answer as it should
    │   └── TokenUnavailable        4.3.0  the PKCS #11 token with our private key does not answer now
    └── PermanentFailure            5.x.x  only a change of the letter or of the settings helps
        ├── UnreadableDocument      5.6.0  carries the findings
        ├── TooLarge                5.3.4
        ├── SenderNotAllowed        5.7.1
        ├── NoSuchAddressee         5.1.1
        ├── NoProtection            5.7.5  no key and no policy that allows less: never clear text
        ├── NotOpened               5.7.5  a sealed mail that cannot be decrypted or verified
        ├── KeyStoreRefused         5.7.5  wrong or missing key
        ├── PeerRefused             5.x.x  as the peer said
        ├── DatabaseRefused         5.3.5  of another version, or damaged
        ├── JournalRefused          5.7.7  the journal, or a checkpoint of it, is not what was signed
        └── SettingsRefused         5.3.5

``str(error)`` is for the far side: no patient, no path, no host. ``error.detail`` is for the journal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.document import Finding


class HuitaineError(Exception):
    """Root: an enhanced status code (RFC 3463) and words that may be shown to anybody."""

    status = "4.0.0"
    words = "Temporary failure"

    def __init__(self, detail: str = "", *, status: str | None = None, words: str | None = None) -> None:
        """``detail`` goes to the journal; ``status`` and ``words`` replace the class's own."""
        self.detail = detail
        self.status = status or type(self).status
        self.words = words or type(self).words
        super().__init__(self.words)

    @property
    def permanent(self) -> bool:
        """Whether trying again is pointless; told by the status alone."""
        return self.status.startswith("5")


class TransientFailure(HuitaineError):
    """The same letter may succeed later."""


class StorageUnavailable(TransientFailure):
    """The store cannot commit now."""

    status, words = "4.3.0", "Storage unavailable, try again later"


class StorageFull(TransientFailure):
    """Too little room left on the disk."""

    status, words = "4.3.1", "Insufficient system storage, try again later"


class Busy(TransientFailure):
    """More work than the limits allow at the moment."""

    status, words = "4.3.2", "Busy, try again later"


class ReadingFailed(TransientFailure):
    """The reading child died, took too long, or answered nonsense."""

    status, words = "4.3.0", "Reading failed, try again later"


class ReaderUnavailable(TransientFailure):
    """No reading child can be had, or it got no time to read: nothing is said about the letter."""

    status, words = "4.3.0", "Reading not possible now, try again later"


class PeerUnreachable(TransientFailure):
    """No connection to the next hop."""

    status, words = "4.4.1", "Next hop does not answer"


class PeerTimedOut(TransientFailure):
    """The next hop went silent in the middle."""

    status, words = "4.4.2", "Next hop timed out"


class PeerDeferred(TransientFailure):
    """The next hop answered 4xx, or something that is not SMTP."""

    status, words = "4.5.0", "Next hop deferred the letter"


class TlsBelowFloor(TransientFailure):
    """The next hop offers less protection than the policy of its destination asks for."""

    status, words = "4.7.5", "Next hop's TLS is below what the policy asks for"


class MailboxUnavailable(TransientFailure):
    """The IMAP session did not do what it should; the connection is thrown away."""

    status, words = "4.4.2", "Mailbox unavailable"


class LoginRefused(MailboxUnavailable):
    """The server does not take our password: asking often locks the account."""

    status, words = "4.7.8", "Mailbox login refused"


class TokenUnavailable(TransientFailure):
    """The token that holds our private key does not answer now: the letter waits."""

    status, words = "4.3.0", "Signing not possible now, try again later"


class PermanentFailure(HuitaineError):
    """Only a change of the letter or of the settings helps."""

    status, words = "5.0.0", "Refused"


class UnreadableDocument(PermanentFailure):
    """The bytes are not a document we can take; the findings say where and why."""

    status, words = "5.6.0", "Document refused"

    def __init__(self, findings: tuple[Finding, ...], detail: str = "") -> None:
        """``findings`` holds at least one error."""
        super().__init__(detail)
        self.findings = findings


class TooLarge(PermanentFailure):
    """Larger than this gateway takes."""

    status, words = "5.3.4", "Message larger than the limit of this gateway"


class SenderNotAllowed(PermanentFailure):
    """This source may not write as that sender."""

    status, words = "5.7.1", "Sender not allowed for this account"


class NoSuchAddressee(PermanentFailure):
    """Nobody in the directory answers to that."""

    status, words = "5.1.1", "Addressee unknown to the directory"


class NoProtection(PermanentFailure):
    """No key and no policy that allows less: the letter is held, never sent in clear."""

    status, words = "5.7.5", "No way to protect the letter for this addressee"


class NotOpened(PermanentFailure):
    """A sealed mail cannot be decrypted or verified; one word for every reason (no oracle)."""

    status, words = "5.7.5", "Sealed mail cannot be opened"


class KeyStoreRefused(PermanentFailure):
    """The key store's password or the master key is wrong or missing."""

    status, words = "5.7.5", "Key store cannot be opened"


class DatabaseRefused(PermanentFailure):
    """The database is of a newer version of the program, or damaged: a person has to act."""

    status, words = "5.3.5", "Database cannot be used"


class JournalRefused(PermanentFailure):
    """The journal is not what was vouched for, or a checkpoint is not its."""

    status, words = "5.7.7", "Journal refused"


class PeerRefused(PermanentFailure):
    """The next hop answered 5xx."""

    status, words = "5.5.0", "Next hop refused the letter"


class SettingsRefused(PermanentFailure):
    """The settings contradict themselves or miss what has no default."""

    status, words = "5.3.5", "Settings refused"
