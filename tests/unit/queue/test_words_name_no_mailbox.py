"""What a far server says is journaled without any mailbox: the sender's own when he is told, and a third one's."""

from __future__ import annotations

import pytest

from gateway.queue.words import unnamed


@pytest.mark.parametrize(
    ("said", "journaled"),
    [
        ("550 5.1.1 <secretariat@ch-exemple.test>: unknown", "550 5.1.1 <<mailbox>>: unknown"),
        ("551 moved to anne.martin@cabinet.test, sorry", "551 moved to <mailbox>, sorry"),
        ("550 no 170120112345678@patient.mssante.fr here", "550 no <mailbox> here"),
        ("451 4.3.0 try again @ noon", "451 4.3.0 try again @ noon"),
        ("550 5.7.1 Rejected: Subject 'Lettre de Mme MARTIN'", "550 5.7.1 Rejected: …'"),
        ("552 5.2.2 Mailbox of Martin Anne is full (quota 500 MB)", "552 5.2.2 Mailbox of … is full (quota 500 …)"),
        ("554 Message rejected, see https://filter.test/?s=Martin", "554 Message rejected, see …"),
        ("not a reply line: Bonjour Madame MARTIN", "not a reply line: …"),
        ("Connect call failed", "Connect call failed"),
    ],
)
def test_no_mailbox_stays_in_a_servers_words(said: str, journaled: str):
    assert unnamed(said, None) == journaled
