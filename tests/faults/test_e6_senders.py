"""E6: source, MAIL FROM and every address of the header From must belong together: each combination is tried."""

from __future__ import annotations

import itertools
from base64 import b64encode
from dataclasses import replace

import pytest

from gateway.smtp.server import SmtpSource
from tests.unit.smtp.smtp_door_kit import DPI, LABO, QUICK, Client, FakeIntake, client_tls, smtp_door

ADDRESSES = {
    "secretariat@ch-exemple.test": "dpi",
    "Secretariat@CH-EXEMPLE.test": "dpi",
    "urgences@labo.ch-exemple.test": "dpi",
    "biologie@labo.test": "labo",
    "autre@ch-exemple.test": "",
    "x@sub.labo.test": "",
    "x@labo.test.evil.test": "",
    "x@evil.test": "",
    "": "",
}
"""Whose each is: nobody's but one source's."""

PATIENT = replace(QUICK, max_errors=10**6, patient_errors=10**6, max_junk=10**6)
PASSWORDS = {"dpi": "correct horse", "labo": "other horse"}
HEADERS = [
    b"From: %s\r\n",
    b"From: =?utf-8?q?Service?= <%s>\r\n",
    b"From: secretariat@ch-exemple.test, %s\r\n",
    b"From: biologie@labo.test\r\nfrom : <%s>\r\n",
    b"From: (c) <%s>,\r\n\tbiologie@labo.test\r\n",
]
FIXED = [frozenset(), frozenset(), frozenset({"dpi"}), frozenset({"labo"}), frozenset({"labo"})]
"""Whose addresses stand in each header besides the one that is tried."""


async def log_in(client: Client, source: str) -> None:
    secret = b64encode(f"\0{source}\0{PASSWORDS[source]}".encode()).decode()
    assert (await client.ask(f"AUTH PLAIN {secret}")).startswith("235")


@pytest.mark.parametrize("source", PASSWORDS)
async def test_e6_each_combination_of_account_sender_and_from_passes_only_when_all_belong(source: str):
    tls = {"ssl": client_tls(), "server_hostname": "localhost"}
    allowed = 0
    async with (
        smtp_door(intake=FakeIntake(remembers=False), limits=PATIENT) as door,
        door.client("tls", **tls) as client,
    ):
        await log_in(client, source)
        for sender, shown in itertools.product(ADDRESSES, ADDRESSES):
            said = await client.ask(f"MAIL FROM:<{sender}>")
            if ADDRESSES[sender] != source:
                assert said == "553 5.7.1 Sender not allowed for this account"
                continue
            await client.ask("RSET")
            for header, others in zip(HEADERS, FIXED, strict=True):
                fine = others | ({ADDRESSES[shown]} if shown else set()) <= {source}
                said = await client.letter(header % shown.encode() + b"\r\ntexte\r\n", sender=sender)
                assert said.startswith("250 " if fine else "550 5.7.1 Header From"), (sender, header, shown)
                allowed += fine
        assert len(door.intake.kept) == allowed > 0
        assert {letter.source for letter in door.intake.kept} == {source}


async def test_e6_control_a_source_that_may_write_as_everybody_is_not_held_back():
    careless: SmtpSource = replace(DPI, senders=DPI.senders | LABO.senders | {"@evil.test"})
    async with smtp_door(source=careless) as door, door.client() as client:
        assert (await client.letter(b"From: x@evil.test\r\n\r\ntexte\r\n", sender="biologie@labo.test")).startswith(
            "250 "
        )
