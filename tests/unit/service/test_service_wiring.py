"""Small things that the service hands on from the settings to the stations."""

from __future__ import annotations

from pathlib import Path

from config.sections import Receipts
from config.settings import load
from gateway.imap import Pace
from gateway.letter import Form
from gateway.service.addressing import addressing_policy
from gateway.service.entrances import _pace


def test_a_mailbox_without_idle_is_polled_as_often_as_the_settings_say():
    assert _pace(Receipts(poll_seconds=7.0)) == Pace(idle=7.0, poll=7.0)


def test_a_domain_of_forms_is_found_however_it_was_written(tmp_path: Path):
    (tmp_path / "huitaine.toml").write_text('[directory]\nforms = {"Cabinet.Example" = ["hprim-body"]}\n')
    policy = addressing_policy(load(tmp_path / "huitaine.toml"))
    assert policy.forms == {"cabinet.example": frozenset({Form.HPRIM_BODY})}
