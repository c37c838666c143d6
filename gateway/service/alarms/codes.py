"""Every alarm by its stable code: what it means, and what to do. docs/operations.md tells the same with more room."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Meaning:
    """The two sentences that stand in the journal line."""

    means: str
    do: str


MEANING = MappingProxyType(
    {
        "letters-wait": Meaning(
            "a letter waits to leave for longer than alert_operator_minutes",
            "see `huitaine queue status`; is the next hop reachable?",
        ),
        "letters-held": Meaning(
            "a letter is held and nobody decided",
            "see `huitaine letters list --state held`; release or cancel it",
        ),
        "letters-unplanned": Meaning(
            "letters were taken and have no addressee yet: reading or addressing fails",
            "look for road-broken-off in the journal; is the directory there?",
        ),
        "deferred": Meaning(
            "many deliveries are put off for the same reason",
            "the status tells which: 4.4 the way there, 4.7 certificates, 4.3 the far server or ours",
        ),
        "ambiguous": Meaning(
            "deliveries may have left twice: connections die after the final dot",
            "see the journal's ambiguous lines; ask the next hop's operator",
        ),
        "sender-untold": Meaning(
            "a letter's row is damaged: nobody knows any more whom to tell that it did not leave",
            "see the journal's untold line; `huitaine verify`; ask its source which letter it was",
        ),
        "answers-wait": Meaning(
            "a hospital's software does not take what it is to be told about its letters",
            "see `huitaine queue status` and the journal's answer-waits lines; is its listener or folder there?",
        ),
        "leases-lost": Meaning(
            "a delivery was taken over while it was on its way: a process stood still, or two run",
            "is the machine overloaded or suspended? is a second gateway running?",
        ),
        "commits-slow": Meaning(
            "writing to disk is slow: senders wait for their answer",
            "look at the disk and at what else writes to it",
        ),
        "loop-lags": Meaning(
            "the process stands still for moments: too much work, or a slow machine",
            "look at the processor's load; fewer connections at once",
        ),
        "disk-low": Meaning(
            "the disk fills; below [queue] min_free_share letters are refused for now (452)",
            "make room, or `huitaine purge`",
        ),
        "certificate-ends": Meaning(
            "a certificate of ours ends soon, or has ended",
            "renew it, put the file in place, restart",
        ),
        "crl-ends": Meaning(
            "a revocation list is due to be renewed: its next update is near or past",
            "fetch a fresh list from the authority",
        ),
        "addressees-unchecked": Meaning(
            "nobody answered whether an addressee's certificate was taken back",
            "look for revocation-unknown in the journal; can this machine reach the authority's lists and responder?",
        ),
        "signers-unchecked": Meaning(
            "nobody answered whether the certificate of somebody who signed a mail to us was taken back",
            "look for revocation-unknown in the journal; can this machine reach the authority's lists and responder?",
        ),
        "openings-fail": Meaning(
            "one sender's mails to us do not open, again and again: somebody tries our key, or has an old one of ours",
            "look at the mails that the journal's nothing-learned lines name by digest; does he need our new key?",
        ),
        "key-of-another": Meaning(
            "an addressee's key stands under a mailbox, too, that it does not name: one reads the other's letters",
            "see `huitaine keys audit`; ask both by telephone, then `huitaine directory key remove` where it is wrong",
        ),
        "white-list-old": Meaning(
            "the list of MSSanté domains is old or missing",
            "`huitaine directory whitelist update FILE`",
        ),
        "directory-old": Meaning(
            "the national directory is old: letters go to where doctors were, and new ones are not found",
            "`huitaine directory import`, or `huitaine directory delta`",
        ),
        "readers-restart": Meaning(
            "reading processes fall again and again",
            "look for reader-replaced and reader-poison in the journal; is there memory?",
        ),
        "round-failed": Meaning(
            "a piece of regular work fails each time",
            "the journal's round-failed line names it; report it",
        ),
        "journal-still": Meaning(
            "deliveries are due, and nothing has been journaled for long",
            "restart; report it with the journal's last lines",
        ),
    }
)
