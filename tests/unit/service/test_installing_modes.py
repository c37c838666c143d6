"""What `huitaine init` writes in each mode."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config.settings import load
from gateway.letter import Mode
from gateway.service.upkeep.installing import install


@pytest.mark.parametrize(("mode", "tests"), [(Mode.TEST, ("hospital.example", "gp.test")), (Mode.PRODUCTION, ())])
def test_a_hospitals_own_domain_is_a_test_domain_in_test_only(tmp_path: Path, mode: Mode, tests: tuple[str, ...]):
    made = install(tmp_path / "here", mode=mode, domain="hospital.example")
    assert load(made.settings).gateway.test_domains == tests


def test_a_password_can_be_pasted_behind_an_option_of_any_command(tmp_path: Path):
    made = install(tmp_path / "here", mode=Mode.PRODUCTION)
    assert re.fullmatch(r"[A-Za-z0-9]{16}", made.password)
