"""Subjects: the one that MSSanté prescribes, the neutral one for everywhere else, and the true one inside the text."""

from __future__ import annotations

from gateway.compose.address import is_address, refusal
from gateway.compose.dispatch import Dispatch, day
from gateway.compose.identity import french_birth
from gateway.compose.text import folded, one_line
from gateway.document import Patient
from gateway.errors import UnreadableDocument

_LABEL = 40
"""Référentiel #2, ECO.2.1.3: the label is cut here."""
_SERVICE = 60


def subject(dispatch: Dispatch, xdm_labels: tuple[str, ...]) -> str:
    """The Subject, not yet encoded; ``xdm_labels`` are the titles of the documents inside IHE_XDM.zip."""
    if not dispatch.in_mssante:
        return neutral_subject(dispatch)
    patient = dispatch.documents[0].patient
    if xdm_labels and patient is not None:
        return _xdm_subject(dispatch, patient, xdm_labels)
    label = one_line(dispatch.documents[0].kind.label) or dispatch.words.document
    mark = _mark(dispatch)
    return " ".join(filter(None, (mark, f"{label[:80]} – {_service(dispatch)}")))


def neutral_subject(dispatch: Dispatch) -> str:
    """Service, date and reference, no patient: relays and notifications show it to anybody (CR-22)."""
    values = {
        "{service}": _service(dispatch),
        "{date}": day(dispatch.about),
        "{reference}": str(dispatch.parsed.id),
    }
    text = dispatch.profile.subject_outside
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return one_line(text)


def true_subject(dispatch: Dispatch) -> str:
    """What the letter is about, for the first line of the text."""
    first = dispatch.documents[0]
    label = one_line(first.kind.label) or dispatch.words.document
    if first.patient is None:
        return one_line(first.title) or label
    birth = french_birth(first.patient) or one_line(first.patient.birth_date)
    name = one_line(f"{first.patient.family} {first.patient.given}")
    return " ".join(filter(None, (_mark(dispatch), f"{label} – {name}" + (f" – {birth}" if birth else ""))))


def reply_address(dispatch: Dispatch) -> tuple[str | None, bool]:
    """Where answers go, and whether the sender's own wish had to be put aside because it is no address.

    A control character in it is an attack on the header and refuses the letter (``UnreadableDocument``).
    """
    stated = next((one.wishes.reply_to for one in dispatch.documents if one.wishes.reply_to), None)
    if stated is None:
        return _author_of_mail(dispatch) or dispatch.profile.reply_to, False
    if not stated.isprintable():
        raise UnreadableDocument((refusal("reply-to", "header-refused", "a control character in the address"),))
    address = stated.strip().removeprefix("mailto:")
    return (address, False) if is_address(address) else (dispatch.profile.reply_to, True)


def _author_of_mail(dispatch: Dispatch) -> str | None:
    """An ordinary mail is answered to whoever wrote it."""
    first = dispatch.documents[0]
    ways = first.author.telecom if first.patient is None and first.author else ()
    return next((way for way in ways if is_address(way)), None)


def _xdm_subject(dispatch: Dispatch, patient: Patient, labels: tuple[str, ...]) -> str:
    # §1.6: label with its accents, then birth name in capitals, first name, date, all without accents.
    label = labels[0][:_LABEL].rstrip() if len(labels) == 1 else f"{len(labels)} {dispatch.words.documents}"
    name = f"{_plain(patient.family).upper()} {_plain(patient.given)} {french_birth(patient)}"
    return one_line(f"XDM/1.0/DDM+{label} {name}")


def _service(dispatch: Dispatch) -> str:
    """The service's name, unless it holds the patient's (a unit named after a person): then the hospital's."""
    service = one_line(dispatch.service)[:_SERVICE]
    patient = dispatch.documents[0].patient
    if patient is not None:
        said = set(_plain(service).upper().split())
        names = {_plain(name).upper() for name in (patient.family, patient.given, patient.used_family) if name}
        if said & names:
            return one_line(dispatch.profile.hospital)[:_SERVICE]
    return service


def _mark(dispatch: Dispatch) -> str:
    first = dispatch.documents[0]
    return dispatch.words.cancels if first.cancels else dispatch.words.replaces if first.replaces else ""


def _plain(name: str) -> str:
    return one_line(folded(one_line(name)))
