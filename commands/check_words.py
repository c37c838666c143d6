"""The words of `huitaine check FILE` for people, as pairs of English and French."""

from __future__ import annotations

from datetime import date, datetime

from commands.output import count, language, say
from gateway.parsers.catalogue import in_french_words

FORMATS = {
    "hprim-medecin": ("HPRIM Médecin", "HPRIM Médecin"),
    "hprim-sante": ("HPRIM Santé", "HPRIM Santé"),
    "hl7v2": ("HL7 v2", "HL7 v2"),
    "cda": ("a CDA document", "un document CDA"),
    "xdm": ("an XDM archive", "une archive XDM"),
    "mime": ("a mail", "un courriel"),
    "pdf": ("a PDF", "un PDF"),
    "unknown": ("not a format that is read here", "un format qui n'est pas lu ici"),
}
ROLES = {
    "gp": ("GP", "médecin traitant"),
    "referrer": ("referring doctor", "médecin adresseur"),
    "copy": ("doctor in copy", "médecin en copie"),
    "patient": ("patient", "patient"),
    "organisation": ("organisation", "établissement"),
}
SEALED_AS = {
    "smime-gcm": ("sealed with S/MIME (AES-GCM)", "scellé en S/MIME (AES-GCM)"),
    "smime-cbc": ("sealed with S/MIME", "scellé en S/MIME"),
    "openpgp": ("sealed with OpenPGP", "scellé en OpenPGP"),
    "mss-tls": ("signed, over MSSanté's TLS", "signé, par le TLS de MSSanté"),
    "as-received": ("with the sender's own seal", "avec le sceau de l'expéditeur"),
}
HELD = (" would wait (held)", " : la lettre attendrait (retenue)")
SEVERITIES = {"error": ("ERROR", "ERREUR"), "warning": ("look", "à voir"), "note": ("note", "note")}
WHY_NOT_ASKED = {
    "no-installation": (
        "unknown, because no installation is here to ask (`huitaine init`, or --config FILE before `check`).",
        "inconnu, car aucune installation n'est là pour le dire (`huitaine init`, ou --config FICHIER avant `check`).",
    ),
    "directory-unreadable": (
        "unknown, because the directory cannot be read; see `huitaine check directory`.",
        "inconnu, car l'annuaire est illisible ; voir `huitaine check directory`.",
    ),
}
_VARIANTS = {
    "1 (text)": ("text", "texte"),
    "2 (text and results)": ("text and results", "texte et résultats"),
    "text": ("a text", "un texte"),
    "smime-signed": ("signed, S/MIME", "signé, S/MIME"),
    "smime-encrypted": ("encrypted, S/MIME", "chiffré, S/MIME"),
    "openpgp-signed": ("signed, OpenPGP", "signé, OpenPGP"),
    "openpgp-encrypted": ("encrypted, OpenPGP", "chiffré, OpenPGP"),
}

SAID = {
    "colon": (": ", " : "),
    "semicolon": ("; ", " ; "),
    "sealed": (
        "Sealed by its sender: nobody here can read it, and it passes with the same bytes.",
        "Scellé par son expéditeur : personne ici ne peut le lire, et il passe sans changer d'un octet.",
    ),
    "opened by": ("  opened only with the key of ", "  ne s'ouvre qu'avec la clé de "),
    "signed by": ("  signed by ", "  signé par "),
    "not believed": ("  not believed: ", "  ne compte pas : "),
    "test": (
        "A test message: it never reaches a real mailbox.",
        "Message de test : il n'atteint jamais une vraie boîte aux lettres.",
    ),
    "several": ("; each patient's leave on their own.", " ; ceux de chaque patient partent seuls."),
    "movement": (
        ": it moves the clock of a stay and goes to nobody.",
        " : il règle l'horloge d'un séjour et ne va à personne.",
    ),
    "nobody stated": ("not stated: about nobody in particular", "non indiqué : ne parle de personne en particulier"),
    "unnumbered": (
        ", without a number (a name alone never decides)", ", sans numéro (un nom seul ne décide jamais)",
    ),
    "no addressee": ("nobody to send it to", "aucun destinataire"),
    "to whom": ("To whom it would go", "À qui il irait"),
    "once corrected": (" once corrected", " une fois corrigé"),
    "from header": (
        "The To and Cc of the mail stand for its envelope; --to asks for another.",
        "Les champs To et Cc tiennent lieu d'enveloppe ; --to en demande une autre.",
    ),
    "no directory": (
        "No national directory is imported here: `huitaine directory import FILE`.",
        "Aucun annuaire national n'est importé ici : `huitaine directory import FICHIER`.",
    ),
    "nothing wrong": ("nothing to complain of", "rien à redire"),
}  # fmt: skip


def said(key: str) -> str:
    """One of :data:`SAID` in the reader's language."""
    return say(*SAID[key])


def in_words(variant: str) -> str:
    """The variant of a format for a person; what has no words stays as it is."""
    if variant in _VARIANTS:
        return say(*_VARIANTS[variant])
    inner, _, rest = variant.partition(" ")
    if inner in FORMATS and rest:  # of what a mail carries
        return f"{say(*FORMATS[inner])}, {in_words(rest)}"
    return in_french_words(variant) if language() == "fr" else variant


def number(how_many: int, english: tuple[str, str], french: tuple[str, str]) -> str:
    """``1 note``, ``2 notes``, with thousands apart."""
    return count(how_many, english, french).replace(str(how_many), f"{how_many:,}".replace(",", say(",", " ")), 1)


def day(moment: str | None) -> str:
    """An ISO date or moment as it is written in the reader's language; other text stays as it is."""
    if not moment:
        return ""
    try:
        at: date = date.fromisoformat(moment)
    except ValueError:
        try:
            at = datetime.fromisoformat(moment)
        except ValueError:
            return moment
    clock = f" {at:%H:%M}" if isinstance(at, datetime) else ""
    return (f"{at:%d/%m/%Y}" if language() == "fr" else f"{at:%Y-%m-%d}") + clock


def size_of(size: int) -> str:
    """``888 bytes``, ``84 KB``, ``2.4 MB``."""
    if size < 10_000:
        return number(size, ("byte", "bytes"), ("octet", "octets"))
    if size < 1_000_000:
        return f"{size // 1000} {say('KB', 'Ko')}"
    told = f"{size / 1_000_000:.1f}"
    return f"{told.replace('.', ',')} Mo" if language() == "fr" else f"{told} MB"
