"""`huitaine directory set` and `show`: what is told, and what is known, of one addressee: forms, keys, rank."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import directory as book
from commands.output import Exit, fail, say
from directory.fold import domain_of
from gateway.addressing.policy import AddressingPolicy
from gateway.addressing.protection import forms_read

_YES = {"yes": True, "oui": True, "no": False, "non": False, "": None}


def _reads(folder: Path, subject: str, value: str) -> None:
    book.set_forms(folder, subject, frozenset(value.replace(",", " ").split()))


def _gcm(folder: Path, subject: str, value: str) -> None:
    if value not in _YES:
        raise book.DirectoryError("bad-value", f"gcm={value}: yes, no, or nothing to leave it to the certificates")
    book.set_gcm(folder, subject, gcm=_YES[value])


def _rank(folder: Path, subject: str, value: str) -> None:
    if value and not (value.isascii() and value.isdigit()):
        raise book.DirectoryError("bad-value", f"rank={value}: 1 comes first; 0 or nothing forgets")
    book.prefer(folder, subject, int(value or 0) or None)


def _rpps(folder: Path, subject: str, value: str) -> None:
    if value.startswith("-"):
        book.remove_entry(folder, value[1:], subject)
    else:
        book.add_entry(folder, value, subject)


SETTERS: dict[str, Callable[[Path, str, str], None]] = {"reads": _reads, "gcm": _gcm, "rank": _rank, "rpps": _rpps}
"""The keys of ``huitaine directory set SUBJECT KEY=VALUE``; an empty value forgets."""


def assign(folder: Path, subject: str, pairs: list[str]) -> None:
    """Set each ``KEY=VALUE``, or none: exits 2 when one is no such pair, raises ``DirectoryError``."""
    split = [pair.partition("=") for pair in pairs]
    for key, equals, value in split:
        if not equals or key not in SETTERS:
            pair, known = f"{key}{equals}{value}", ", ".join(SETTERS)
            fail(say(f"{pair}: not KEY=VALUE of {known}", f"{pair} : pas CLÉ=VALEUR parmi {known}"), Exit.USAGE)
    with TemporaryDirectory(prefix="huitaine-") as empty:  # what is refused is refused there as here
        for place in (Path(empty), folder):
            for key, _, value in split:
                SETTERS[key](place, subject, value.strip())


def shown_box(here: book.Directory, box: book.Mailbox, policy: AddressingPolicy, now: datetime) -> dict[str, object]:
    """One mailbox as ``show`` tells it: whose it is, what its software reads and who says so, its keys."""
    return {
        "mailbox": box.address,
        "rpps": box.rpps,
        "kind": box.kind.value,
        "structure": box.structure,
        "city": box.city,
        "accepts": box.accepts,
        "rank": box.rank,
        "source": box.source.value,
    } | shown_address(here, box.address, policy, now)


def shown_mailbox(
    here: book.Directory, address: str, policy: AddressingPolicy, now: datetime
) -> list[dict[str, object]]:
    """The same by the mailbox, once for each owner; of one that the directory lacks what else is known, if anything."""
    if boxes := here.by_mailbox(address):
        return [shown_box(here, box, policy, now) for box in boxes]
    known = here.known(address)
    if not (known.certificates or known.openpgp_keys or known.told != book.Told()):
        return []
    return [{"mailbox": address} | shown_address(here, address, policy, now)]


def shown_address(here: book.Directory, address: str, policy: AddressingPolicy, now: datetime) -> dict[str, object]:
    """What belongs to the address alone: white list, forms, keys and their state."""
    listed = here.white_list.contains(domain_of(address))
    known = here.known(address)
    read = forms_read(known, policy, in_mssante=listed)
    keys: list[book.Certificate | book.OpenPgpKey] = [*known.certificates, *known.openpgp_keys]
    told = [_key(one, now) for one in sorted(keys, key=lambda one: one.source.rank)]
    usable = [one["kind"] for one in told if one["state"] == "usable"]
    return {
        "in_white_list": listed,
        "certificates": usable.count("smime"),
        "openpgp_keys": usable.count("openpgp"),
        "forms": ", ".join(sorted(form.value for form in read.forms)),
        "forms_by": read.reason.code.removeprefix("reads-by-"),
        "gcm": known.told.gcm,
        "keys": told,
    }


def _key(one: book.Certificate | book.OpenPgpKey, now: datetime) -> dict[str, object]:
    """A key in the order of trust, and whether it may encrypt now."""
    smime = isinstance(one, book.Certificate)
    begins, ends = (one.not_before, one.not_after) if isinstance(one, book.Certificate) else (None, one.expires_at)
    state = "usable" if one.valid_at(now) else ("not-yet-valid" if begins and now < begins else "expired")
    return {
        "kind": "smime" if smime else "openpgp",
        "fingerprint": one.fingerprint,
        "source": one.source.value,
        "not_before": begins,
        "not_after": ends,
        "state": state,
    }
