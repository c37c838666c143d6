"""The station itself: one addressed letter and one of its addressees in, one mail out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from gateway.compose.address import checked_address, refusal
from gateway.compose.body import Told, body, letter_lines
from gateway.compose.dispatch import Dispatch
from gateway.compose.enclosures import Enclosures, enclose
from gateway.compose.headers import checked_value, mailbox, unstructured
from gateway.compose.history import history
from gateway.compose.identity import identity_is_complete
from gateway.compose.losses import codes
from gateway.compose.mime import Part, entity, multipart
from gateway.compose.profile import ComposeProfile
from gateway.compose.subject import reply_address, subject, true_subject
from gateway.compose.table import DAYS
from gateway.errors import TooLarge, UnreadableDocument
from gateway.identifiers import DeliveryId
from gateway.letter import Addressed, AddressedLetter, AsReceived, ComposedMail

_MESSAGE_ID = re.compile(r"<[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,200}@[A-Za-z0-9.-]{1,250}>")
_MON_ESPACE_SANTE = 25_000_000
"""Mon espace santé bounces larger mails (mssante.md §1.7): better said before than after."""
_SUBJECT, _ENCODED = (120, 60, 30), 800
"""Characters of a protected subject; the whole one is the first line of the text."""
_NOT_IN_BOUNDARY = re.compile(r"[^A-Za-z0-9]")


class Composer:
    """Composes mails in the name of one hospital; holds no state but its profile and its clock."""

    def __init__(self, *, profile: ComposeProfile, clock: Callable[[], datetime]) -> None:
        self._profile = profile
        self._clock = clock

    def compose(
        self, letter: AddressedLetter, addressed: Addressed, *, delivery: DeliveryId, message_id: str
    ) -> ComposedMail:
        """The mail for this addressee, in clear, in memory only.

        On return what was handed in stands in the mail byte for byte (ordinary mails: their text and their files),
        every header value is printable ASCII, and the entity is 7-bit with CRLF line ends. ``UnreadableDocument`` when
        a value would break a header, when a CDA to be wrapped cannot be read, or when the sender sealed the mail
        himself: such a mail passes the gateway unchanged and is never wrapped again (CR-28). ``TooLarge`` when the
        patient's mailbox is known to refuse the size.
        """
        if not _MESSAGE_ID.fullmatch(message_id):
            raise UnreadableDocument((refusal("message-id", "bad-message-id", "not a Message-ID of RFC 5322"),))
        dispatch = Dispatch(
            parsed=letter.parsed,
            addressed=addressed,
            profile=self._profile,
            delivery=delivery,
            message_id=message_id,
            now=self._clock(),
        )
        if letter.parsed.already_sealed or isinstance(addressed.protection, AsReceived):
            raise UnreadableDocument((refusal("letter", "already-sealed", "a sealed mail passes as it is"),))
        if not dispatch.documents:
            raise UnreadableDocument((refusal("letter", "no-document", "there is nothing in the letter to send"),))
        told = tuple(
            letter_lines(document, dispatch.words, history(dispatch.documents, document, most=DAYS))
            for document in dispatch.documents
        )
        enclosures = enclose(dispatch, told)
        content = _entity(dispatch, told, enclosures)
        if addressed.in_mssante and dispatch.for_patient and len(content) > _MON_ESPACE_SANTE:
            raise TooLarge("mon-espace-sante")
        return replace(_mail(dispatch, _headers(dispatch, enclosures), content), losses=codes(enclosures.losses))


def _mail(dispatch: Dispatch, headers: tuple[tuple[str, str], ...], content: bytes) -> ComposedMail:
    return ComposedMail(
        letter=dispatch.parsed.id,
        delivery=dispatch.delivery,
        message_id=dispatch.message_id,
        sender=dispatch.profile.sender,
        mailbox=checked_address(dispatch.addressed.mailbox, "addressee"),
        headers=tuple((name, checked_value(name, value)) for name, value in headers),
        entity=content,
        protection=dispatch.addressed.protection,
        protected_subject=checked_value("Subject", _protected_subject(dispatch)),
    )


def _protected_subject(dispatch: Dispatch) -> str:
    """The true subject where relays are shown a neutral one; inside MSSanté the outer one is prescribed."""
    if dispatch.in_mssante:
        return ""
    whole = true_subject(dispatch)
    # Letters beyond Latin take up to twelve characters each once encoded.
    return next(
        short for size in _SUBJECT if len(short := unstructured(whole[:size])) <= _ENCODED or size == _SUBJECT[-1]
    )


def _entity(dispatch: Dispatch, told: Told, enclosures: Enclosures) -> bytes:
    record, files = enclosures.record, enclosures.files
    if record is not None and not enclosures.untold:
        if not files:
            return entity(record)  # as Apicrypt readers expect it: the record is the mail
        return multipart((record, *files), _boundary(dispatch))
    text = body(dispatch, told, files, enclosures.losses).replace("\n", "\r\n").encode("utf-8")
    if record is not None:
        beside = Part(content=text, media_type="text/plain", charset="utf-8", name="message.txt")
        return multipart((record, *files, beside), _boundary(dispatch))
    return multipart((Part(content=text, media_type="text/plain", charset="utf-8"), *files), _boundary(dispatch))


def _boundary(dispatch: Dispatch) -> str:
    return "=_huitaine-" + _NOT_IN_BOUNDARY.sub("", dispatch.delivery)[:40]


def _headers(dispatch: Dispatch, enclosures: Enclosures) -> tuple[tuple[str, str], ...]:
    """RFC 5322 fields without Date (the sealer's) and Message-ID (a field of the mail).

    There is no Auto-Submitted field, which means ``no`` (RFC 3834 §5): a person wrote the letter, an answer or an
    absence notice to it is wanted, and careful software sends no MDN for a mail that calls itself automatic.
    """
    profile = dispatch.profile
    fields = [("From", mailbox(profile.sender, profile.sender_name))]
    answers, _ = reply_address(dispatch)
    fields += [("Reply-To", mailbox(answers))] if answers and not _is_final(dispatch) else []
    fields += [("To", mailbox(dispatch.addressed.mailbox))]
    fields += [("Subject", unstructured(subject(dispatch, enclosures.labels if enclosures.has_xdm else ())))]
    if profile.ask_mdn:
        # Equal to the return path, or receivers may not answer on their own (mssante.md §1.6).
        fields.append(("Disposition-Notification-To", profile.sender))
    fields += _mssante(dispatch, enclosures)
    references = _references(dispatch)
    fields += [("References", references)] if references else []
    return (*fields, ("X-Huitaine-Id", str(dispatch.parsed.id)))


def _mssante(dispatch: Dispatch, enclosures: Enclosures) -> list[tuple[str, str]]:
    """The X-MSS fields of the trust space (mssante.md §1.6); outside it they would only tell what kind of letter."""
    if not dispatch.in_mssante:
        return []
    fields = [("X-MSS-NIL", dispatch.profile.nil)]
    if enclosures.has_xdm and enclosures.codes:
        patient = dispatch.documents[0].patient
        qualified = patient is not None and identity_is_complete(patient)
        fields.append(("X-MSS-CODECDA", ",".join(dict.fromkeys(enclosures.codes))))
        fields.append(("X-MSS-INS", "O" if qualified else "N"))
    if _is_final(dispatch):
        fields.append(("X-MSS-MES", "FIN"))
    return fields


def _is_final(dispatch: Dispatch) -> bool:
    return dispatch.for_patient and not dispatch.documents[0].wishes.patient_may_answer


def _references(dispatch: Dispatch) -> str:
    """Ids that a document shares with what replaces it, so that mail clients show both as one conversation.

    Composing does not know the Message-ID of the earlier mail, which another system may have sent: the ids are digests
    of the documents' own ids, the replaced one's first, and tell nothing else.
    """
    first = dispatch.documents[0]
    domain = dispatch.profile.sender.rpartition("@")[2]
    return " ".join(
        f"<{sha256(one.encode('utf-8', 'replace')).hexdigest()[:32]}.document@{domain}>"
        for one in (first.replaces, first.id)
        if one
    )
