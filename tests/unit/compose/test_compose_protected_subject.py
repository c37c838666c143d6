"""The subject that travels inside: the true one, only where the outer one is neutral, and never too long to leave."""

from __future__ import annotations

from dataclasses import replace
from email.header import decode_header, make_header

import pytest

from gateway.compose.headers import checked_value


def test_inside_mssante_the_outer_subject_is_the_only_one(compose, discharge):
    assert compose(discharge).mail.protected_subject == ""


def test_outside_the_true_subject_is_handed_to_the_sealer_and_stands_in_no_outer_field(compose, discharge):
    mail = compose(discharge, in_mssante=False).mail
    told = str(make_header(decode_header(mail.protected_subject)))
    assert told.startswith("Lettre de liaison")
    assert "TESTINI" in told
    assert mail.protected_subject not in [value for _, value in mail.headers]
    assert "TESTINI" not in repr(mail)


@pytest.mark.parametrize("letter", ["A", "é", "語", "\U0001f600"])
def test_a_label_of_any_length_and_alphabet_never_keeps_a_letter_from_leaving(compose, discharge, letter):
    long = replace(discharge, kind=replace(discharge.kind, label=letter * 500))
    subject = compose(long, in_mssante=False).mail.protected_subject
    assert checked_value("Subject", subject) == subject
    assert str(make_header(decode_header(subject))).startswith(letter * 30)
