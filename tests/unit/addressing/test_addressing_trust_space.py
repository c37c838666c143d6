"""The trust space is asked again when a letter leaves, and a list that is too old vouches for nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from directory import Directory, update_white_list
from gateway.addressing import Addressing
from gateway.errors import NoProtection
from gateway.identifiers import DeliveryId
from gateway.letter import AddressedLetter, Done, Mode, SealedMail, Step
from gateway.service.build import Handover
from gateway.service.receipts.message_ids import MessageIds
from tests.unit.addressing import world
from tests.unit.addressing.world import DAY, NOW, document, held, letter, named, policy, sent
from tests.unit.directory.signing import SIGNER, authority, list_xml, sign, signer_of

OPERATOR = "CN=mss.operateur.example,OU=1990000001,C=FR"
ONE_BOX = "un@medecin.mss.example"


def to_gp():
    return letter(document(named(rpps=world.ONE)))


def leaves(folder: Path, *staying: str) -> None:
    """A newer list, of these domains alone."""
    issuer = authority()
    later = NOW + timedelta(hours=1)
    content = sign(list_xml(dict.fromkeys(staying, OPERATOR), later), signer_of(issuer))
    update_white_list(folder, content, authorities=issuer.pem, common_name=SIGNER, clock=lambda: later)


def station(folder: Path, *, at=NOW, **rules: object) -> Addressing:
    return Addressing(directory=Directory.open(folder), policy=policy(**rules), clock=lambda: at)


def test_what_was_addressed_before_its_domain_left_may_not_leave_any_more(address, folder):
    addressed = sent(address(to_gp()))
    assert station(folder).still(addressed) is None
    leaves(folder, "cabinet.mss.example")
    why = station(folder).still(addressed)
    assert why is not None
    assert why.code == "domain-not-in-white-list"


def test_a_domain_that_stays_may_be_written_to_after_the_newer_list_too(address, folder):
    addressed = sent(address(to_gp()))
    leaves(folder, "medecin.mss.example")
    assert station(folder).still(addressed) is None


def test_what_goes_outside_mssante_asks_no_list(address, folder):
    addressed = replace(sent(address(to_gp())), in_mssante=False)
    leaves(folder, "cabinet.mss.example")
    assert station(folder).still(addressed) is None


@pytest.mark.parametrize(("days", "code"), [(29.9, None), (30.1, "white-list-too-old")])
def test_beyond_its_cut_off_a_list_vouches_for_nobody(address, folder, days, code):
    addressed = sent(address(to_gp()))
    why = station(folder, at=NOW + days * DAY, white_list_cut_off=30 * DAY).still(addressed)
    assert (why.code if why else None) == code


def test_in_test_and_where_no_list_is_required_its_age_is_nobodys_concern(address, folder):
    addressed = sent(address(to_gp()))
    leaves(folder, "cabinet.mss.example")
    for rules in ({"white_list_required": False}, {"mode": Mode.TEST}):
        assert station(folder, at=NOW + 99 * DAY, white_list_cut_off=30 * DAY, **rules).still(addressed) is None


def test_an_old_list_holds_what_is_addressed_anew(address):
    assert held(address(to_gp(), policy(white_list_cut_off=-DAY))) == "white-list-too-old"
    assert sent(address(to_gp(), policy(white_list_cut_off=DAY)))


class Post:
    """A courier that takes everything."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def deliver(self, mail: SealedMail, **_: object) -> Done:
        self.taken.append(mail.mailbox)
        return Done(at=NOW)


@pytest.mark.parametrize("left", [False, True])
async def test_the_hand_over_asks_before_it_connects(address, folder, left):
    parsed, post = to_gp(), Post()
    step = Step(
        letter=AddressedLetter(parsed=parsed, outcomes=()),
        addressed=sent(address(parsed)),
        delivery=DeliveryId("01HX0000000000000000000001"),
        attempt=1,
    )
    mail = SealedMail(
        letter=parsed.id,
        delivery=step.delivery,
        message_id="<x@hospital.test>",
        sender="passerelle@hospital.test",
        mailbox=ONE_BOX,
        content=b"",
        protected_by="smime-cbc",
        sealed_at=NOW,
    )
    ids = MessageIds("hospital.test", lambda purpose, text: "0" * 32)
    handover = Handover(post, ids, still=station(folder).still, ask_dsn=True)  # type: ignore[arg-type]
    if left:
        leaves(folder, "cabinet.mss.example")
        with pytest.raises(NoProtection) as caught:
            await handover.deliver(mail, step)
        assert caught.value.detail == "domain-not-in-white-list"
    else:
        await handover.deliver(mail, step)
    assert post.taken == ([] if left else [ONE_BOX])
