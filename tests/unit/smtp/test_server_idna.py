"""A domain beyond ASCII is one of IDNA 2008 or none: what the door takes, the courier can ask the DNS for."""

from __future__ import annotations

import dns.name
import pytest

from gateway.crypto.certificates import same_address
from gateway.smtp.courier.resolver import _absolute
from gateway.smtp.reply import Refusal
from gateway.smtp.server.addresses import parse_path

TAKEN = ["santé.example", "SANTÉ.example", "straße.example", "例え.example", "é。example"]
REFUSED = ["☃.example", "a\u200db.example", "é..example", "-é.example", "é_a.example", "é" * 70 + ".example"]


@pytest.mark.parametrize("domain", TAKEN)
def test_what_the_door_takes_the_courier_asks_for(domain):
    assert parse_path(f"<dr@{domain}>", recipient=True) == (f"dr@{domain}", "")
    assert isinstance(_absolute(domain), dns.name.Name)


@pytest.mark.parametrize("domain", REFUSED)
def test_what_is_no_domain_is_refused(domain):
    with pytest.raises(Refusal, match="Malformed address"):
        parse_path(f"<dr@{domain}>", recipient=True)


def test_trap_pythons_own_codec_would_take_another_domain():
    """It knows IDNA 2003 alone: a letter for ``straße`` would be compared with, and written to, ``strasse``."""
    assert "straße.example".encode("idna") == b"strasse.example"
    assert not same_address("dr@straße.example", "dr@strasse.example")
    assert same_address("dr@straße.example", "dr@xn--strae-oqa.example")
    assert _absolute("straße.example").to_text() == "xn--strae-oqa.example."
