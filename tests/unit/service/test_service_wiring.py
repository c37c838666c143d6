"""Small things that the service hands on from the settings to the stations."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.sections import Receipts
from config.settings import SettingsError, load
from gateway.addressing import Floor
from gateway.imap import Pace
from gateway.letter import Form
from gateway.service.from_settings.entrances import _pace
from gateway.service.road.addressing import addressing_policy


def test_a_mailbox_without_idle_is_polled_as_often_as_the_settings_say():
    assert _pace(Receipts(poll_seconds=7.0)) == Pace(idle=7.0, poll=7.0)


def test_a_domain_of_forms_is_found_however_it_was_written(tmp_path: Path):
    (tmp_path / "huitaine.toml").write_text('[directory]\nforms = {"Cabinet.Example" = ["hprim-body"]}\n')
    policy = addressing_policy(load(tmp_path / "huitaine.toml"))
    assert policy.forms == {"cabinet.example": frozenset({Form.HPRIM_BODY})}


def test_floors_and_generic_domains_of_the_settings_rule_the_addressing(tmp_path: Path):
    file = tmp_path / "huitaine.toml"
    file.write_text('[directory.floors]\n"Psy.Example" = "encrypted"\n"Gp@Psy.Example" = "gcm"\n')
    policy = addressing_policy(load(file))
    assert policy.floor("other@psy.example", "psy.example") is Floor.ENCRYPTED
    assert policy.floor("GP@psy.example", "psy.example") is Floor.GCM
    assert policy.floor("gp@ailleurs.example", "ailleurs.example") is Floor.MSS_TLS
    assert policy.generic_domains == ("medecin.mssante.fr",)
    file.write_text('[directory]\ngeneric_domains = ["Sante.Example", "medecin.mssante.fr"]\n')
    assert addressing_policy(load(file)).generic_domains == ("sante.example", "medecin.mssante.fr")


@pytest.mark.parametrize(
    "line", ['floors = {"psy.example" = "strong"}', 'floors = {"psy" = "gcm"}', 'generic_domains = ["a@b.example"]']
)
def test_a_floor_or_a_domain_that_cannot_be_is_refused_by_its_name(tmp_path: Path, line: str):
    (tmp_path / "huitaine.toml").write_text(f"[directory]\n{line}\n")
    with pytest.raises(SettingsError, match=r"directory\.(floors|generic_domains)"):
        load(tmp_path / "huitaine.toml")
