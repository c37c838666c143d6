"""What each line of the journal means, for somebody who never saw a gateway: a judge, an expert, a patient."""

from __future__ import annotations

MEANINGS: dict[str, tuple[str, str]] = {
    "kept": (
        "La passerelle a reçu la lettre et l'a écrite sur disque ; elle en répond à partir de cet instant.",
        "The gateway received the letter and wrote it to disk; from this moment on it answers for it.",
    ),
    "kept-again": (
        "La même lettre a été déposée une nouvelle fois ; rien n'a été envoyé deux fois pour cela.",
        "The same letter was handed in again; nothing was sent twice because of it.",
    ),
    "withdrawn": (
        "Le logiciel de l'hôpital est parti avant la réponse : la lettre n'a pas été prise.",
        "The hospital's software left before the answer: the letter was not taken.",
    ),
    "read": ("Le contenu de la lettre a été compris.", "The content of the letter was understood."),
    "read-again": (
        "Une lettre illisible à son arrivée a pu être relue.",
        "A letter that could not be read when it came was read later.",
    ),
    "split": (
        "Le fichier concernait plusieurs patients : une lettre a été faite pour chacun.",
        "The file was about several patients: a letter was made for each.",
    ),
    "refused": ("La lettre a été refusée et l'expéditeur averti.", "The letter was refused and its sender was told."),
    "replaced": (
        "L'envoi n'était pas parti ; la lettre corrigée le remplace.",
        "The delivery had not left; the corrected letter takes its place.",
    ),
    "movement": (
        "L'hôpital a annoncé un mouvement du séjour (entrée, sortie, correction).",
        "The hospital told of a movement of the stay (admission, discharge, correction).",
    ),
    "decided": (
        "Une étape du choix de la boîte, de la protection ou du format, avec sa raison.",
        "One step of the choice of mailbox, protection or form, with its reason.",
    ),
    "held": ("L'envoi est retenu, pour la raison indiquée.", "The delivery is held, for the reason given."),
    "held-still": (
        "L'envoi est toujours retenu ; l'expéditeur a été averti de nouveau.",
        "The delivery is still held; its sender was told again.",
    ),
    "key-refused": (
        "Une clé du destinataire n'a pu servir, pour la raison indiquée ; une autre a servi à sa place.",
        "A key of the addressee's could not be used, for the reason given; another one was used in its place.",
    ),
    "key-of-organisation": (
        "Le courrier est chiffré avec le certificat de toute l'organisation du destinataire, comme le réglage l'admet.",
        "The mail is encrypted with the certificate of the addressee's whole organisation, as the settings allow.",
    ),
    "key-sought": (
        "Nous n'avons pas de clé du destinataire : son domaine a été interrogé (WKD) ; le code dit sa réponse.",
        "We have no key of the addressee's: his domain was asked for one (WKD); the code is what it answered.",
    ),
    "sealed": (
        "Le courrier a été signé puis protégé comme indiqué ; le texte nomme ce qu'une forme jointe ne peut porter.",
        "The mail was signed, then protected as shown; the words name what an enclosed form cannot carry.",
    ),
    "accepted": (
        "Le serveur suivant a accepté le courrier (réponse 250 de SMTP). Ce n'est pas encore une preuve de lecture.",
        "The next server accepted the mail (SMTP reply 250). This does not prove yet that it was read.",
    ),
    "deferred": (
        "L'envoi n'a pas abouti cette fois ; il est essayé de nouveau.",
        "The delivery did not succeed this time; it is tried again.",
    ),
    "ambiguous": (
        "La connexion s'est rompue à la fin de l'envoi : le serveur suivant peut avoir une copie, une autre suit.",
        "The connection broke at the end of sending: the next server may hold a copy, and another follows.",
    ),
    "lease-freed": (
        "Le processus qui envoyait s'est arrêté avant la fin ; l'envoi est repris.",
        "The process that was sending stopped before the end; the delivery is taken up again.",
    ),
    "lease-lost": (
        "Un envoi s'est terminé après avoir été repris par un autre processus ; son résultat n'est pas retenu.",
        "A delivery ended after another process had taken it over; its result does not count.",
    ),
    "failed": (
        "L'envoi a échoué définitivement ; l'expéditeur est averti.",
        "The delivery failed; its sender is told.",
    ),
    "expired": (
        "Le délai de remise est écoulé ; l'expéditeur est averti.",
        "The time for delivery is over; its sender is told.",
    ),
    "reported": ("L'expéditeur a été averti de l'état de l'envoi.", "The sender was told how the delivery stands."),
    "untold": (
        "L'expéditeur n'a pas pu être averti : la ligne est endommagée.",
        "The sender could not be told: the row is damaged.",
    ),
    "receipt": (
        "Un accusé a été rapproché de cet envoi ; le texte dit ce qu'il prouve (remis, traité, lu, échec).",
        "A receipt was matched to this delivery; its words say what it proves (delivered, processed, read, failed).",
    ),
    "answer-owed": (
        "Le logiciel de l'hôpital doit être informé de ce qui vient d'être prouvé.",
        "The hospital's software is to be told what has just been proved.",
    ),
    "answered": (
        "Le logiciel de l'hôpital a pris l'information.",
        "The hospital's software took what it was told.",
    ),
    "answer-refused": (
        "Le logiciel de l'hôpital a refusé l'information ; le code est le sien.",
        "The hospital's software refused what it was told; the code is its own.",
    ),
    "clock-letter": (
        "La lettre a été rattachée au séjour ; le texte donne les heures utiles au délai, sous pseudonymes.",
        "The letter was tied to its stay; the words hold the times that the delay is counted by, under pseudonyms.",
    ),
    "opposition-withdrawn": (
        "Le patient ne s'oppose plus à l'envoi : ce qui était retenu pour cela repart.",
        "The patient does not oppose the sending any more: what was held for it goes on.",
    ),
    "opposition": (
        "Une personne a noté que le patient s'oppose à l'envoi.",
        "A person recorded that the patient opposes the sending.",
    ),
    "release": ("Une personne a relancé un envoi retenu.", "A person let a held delivery go."),
    "cancel": ("Une personne a annulé l'envoi.", "A person cancelled the delivery."),
    "resend": ("Une personne a renvoyé la lettre.", "A person sent the letter again."),
    "escalation": (
        "Aucune preuve suffisante n'est venue à temps : l'étape indiquée a été faite, ou n'a pas pu l'être.",
        "No sufficient proof came in time: the step named was taken, or there was nothing it could do.",
    ),
    "task": (
        "Un travail confié à une personne (appeler, imprimer et poster) est dans l'état indiqué.",
        "Work given to a person (to call, to print and post) is in the state named.",
    ),
    "erased": (
        "Le contenu de la lettre a été effacé à la fin de sa conservation.",
        "The letter's content was erased when its retention ended.",
    ),
    "identities-shown": ("Une personne a demandé à voir les noms.", "A person asked to see the names."),
    "documents-listed": (
        "Une personne a demandé la liste de ce qui a été envoyé au sujet du patient.",
        "A person asked what was sent about the patient.",
    ),
}
"""French and English by the kind of entry."""

OTHER = ("Voir la documentation de la passerelle.", "See the gateway's documentation.")

HOW_TO_CHECK = {
    "fr": "Vérifiez ce fichier hors ligne : python3 verify_proof.py FICHIER --key CLÉ. La clé est celle que l'hôpital a"
    " publiée avant le litige, non celle de ce fichier. Le champ « meaning » explique et ne prouve rien. Procédure :"
    " docs/evidence.md.",
    "en": "Check this file off-line: python3 verify_proof.py FILE --key KEY. The key is the one that the hospital"
    " published before the dispute, not the one in this file. The field “meaning” explains and proves nothing."
    " Procedure: docs/evidence.md.",
}
"""Stands in every proof file."""


def meaning(kind: str) -> dict[str, str]:
    """What an entry of this kind tells, by language."""
    french, english = MEANINGS.get(kind, OTHER)
    return {"fr": french, "en": english}
