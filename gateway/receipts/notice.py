"""The report that tells a sender what became of his letter: a DSN (RFC 3464), headers only, no word of the letter."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from email import policy
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime
from enum import StrEnum


class NoticeKind(StrEnum):
    """What there is to say.

    ``held`` waits for a person or for the directory; ``unconfirmed`` was taken by the next hop, and the receipt that is
    waited for did not come; the others are RFC 3464's own words.
    """

    FAILED = "failed"
    DELAYED = "delayed"
    HELD = "held"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    UNCONFIRMED = "unconfirmed"

    @property
    def action(self) -> str:
        """Action of RFC 3464 §2.3.3: ``delayed`` is the one that is not the last word."""
        return "delayed" if self in {NoticeKind.HELD, NoticeKind.UNCONFIRMED} else self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeAddressee:
    """One addressee of the letter; ``status`` is RFC 3463's, ``code`` the SMTP code when a server gave one."""

    mailbox: str = field(repr=False)
    status: str
    orcpt: str | None = field(default=None, repr=False)
    code: int | None = None
    reason: str = ""
    """Why, in a stable code or in words that name nobody: ``no-key``, ``certificate-expired``."""
    explained: tuple[str, ...] = ()
    """The same for people, a line for each language."""
    last_attempt_at: datetime | None = None
    will_retry_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What the report says. ``id`` makes its Message-ID; ``letter`` is our id of the letter, for whoever calls us.

    ``message_id`` and ``envid`` are the sender's own of the letter he handed in.
    """

    id: str
    kind: NoticeKind
    our_name: str
    to: str = field(repr=False)
    at: datetime
    letter: str
    arrived_at: datetime
    addressees: tuple[NoticeAddressee, ...]
    message_id: str = ""
    envid: str | None = None


_SUBJECTS = {
    NoticeKind.FAILED: "Lettre non remise / Letter not delivered",
    NoticeKind.DELAYED: "Lettre en attente / Letter delayed",
    NoticeKind.HELD: "Lettre retenue / Letter held",
    NoticeKind.DELIVERED: "Lettre remise / Letter delivered",
    NoticeKind.RELAYED: "Lettre transmise / Letter relayed",
    NoticeKind.UNCONFIRMED: "Lettre sans accusé / Letter not confirmed",
}
_WORDS = {
    NoticeKind.FAILED: (
        "La lettre désignée ci-dessous n'a pas pu être remise. Elle ne sera plus essayée : prévenez autrement.",
        "The letter named below could not be delivered and will not be tried again: tell the addressee otherwise.",
    ),
    NoticeKind.DELAYED: (
        "La lettre désignée ci-dessous n'a pas encore pu être remise. Les essais continuent, vous n'avez rien à faire.",
        "The letter named below could not be delivered yet. Delivery is still being tried; there is nothing to do.",
    ),
    NoticeKind.HELD: (
        "La lettre désignée ci-dessous ne peut pas partir en l'état : elle est gardée et partira la cause levée.",
        "The letter named below cannot leave as things are: it is kept and leaves once the cause told below is gone.",
    ),
    NoticeKind.DELIVERED: (
        "La lettre désignée ci-dessous a été remise. Cela ne dit pas qu'elle a été lue.",
        "The letter named below was delivered. This does not say that it was read.",
    ),
    NoticeKind.RELAYED: (
        "La lettre désignée ci-dessous a été transmise à un système qui ne confirme pas la remise.",
        "The letter named below was relayed to a system that does not confirm delivery.",
    ),
    NoticeKind.UNCONFIRMED: (
        "La lettre désignée ci-dessous est partie ; l'accusé attendu n'est pas revenu. Si elle presse, appelez.",
        "The letter named below has left; the receipt that is waited for did not come. If it is urgent, call.",
    ),
}


def build_dsn(notice: Notice) -> bytes:
    """The report with CRLF line ends, to be sent with an empty return path.

    Holds addresses, codes and ids only: no subject, no name, no reply text of a stranger. ``ValueError`` when there is
    nobody to tell (a null sender is never answered, RFC 5321 §4.5.5) or a field would hold a control character.
    """
    if not notice.to or not notice.addressees:
        raise ValueError("a report needs somebody to tell it to and something to tell")
    report = MIMEMultipart("report", boundary=f"=_huitaine-{notice.id}", policy=policy.SMTP)
    report.set_param("report-type", "delivery-status")
    for name, value in (
        ("Date", format_datetime(notice.at)),
        ("From", f"Huitaine <postmaster@{notice.our_name}>"),
        ("To", notice.to),
        ("Subject", _SUBJECTS[notice.kind]),
        ("Message-ID", f"<{notice.id}@{notice.our_name}>"),
        ("Auto-Submitted", "auto-replied"),
    ):
        report[name] = _clean(value)
    report.attach(_words(notice))
    report.attach(_status(notice))
    report.attach(_returned(notice))
    return report.as_bytes(policy=policy.SMTP)


def _words(notice: Notice) -> MIMEText:
    named = "\n".join(_named(addressee) for addressee in notice.addressees)
    french, english = _WORDS[notice.kind]
    return MIMEText(f"{french}\n\n{english}\n\n{named}\n\nHuitaine: {notice.letter}\n", "plain", "utf-8")


def _named(addressee: NoticeAddressee) -> str:
    explained = (f"    {_clean(words)}" for words in addressee.explained if words)
    return "\n".join((f"  {addressee.mailbox} ({_why(addressee)})", *explained))


def _why(addressee: NoticeAddressee) -> str:
    return f"{addressee.status} {_clean(addressee.reason)}".rstrip()


def _status(notice: Notice) -> MIMENonMultipart:
    general = Message(policy=policy.SMTP)
    general["Reporting-MTA"] = f"dns; {notice.our_name}"
    if notice.envid:
        general["Original-Envelope-Id"] = _clean(notice.envid)
    general["Arrival-Date"] = format_datetime(notice.arrived_at)
    part = MIMENonMultipart("message", "delivery-status", policy=policy.SMTP)
    part.set_payload([general, *(_block(notice.kind, addressee) for addressee in notice.addressees)])
    return part


def _block(kind: NoticeKind, addressee: NoticeAddressee) -> Message:
    block = Message(policy=policy.SMTP)
    if addressee.orcpt:
        block["Original-Recipient"] = _clean(addressee.orcpt if ";" in addressee.orcpt else f"rfc822;{addressee.orcpt}")
    block["Final-Recipient"] = f"rfc822;{_clean(addressee.mailbox)}"
    block["Action"] = kind.action
    block["Status"] = _clean(addressee.status)
    if addressee.code is not None:
        block["Diagnostic-Code"] = f"smtp; {addressee.code} {_clean(addressee.status)}"
    if addressee.last_attempt_at is not None:
        block["Last-Attempt-Date"] = format_datetime(addressee.last_attempt_at)
    if kind is NoticeKind.DELAYED and addressee.will_retry_until is not None:
        block["Will-Retry-Until"] = format_datetime(addressee.will_retry_until)
    return block


def _returned(notice: Notice) -> MIMENonMultipart:
    """Of the letter's headers, the one that finds it again; its subject may name the patient."""
    part = MIMENonMultipart("text", "rfc822-headers", policy=policy.SMTP)
    part.set_payload(f"Message-ID: {_clean(notice.message_id)}\n" if notice.message_id else "\n")
    return part


def _clean(value: str) -> str:
    if not value.isprintable():
        raise ValueError("a control character in a generated header")
    return value
