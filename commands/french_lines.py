"""French for the lines that the gateway itself words in English: why it does not start, why an order is refused."""

from __future__ import annotations

import re

LINES = {
    "{path}: no such file; `huitaine init` makes one": "{path} : fichier introuvable ; `huitaine init` en fait un",
    "{path}: not TOML: {why}": "{path} : ce n'est pas du TOML : {why}",
    "{key}: unknown key; the nearest known one is {near}": "{key} : clé inconnue ; la plus proche est {near}",
    "{key}: Field required": "{key} : à renseigner",
    "{path} exists already": "{path} existe déjà",
    "secret {name}: cannot be read in the secrets folder": "secret {name} : illisible dans le dossier des secrets",
    "the master key is not the one that what is kept was sealed under: put the former file back": "la clé maîtresse "
    "n'est pas celle qui a scellé ce qui est gardé : remettez l'ancien fichier en place",
    "{name}: a master key has {right} bytes, this file has {size}": "{name} : une clé maîtresse a {right} octets, "
    "ce fichier en a {size}",
    "{name}: missing": "{name} : manquant",
    "{name}: cannot be opened ({why})": "{name} : ne peut pas être ouvert ({why})",
    "{name}: permissions {mode} are too open; run: chmod 600": "{name} : droits {mode} trop larges ; "
    "lancez : chmod 600",
    "{name}: folder can be written by others; run: chmod 700": "{name} : d'autres peuvent écrire dans son dossier ; "
    "lancez : chmod 700",
    "{name}: wrong password or damaged file": "{name} : mauvais mot de passe ou fichier abîmé",
    "another process holds the data folder": "un autre processus tient le dossier de données",
    "a TLS port needs a certificate in its section": "un port TLS a besoin d'un certificat dans sa section",
    "TLS files {name}: {why}": "fichiers TLS {name} : {why}",
    "mllp listener {name}: without TLS only on loopback": "MLLP {name} : sans TLS, sur la boucle locale seulement",
    "mllp listener {name}: no such source {source}": "MLLP {name} : pas de source {source}",
    "the gateway took the order and did not answer; see `huitaine letters trace`": "la passerelle a pris l'ordre "
    "et n'a pas répondu ; voyez `huitaine letters trace`",
}


def in_french(text: str) -> str:
    """Each line in French where one is known, the facts in it kept; other lines stay as they are."""
    return "\n".join(_line(line) for line in text.split("\n"))


def _line(line: str) -> str:
    for english, french in LINES.items():
        if found := re.fullmatch(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.*)", re.escape(english)), line):
            return french.format(**found.groupdict())
    return line
