"""`huitaine keys rotate master|tenant NAME`: the keys of all that is kept, changed while the gateway works."""

from __future__ import annotations

import sys

import typer

from commands.output import count, say
from commands.setup import Installation


def rotate_master(here: Installation) -> None:
    """A new master key; every tenant's key is wrapped anew in one commit."""
    former = here.act({"act": "rotate-master"})["former"]
    typer.echo(say("the master key is new", "la clé maîtresse est neuve"))
    typer.echo(
        say(
            f"{former} stays beside it: keep it apart as long as a file of keys made before is needed, then delete it",
            f"{former} reste à côté : gardez-la à part tant qu'un fichier de clés d'avant sert, puis supprimez-la",
        )
    )


def rotate_tenant(here: Installation, tenant: str) -> None:
    """A new key for a tenant's letters; those that are kept move to it, and go on moving when this is broken off."""
    left = here.act({"act": "rotate-tenant", "tenant": tenant})["left"]
    while left:
        if sys.stderr.isatty():
            typer.echo(count(left, ("letter left", "letters left"), ("lettre restante", "lettres restantes")), err=True)
        before, left = left, here.act({"act": "move-letters"})["left"]
        if left >= before:
            break
    typer.echo(say("the tenant's key is new", "la clé de l'établissement est neuve"))
