"""What `huitaine init` writes in each mode."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import load
from gateway.letter import Mode
from gateway.service.installing import install


@pytest.mark.parametrize(("mode", "tests"), [(Mode.TEST, ("hospital.example", "gp.test")), (Mode.PRODUCTION, ())])
def test_a_hospitals_own_domain_is_a_test_domain_in_test_only(tmp_path: Path, mode: Mode, tests: tuple[str, ...]):
    made = install(tmp_path / "here", mode=mode, domain="hospital.example")
    assert load(made.settings).gateway.test_domains == tests
