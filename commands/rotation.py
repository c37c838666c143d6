"""`huitaine keys rotate`: a key of ours gives way to another; `master|tenant NAME`: the keys of all that is kept."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import typer

from commands.output import count, say
from commands.setup import Installation
from gateway.crypto.keys import SigningIdentity, load_any_identity
from gateway.crypto.keystore import KeyStore
from gateway.errors import KeyStoreRefused


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


def rotate_own(store: KeyStore, name: str, new: str, password: bytes | None, *, at: datetime) -> str:
    """Put ``new`` (a file, or a key of the store) in the place of ``name``, whose former key goes on opening.

    Gives the former key's name from now on. Raises KeyStoreRefused when the new one may not sign now: nothing is
    changed then.
    """
    former = f"{name}-{at:%Y%m%d%H%M%S}"
    kinds = {key.name: key.kind for key in store.list()}
    if name not in kinds:
        raise KeyStoreRefused(f"{name}: missing")
    if Path(new).is_file():
        identity = load_any_identity(Path(new).read_bytes(), password)
        _check_in_time(name, identity, at)
        store.retire(name, former)
        store.put(name, identity.private_key, identity.certificate, identity.chain)
        return former
    if new not in kinds or new == name:
        raise KeyStoreRefused(f"{new}: missing")
    if kinds[new] != "openpgp":
        _check_in_time(name, store.signing_identity(new), at)
    store.retire(name, former)
    store.rename(new, name)
    return former


def _check_in_time(name: str, identity: SigningIdentity, at: datetime) -> None:
    """A key whose certificate has yet to come, from the authority or by its date, would sign nothing."""
    since, until = identity.certificate.not_valid_before_utc, identity.certificate.not_valid_after_utc
    if since > at:
        raise KeyStoreRefused(
            f"{name}: the new certificate is not valid before {since:%Y-%m-%d %H:%M} UTC; rotate then"
        )
    if until <= at:
        raise KeyStoreRefused(f"{name}: the new certificate is over, or has not come from the authority yet")
