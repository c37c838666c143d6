"""`huitaine check settings`: would a gateway start with these settings, and would it do something useful?"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from commands.check_operators import operators_door
from commands.checking import Finding, error, note, warning
from commands.french_lines import in_french
from commands.places import settings_path
from config.settings import Settings, SettingsError, load
from gateway.control import order
from gateway.crypto.audit.problems import FEW_VERIFY, signs_for_few
from gateway.crypto.trust.policy import Trust
from gateway.errors import HuitaineError, SettingsRefused
from gateway.service.from_settings.faces import fhir_settings, ldap_hashes, ldap_settings
from gateway.service.from_settings.keystores import gateway_keys, openpgp_signer
from gateway.service.from_settings.storing import open_vault
from gateway.service.from_settings.trusting import DOMAINS, files_by_domain, read_authorities
from gateway.service.process.floors import packages_too_old, system_too_old


def check_settings() -> list[Finding]:
    """Everything that can be seen without starting; a settings file that is refused is all there is to tell."""
    try:
        settings = load(settings_path())
    except SettingsError as refused:
        return [error("settings", "settings-refused", line, in_french(line)) for line in str(refused).split("\n")]
    parts = (_folders, _keys, _authorities, _secrets, _doors, operators_door, _faces, _ways_out, _world, _versions)
    return [finding for part in parts for finding in part(settings)]


def _folders(settings: Settings) -> Iterator[Finding]:
    gateway = settings.gateway
    for place, path, code in (
        ("gateway.data", gateway.data, "no-data-folder"),
        ("gateway.secrets", gateway.secrets, "no-secrets-folder"),
        ("folder.path", settings.folder.path, "no-drop-folder"),
    ):
        if path is None:
            continue
        if not path.is_dir():
            yield error(
                place, code, f"{path} is no folder; make it, mode 0700", f"{path} n'est pas un dossier ; créez-le, 0700"
            )
        elif place != "folder.path" and path.stat().st_mode & 0o007:
            yield warning(place, "open-to-all", f"run: chmod o-rwx {path}", f"lancez : chmod o-rwx {path}")
    if gateway.data.is_dir():
        yield from _room(settings, gateway.data)


def _room(settings: Settings, data: Path) -> Iterator[Finding]:
    if not os.access(data, os.W_OK):
        yield error(
            "gateway.data",
            "data-not-writable",
            "this user cannot write there: run this as the gateway's user",
            "cet utilisateur ne peut pas y écrire : lancez ceci avec l'utilisateur de la passerelle",
        )
    usage = shutil.disk_usage(data)
    if usage.free / usage.total < settings.queue.min_free_share:
        yield error(
            "queue.min_free_share",
            "disk-low",
            f"{usage.free / usage.total:.0%} of the disk is free: every letter is refused for now; make room",
            f"{usage.free / usage.total:.0%} du disque est libre : chaque lettre est refusée ; faites de la place",
        )


def _keys(settings: Settings) -> Iterator[Finding]:
    try:
        open_vault(settings)
    except HuitaineError as refused:
        yield error("crypto.master_key_secret", "master-key", *_both(refused))
    try:
        store = gateway_keys(settings)
        identity = store.signing_identity(settings.crypto.identity)
    except SettingsError as refused:
        yield error("crypto.keystore_secret", "keystore-password", str(refused), in_french(str(refused)))
        return
    except HuitaineError as refused:
        yield error("crypto.identity", "no-signing-key", *_both(refused))
        return
    if signs_for_few(identity.certificate):
        yield warning(
            "crypto.identity",
            FEW_VERIFY,
            "an Ed25519 key: few mail clients verify its signatures, and nobody can encrypt an answer to it",
            "une clé Ed25519 : peu de messageries en vérifient la signature, et nul ne peut lui répondre chiffré",
        )
    try:
        openpgp_signer(settings, store)
    except SettingsError as refused:
        yield error("crypto.openpgp_pin_secret", "no-openpgp-key", str(refused), in_french(str(refused)))
    except HuitaineError as refused:
        yield error("crypto.openpgp_key", "no-openpgp-key", *_both(refused))


def _authorities(settings: Settings) -> Iterator[Finding]:
    """Whether the files of those who vouch for signers and addressees hold an anchor."""
    try:
        files_by_domain(settings)
    except SettingsRefused as refused:
        yield error(DOMAINS, "domain-twice", *_both(refused))
    for place, file in _files_of_authorities(settings):
        try:
            anchors = Trust.of(read_authorities(file, place)).anchors
        except HuitaineError as refused:
            yield error(place, "no-authorities", *_both(refused))
            continue
        if not anchors:
            yield error(
                place,
                "no-anchor",
                "none of these signs itself: add the root, or nobody is believed",
                "aucun ne se signe lui-même : ajoutez la racine, sinon personne n'est reconnu",
            )


def _files_of_authorities(settings: Settings) -> Iterator[tuple[str, Path]]:
    crypto = settings.crypto
    if crypto.incoming_authorities is not None:
        yield "crypto.incoming_authorities", crypto.incoming_authorities
    if crypto.outgoing_authorities is not None:
        yield "crypto.outgoing_authorities", crypto.outgoing_authorities
    with suppress(SettingsRefused):  # told already
        for domain, file in files_by_domain(settings).items():
            yield f"{DOMAINS}.{domain}", file


def _secrets(settings: Settings) -> Iterator[Finding]:
    wanted = {
        "imap.password_secret": settings.imap.password_secret if settings.imap.host else "",
        "receipts.password_secret": settings.receipts.password_secret if settings.receipts.host else "",
    }
    operator = settings.courier.operator
    if operator and operator.user:
        wanted["courier.operator.password_secret"] = operator.password_secret
    server = settings.operators.mail_server
    if server and server.user:
        wanted["operators.mail_server.password_secret"] = server.password_secret
    for place, name in wanted.items():
        if name and not (settings.gateway.secrets / name).is_file():
            yield error(
                place,
                "secret-missing",
                f"put the password into the file {name} of the secrets folder, mode 0600",
                f"mettez le mot de passe dans le fichier {name} du dossier des secrets, mode 0600",
            )
    for name, source in settings.sources.items():
        proved = source.certificate_subject or (settings.gateway.secrets / f"source-{name}").is_file()
        if source.senders and not proved:
            yield warning(
                f"sources.{name}",
                "source-without-proof",
                f"nobody can log in as this source: make the secret source-{name}, or name its certificate",
                f"personne ne peut se connecter : créez le secret source-{name}, ou nommez son certificat",
            )


def _faces(settings: Settings) -> Iterator[Finding]:
    """The directory shown to other programs: what would keep the gateway from starting."""
    try:
        if ldap_settings(settings):
            ldap_hashes(settings)
    except SettingsError as refused:
        yield error("ldap.users", "secret-missing", str(refused), in_french(str(refused)))
    except HuitaineError as refused:
        yield error("ldap", "face-refused", *_both(refused))
    try:
        fhir_settings(settings)
    except HuitaineError as refused:
        yield error("web", "face-refused", *_both(refused))


def _doors(settings: Settings) -> Iterator[Finding]:
    smtp, mllp = settings.smtp, settings.mllp
    ports = (smtp.starttls_port, smtp.implicit_tls_port, mllp.port, mllp.tls_port)
    if all(port is None for port in ports) and not (settings.folder.path or settings.imap.host):
        yield error("smtp, mllp, folder, imap", "no-door", "no door is set: no letter can come in",
                    "aucune porte n'est réglée : aucune lettre ne peut entrer")  # fmt: skip
    submission = smtp.starttls_port is not None or smtp.implicit_tls_port is not None
    if submission and not any(source.senders for source in settings.sources.values()):
        yield error("sources", "no-sender", "the SMTP door is open and no source has senders: every mail is refused",
                    "la porte SMTP est ouverte et aucune source n'a de senders : tout est refusé")  # fmt: skip


def _ways_out(settings: Settings) -> Iterator[Finding]:
    courier = settings.courier
    if courier.deliver == "operator" and courier.operator is None and not courier.routes:
        yield error("courier.operator", "no-next-hop", "no next hop: nothing can leave; name your operator's server",
                    "aucun relais : rien ne peut partir ; nommez le serveur de votre opérateur")  # fmt: skip
    if not settings.receipts.host and settings.operators.port is None:
        yield warning("receipts.host", "no-receipts", "no receipts mailbox: nobody will know what was read or bounced",
                      "aucune boîte pour les accusés : on ne saura ni ce qui est lu, ni ce qui revient")  # fmt: skip
    if not courier.sender:
        yield note("courier.sender", "sender-made-up", f"letters come from passerelle@{settings.gateway.domain}",
                   f"les lettres viennent de passerelle@{settings.gateway.domain}")  # fmt: skip


def _world(settings: Settings) -> Iterator[Finding]:
    gateway = settings.gateway
    production = gateway.mode == "production"
    if production and settings.courier.nil.startswith("DEV"):
        yield warning("courier.nil", "development-nil", "production with the number of a development: ask for yours",
                      "production avec un numéro de développement : demandez le vôtre")  # fmt: skip
    if gateway.domain.endswith(".invalid"):
        yield error("gateway.domain", "domain-missing", "our own mail domain is not set",
                    "notre domaine de messagerie n'est pas réglé")  # fmt: skip
    if not production:
        yield note("gateway.mode", "test-mode", "test: letters leave for test_domains only, real identities are held",
                   "essai : rien ne part hors de test_domains, les vraies identités sont retenues")  # fmt: skip
    if not _runs(gateway.data):
        yield note("gateway", "not-running", "no gateway runs on this data folder",
                   "aucune passerelle ne tourne sur ce dossier de données")  # fmt: skip


def _runs(data: Path) -> bool:
    try:
        order(data / "control.sock", {"act": "are-you-there"}, seconds=5)
    except (OSError, HuitaineError):
        return False
    return True


def _versions(settings: Settings) -> Iterator[Finding]:
    del settings
    for old in packages_too_old():
        yield error(old.name, "version-too-old", f"{old.found} has known holes; at least {old.least} is needed",
                    f"{old.found} a des failles connues ; il faut au moins {old.least}")  # fmt: skip
    for old in system_too_old():
        yield note(old.name, "version-of-the-system", f"{old.found}; fixed in {old.least}: has yours the fix?",
                   f"{old.found} ; corrigé dans {old.least} : le vôtre a-t-il le correctif ?")  # fmt: skip


def _both(refused: HuitaineError) -> tuple[str, str]:
    line = refused.detail or str(refused)
    return line, in_french(line)
