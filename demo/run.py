"""The whole road in a minute: a hospital hands letters in at every door, a GP opens them, the report tells how long."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from config.settings import Settings, load
from demo import letters
from demo.gp import Gp
from demo.hospital import Hospital
from demo.operator import Operator, ReceiptsMailbox
from demo.telling import show_letters, show_opened, write_report
from directory import import_files
from gateway import log_lines
from gateway.moments import utc_now
from gateway.service.build import build
from gateway.service.from_settings.tls import server_context
from gateway.service.running import Running
from gateway.service.upkeep.installing import install

OUT = Path(__file__).resolve().parent / "out"
console = Console(highlight=False)


async def main() -> int:
    """Run it; 0 only when every letter was accepted, delivered and opened."""
    shutil.rmtree(OUT, ignore_errors=True)
    made = install(OUT, hospital="CH d'essai")
    log_lines.configure("json", OUT / "journal.jsonl")
    gps = _settle_gps()
    receipts = ReceiptsMailbox()
    operator = Operator(receipts)
    tls = OUT / "tls" / "gateway.pem"
    settings = _with_operator(made.settings, await operator.open(server_context(tls, tls)))
    console.rule("a hospital hands its letters in")
    async with Running(build(settings, clock=utc_now), receipts_opening=receipts.opening) as running:
        hospital = Hospital(running, OUT, console, login=made.login, password=made.password)
        handed = await hospital.hand_in(utc_now())
        await _until(lambda: len(operator.delivered) >= handed.mails)
        opened = [mail for gp in gps for mail in gp.open_all(operator)]
        await _until(lambda: not receipts.mails)
    await operator.close()
    console.rule("the GP opens them")
    show_opened(opened, console)
    console.rule("what the administrator sees")
    show_letters(settings, console)
    report = write_report(settings, OUT, console)
    console.print(
        f"demo: {handed.letters} letters accepted, {len(operator.delivered)} delivered, "
        f"{len(opened)} opened by the GP, report written to {report}",
        soft_wrap=True,
    )
    return 0 if handed.mails == len(operator.delivered) == len(opened) else 1


def _settle_gps() -> list[Gp]:
    """Two GPs, in the directory with their keys."""
    extraction = OUT / f"Extraction_Correspondance_MSSante_{utc_now():%Y%m%d%H%M}.txt"
    extraction.write_text(letters.directory(), encoding="utf-8")
    import_files(OUT / "data", [extraction])
    gps = [Gp.settle(OUT, box) for box in (letters.GP_MAILBOX, letters.SECOND_MAILBOX)]
    for gp in gps:
        gp.give_certificate(OUT / "data")
    return gps


def _with_operator(path: Path, port: int) -> Settings:
    """The settings that `huitaine init` made, with the operator's port and ports of our own that are free."""
    text = path.read_text(encoding="utf-8")
    changes = (("1587", str(port)), ("2587", "0"), ("2465", "0"), ("2575", "0"))
    for old, new in changes:
        text = text.replace(f"= {old}\n", f"= {new}\n")
    text = text.replace("[sources.folder]\n", f'[sources.folder]\ncorrespondents = {{MED0001 = "{letters.GP}"}}\n')
    text = text.replace("[gateway]\n", "[gateway]\nmetrics_port = 0\n")
    text = text.replace('path = "drop"\n', 'path = "drop"\ninterval_seconds = 0.2\nsettle_seconds = 0.3\n')
    text += '\n[queue]\nmin_free_share = 0.0\n\n[receipts]\nhost = "localhost"\nuser = "passerelle"\n'
    path.write_text(text, encoding="utf-8")
    (OUT / "secrets" / "receipts-password").write_text("in memory")
    return load(path)


async def _until(true: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for something that is on its way; what does not come is told by the last line."""
    for _ in range(int(seconds * 20)):
        if true():
            return
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
