"""`huitaine init`, `serve`, `send`: make an installation, run it, hand a file in."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from commands.output import Exit, fail, say
from commands.setup import installation
from gateway import log_lines
from gateway.errors import HuitaineError
from gateway.letter import Mode
from gateway.moments import utc_now
from gateway.service.build import build
from gateway.service.process.floors import packages_too_old
from gateway.service.process.hardening import keep_loop_to_itself, keep_to_ourselves
from gateway.service.process.lasting import keep_for_good
from gateway.service.running import Running
from gateway.service.upkeep.installing import install


def init(
    folder: Annotated[Path, typer.Argument(help=say("where", "où"))] = Path(),
    mode: Annotated[Mode, typer.Option(help="test, production")] = Mode.TEST,
    domain: Annotated[str, typer.Option(help=say("our mail domain", "notre domaine"))] = "hospital.test",
    hospital: Annotated[str, typer.Option(help=say("the name a GP sees", "le nom vu par le médecin"))] = "",
) -> None:
    """Make settings, keys and, in test mode, a test authority. Example: huitaine init /srv/huitaine."""
    try:
        made = install(folder, mode=mode, domain=domain, hospital=hospital)
    except HuitaineError as error:
        fail(error.detail or str(error), Exit.USAGE)
    except OSError as error:
        why = f"{error.filename}: {error.strerror}"
        fail(say(f"cannot make the installation: {why}", f"installation impossible : {why}"), Exit.REFUSED)
    typer.echo(say(f"made {made.settings}", f"créé : {made.settings}"))
    typer.echo(
        say(
            f"SMTP login {made.login}, password {made.password} (shown once)",
            f"identifiant SMTP {made.login}, mot de passe {made.password} (affiché une seule fois)",
        )
    )
    if folder.resolve() != Path.cwd():
        typer.echo(say(f"next: cd {folder}", f"ensuite : cd {folder}"))
    if mode is Mode.PRODUCTION:
        typer.echo(say("next: huitaine keys import gateway KEY.p12", "ensuite : huitaine keys import gateway CLE.p12"))
    typer.echo(
        say(
            "next: huitaine directory import Extraction_Correspondance_MSSante_*.txt, then huitaine serve",
            "ensuite : huitaine directory import Extraction_Correspondance_MSSante_*.txt, puis huitaine serve",
        )
    )


def serve() -> None:
    """Open the doors and work until SIGTERM. Example: huitaine serve."""
    settings = installation().settings
    if old := packages_too_old():
        named = ", ".join(f"{each.name} {each.found} < {each.least}" for each in old)
        fail(say(f"known holes, update: {named}", f"failles connues, mettez à jour : {named}"), Exit.USAGE)
    log_lines.configure(settings.gateway.log)
    keep_to_ourselves()

    async def run() -> bool:
        keep_loop_to_itself(asyncio.get_running_loop())
        gateway = build(settings, clock=utc_now)
        keep_for_good()
        async with Running(gateway) as running:
            return await running.until_told_to_stop()

    try:
        clean = asyncio.run(run())
    except HuitaineError as error:
        fail(f"{error.detail or error}", Exit.TEMPORARY if not error.permanent else Exit.USAGE)
    except OSError as error:
        fail(say(f"cannot open a door: {error}", f"porte impossible à ouvrir : {error}"), Exit.TEMPORARY)
    if not clean:
        fail(say("a commit failed; restart to recover", "écriture échouée ; relancer pour reprendre"), Exit.TEMPORARY)


def send(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="FILE...")],
    to: Annotated[str | None, typer.Option(help=say("mailbox or RPPS address", "BAL ou adresse RPPS"))] = None,
) -> None:
    """Hand files to the running gateway as the folder door does. Example: huitaine send letter.hpr --to gp@x.test."""
    here = installation()
    for file in files:
        answer = here.act({"act": "send", "path": str(file.resolve()), "to": to})
        typer.echo(f"{answer['letter']}  {file.name}")
