"""Rows 24 and 25: what a hostile IMAP server and a hostile next hop say, verb by verb."""

from __future__ import annotations

from tests.dialogues.case import Case
from tests.peers.hostile_imap import DONE, SILENCE

IMAP = {
    "a literal of 4 GB": {"LIST": b"* 1 FETCH (UID 5 BODY[] {4294967295}\r\n" + b"x" * 3_000_000},
    "a line without end": {"SEARCH": b"* SEARCH " + b"1" * 3_000_000},
    "2,000 FETCH lines": {"LIST": b"* 1 FETCH (UID 5 FLAGS () RFC822.SIZE 21)\r\n" * 2000 + DONE},
    "BYE": {"SEARCH": b"* BYE going down\r\n"},
    "silence": {"SEARCH": SILENCE},
    "a wrong tag": {"SEARCH": b"* SEARCH 5\r\nZZZZ OK done\r\n"},
    "words for numbers": {"SEARCH": b"* SEARCH one two\r\n" + DONE},
    "a refusal to search": {"SEARCH": b"TAG NO not now\r\n"},
}
HOP = {
    "a reply line of 10 MB": {"MAIL": b"250 " + b"x" * 10_000_000 + b"\r\n"},
    "250- without end": {"RCPT": b"250-more\r\n" * 100_000},
    "354 twice": {"DATA": b"354 go\r\n354 go\r\n"},
    "250 before the dot": {"DATA": b"354 go\r\n250 2.0.0 taken\r\n"},
    "421 in DATA": {"DATA": b"354 go\r\n421 4.3.2 shutting down\r\n"},
    "terminal escapes": {"RCPT": b"451 4.2.0 \x1b]0;owned\x07\x1b[2J TESTINI\r\n"},
    "nonsense for a code": {"RCPT": b"2500 fine\r\n"},
}
CASES = [
    *(Case(row=24, variant=name, door="imap") for name in IMAP),
    *(Case(row=25, variant=name, door="hop") for name in HOP),
]
