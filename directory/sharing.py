"""Which keys of addressees stand under two mailboxes that they do not both name: who has one reads for both (CR-21)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from directory.database import Row
from directory.errors import DirectoryError
from directory.keys import Names, certificate_names, openpgp_names

SHARED_KEYS = (
    "SELECT 'certificate', public_key, mailbox, fingerprint, der FROM certificate WHERE public_key IN"
    " (SELECT public_key FROM certificate GROUP BY public_key HAVING count(*) > 1)"
    " UNION ALL SELECT 'openpgp', fingerprint, mailbox, fingerprint, key FROM openpgp WHERE fingerprint IN"
    " (SELECT fingerprint FROM openpgp GROUP BY fingerprint HAVING count(*) > 1)"
)
"""Kind, public key, mailbox, fingerprint, content; counts in the indexes and reads only what stands there twice."""
_SHOWN = 16
"""Hexadecimal digits of a fingerprint: enough to find the key, and nobody's name."""


def keys_of_another(rows: Iterable[Row], organisations: Collection[str] = ()) -> tuple[str, ...]:
    """The beginning of a fingerprint for each such key, in order; ``rows`` as :data:`SHARED_KEYS` gives them.

    The rule is the one of ``huitaine keys audit``: whatever holds the key must name every mailbox that it stands under,
    or their domain where that is one of ``organisations``.
    """
    holders: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        holders[row[1]].append(row)
    return tuple(sorted(_shown(rows) for rows in holders.values() if not _for_all(rows, organisations)))


def _for_all(rows: list[Row], organisations: Collection[str]) -> bool:
    """Whether one mailbox alone has the key, or all that hold it name all its mailboxes."""
    mailboxes = {mailbox for _, _, mailbox, _, _ in rows}
    contents = {(kind, content) for kind, _, _, _, content in rows}
    if len(mailboxes) == 1:
        return True
    named = [_names(kind, content) for kind, content in contents]
    return all(names.include(mailbox, organisations) for names in named for mailbox in mailboxes)


def _shown(rows: list[Row]) -> str:
    return str(min(fingerprint for _, _, _, fingerprint, _ in rows))[:_SHOWN].lower()


def _names(kind: str, content: bytes) -> Names:
    """What can no longer be read names nobody."""
    try:
        return certificate_names(content) if kind == "certificate" else openpgp_names(content)
    except DirectoryError:
        return Names()
