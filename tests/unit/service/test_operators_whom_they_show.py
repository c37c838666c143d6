"""Whose address a letter that another operator hands in may show in From, however it is written there."""

from __future__ import annotations

import pytest

from gateway.smtp.reply import Refusal
from gateway.smtp.server.header_from import check_from
from gateway.smtp.server.settings import Operator, SmtpSource
from tests.unit.service.operators_kit import DOCTOR, LISTED, gp_operator, make_scene, report
from tests.unit.smtp.smtp_door_kit import DPI


class OfGp:
    """``ListedPeers`` for one operator."""

    def vouch(self, certificate: object, sender: str) -> None:
        raise NotImplementedError

    def may_show(self, certificate: object, address: str, *, is_report: bool) -> bool:
        domain = address.rpartition("@")[2].lower()
        return domain in {"gp.test", "cabinet.test"} or (is_report and domain != "autre.test")


GP = Operator(name="operators", senders=frozenset(), certificate={}, peers=OfGp())
OWN = [
    "dr@gp.test",
    "Dr <dr@gp.test>",
    "dr@gp . test",
    "dr @ gp.test",
    "dr(Martin)@gp(x)\r\n .test",
    '"a@b" <dr@gp.test>',
]
OTHERS = [
    "dr@autre .test",
    "dr@autre. test",
    "dr@autre.\r\n test",
    "<dr@autre(x).test>",
    "<dr@autre(x(y)z).test>",
    "dr(a)@(b)autre.test",
    "dr @autre.test",
    "dr@ autre\r\n\t.test",
    '"dr"@autre.test, dr@gp.test',
    "dr@gp.test@autre.test",
    "dr@autre.test@gp.test",
    "<@gp.test:dr@autre.test>",
    '"dr@autre.test"',
    "=?utf-8?q?Dr_=3Cdr=40autre=2Etest=3E?=",
    "dr@gp.test, x@autre .test",
    "dr@gp.test\r\nFrom: dr@autre .test",
]


def passes(shown: str, sender: str, source: SmtpSource = GP) -> bool:
    try:
        check_from(f"From: {shown}\r\n".encode(), source, sender)
    except Refusal:
        return False
    return True


@pytest.mark.parametrize("sender", [DOCTOR, ""])
@pytest.mark.parametrize("shown", OTHERS)
def test_e6_another_operators_address_is_seen_behind_blanks_folds_and_comments(shown: str, sender: str):
    assert not passes(shown, sender)


@pytest.mark.parametrize("sender", [DOCTOR, ""])
@pytest.mark.parametrize("shown", OWN)
def test_e6_control_its_own_passes_however_it_is_written(shown: str, sender: str):
    assert passes(shown, sender)


def test_e6_a_from_of_hundreds_is_not_looked_up_one_by_one():
    assert passes(",".join(["dr@gp.test"] * 100), DOCTOR)
    assert not passes(",".join(["dr@gp.test"] * 101), DOCTOR)


@pytest.mark.parametrize("shown", ["MAILER-DAEMON@mx.host.test", "MAILER-DAEMON", "<>"])
def test_e6_an_address_of_no_listed_domain_or_none_at_all_is_a_reports_alone(shown: str):
    assert passes(shown, "")
    assert not passes(shown, DOCTOR)


def test_e6_a_letter_without_from_is_a_reports_alone():
    check_from(b"Subject: x\r\n", GP, "")
    check_from(b"Subject: x\r\n", DPI, DOCTOR)
    with pytest.raises(Refusal):
        check_from(b"Subject: x\r\n", GP, DOCTOR)


async def test_e6_at_the_door_with_the_list_itself(tmp_path):
    scene = make_scene(tmp_path)
    scene.list(LISTED)
    async with scene.opened():
        shown = gp_operator(scene)
        for sender in (DOCTOR, ""):
            for forged in ("dr@Autre .test", "<dr@autre(x).test>", "dr@autre.test.", "dr@autr\u00e9.test"):
                assert (await scene.hand_in(shown, sender, content=report(forged))).startswith("550 5.7.1 Header"), (
                    forged
                )
            assert (await scene.hand_in(shown, sender, content=report("dr@cabinet\r\n .test"))).startswith("250 ")
        assert (await scene.hand_in(shown, content=report("x@mx.host.test"))).startswith("550 5.7.1 Header")
        assert (await scene.hand_in(shown, "", content=report("x@mx.host.test"))).startswith("250 ")
