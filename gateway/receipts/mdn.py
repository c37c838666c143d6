"""Message disposition notifications (RFC 8098 and the CI-SIS profile, mssante.md §1.8), pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from gateway.letter import Receipt, ReceiptKind
from gateway.receipts.mime import Parsed, address, fields, header, message_id, moment, parts
from gateway.receipts.report import blocks, has_whole_mail, returned_message_id, status_part

_TYPES = {
    # Thunderbird writes automatic-action for a receipt it sent by itself after the mail was displayed: the type counts.
    "displayed": ReceiptKind.DISPLAYED,
    "processed": ReceiptKind.PROCESSED,
    "dispatched": ReceiptKind.PROCESSED,  # printed, passed on: not into his mailbox alone
    "deleted": ReceiptKind.DELETED,
    "failed": ReceiptKind.NOT_INTEGRATED,  # RFC 2298 §3.2.6.2, still sent
}
_DISPOSITION = re.compile(r";\s*([a-z]+)\s*(?:/\s*([a-z]+))?", re.IGNORECASE)
_CODE = re.compile(r"\b([0-9]{3})\s*\^")
_IN_SUBJECT = re.compile(
    r"\[\s*(?:KO\s+integration|erreur\s+d.\s?integration)[^\]]*\]\s*(?:\[\s*([0-9]{3})\s*\])?", re.IGNORECASE
)
_IN_WORDS = re.compile(r"code\s+d.\s?erreur\s*:?\s*([0-9]{3})\b|\b(90[0-6])\s*\^", re.IGNORECASE)
_OF_SOFTWARE = re.compile(r"automatic-action\s*/\s*mdn-sent-automatically\s*;", re.IGNORECASE)
_WORDS = 4000
_SUBJECT = "XDM/1.0/DDM+"
_FINAL_BOX = "x-direct-final-destination-delivery"
"""Direct's word, as a field of the report, for a ``dispatched`` that lies in the final mailbox."""


def read_mdn(message: Parsed) -> tuple[Receipt, ...]:
    """The receipt of an MDN; none when the mail is no MDN, or one that says nothing (``denied``)."""
    part = status_part(message, "message/disposition-notification", "message/global-disposition-notification")
    if part is None:
        return ()
    block: dict[str, str] = {}
    for more in blocks(part):
        block = {**fields(more), **block}
    kind, code = _outcome(block, header(message, "Subject"))
    if kind is None:
        return ()
    if kind is ReceiptKind.PROCESSED:
        kind = _processed(message, block)
    receipt = Receipt(
        kind=kind,
        message_id=message_id(block.get("original-message-id", "")) or returned_message_id(message),
        addressee=address(block.get("original-recipient", "")),
        final_addressee=address(block.get("final-recipient", "")),
        at=moment(header(message, "Date")),
        code=code,
        reporter="mdn",
    )
    return (receipt,)


def read_integration_failure(message: Parsed) -> tuple[Receipt, ...]:
    """``[KO Intégration système !]`` as an ordinary mail, which practice software must send when no MDN was asked.

    The addressee is who wrote it; the mail it is about is the one attached.
    """
    found = _failure(header(message, "Subject"))
    if found is None:
        return ()
    receipt = Receipt(
        kind=ReceiptKind.NOT_INTEGRATED,
        message_id=returned_message_id(message) or message_id(header(message, "In-Reply-To")),
        addressee=address(header(message, "From")),
        at=moment(header(message, "Date")),
        code=found[1] or _in_words(message),
        reporter="mail",
    )
    return (receipt,)


def _processed(message: Parsed, block: Mapping[str, str]) -> ReceiptKind:
    """What ``processed`` means where more is said.

    CI-SIS has the receiving gateway make its MDN of the practice software's own acknowledgement: the letter's own
    subject without any word before it, sent by software alone, the whole mail behind it. Nothing less says integrated.
    """
    disposition = block.get("disposition", "")
    if "dispatched" in disposition.lower():
        return ReceiptKind.DELIVERED if _FINAL_BOX in block else ReceiptKind.PROCESSED
    is_profile = header(message, "Subject").startswith(_SUBJECT) and _OF_SOFTWARE.match(disposition)
    return ReceiptKind.INTEGRATED if is_profile and has_whole_mail(message) else ReceiptKind.PROCESSED


def _outcome(block: Mapping[str, str], subject: str) -> tuple[ReceiptKind | None, str | None]:
    """What happened, and the application error code (table 0533) when it went wrong."""
    disposition = block.get("disposition", "")
    found = _DISPOSITION.search(disposition)
    if found is None:
        return None, None
    kind = _TYPES.get(found[1].lower())
    if kind is None:
        return None, None
    if kind is ReceiptKind.NOT_INTEGRATED or (found[2] or "").lower() in {"error", "failure"}:
        in_subject = _failure(subject)
        stated = _CODE.search(disposition) or _CODE.search(block.get("error", ""))
        return ReceiptKind.NOT_INTEGRATED, stated[1] if stated else (in_subject[1] if in_subject else None)
    return kind, None


def _failure(subject: str) -> re.Match[str] | None:
    """``[KO Intégration système !][902]`` and its kin, with or without accents."""
    return _IN_SUBJECT.match(_plain(subject).strip())


def _in_words(message: Parsed) -> str | None:
    """The code out of the words for people, where the subject has none."""
    text = next((part for part in parts(message) if part.get_content_type() == "text/plain"), None)
    content = text.get_payload(decode=True) if text is not None else None
    found = (
        _IN_WORDS.search(_plain(content[:_WORDS].decode("utf-8", "replace"))) if isinstance(content, bytes) else None
    )
    return (found[1] or found[2]) if found else None


def _plain(text: str) -> str:
    """Without accents, however they are composed."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
