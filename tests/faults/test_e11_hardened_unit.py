"""E11: the shipped units are as tight as promised, and what they forbid the gateway does not need."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.campaign import Plan, scene
from tests.peers.running import absent, need

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
MOST = 2.0
ROOTS_OWN = {"unshare", "setgroups", "setresuid", "setresgid", "setuid", "setgid", "fchown"}
"""What only root calls (SQLite gives its log to the database's owner), or a reading child tries and does without."""
DOES_WITHOUT = "mbind"
"""numpy's OpenBLAS asks where its memory may lie; refused here as the unit refuses it (EPERM), it goes on."""
UNDER_MDWE = ("-m", "tests.faults.under_mdwe")


def exposure(unit: Path) -> float:
    need("systemd-analyze")
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stderr
    return float(found[1])


@pytest.mark.parametrize("name", ["huitaine.service", "huitaine-backup.service", "huitaine-directory.service"])
def test_e11_the_exposure_of_a_shipped_unit_is_at_most_two(name: str):
    assert exposure(DEPLOY / name) <= MOST


def test_e11_control_a_unit_without_its_walls_is_seen(tmp_path: Path):
    bare = tmp_path / "huitaine.service"
    kept = [line for line in (DEPLOY / "huitaine.service").read_text().splitlines() if "Filter" not in line]
    bare.write_text("\n".join(line for line in kept if not re.match(r"Protect|Private|Restrict|Capab", line)))
    assert exposure(bare) > MOST


def test_e11_systemd_understands_every_line_of_the_units(tmp_path: Path):
    need("systemd-analyze")
    for unit in DEPLOY.glob("huitaine*"):
        text = unit.read_text().replace("/opt/huitaine/bin/huitaine", "/bin/true")
        (tmp_path / unit.name).write_text(text)
    units = sorted(str(unit) for unit in tmp_path.iterdir())
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "huitaine" in line]
    assert ours == []


def test_e11_the_unit_may_write_where_the_hospitals_software_reads():
    """`ProtectSystem=strict` alone would have every answer in a file, and every checkpoint, wait for ever."""
    unit, folders = (DEPLOY / "huitaine.service").read_text(), (DEPLOY / "tmpfiles.conf").read_text()
    assert "ProtectSystem=strict\n" in unit
    assert "\nReadWritePaths=-/srv/huitaine\n" in unit
    assert "d /srv/huitaine 0750 huitaine huitaine -\n" in folders


def allowed(group: str) -> set[str]:
    """The system calls of a group, those of the groups inside it too, as this systemd knows them."""
    done = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True)
    names = [line.strip() for line in done.stdout.splitlines()[1:]]
    found = {name for name in names if re.fullmatch(r"\w+", name)}
    return found.union(*(allowed(name) for name in names if name.startswith("@")))


def traced(trace: Path) -> set[str]:
    calls = re.findall(r"^(?:\d+ +)?(\w+)\(", trace.read_text(errors="replace"), re.MULTILINE)
    return set(calls)


def _strace_works() -> None:
    need("strace")
    if subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode:
        absent("strace may not trace here")


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_e11_what_the_gateway_calls_passes_the_units_filter(tmp_path: Path):
    need("systemd-analyze")
    _strace_works()
    trace = tmp_path / "trace"
    before = ["strace", "-f", "-o", str(trace), "-s", "0", "-e", f"inject={DOES_WITHOUT}:error=EPERM"]
    async with scene(tmp_path / "here", Plan(cut=0, smtp=2, mllp=1), before=before) as here:
        await here.hospital.hand_in(4)
        assert here.gateway.stop() == 0
    passed = allowed("@system-service") - allowed("@privileged") - allowed("@resources")
    called = traced(trace)
    assert {"fdatasync", "sendto", "accept4"} <= called
    assert called - passed - ROOTS_OWN - {DOES_WITHOUT} == set()


@pytest.fixture
def mdwe() -> None:
    tried = [sys.executable, "-m", "tests.faults.under_mdwe", "--help"]
    done = subprocess.run(tried, cwd=DEPLOY.parent, capture_output=True, text=True, check=False)
    if "no PR_SET_MDWE" in done.stderr:
        pytest.skip("this kernel has no PR_SET_MDWE (6.3)")


@pytest.mark.slow
@pytest.mark.usefixtures("mdwe")
@pytest.mark.timeout(180)
async def test_e11_the_gateway_carries_letters_without_writable_code(tmp_path: Path):
    """``MemoryDenyWriteExecute``, in the kernel's own form (prctl PR_SET_MDWE); the reading children inherit it."""
    async with scene(tmp_path, Plan(entry=UNDER_MDWE, cut=0, smtp=2, mllp=1)) as here:
        await here.hospital.hand_in(4)
        assert here.gateway.stop() == 0


@pytest.mark.usefixtures("mdwe")
def test_e11_control_under_that_rule_writable_code_is_refused():
    tried = """
import mmap
from tests.faults.under_mdwe import deny
deny()
mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
"""
    root = DEPLOY.parent
    done = subprocess.run([sys.executable, "-c", tried], cwd=root, capture_output=True, text=True, check=False)
    assert "PermissionError" in done.stderr


def test_every_boundary_of_the_threats_names_a_test_or_says_what_is_open():
    """A threat without a witness must at least say so."""
    rows = re.findall(r"^\| [STRIDE ]+ \|.*\|$", (DEPLOY.parent / "docs/threats.md").read_text(), re.MULTILINE)
    assert len(rows) > 50
    assert [row for row in rows if "`test_" not in row and "open" not in row.rpartition("| ")[2]] == []
