"""Addressees' certificates made ready to encrypt to: checked in full once per address, their dates every time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable
from datetime import datetime
from threading import Lock

from gateway.crypto.certificates import check_certificate, organisation_domains, read_certificate
from gateway.crypto.cms.recipients import CmsRecipient
from gateway.errors import NoProtection
from gateway.letter import Protection, Smime

_REMEMBERED = 2048


class Addressees:
    """Remembers the certificates it was asked for last. Threads may share it."""

    def __init__(self, organisations: Collection[str] = ()) -> None:
        """``organisations``: domains whose one certificate stands for all their mailboxes (CR-16)."""
        self._organisations = organisations
        self._lock = Lock()
        self._known: OrderedDict[tuple[bytes, str], tuple[datetime, datetime, CmsRecipient]] = OrderedDict()

    def ready(self, certificate: bytes, address: str, at: datetime) -> CmsRecipient:
        """The certificate (DER), when it may protect a letter to ``address`` at that moment; else NoProtection."""
        with self._lock:
            return self._remembered(certificate, address, at)

    def is_organisations(self, one: Protection) -> bool:
        """Whether what was sealed for ``one`` opens for a whole organisation, and not for one mailbox alone."""
        if not self._organisations or not isinstance(one, Smime):
            return False
        return bool(organisation_domains(read_certificate(one.certificate)))

    def meant(self, one: Smime, of: Iterable[Protection], address: str, at: datetime) -> list[CmsRecipient]:
        """Whom a letter sealed for ``one`` is encrypted to; ``of`` is everything known for this addressee.

        Where GCM is read, his ML-KEM keys are served beside the classical one (CR-13). Older clients cannot even parse
        such an envelope, so never with CBC. NoProtection ``no-classical-recipient`` when ``one`` is itself such a key.
        """
        first = self.ready(one.certificate, address, at)
        if first.kem:
            raise NoProtection("no-classical-recipient")
        others = (each for each in of if isinstance(each, Smime) and each.gcm and each is not one) if one.gcm else ()
        return [first, *filter(None, (self._post_quantum(each, address, at) for each in others))]

    def _post_quantum(self, one: Smime, address: str, at: datetime) -> CmsRecipient | None:
        """A key that cannot be used is left out: it blocks none that can (CR-15)."""
        try:
            found = self.ready(one.certificate, address, at)
        except NoProtection:
            return None
        return found if found.kem else None

    def _remembered(self, certificate: bytes, address: str, at: datetime) -> CmsRecipient:
        asked = (certificate, address)
        known = self._known.get(asked)
        if known is not None and known[0] <= at <= known[1]:
            self._known.move_to_end(asked)
            return known[2]
        parsed = read_certificate(certificate)
        check_certificate(parsed, address, at, organisations=self._organisations)
        ready = CmsRecipient(parsed)
        self._known[asked] = (parsed.not_valid_before_utc, parsed.not_valid_after_utc, ready)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return ready
