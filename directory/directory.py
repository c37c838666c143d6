"""The read side that the rest of the product uses: one object, look-ups far below a millisecond."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Self

from directory import local, national
from directory.capabilities import Known, SetFor, Told, told_of
from directory.fold import domain_of, fold_domain, fold_mailbox
from directory.freshness import DATES, as_of
from directory.local import Local
from directory.national import National
from directory.owners import owners
from directory.records import (
    Absence,
    Certificate,
    FileStatus,
    Found,
    Mailbox,
    MailboxKind,
    OpenPgpKey,
    Practitioner,
    Source,
    Status,
)
from directory.searching import Wanted
from directory.sharing import SHARED_KEYS, keys_of_another
from directory.shelves import shelf_of
from directory.whitelist import WhiteList

_PREFIX = {"RPPS": "8", "ADELI": "0"}


class Directory:
    """The directory of a folder: national files, white list, local knowledge.

    Own read-only connections; a new import or list is seen at the next look-up. Look-ups are some 20 µs and may be
    called inline from an event loop, or from several threads. Raises :class:`~directory.errors.DirectoryError`
    ``schema`` when a file was made by another version.
    """

    def __init__(self, folder: Path, database: str = "") -> None:
        self.white_list = WhiteList(folder)
        self._national = National(shelf_of(folder, database))
        self._local = Local(folder)

    @classmethod
    def open(cls, folder: Path, database: str = "") -> Self:
        """The directory kept in ``folder``; files that are not there yet are an empty directory.

        ``database`` (``postgresql://…``) is where the national files are when they are not in the folder.
        """
        return cls(folder, database)

    def close(self) -> None:
        """Let go of all files."""
        self._national.close()
        self._local.close()
        self.white_list.close()

    def by_rpps(self, rpps: str) -> list[Mailbox]:
        """Every mailbox of an RPPS: the national ones and the administrator's entries."""
        return self.by_national_id("RPPS", rpps)

    def by_national_id(self, kind: str, number: str) -> list[Mailbox]:
        """The same by ``RPPS``, ``ADELI`` or ``IDNPS`` (which carries its own prefix)."""
        identifier = _PREFIX.get(kind, "") + number
        boxes = self._national.by_owner(identifier)
        known = {fold_mailbox(box.address) for box in boxes}
        if identifier.startswith("8"):
            for (address,) in self._local.rows(local.ENTRIES_BY_RPPS, identifier[1:]):
                if address not in known:
                    boxes.append(_entry(address, identifier))
        return [self._ranked(box) for box in boxes]

    def by_mailbox(self, address: str) -> list[Mailbox]:
        """Whose mailbox this is; several when several persons share it, none when it is unknown (APP, red list)."""
        boxes = self._national.by_address(address)
        owners = {box.national_id for box in boxes}
        folded = fold_mailbox(address)
        for (rpps,) in self._local.rows(local.ENTRIES_BY_MAILBOX, folded):
            if f"8{rpps}" not in owners:
                boxes.append(_entry(folded, f"8{rpps}"))
        return [self._ranked(box) for box in boxes]

    def addresses(self, piece: str, *, anywhere: bool = False, limit: int = 20) -> list[str]:
        """Mailboxes whose address begins with ``piece``, or holds it ``anywhere`` (all are read for it: some 50 ms)."""
        folded = fold_mailbox(piece)
        found = self._national.addresses(folded, anywhere=anywhere, limit=limit)
        given = {address for (address,) in self._local.rows(local.ENTRY_MAILBOXES)}
        fits = {one for one in given if (folded in one if anywhere else one.startswith(folded))}
        return sorted({*found, *fits})[:limit]

    def by_structure(self, number: str) -> list[Mailbox]:
        """The organisational mailboxes of a FINESS or SIRET (with or without the digit of IDNST)."""
        return [self._ranked(box) for box in self._national.by_structure(number)]

    def practitioner(self, rpps: str) -> Practitioner | None:
        """The person of an RPPS (or of an IDNPS), with every place of activity."""
        return self._national.practitioner(f"8{rpps}" if len(rpps) == 11 else rpps)

    def search(self, words: str, city: str | None = None, limit: int = 20) -> list[Found]:
        """For a person's eyes: names and organisations that hold all the words, whatever accents, hyphens, order."""
        return self.find(Wanted(words=words, city=city or ""), limit=limit)

    def find(self, wanted: Wanted, *, limit: int = 20) -> list[Found]:
        """The same, narrowed by town, postcode, profession, skill; one mistyped letter a word is forgiven."""
        return self._national.search(wanted, limit=limit)

    def label(self, kind: str, code: str) -> str:
        """The words of a ``profession`` or ``skill`` code."""
        return self._national.label(kind, code)

    def knows_domain(self, domain: str) -> bool:
        """Whether some national mailbox is in ``domain``."""
        return bool(self._national.rows(national.DOMAIN, fold_domain(domain)))

    def certificates(self, mailbox: str) -> list[Certificate]:
        """S/MIME certificates, most trusted source first; expired ones included, so that a refusal can say so."""
        return self.known(mailbox).certificates

    def known(self, mailbox: str, boxes: Sequence[Mailbox] | None = None) -> Known:
        """All that decides how a letter to the mailbox is protected and written; ``boxes`` when they were asked for."""
        told, certificates = self.told(mailbox, boxes), self._local.certificates(mailbox)
        if told.gcm is not None:
            certificates = [replace(one, gcm=told.gcm) for one in certificates]
        keys = self._local.openpgp_keys(mailbox)
        return Known(mailbox=mailbox, told=told, certificates=certificates, openpgp_keys=keys)

    def openpgp_keys(self, mailbox: str) -> list[OpenPgpKey]:
        """OpenPGP keys, most trusted source first."""
        return self._local.openpgp_keys(mailbox)

    def keys_of_another(self, organisations: Collection[str] = ()) -> tuple[str, ...]:
        """Keys under two mailboxes that they do not both name, by the beginning of their fingerprints (CR-21).

        ``organisations`` as in :func:`directory.changes.add_certificate`.
        """
        return keys_of_another(self._local.rows(SHARED_KEYS), organisations)

    def told(self, mailbox: str, boxes: Sequence[Mailbox] | None = None) -> Told:
        """What the mailbox, else its practitioner, else its domain was set to read; ``boxes`` as in :meth:`known`."""
        folded = fold_mailbox(mailbox)
        known = owners(self.by_mailbox(folded) if boxes is None else boxes)
        numbers = {box.rpps for box in known if box.rpps}
        subjects = [(SetFor.MAILBOX, folded), *((SetFor.PRACTITIONER, one) for one in numbers if len(numbers) == 1)]
        return told_of([*subjects, (SetFor.DOMAIN, "@" + domain_of(folded))], self._local.names)

    def absence(self, rpps: str, at: datetime) -> Absence | None:
        """The absence of a practitioner at a moment."""
        return self._local.absence(rpps, at)

    def as_of(self) -> datetime | None:
        """As of when the national files are: who moved or retired since is not known; ``None`` without any."""
        return as_of(self._national.rows(DATES))

    def absences(self, rpps: str) -> list[Absence]:
        """Every absence that was declared of a practitioner, past and to come, the latest begun first."""
        return self._local.absences(rpps)

    def status(self) -> Status:
        """Counts and dates of everything."""
        facts: dict[str, int] = dict(self._national.rows(national.FACTS))
        counts = self._local.rows(local.COUNTS) or [(0, 0, 0, 0)]
        certificates, openpgp_keys, entries, absences = counts[0]
        return Status(
            files=tuple(_file(*row) for row in self._national.rows(national.FILES)),
            as_of=self.as_of(),
            white_list_domains=self.white_list.domains,
            white_list_generated_at=self.white_list.generated_at,
            white_list_fetched_at=self.white_list.fetched_at,
            certificates=certificates,
            openpgp_keys=openpgp_keys,
            entries=entries,
            absences=absences,
            **facts,
        )

    def _ranked(self, box: Mailbox) -> Mailbox:
        rank = self._local.rank(box.address)
        return box if rank is None else replace(box, rank=rank)


def _entry(address: str, national_id: str) -> Mailbox:
    return Mailbox(
        kind=MailboxKind.PERSONAL,
        address=address,
        domain=domain_of(address),
        national_id=national_id,
        source=Source.ADMINISTRATOR,
    )


def _file(kind: str, name: str, published: str | None, imported: str, *counts: int | str) -> FileStatus:
    rows, rejected, duplicates, digest = counts
    return FileStatus(
        kind=kind,
        name=name,
        published_at=datetime.fromisoformat(published) if published else None,
        imported_at=datetime.fromisoformat(imported),
        rows=int(rows),
        rejected=int(rejected),
        duplicates=int(duplicates),
        sha256=str(digest),
    )
