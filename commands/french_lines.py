"""French for the lines that the gateway itself words in English: why it does not start, why an order is refused."""

# ruff: noqa: E501 (a line and its French side by side are easier to compare)

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
    "{key}: no certificate can be read from its file": "{key} : aucun certificat lisible dans son fichier",
    "{key}: a domain stands there twice": "{key} : un domaine y figure deux fois",
    "another process holds the data folder": "un autre processus tient le dossier de données",
    "[directory] white_list_url needs white_list_ca: who signs the list's signer": "[directory] white_list_url demande "
    "white_list_ca : l'autorité de qui signe la liste",
    "[operators] domains and [operators.mail_server] go together: who has their mailboxes": "[operators] domains et "
    "[operators.mail_server] vont ensemble : qui a ces boîtes",
    "[operators] port needs client_ca and client_crl: who the operators are, and who no more": "[operators] port demande "
    "client_ca et client_crl : qui sont les opérateurs, et qui ne l'est plus",
    "a TLS port needs a certificate in its section": "un port TLS a besoin d'un certificat dans sa section",
    "TLS files {name}: {why}": "fichiers TLS {name} : {why}",
    "mllp listener {name}: without TLS only on loopback": "MLLP {name} : sans TLS, sur la boucle locale seulement",
    "ldap: nobody may log in: name users, each with a secret ldap-NAME": "LDAP : personne ne peut se connecter : nommez "
    "des users, chacun avec un secret ldap-NOM",
    "ldap listener {name}: beyond loopback only with TLS": "LDAP {name} : sans TLS, sur la boucle locale seulement",
    "ldap listener {name}: no certificate": "LDAP {name} : pas de certificat",
    "ldap: base is no distinguished name: {why}": "LDAP : base n'est pas un nom distinctif : {why}",
    "ldap: base is empty; the default is o=annuaire": "LDAP : base est vide ; par défaut o=annuaire",
    "web: beyond loopback only with TLS: set certificate and key": "web : sans TLS, sur la boucle locale seulement ; "
    "réglez certificate et key",
    "web: beyond loopback only with a token: make the secret (token_secret)": "web : sans jeton, sur la boucle locale "
    "seulement ; créez le secret (token_secret)",
    "web: the token has fewer than {number} characters": "web : le jeton a moins de {number} caractères",
    "mllp listener {name}: no such source {source}": "MLLP {name} : pas de source {source}",
    "the gateway took the order and did not answer; see `huitaine letters trace`": "la passerelle a pris l'ordre "
    "et n'a pas répondu ; voyez `huitaine letters trace`",
    "{path}: byte {at} is not UTF-8; save the file in UTF-8": "{path} : l'octet {at} n'est pas de l'UTF-8 ; enregistrez le fichier en UTF-8",
    "the checkpoint of {size} entries is not of this journal": "le point de contrôle de {size} lignes n'est pas de ce journal",
    "the older checkpoint covers no entry: there is nothing to prove": "l'ancien point de contrôle ne couvre aucune ligne : il n'y a rien à prouver",
    "journal line {seq} was changed: see `huitaine audit verify`": "la ligne {seq} du journal a été changée : voyez `huitaine audit verify`",
    "journal line {seq} was changed, or does not follow: see `huitaine audit verify`": "la ligne {seq} du journal "
    "a été changée, ou ne suit pas : voyez `huitaine audit verify`",
    "the journal does not end as it was sealed: see `huitaine audit verify`": "la fin du journal n'est pas celle qui "
    "a été scellée : voyez `huitaine audit verify`",
    "the journal's tree is not whole: see `huitaine audit verify`": "l'arbre du journal n'est pas entier : "
    "voyez `huitaine audit verify`",
    "{name}: this is not a checkpoint (origin, size, root, an empty line, signatures)": "{name} : ce n'est pas un "
    "point de contrôle (origine, taille, racine, une ligne vide, signatures)",
    "{name}: this checkpoint was not signed with the key of this journal": "{name} : ce point de contrôle n'a pas été signé avec "
    "la clé de ce journal",
    "{name}: the signature of this checkpoint is wrong: it was changed, or forged": "{name} : la signature de ce "
    "point de contrôle est fausse : il a été modifié ou contrefait",
    "the journal is not the one that was signed: see `huitaine audit verify`": "ce n'est pas le journal qui a été signé : voyez `huitaine audit verify`",
    "checkpoints cannot be written to their folder: {why}": "les points de contrôle ne peuvent pas être écrits dans leur dossier : {why}",
    "client certificates need a client_ca in the section": "des certificats clients demandent un client_ca dans la section",
    "systemd opened the socket {names} and [smtp] has no such door: set its port (implicit_tls_port, "
    "starttls_port or certificate_port) or disable the socket unit": "systemd a ouvert la prise {names} et [smtp] n'a pas cette porte : réglez son port "
    "(implicit_tls_port, starttls_port ou certificate_port) ou désactivez l'unité socket",
    "{name}: not a whole backup ({why})": "{name} : la sauvegarde n'est pas entière ({why})",
    "{name}: damaged or of another version: {what}": "{name} : abîmée ou d'une autre version : {what}",
    "there is {name} here already: restore into an empty installation": "il y a déjà {name} ici : restaurez dans une installation vide",
    "{name}: not a file of keys": "{name} : ce n'est pas un fichier de clés",
    '[courier] deliver = "mx" needs ca and certificate in [courier.mx]': '[courier] deliver = "mx" demande ca et certificate dans [courier.mx]',
    "[courier.mx] nameservers: {text}: the port is no number": "[courier.mx] nameservers : {text} : le port n'est pas un nombre",
    '[courier] tls_floor = "opportunistic" may send in clear: not in production': '[courier] tls_floor = "opportunistic" peut envoyer en clair : pas en production',
    '[courier] tls_floor = "mutual" needs a certificate': '[courier] tls_floor = "mutual" demande un certificat',
    '{place} receipts has "{way}": it needs [sources.{name}.{table}]': "{place} receipts contient « {way} » : il faut [sources.{name}.{table}]",
    "{place} zam: tls = false is for a listener on this machine alone": "{place} zam : tls = false n'est permis que vers cette machine",
    "{place} webhook: secret {name} has fewer than {least} octets": "{place} webhook : le secret {name} a moins de {least} octets",
    "{place} webhook: {why}": "{place} webhook : {why}",
    "{place} file: the folder does not exist": "{place} file : le dossier n'existe pas",
    "{name}: no host": "{name} : pas de host",
    "{name}: the certificate does not belong to the private key": "{name} : le certificat n'est pas celui de la clé privée",
    "{name}: not a key that signs": "{name} : ce n'est pas une clé qui signe",
    "{name}: no certificate in the file belongs to this key": "{name} : aucun certificat du fichier n'est celui de cette clé",
    "{name}: no certificate in the file belongs to the private key": "{name} : aucun certificat du fichier n'est celui de la clé privée",
    "{name}: not a key file of the kind asked for": "{name} : ce n'est pas un fichier de clé du genre demandé",
    "{name}: not a key file": "{name} : ce n'est pas un fichier de clé",
    "{name}: not this store's key file": "{name} : ce fichier de clé n'est pas de ce magasin",
    "key name: use a-z, 0-9, dot, dash and underscore, at most 63 characters": "nom de clé : a-z, 0-9, point, tiret et souligné, 63 caractères au plus",
    "key file: damaged certificate": "fichier de clé : certificat abîmé",
    "{name}: kept for opening only, another key took its place": "{name} : gardée pour ouvrir seulement, une autre clé a pris sa place",
    "token: the settings name none ([crypto] token_module, token_label, token_pin_secret)": "jeton : la configuration n'en nomme aucun ([crypto] token_module, token_label, token_pin_secret)",
    "{name}: the new certificate is not valid before {when} UTC; rotate then": "{name} : le nouveau certificat n'est pas valable avant le {when} UTC ; remplacez alors",
    "{name}: the new certificate is over, or has not come from the authority yet": "{name} : le nouveau certificat est périmé, ou n'est pas encore venu de l'autorité",
    "{name}: not a table of algorithms": "{name} : ce n'est pas un tableau d'algorithmes",
    "key: only RSA, elliptic-curve, X25519 and ML-KEM keys open S/MIME": "clé : seules les clés RSA, à courbe elliptique, X25519 et ML-KEM ouvrent S/MIME",
    "token: no key of that certificate is in it": "jeton : il ne contient pas la clé de ce certificat",
    "token: the private key is not in it any more": "jeton : la clé privée n'y est plus",
    "token: no module at the path of the settings": "jeton : pas de module au chemin de la configuration",
    "token: none has the label of the settings": "jeton : aucun n'a l'étiquette de la configuration",
    "token: the PIN is wrong, or locked": "jeton : le code PIN est faux, ou bloqué",
    "token: python-pkcs11 is not installed; install huitaine[hsm]": "jeton : python-pkcs11 n'est pas installé ; installez huitaine[hsm]",
    "token: only RSA and elliptic-curve keys sign and open S/MIME": "jeton : seules les clés RSA et à courbe elliptique signent et ouvrent S/MIME",
    "token: the private key does not leave it": "jeton : la clé privée n'en sort pas",
    "letter key: wrapped under a tenant's key that is not here or was destroyed": "clé de lettre : scellée sous une clé de locataire qui n'est pas ici ou a été détruite",
    "letter key: changed or damaged": "clé de lettre : changée ou abîmée",
    "wrapped key: not one": "clé scellée : ce n'en est pas une",
    "wrapped key: changed or damaged": "clé scellée : changée ou abîmée",
    "chunk {number}: changed, moved or damaged": "morceau {number} : changé, déplacé ou abîmé",
    "no keys are held yet: the database was not opened with this vault": "aucune clé n'est tenue : la base n'a pas été ouverte avec ce coffre",
    "no key for this tenant: the database was not opened with this vault": "pas de clé pour ce locataire : la base n'a pas été ouverte avec ce coffre",
    "{name}: exists already and is never overwritten": "{name} : existe déjà et n'est jamais écrasé",
    "{name}: cannot be written ({why})": "{name} : ne peut pas être écrit ({why})",
    "{name}: not a plain file": "{name} : ce n'est pas un fichier ordinaire",
    "key: only RSA, elliptic-curve and Ed25519 keys sign S/MIME": "clé : seules les clés RSA, à courbe elliptique et Ed25519 signent en S/MIME",
    "pkcs12: needs one private key and its certificate": "pkcs12 : il faut une clé privée et son certificat",
    "pem: needs exactly one private key, found {count}": "pem : il faut une seule clé privée, il y en a {count}",
    "certificate: no certificate in the file": "certificat : aucun certificat dans le fichier",
    "openpgp: no key in the file": "openpgp : aucune clé dans le fichier",
    "openpgp: gpg did not set the trust": "openpgp : gpg n'a pas réglé la confiance",
    "openpgp: gpg did not delete the key": "openpgp : gpg n'a pas supprimé la clé",
    "openpgp: no such secret key, or wrong password": "openpgp : pas de clé secrète de ce nom, ou mauvais mot de passe",
    "openpgp: not a secret key that decrypts, or wrong password": "openpgp : pas une clé secrète qui déchiffre, ou mauvais mot de passe",
    "openpgp: not a secret key that signs, or wrong password": "openpgp : pas une clé secrète qui signe, ou mauvais mot de passe",
    "openpgp: no secret key with that full fingerprint in the keyring": "openpgp : aucune clé secrète de cette empreinte entière dans le trousseau",
    "openpgp: no key with that full fingerprint in the keyring": "openpgp : aucune clé de cette empreinte entière dans le trousseau",
    "openpgp: no secret key in the keyring": "openpgp : aucune clé secrète dans le trousseau",
    "card: {name} is not installed (Debian: apt install {package})": "carte : {name} n'est pas installé (Debian : apt install {package})",
    "card: there is no such PKCS #11 module": "carte : pas de module PKCS #11 à cet endroit",
    "card: it has no key of this certificate": "carte : elle n'a pas la clé de ce certificat",
    "card: {name} in that home says something else: change it by hand": "carte : {name} dans ce dossier dit autre chose : changez-le à la main",
    "gpg: not installed": "gpg : pas installé",
    "openpgp: the keyring's folder has too long a path for gpg-agent": "openpgp : le chemin du dossier du trousseau est trop long pour gpg-agent",
}


def in_french(text: str) -> str:
    """Each line in French where one is known, the facts in it kept; other lines stay as they are."""
    return "\n".join(_line(line) for line in text.split("\n"))


def _line(line: str) -> str:
    for english, french in LINES.items():
        if found := re.fullmatch(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.*)", re.escape(english)), line):
            return french.format(**found.groupdict())
    return line
