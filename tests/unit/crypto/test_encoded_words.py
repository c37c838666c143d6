"""Encoded words of a header (RFC 2047): what a client shows, in time that grows with the length and not faster."""

from __future__ import annotations

import pytest

from gateway.crypto.encoded_words import decoded
from gateway.crypto.header_fields import value_of


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("plain words", "plain words"),
        ("", ""),
        ("=?utf-8?q?Compte_rendu_=C3=A9tabli?=", "Compte rendu établi"),
        ("=?UTF-8?B?w6k=?= et =?iso-8859-1?Q?=E8?=", "é et è"),
        # RFC 2047 §8: its own examples
        ("(=?ISO-8859-1?Q?a?=)", "(a)"),
        ("(=?ISO-8859-1?Q?a?= b)", "(a b)"),
        ("(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"),
        ("(=?ISO-8859-1?Q?a?=    =?ISO-8859-1?Q?b?=)", "(ab)"),
        ("(=?ISO-8859-1?Q?a_b?=)", "(a b)"),
        ("(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)"),
        ("=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"),  # RFC 2231 §5
        ("=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "é"),  # one character cut in two, as many clients do
        ("=?utf-8?b?w6k?=", "é"),  # without padding
        ("before=?utf-8?q?a?=behind", "beforeabehind"),
    ],
)
def test_what_a_client_shows(written, shown):
    assert decoded(written) == shown


@pytest.mark.parametrize(
    "written",
    [
        "=?x-unknown?q?a?=",
        "=?utf-8?q?=FF?=",
        "=?utf-8?b?a?=",
        "=?utf-8?x?a?=",
        "=?utf-8?q?é?=",
        "=?idna?q?xn--a?=",
        "=?zip?b?eJw=?=",
        "=?utf-8?q?unclosed",
        "=??q?a?=",
    ],
)
def test_a_word_that_cannot_be_read_stays_and_spoils_no_other(written):
    assert decoded(written) == written
    assert decoded(f"=?utf-8?q?=C3=A9?= {written} =?utf-8?q?=C3=A8?=").startswith("é")


def test_megabytes_of_words_are_read():
    """A second or two; with the standard library's way longer than any test may last, for its time is their square."""
    words = (4 << 20) // 15
    assert decoded("=?utf-8?q?x?=\r\n " * words) == "x" * words + "\r\n "


@pytest.mark.parametrize("word", ["=?x-y?q?x?= a ", "=?a?q?", "=?", "=?a?q?x?", "=?utf-8?q?=FF?= a "])
def test_what_begins_many_words_and_ends_none_stays(word):
    assert decoded(word * 10_000) == word * 10_000


def test_a_field_is_unfolded_and_then_decoded():
    assert value_of(b"Subject: =?utf-8?q?Lettre_?=\r\n =?utf-8?q?de_sortie?=\r\n") == "Lettre de sortie"
