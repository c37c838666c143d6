"""What an attempt's error may say in the journal and in a delivery's row: codes and places, nobody's name or number."""

from __future__ import annotations

import re

from gateway.document import Severity
from gateway.errors import UnreadableDocument
from gateway.letter import Reason, Step

_MAILBOX = re.compile(r"[^\s<>@,;:()\"']{1,64}@[^\s<>@,;:()\"']{1,255}")
_LONG_NUMBER = re.compile(r"[0-9]{8,}[0-9AB]*")
_REPLY = re.compile(r"[0-9]{3}(?![0-9])|not a reply line: ")
_STATUS = re.compile(r"[0-9]{3}(?:[ -][245]\.[0-9]{1,3}\.[0-9]{1,3})?")
_WORD = re.compile(r"[^\W_](?:[\w'’.-]*\w)?")
_HIDDEN = re.compile(r"…(?:[^\w<]*…)+")
_OF_MAIL = """
a access account accepted accepting action address administrator after again aborted all allowed already an and are
at authentication authorized bad be been before blacklisted blocked bounce busy but by bytes cannot certificate
changed characters client closed closing code command complete completed configuration configured connection
connections contact content could cram daily data deferred delayed delivered delivery denied destination detected
disabled disk dkim dmarc dnsbl does domain dot down due email encryption error exceeded exceeds exist exists expired
failed failure few file filter for forbidden found from full greylisted greylisting has have header helo here host
hour if in inactive incorrect insufficient internal invalid ip is it later length limit limited line lines list load
local locked loop lookup mail mailbox maximum memory message messages minutes moved mta must name names next no
noon not number of on only or out over overloaded permanent permitted please policy port postmaster problem
processing protocol queue quota quoted rate rbl read receive received recipient recipients record refused reject
rejected relay relaying remote reply reputation required requested resources response retry rfc route rule sec seconds
security see sender sent server service session size slow smtp sorry space spam spf starttls status storage
suspended syntax system table temporarily temporary than that the then there this time timeout tls to too total
transaction transfer try unable unavailable unexpected unknown unrouteable unsupported until use user users valid
verification verify virus was while will with within write wrong yet you your
aucun boîte courrier destinataire domaine inconnu inconnue limite message pleine quota refusé refusée serveur taille
temporairement trop utilisateur
"""
_KNOWN = frozenset(_OF_MAIL.split())
"""What mail servers say of mail; whatever else they say may be a patient's name, or the subject read back."""


def unnamed(detail: str, step: Step | None) -> str:
    """A server's words without any mailbox, whoever's, and without long numbers: a patient's mailbox is his INS.

    Of a reply, codes stay and those words that servers use of mail; others become ``…`` (promise E12).
    """
    if step:
        detail = re.sub(re.escape(step.addressed.mailbox), "<addressee>", detail, flags=re.IGNORECASE)
    masked = _LONG_NUMBER.sub("<number>", _MAILBOX.sub("<mailbox>", detail))
    return _of_mail(masked) if _REPLY.match(masked) else masked


def _of_mail(reply: str) -> str:
    found = _STATUS.match(reply)
    codes = found[0] if found else ""
    words = _WORD.sub(lambda word: word[0] if _is_plain(word[0]) else "…", reply[len(codes) :])
    return codes + _HIDDEN.sub("…", words)


def _is_plain(word: str) -> bool:
    return word.lower() in _KNOWN | {"addressee"} or (word.isdigit() and len(word) < 4)


def unreadable(error: UnreadableDocument) -> Reason:
    """What was accepted and cannot be read waits for a person, as it did when it came."""
    first = next(finding for finding in error.findings if finding.severity is Severity.ERROR)
    return Reason(code=first.code, words=f"{first.place}: {first.message}")
