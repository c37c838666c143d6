"""What a refusal says, for the journal, in English and French, with nothing in it that came from the client (A10, E12).

On the wire SMTP speaks English; whoever reads the journal of a French hospital may not.
"""

from __future__ import annotations

import re

_CAME_WITH_IT = re.compile(r"<[^>]*>")
_FIGURE = re.compile(r"\b\d[\d,]*")

_FRENCH = {
    "Bad RET parameter": "le paramètre RET de MAIL est faux",
    "Bad ENVID parameter": "le paramètre ENVID de MAIL est faux",
    "Bad AUTH parameter": "le paramètre AUTH de MAIL est faux",
    "Bad NOTIFY parameter": "le paramètre NOTIFY de RCPT est faux",
    "Bad ORCPT parameter": "le paramètre ORCPT de RCPT est faux",
    "Too many commands without a letter": "trop de commandes sans lettre",
    "AUTH is not allowed within a mail transaction": "AUTH n'est pas permis entre MAIL et la fin de la lettre",
    "AUTH answer too long": "la réponse à AUTH est trop longue",
    "Too many failed logins": "trop de mots de passe faux ; vérifiez le mot de passe du logiciel",
    "Too many failed logins, try again in ten minutes": "trop de mots de passe faux ; nouvel essai dans dix minutes",
    "Temporary authentication failure, try again later": "trop de connexions à vérifier ; nouvel essai plus tard",
    "Cannot read the PLAIN answer": "la réponse à AUTH PLAIN est illisible",
    "Cannot decode base64": "la réponse à AUTH n'est pas du base64",
    "Header larger than N KB": "l'en-tête dépasse N Ko",
    "Message has a NUL at byte N; NUL is not allowed": "la lettre contient un octet nul (octet N)",
    "Message has a bare CR or LF at byte N; lines must end in CRLF": "fin de ligne incomplète (octet N) : les lignes "
    'doivent finir par CR LF ; line_endings = "normalise" de la source les répare',
    "Line N is longer than N octets": "la ligne N dépasse N octets ; long_lines = true de la source les admet",
    "Mail loop": "la lettre tourne en rond : elle est déjà passée par ici, ou par trop de serveurs",
    "Header From not allowed for this account": "l'expéditeur affiché (From) n'est pas parmi les senders de la source",
    "Sender not allowed for this account": "l'expéditeur (MAIL FROM) n'est pas parmi les senders de la source",
    "Too many recipients": "trop de destinataires pour une lettre ; les autres sont à envoyer à part",
    "Relaying not allowed for <…>": "ce destinataire n'est pas permis à la source",
    "More than N MIME levels": "plus de N niveaux MIME",
    "More than N MIME parts": "plus de N parties MIME",
    "Send RCPT first": "RCPT doit venir d'abord",
    "Syntax: DATA": "DATA ne prend pas de paramètre",
    "Authentication required": "il faut d'abord s'identifier",
    "Control character in sender address": "caractère de contrôle dans l'adresse de l'expéditeur",
    "Control character in recipient address": "caractère de contrôle dans l'adresse d'un destinataire",
    "Control character in host name": "caractère de contrôle dans le nom donné à EHLO",
    "Address needs SMTPUTF8": "adresse avec accents sans SMTPUTF8",
    "Malformed address": "adresse mal formée",
    "TLS is in use already": "TLS est déjà en place",
    "No command may follow STARTTLS": "une commande suivait STARTTLS dans le même envoi",
    "Command not recognised": "commande inconnue",
    "Message larger than N MB (limit of this gateway)": "la lettre dépasse N Mo (max_size de [smtp])",
    "Message larger than N bytes (limit of this gateway)": "la lettre dépasse N octets (max_size de [smtp])",
}
"""Template → French; figures are ``N`` in both and stand in the same order."""


def in_english(text: str) -> str:
    """The reply's text without what the client sent; empty for a text that is not one of ours and may quote anybody."""
    plain = _CAME_WITH_IT.sub("<…>", text)
    return plain if _FIGURE.sub("N", plain) in _FRENCH else ""


def in_french(text: str) -> str:
    """The same in French."""
    plain = in_english(text)
    found = _FRENCH.get(_FIGURE.sub("N", plain), "")
    figures = iter(_FIGURE.findall(plain))
    return re.sub(r"\bN\b", lambda _: next(figures, "N"), found)
