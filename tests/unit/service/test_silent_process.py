"""The process leaves no core, no debugger's door and no traceback that quotes a letter (promises E10, E12)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CANARY = "CANARY-Jeanne-DUPONT"
UNCAUGHT = f"raise ValueError('{CANARY}')"
IN_THREAD = f"""
import threading
def fail(): raise ValueError('{CANARY}')
thread = threading.Thread(target=fail); thread.start(); thread.join()
"""
UNRAISABLE = f"""
class Held:
    def __del__(self): raise ValueError('{CANARY}')
held = Held()
del held
"""
IN_LOOP = f"""
import asyncio, gc
from gateway.service.process.hardening import keep_loop_to_itself
async def fail(): raise ValueError('{CANARY}')
async def main():
    if QUIET: keep_loop_to_itself(asyncio.get_running_loop())
    task = asyncio.ensure_future(fail())
    await asyncio.sleep(0.01)
    del task
    gc.collect()
asyncio.run(main())
"""
WARNED = f"import warnings; warnings.warn('{CANARY}')"
LOGGED = f"""
import logging
try: raise ValueError('{CANARY}')
except ValueError: logging.getLogger('some.library').exception('of %s', '{CANARY}')
"""
FAULTS = {
    "uncaught": UNCAUGHT,
    "thread": IN_THREAD,
    "unraisable": UNRAISABLE,
    "loop": IN_LOOP,
    "warning": WARNED,
    "logged": LOGGED,
}


def said(program: str, *, quiet: bool) -> str:
    start = "from gateway.service.process.hardening import keep_to_ourselves; keep_to_ourselves()\n" if quiet else ""
    whole = f"QUIET = {quiet}\n{start}{program}"
    done = subprocess.run([sys.executable, "-c", whole], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("fault", FAULTS)
def test_e12_no_fault_of_the_process_prints_what_its_exception_quotes(fault: str):
    assert CANARY not in said(FAULTS[fault], quiet=True)


@pytest.mark.parametrize("fault", ["uncaught", "thread", "unraisable", "loop"])
def test_a_fault_is_told_by_its_kind_and_place(fault: str):
    told = said(FAULTS[fault], quiet=True)
    assert "ValueError" in told
    assert "__main__:" in told


def test_what_a_library_warns_of_is_told_by_who_and_where():
    told = said(LOGGED, quiet=True)
    for what in ("library=some.library", "severity=error", "error=ValueError", "place=<string>:6"):
        assert what in told


@pytest.mark.parametrize("fault", FAULTS)
def test_e12_control_python_itself_would_print_it(fault: str):
    assert CANARY in said(FAULTS[fault], quiet=False)


def test_e10_a_crash_of_the_gateway_leaves_no_core_and_no_door_for_a_debugger():
    program = """
import ctypes, resource
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE))
"""
    assert said(program, quiet=True).strip() == "0 (0, 0)"
    assert said(program, quiet=False).startswith("1 ")
