"""What commands there are, in a line each: listing them loads none, and running one loads that one (a second each)."""

from __future__ import annotations

from typing import NamedTuple


class Listed(NamedTuple):
    """One line of ``huitaine --help``; of a single command the French is with its whole help (``help_words``)."""

    place: str
    """``module:attribute``."""
    english: str
    french: str = ""

    @property
    def is_group(self) -> bool:
        """Whether other commands are below it."""
        return bool(self.french)


COMMANDS = {
    "init": Listed("commands.running:init", "Make settings, keys and, in test mode, a test authority."),
    "serve": Listed("commands.running:serve", "Open the doors and work until SIGTERM."),
    "send": Listed("commands.running:send", "Hand files to the running gateway as the folder door does."),
    "letters": Listed(
        "commands.letters:app",
        "Find letters, explain them, act.",
        "Trouver des lettres, les expliquer, agir.",
    ),
    "delays": Listed(
        "commands.delays:app",
        "How long letters took, which are late, which were never written.",
        "Combien de temps ont pris les lettres, lesquelles tardent, lesquelles n'ont jamais été écrites.",
    ),
    "directory": Listed("commands.directory:app", "Who can be written to.", "À qui l'on peut écrire."),
    "keys": Listed("commands.keys:app", "Keys and certificates.", "Clés et certificats."),
    "check": Listed("commands.check:check_command", "Say what files are, whom they would go to and what is wrong."),
    "open": Listed("commands.opening:open_command", "Open a sealed mail."),
    "queue": Listed("commands.operation:queue_app", "What waits.", "Ce qui attend."),
    "audit": Listed("commands.audit:app", "The journal as evidence.", "Le journal comme preuve."),
    "patient": Listed("commands.patient:app", "What was sent about a patient.", "Ce qui a été envoyé sur un patient."),
    "paper": Listed("commands.paper:app", "What persons do for late letters.", "Le travail des personnes."),
    "purge": Listed("commands.operation:purge", "Erase now what its retention allows to erase."),
    "backup": Listed("commands.backup:backup", "Copy everything but secrets, while the gateway works."),
    "restore": Listed("commands.backup:restore", "Put a backup into an empty installation, on hold."),
    "verify": Listed("commands.backup:verify", "Check what is kept here, or a backup, down to each letter's bytes."),
}
