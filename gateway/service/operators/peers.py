"""The white list as the operators' door asks it: the comparison of the way out, turned round (référentiel #1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from directory.names import Operator
from directory.whitelist import WhiteList
from gateway.errors import HuitaineError, SenderNotAllowed, TransientFailure
from gateway.service.from_settings.routes import subjects_of
from gateway.service.road.trouble import directory_trouble
from gateway.smtp.courier.peer import is_of
from gateway.smtp.server.contract import Certificate

SURE = timedelta(hours=24)
"""A list that was confirmed so recently says for ever; an older one may miss whoever joined since, and says not now."""
_HOST = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.?")
"""A host name that nobody can take for another's: nothing but ASCII letters."""


class ListCannotTell(TransientFailure):
    """There is no white list, or one so old that nobody knows who is still in it."""

    status, words = "4.7.1", "MSSante white list missing or too old here, try again later"


class NotListed(TransientFailure):
    """Not in our list, which is not of today."""

    status = "4.7.1"


class ListedPeers:
    """Who may write as whom by the list as it is at this moment: a newer one counts from the next letter on."""

    def __init__(self, white_list: WhiteList, *, cut_off: timedelta, clock: Callable[[], datetime]) -> None:
        """A list older than ``cut_off`` vouches for nobody."""
        self._list, self._cut_off, self._clock = white_list, cut_off, clock

    def vouch(self, certificate: Certificate, sender: str) -> None:
        """CN and OU must be those of an operator of the sender's domain, of any domain for the null reverse-path.

        Raises ``ListCannotTell``, ``NotListed`` or ``SenderNotAllowed``.
        """
        with directory_trouble():
            self._check_age()
            domain = sender.rpartition("@")[2]
            if domain and is_of(certificate, subjects_of(self._list.operators(domain))):
                return
            listed = is_of(certificate, subjects_of(self._list.everybody()))
            if not domain and listed:
                return
            raise self._refusal(
                "Sender's domain is not this operator's" if listed else "No operator has this certificate"
            )

    def may_show(self, certificate: Certificate, address: str, *, is_report: bool) -> bool:
        """Only an address of this operator's; in a report also one of no listed domain: its mail host's own."""
        domain = address.rpartition("@")[2]
        with directory_trouble():
            operators: frozenset[Operator] = self._list.operators(domain)
        if is_report and not operators:
            return bool(_HOST.fullmatch(domain))
        return is_of(certificate, subjects_of(operators))

    def may_tell_of(self, certificate: Certificate, mailbox: str) -> bool:
        """Whether a receipt about a letter to ``mailbox`` may come from this operator: whoever serves its domain, now.

        Raises ``ListCannotTell``.
        """
        with directory_trouble():
            self._check_age()
            return is_of(certificate, subjects_of(self._list.operators(mailbox.rpartition("@")[2])))

    def _check_age(self) -> None:
        made = self._list.generated_at
        if made is None:
            raise ListCannotTell("white-list-missing")
        if self._clock() - made > self._cut_off:
            raise ListCannotTell("white-list-too-old")

    def _refusal(self, what: str) -> HuitaineError:
        made, confirmed = self._list.generated_at, self._list.fetched_at
        words = f"{what} in the MSSante white list of {made:%Y-%m-%d %H:%M} UTC"
        if confirmed is None or self._clock() - confirmed > SURE:
            return NotListed("not-listed", words=words)
        return SenderNotAllowed("not-listed", words=words)
