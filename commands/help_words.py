"""The help of each command in French; the English one is its docstring, and both end in the same example."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable

import typer

from commands.output import language

_EXAMPLE = re.compile(r"\s*Example: (?P<typed>.+?)\.?(?=\n\n|\Z)", re.DOTALL)
EXAMPLES = {
    "delays report": "huitaine delays report --by service --from 2026-01-01",
    "delays late": "huitaine delays late --within 2 --fail-if-late",
    "delays missing": "huitaine delays missing --identities",
    "delays conflicts": "huitaine delays conflicts --format csv",
}
"""For commands whose docstring has none."""
FRENCH = {
    "init": "Créer les réglages, les clés et, en mode test, une autorité de test.",
    "serve": "Ouvrir les portes et travailler jusqu'au SIGTERM.",
    "send": "Confier des fichiers à la passerelle qui tourne, comme le fait le dossier de dépôt.",
    "check": "Dire ce que sont des fichiers, à qui ils iraient et ce qui ne va pas.\n\nUn fichier, plusieurs, un "
    "dossier ou - pour l'entrée standard. Rien ne part, rien n'est gardé. Code 1 quand l'un d'eux est refusé.\n\n"
    "Ou ce qui ne va pas dans cette installation : huitaine check settings, huitaine check tls, huitaine check "
    "directory.",
    "open": "Ouvrir un courriel scellé.\n\nUne signature compte quand son autorité est dans --trust, dans les "
    "réglages, ou vient avec la clé ; celle d'OpenPGP, quand sa clé est dans --sender. Personne n'est interrogé par le "
    "réseau sauf si --revocation ou les réglages le demandent.",
    "purge": "Effacer maintenant ce que sa durée de conservation permet d'effacer.",
    "backup": "Copier tout sauf les secrets, sans arrêter la passerelle.\n\nLes lettres ne s'ouvrent qu'avec les clés "
    "de ce moment : les écrire ailleurs, toujours dans le même fichier.",
    "restore": "Remettre une sauvegarde dans une installation vide, en attente.\n\nLes portes prennent aussitôt des "
    "lettres ; rien ne part avant `huitaine queue release`. Ce qui est listé est peut-être parti depuis la "
    "sauvegarde : annuler ce qui l'est (`huitaine letters cancel`), le reste repart sous le même Message-ID.",
    "verify": "Vérifier ce qui est gardé ici, ou une sauvegarde, jusqu'aux octets de chaque lettre.",
    "letters list": "Lister les lettres les plus récentes.",
    "letters show": "Montrer une lettre et chacun de ses envois.",
    "letters trace": "Dire chaque décision prise sur une lettre, avec sa raison.",
    "letters release": "Essayer de nouveau les envois retenus, avec l'annuaire d'aujourd'hui.",
    "letters cancel": "Arrêter ce qui n'est pas parti, ne plus suivre ce qui a échoué.",
    "letters resend": "Renvoyer ce qui a échoué, expiré ou été annulé.",
    "delays report": "Part envoyée à temps, médiane, p90 et étapes des séjours terminés dans la période ; par défaut, "
    "tout ce qui est connu.",
    "delays late": "Lettres en retard ou près de l'être, les plus en retard d'abord ; et celles parties trop tard dans "
    "les 30 derniers jours.",
    "delays missing": "Séjours terminés dont la lettre n'a jamais été remise, les plus anciens d'abord.",
    "delays conflicts": "Séjours dont les heures de sortie se contredisent, avec celle qui est retenue.",
    "delays oppose": "Retenir ce à quoi un patient s'oppose, et compter le séjour à part.",
    "directory import": "Importer des extractions nationales (texte ou ZIP).",
    "directory delta": "Prendre ce qui a changé depuis le dernier import ; reprend là où il fut interrompu.",
    "directory search": "Chercher des personnes et des structures par leur nom.",
    "directory show": "Montrer ce que l'on sait d'un praticien ou d'une boîte aux lettres.",
    "directory status": "Dire ce que contient l'annuaire, et de quand il date.",
    "directory absence": "Donner les absences de quelqu'un, ou en déclarer une.",
    "directory set": "Dire ce que lit le logiciel d'un destinataire.",
    "directory whitelist update": "Prendre une liste plus récente, une fois sa signature vérifiée.",
    "directory key add": "Garder un certificat ou une clé OpenPGP d'une boîte aux lettres.",
    "directory key fetch": "Demander ses certificats à l'annuaire LDAP de [key_lookup].",
    "directory key remove": "Oublier une clé d'une boîte aux lettres.",
    "keys create": "Créer une clé et la demande à envoyer à l'autorité.",
    "keys import": "Prendre une clé : la nôtre sous un nom, celle d'un destinataire sous une boîte aux lettres."
    "\n\nAvec --token, le fichier est un certificat dont le jeton a la clé.",
    "keys list": "Lister nos clés et celles des destinataires, les premières à expirer d'abord.",
    "keys card": "Prendre une clé OpenPGP qui reste sur une carte.\n\nHOME est le dossier GnuPG dont la passerelle se "
    "servira. Un certificat est établi sur deux clés de la carte, ou celui de --public est pris ; puis un courrier est "
    "scellé et rouvert pour essai. Sans l'un ni l'autre, les clés de la carte sont listées.",
    "keys find": "Demander au domaine d'une boîte aux lettres sa clé OpenPGP (WKD).\n\nUne clé ainsi gardée ne sert "
    "que tant qu'aucune autre source n'en donne pour cette boîte.",
    "keys gather": "Prendre les clés d'un fichier qu'un certificateur a signées.\n\nSa propre clé est aussi dans le "
    "fichier ; comparez d'abord son empreinte par téléphone.",
    "keys rotate": "Mettre une nouvelle clé à la place d'une autre ; l'ancienne ouvre encore.\n\nLa nouvelle est un "
    "fichier, ou le nom d'une autre clé du magasin. `rotate master` change la clé de tout ce qui est gardé, `rotate "
    "tenant NOM` celle des lettres d'un établissement ; aucune n'arrête rien.",
    "keys export": "Donner la partie publique d'une de nos clés, jamais la privée.",
    "keys audit": "Dire ce qui est expiré, faible ou bientôt fini ; code 1 quand il y en a.",
    "queue status": "Compter les envois par état et par raison.",
    "queue release": "Laisser partir une file restaurée.",
    "audit verify": "Vérifier qu'aucune ligne du journal n'a été changée, retirée, ajoutée ou déplacée.",
    "audit checkpoint": "Signer le journal tel qu'il est maintenant ; à garder ailleurs.",
    "audit key": "Afficher la clé qui vérifie les points de contrôle, pour la publier.",
    "audit proof": "Écrire ce qui prouve hors ligne la vie d'une lettre.",
    "audit consistency": "Prouver que le journal n'a fait que s'allonger depuis un point de contrôle gardé.",
    "paper list": "Lister les appels à passer et les lettres à imprimer et poster, les plus anciens d'abord.",
    "paper print": "Écrire la lettre en PDF pour une enveloppe à fenêtre.",
    "paper done": "Dire qu'elle a été postée, ou que l'appel a été passé.",
    "paper cancel": "Retirer un travail de la liste.",
    "patient documents": "Lister ce qui a été envoyé au sujet d'un patient, par INS, ou par IPP et date de naissance.",
}


def in_the_readers_language(app: typer.Typer, path: tuple[str, ...] = ()) -> None:
    """Give every command of ``app`` its help in the language asked for; called anew for each command line."""
    for command in app.registered_commands:
        named = command.name or (command.callback.__name__.replace("_", "-") if command.callback else "")
        command.help = help_of(" ".join((*path, named)), command.callback)
    for group in app.registered_groups:
        inner = (*path, group.name or "")
        if group.typer_instance is not None:
            in_the_readers_language(group.typer_instance, inner)
        if language() == "fr" and (told := FRENCH.get(" ".join(inner))):
            group.help = told


def help_of(path: str, callback: Callable[..., object] | None) -> str:
    """The help of the command at ``path`` with its example; English where no French is known."""
    english = inspect.getdoc(callback) or ""
    found = _EXAMPLE.search(english)
    typed = found["typed"] if found else EXAMPLES.get(path, "")
    in_french = language() == "fr" and path in FRENCH
    text = FRENCH[path] if in_french else _EXAMPLE.sub("", english, count=1)
    lead = "Exemple :" if in_french else "Example:"
    first, *others = text.split("\n\n")
    return "\n\n".join((first, *([f"{lead} {typed}"] if typed else ()), *others))
