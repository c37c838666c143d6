"""Who is meant, before any mailbox is looked for: pure, from the envelope and the documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.addressing.patient import combined, patient_wanted
from gateway.addressing.policy import AddressingPolicy
from gateway.addressing.reasons import because
from gateway.document import NamedAddressee, Role
from gateway.identifiers import Adeli, Finess, Rpps, Siret, luhn_is_right, rpps, structure, structure_key_is_right
from gateway.letter import Addressee, Held, ParsedLetter, Reason, Recipient

_OF_NO_PLACE = frozenset({"SIREN", "UF", "SVR", "SRV"})
"""Types of XON-7 whose numbers name no place of the directory (DTFR, table 0203)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Somebody who should get the letter, by number, by mailbox or by both."""

    role: Role
    rpps: Rpps | None = None
    adeli: Adeli | None = None
    mailbox: str | None = field(repr=False, default=None)
    given: bool = False
    """The envelope itself names this mailbox."""
    assumed: bool = False
    """The documents do not name this recipient of the envelope: the directory may know the role better."""
    organisation: Finess | Siret | None = None
    """The place that the document names, where it names one by such a number."""
    notify: tuple[str, ...] = ()
    orcpt: str | None = None
    reasons: tuple[Reason, ...] = ()

    def addressee(self, mailbox: str | None = None) -> Addressee:
        """The same person as the letter's trace knows him."""
        return Addressee(
            role=self.role,
            rpps=self.rpps,
            mailbox=mailbox or self.mailbox,
            notify=self.notify,
            orcpt=self.orcpt,
            adeli=self.adeli,
        )

    def held(self, reason: Reason, *reasons: Reason) -> Held:
        """The outcome that nothing can leave, for ``reason``; ``reasons`` led to it."""
        return Held(addressee=self.addressee(), reason=reason, reasons=(*self.reasons, *reasons, reason))


def everyone_wanted(parsed: ParsedLetter, policy: AddressingPolicy) -> Iterator[Wanted | Held]:
    """Each recipient of the envelope, or whom the documents name; a letter without envelope counts as ``auto``."""
    recipients = parsed.kept.received.envelope.recipients or (Recipient(address=f"auto@{policy.our_domain}"),)
    for recipient in recipients:
        yield from _one_recipient(parsed, recipient, policy)


def _one_recipient(parsed: ParsedLetter, recipient: Recipient, policy: AddressingPolicy) -> Iterator[Wanted | Held]:
    local, _, domain = recipient.address.rpartition("@")
    domain, ours = domain.lower().rstrip("."), policy.our_domain.lower()
    if domain == f"rpps.{ours}":
        yield _by_number(parsed, recipient, local)
    elif domain == ours and local.lower() == "auto":
        yield from _named_by_documents(parsed, recipient, policy)
    elif domain == ours or domain.endswith(f".{ours}"):
        yield _of_envelope(recipient).held(because("not-an-addressee-of-ours"))
    else:
        yield _by_mailbox(parsed, recipient, domain, policy)


def _of_envelope(recipient: Recipient, role: Role = Role.COPY) -> Wanted:
    return Wanted(role=role, mailbox=recipient.address, notify=recipient.notify, orcpt=recipient.orcpt)


def _by_number(parsed: ParsedLetter, recipient: Recipient, local: str) -> Wanted | Held:
    number = rpps(local)
    if number is None:
        return _of_envelope(recipient).held(because("not-a-number"))
    named = next((name for name in _names(parsed) if name.rpps == number), None)
    role, why = _role(parsed, named)
    return Wanted(
        role=role,
        rpps=number,
        assumed=named is None,
        organisation=_organisation(named),
        notify=recipient.notify,
        orcpt=recipient.orcpt,
        reasons=(*why, *_key_warning(number)),
    )


def _by_mailbox(parsed: ParsedLetter, recipient: Recipient, domain: str, policy: AddressingPolicy) -> Wanted | Held:
    if domain == policy.patient_domain:
        mailbox = patient_wanted(parsed, policy, given=recipient.address)
        if isinstance(mailbox, Reason):
            return _of_envelope(recipient, Role.PATIENT).held(mailbox)
        return _patient(recipient, mailbox, given=True)
    folded = recipient.address.lower()
    named = next((name for name in _names(parsed) if (name.mailbox or "").lower() == folded), None)
    role, why = _role(parsed, named)
    return Wanted(
        role=role,
        rpps=named.rpps if named else None,
        mailbox=recipient.address,
        given=True,
        assumed=named is None,
        organisation=_organisation(named),
        notify=recipient.notify,
        orcpt=recipient.orcpt,
        reasons=why,
    )


def _named_by_documents(
    parsed: ParsedLetter, recipient: Recipient, policy: AddressingPolicy
) -> Iterator[Wanted | Held]:
    wishes, found = combined(parsed), False
    for name in _names(parsed):
        # A document for the patient alone names his GP for information: that GP is not meant, and not held either.
        if name.role is not Role.PATIENT and wishes.to_professionals is not False:
            found = True
            yield _by_name(parsed, name, recipient)
    if wishes.to_patient or any(name.role is Role.PATIENT for name in _names(parsed)):
        found = True
        given = next((name.mailbox for name in _names(parsed) if name.role is Role.PATIENT and name.mailbox), None)
        mailbox = patient_wanted(parsed, policy, given=given)
        nobody = Wanted(role=Role.PATIENT, notify=recipient.notify, orcpt=recipient.orcpt)
        yield nobody.held(mailbox) if isinstance(mailbox, Reason) else _patient(recipient, mailbox)
    if not found:
        yield Wanted(role=Role.GP, notify=recipient.notify, orcpt=recipient.orcpt).held(because("no-addressee"))


def _by_name(parsed: ParsedLetter, name: NamedAddressee, recipient: Recipient) -> Wanted | Held:
    wanted = Wanted(
        role=name.role,
        rpps=name.rpps,
        adeli=name.adeli,
        mailbox=name.mailbox,
        organisation=_organisation(name),
        notify=recipient.notify,
        orcpt=recipient.orcpt,
        reasons=(*_how_named(parsed, name), *_key_warnings(name)),
    )
    organised = name.role is Role.ORGANISATION and wanted.organisation
    if name.rpps or name.adeli or name.mailbox or organised:
        return wanted
    source = parsed.kept.received.source
    code = "own-code-only" if name.local_code else "name-only"
    return wanted.held(because(code, place=name.place, source=source))


def _how_named(parsed: ParsedLetter, name: NamedAddressee) -> Iterator[Reason]:
    """By the document, and by the source's table of correspondents where that gave the number."""
    yield because("named", place=name.place)
    if any(finding.code == "correspondent" and finding.place == name.place for finding in parsed.findings):
        yield because("correspondent", source=parsed.kept.received.source)


def _patient(recipient: Recipient, mailbox: str, *, given: bool = False) -> Wanted:
    return Wanted(
        role=Role.PATIENT,
        mailbox=mailbox,
        given=given,
        notify=recipient.notify,
        orcpt=recipient.orcpt,
        reasons=(because("patient-mailbox"),),
    )


def _role(parsed: ParsedLetter, named: NamedAddressee | None) -> tuple[Role, tuple[Reason, ...]]:
    """Why a recipient of the envelope gets the letter: as the document names him, else the GP that nobody else is."""
    if named:
        return named.role, (because("named", place=named.place),)
    if any(name.role is Role.GP for name in _names(parsed)):
        return Role.COPY, ()
    return Role.GP, (because("role-assumed"),)


def _names(parsed: ParsedLetter) -> list[NamedAddressee]:
    return [name for document in parsed.documents for name in document.addressees]


def _organisation(name: NamedAddressee | None) -> Finess | Siret | None:
    """A unit's own code is no number of the directory, nor is a SIREN, which has the form of a FINESS."""
    number = name.organisation_id if name else None
    return structure(number.value) if number and number.type not in _OF_NO_PLACE else None


def _key_warnings(name: NamedAddressee) -> Iterator[Reason]:
    if name.rpps:
        yield from _key_warning(name.rpps)
    place = _organisation(name)
    if place and structure_key_is_right(place) is False:
        yield because("wrong-key-of-organisation")


def _key_warning(number: Rpps) -> tuple[Reason, ...]:
    return () if luhn_is_right(number) else (because("wrong-key-of-number"),)
