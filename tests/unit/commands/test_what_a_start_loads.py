"""A start pays for what it uses: neither commands nor the gateway load what only a report, a page or a check needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SELDOM = (
    "numpy",
    "matplotlib",
    "holidays",
    "hl7apy",
    "typst",
    "alembic",
    "jinja2",
    "signxml",
    "dns",
    "httpx2",
    "starlette",
    "uvicorn",
    "ldap3",
)
ASK = f"""
import sys
for module in sys.argv[1:]:
    __import__(module)
    loaded = sorted(name for name in {SELDOM} if name in sys.modules)
    print(module, *loaded)
"""


def loaded_by(*modules: str) -> list[str]:
    """For each module in turn its name and those of ``SELDOM`` that are loaded after it."""
    done = subprocess.run([sys.executable, "-c", ASK, *modules], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_neither_commands_nor_the_gateway_load_what_is_seldom_needed() -> None:
    asked = ("commands.letters", "gateway.service.running")
    assert loaded_by(*asked) == list(asked)


def test_control_what_a_report_loads_is_seen() -> None:
    assert loaded_by("gateway.delays.report") == ["gateway.delays.report numpy"]


@pytest.mark.parametrize("arguments", [["--help"], ["--lang", "fr", "--help"], ["lettres"]])
def test_the_list_of_commands_loads_none_of_them(arguments: list[str]) -> None:
    ask = (
        "import atexit, sys, cli\n"
        f"sys.argv[1:] = {arguments}\n"
        "ours = ('gateway', 'sqlalchemy')\n"
        "atexit.register(lambda: print([name for name in sys.modules if name.startswith(ours)]))\n"
        "cli.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == (2 if "lettres" in arguments else 0)
    assert done.stdout.splitlines()[-1] == "[]"
