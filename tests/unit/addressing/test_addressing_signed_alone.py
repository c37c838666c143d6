"""What its sender only signed could be read on the way: it passes where TLS alone is allowed, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.addressing import Floor
from gateway.letter import AsReceived
from tests.unit.addressing.world import held, letter, policy, sent

INSIDE, OUTSIDE = "un@medecin.mss.example", "huit@parti.example"
SIGNED = ("smime-signed", "openpgp-signed")


def came(variant: str, to: str):
    return replace(letter(to=(to,), sealed=True), format=variant)


@pytest.mark.parametrize("variant", SIGNED)
def test_it_passes_inside_mssante_where_the_policy_allows_tls_alone(address, variant):
    assert sent(address(came(variant, INSIDE))).protection == AsReceived()


@pytest.mark.parametrize("variant", SIGNED)
@pytest.mark.parametrize(
    "rules",
    [policy(mss_tls_allowed=False), policy(floors={INSIDE: Floor.ENCRYPTED}), policy(floors={INSIDE: Floor.GCM})],
    ids=["TLS alone is not allowed", "this mailbox asks for encryption", "this mailbox asks for more"],
)
def test_it_waits_where_the_policy_asks_for_encryption(address, variant, rules):
    assert held(address(came(variant, INSIDE), rules)) == "signed-alone"


@pytest.mark.parametrize("variant", SIGNED)
def test_it_waits_outside_mssante(address, variant):
    assert held(address(came(variant, OUTSIDE), policy(white_list_required=False, mss_tls_allowed=False))) == (
        "signed-alone"
    )


@pytest.mark.parametrize("variant", ["smime-encrypted", "openpgp-encrypted"])
def test_what_is_encrypted_passes_under_every_policy(address, variant):
    assert sent(address(came(variant, INSIDE), policy(mss_tls_allowed=False))).protection == AsReceived()
