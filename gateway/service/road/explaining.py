"""What a stable code means, in French and in English: for the report to a sender and for ``huitaine letters trace``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.addressing.reasons import WORDS
from gateway.addressing.reasons_french import FRENCH
from gateway.journal import AGAIN
from gateway.parsers.french import french_place, in_french
from gateway.smtp.courier.failures import Below

_STATUS = {
    "5.1.1": ("cette boîte aux lettres n'existe pas", "this mailbox does not exist"),
    "5.1.2": ("ce domaine n'existe pas ou ne reçoit pas de courrier", "this domain does not exist or takes no mail"),
    "5.1.10": ("ce domaine ne reçoit pas de courrier", "this domain takes no mail"),
    "5.2.1": ("cette boîte aux lettres est fermée", "this mailbox is closed"),
    "5.2.2": ("la boîte aux lettres est pleine", "the mailbox is full"),
    "4.2.2": ("la boîte aux lettres est pleine", "the mailbox is full"),
    "5.2.3": ("la lettre est trop grande pour cette boîte", "the letter is too large for this mailbox"),
    "5.3.4": ("la lettre est trop grande pour ce serveur", "the letter is too large for this server"),
    "4.4.1": ("le serveur suivant ne répond pas", "the next server does not answer"),
    "4.4.2": ("le serveur suivant a cessé de répondre", "the next server stopped answering"),
    "4.3.5": ("la liste blanche MSSanté manque sur cette passerelle", "this gateway has no MSSanté white list yet"),
    "4.4.3": ("le DNS ne répond pas pour ce domaine", "the DNS does not answer for this domain"),
    "4.4.4": ("le DNS n'indique aucun serveur utilisable", "the DNS names no server that can be used"),
    "4.4.7": ("le délai de remise est écoulé", "the time for delivery is over"),
    "5.7.1": ("le serveur suivant n'admet pas cette lettre", "the next server does not permit this letter"),
    "4.7.5": ("la protection TLS du serveur suivant ne suffit pas", "the next server's TLS is not enough"),
}
"""RFC 3463 §3, the ones that a person can do something about."""

_NEXT_HOP: dict[str, str] = {
    Below.NO_TLS: "le serveur suivant n'offre pas de chiffrement TLS",
    Below.NOT_STARTED: "le serveur suivant n'a pas commencé le chiffrement TLS qu'il offre",
    Below.BROKEN_OFF: "le serveur suivant a interrompu la négociation TLS",
    Below.TOO_OLD: "le chiffrement TLS du serveur suivant est trop ancien",
    Below.EXPIRED: "le certificat du serveur suivant a expiré",
    Below.OTHER_NAME: "le certificat du serveur suivant est établi pour un autre nom",
    Below.UNKNOWN_AUTHORITY: "le certificat du serveur suivant vient d'une autorité que nous ne connaissons pas",
    Below.OTHER_OPERATOR: "le certificat du serveur suivant est celui d'un autre opérateur",
    Below.NO_TLSA: "le certificat du serveur suivant n'est aucun de ceux que son domaine publie (DANE)",
    Below.NOT_PERMITTED: "aucun serveur du domaine n'est admis par sa politique MTA-STS",
    Below.BROKEN: "la protection TLS du serveur suivant ne suffit pas",
}
"""Why a session was not good enough: what the courier says in English."""

_KEYS = {
    "expired": ("le certificat du destinataire a expiré", "the addressee's certificate has expired"),
    "not-yet-valid": ("le certificat du destinataire n'est pas encore valable", "the certificate is not valid yet"),
    "address-mismatch": ("le certificat est celui d'une autre boîte", "the certificate belongs to another mailbox"),
    "organisation-not-allowed": (
        "le certificat est celui de toute une organisation, et le réglage ne l'admet pas",
        "the certificate is a whole organisation's, and the settings do not allow that",
    ),
    "weak-key": ("la clé du destinataire est trop courte", "the addressee's key is too short"),
    "revoked": ("la clé du destinataire est révoquée", "the addressee's key is revoked"),
    "untrusted-certificate": (
        "aucune autorité reconnue ne garantit le certificat du destinataire",
        "no authority that is believed here vouches for the addressee's certificate",
    ),
    "revocation-unknown": (
        "aucune autorité ne dit si le certificat du destinataire est révoqué",
        "no authority answers whether the addressee's certificate was taken back",
    ),
    "own-certificate-expired": ("notre propre certificat a expiré", "our own certificate has expired"),
    "reader-broken": (
        "la lecture échoue à chaque essai : une personne doit regarder ce fichier",
        "every attempt to read it failed: a person must look at this file",
    ),
    "nothing-in-it": ("il ne contient aucun document", "there is no document in it"),
    "worker-broken": (
        "chaque essai de composer ce courrier arrête la passerelle : une personne doit le regarder",
        "each attempt to compose it ended the gateway: a person must look at this letter",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One reason in both languages; empty where nothing better than the code is known."""

    french: str = ""
    english: str = ""


def explain(code: str, words: str = "", *, status: str = "") -> Explained:
    """The words for ``code``; ``words`` are the English ones of the journal, whose facts the French ones repeat."""
    if code in WORDS:
        return Explained(french=_filled(code, words), english=words or _bare(WORDS[code]))
    if code in _KEYS:
        french, english = _KEYS[code]
        return Explained(french=french, english=english)
    if french := in_french(code):
        place = words.partition(": ")[0] if ": " in words else ""
        return Explained(french=f"{french_place(place)} : {french}" if place else french, english=words)
    reason, again, when = words.partition(AGAIN) if AGAIN in words else (code, "", "")
    if reason in _NEXT_HOP:
        later = f" ; nouvel essai {when}" if again else ""
        return Explained(french=_NEXT_HOP[reason] + later, english=words or reason)
    french, english = _STATUS.get(status or code, ("", ""))
    return Explained(french=french, english=english or words)


def _filled(code: str, words: str) -> str:
    """The French words with the facts that stand in the English ones."""
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.*)", re.escape(WORDS[code]))
    found = re.fullmatch(pattern, words)
    return FRENCH[code].format(**found.groupdict()) if found else _bare(FRENCH[code])


def _bare(template: str) -> str:
    """A template whose facts are not known."""
    return re.sub(r"\s*\([^()]*\{\w+\}[^()]*\)|\s?\{\w+\}", "", template)
