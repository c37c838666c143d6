"""Rows 1 to 9 at the SMTP door: ends of data, STARTTLS, controls, addresses, lines, sizes, slowness."""

from __future__ import annotations

from tests.dialogues.case import Case

FROM, TO = b"MAIL FROM:<dpi@hospital.test>\r\n", b"RCPT TO:<99900000011@rpps.hospital.test>\r\n"
HEAD = b"From: dpi@hospital.test\r\nMessage-ID: <1@hospital.test>\r\n\r\n"
SMUGGLED = b"MAIL FROM:<faux@hospital.test>\r\nRCPT TO:<auto@hospital.test>\r\nDATA\r\nfaux\r\n"
END = b"\r\n.\r\n"
ENDINGS = {
    r"\n.\n": b"\n.\n",
    r"\n.\r\n": b"\n.\r\n",
    r"\r\n.\n": b"\r\n.\n",
    r"\r.\r": b"\r.\r",
    r"\r\n.\r": b"\r\n.\r",
    r"\r.\r\n": b"\r.\r\n",
    r"\r.\n": b"\r.\n",
    r"\n.\r": b"\n.\r",
    r"\n\n.\r\n": b"\n\n.\r\n",
    r"\r\r\n.\r\n": b"\r\r\n.\r\n",
    r"\r\n\x00.\r\n": b"\r\n\x00.\r\n",
}
CONTROLS = {
    "CR": b"\r",
    "NUL": b"\0",
    "ESC": b"\x1b",
    "DEL": b"\x7f",
    "C1": b"\xc2\x85",
    "line separator": b"\xe2\x80\xa8",
}
PATHS = {
    "a blank": b"<a b@c.test>",
    "a route": b"<@x,@y:a@b.test>",
    "a quote that does not close": b'<"a@b.test>',
    "300 bytes before the at": b"<" + b"a" * 300 + b"@b.test>",
    "no domain": b"<a@>",
    "no local part": b"<@b.test>",
    "no end": b"<a@b.test",
    "a domain that begins with a hyphen": b"<a@-b.test>",
    "two dots": b"<a..b@c.test>",
}


def letter(content: bytes, variant: str, row: int, **more: object) -> Case:
    """A whole transaction with this content."""
    return Case(row=row, variant=variant, says=(FROM, TO, b"DATA\r\n", content), **more)  # type: ignore[arg-type]


ROW_1 = [letter(HEAD + b"texte" + bad + SMUGGLED + END, ending, 1) for ending, bad in ENDINGS.items()]
ROW_2 = [
    Case(row=2, variant=what, door="starttls", logs_in=False, at_once=True, closes=True, says=(b"STARTTLS\r\n" + then,))
    for what, then in {
        "MAIL behind STARTTLS": b"MAIL FROM:<x@y.test>\r\n",
        "half a command behind STARTTLS": b"NOOP",
        "a login behind STARTTLS": b"EHLO a\r\nAUTH PLAIN AGRwaQBjb3JyZWN0IGhvcnNl\r\n",
    }.items()
]
ROW_3 = [
    *(
        Case(row=3, variant=f"{name} in MAIL", says=(b"MAIL FROM:<dpi%b@hospital.test> SMTPUTF8\r\n" % control,))
        for name, control in CONTROLS.items()
    ),
    *(
        Case(row=3, variant=f"{name} in RCPT", says=(FROM, b"RCPT TO:<a%b@gp.test>\r\n" % control))
        for name, control in CONTROLS.items()
    ),
    *(
        Case(row=3, variant=f"{name} in EHLO", logs_in=False, says=(b"EHLO a%bb\r\n" % control,))
        for name, control in CONTROLS.items()
    ),
    Case(row=3, variant="LF in MAIL", answers=2, last=True, says=(b"MAIL FROM:<dpi\n@hospital.test>\r\n",)),
    Case(row=3, variant="LF in RCPT", answers=2, last=True, says=(FROM, b"RCPT TO:<a\n@gp.test>\r\n")),
]
ROW_4 = [
    Case(row=4, variant="MAIL with é", says=("MAIL FROM:<rené@hospital.test>\r\n".encode(),)),
    Case(row=4, variant="RCPT with é", says=(FROM, "RCPT TO:<rené@gp.test>\r\n".encode())),
    Case(row=4, variant="a Cyrillic letter in the domain", says=(FROM, "RCPT TO:<a@\u0440harmacie.test>\r\n".encode())),
    Case(
        row=4,
        variant="Latin-1 in RCPT",
        says=(b"MAIL FROM:<dpi@hospital.test> SMTPUTF8\r\n", b"RCPT TO:<ren\xe9@gp.test>\r\n"),
    ),
]
ROW_5 = [
    *(Case(row=5, variant=f"{name} in MAIL", says=(b"MAIL FROM:%b\r\n" % path,)) for name, path in PATHS.items()),
    *(Case(row=5, variant=f"{name} in RCPT", says=(FROM, b"RCPT TO:%b\r\n" % path)) for name, path in PATHS.items()),
]
ROW_6 = [
    Case(row=6, variant="600 bytes", says=(b"NOOP " + b"x" * 600 + b"\r\n",)),
    Case(row=6, variant="60,000 bytes", at_once=True, says=(b"NOOP " + b"x" * 60_000 + b"\r\n",)),
    Case(row=6, variant="10 MB without an end", at_once=True, closes=True, says=(b"x" * 10_000_000,)),
]
ROW_7 = [
    letter(HEAD + b"x" * 999 + END, "999 octets in line 4", 7, at_once=True),
    letter(HEAD + b"." + b"x" * 999 + END, "999 octets behind a stuffed dot", 7, at_once=True),
    letter(HEAD + b"x" * 1_000_000 + END, "a megabyte in a line", 7, at_once=True),
    letter(b"Subject: " + b"x" * 2000 + b"\r\n" + HEAD + END, "a header line of 2,000 octets", 7, at_once=True),
]
ROW_8 = [
    Case(row=8, variant="SIZE=99999999999", says=(b"MAIL FROM:<dpi@hospital.test> SIZE=99999999999\r\n",)),
    Case(row=8, variant="SIZE of 400 digits", says=(b"MAIL FROM:<dpi@hospital.test> SIZE=" + b"9" * 400 + b"\r\n",)),
    letter(HEAD + (b"x" * 76 + b"\r\n") * 350_000 + b".\r\n", "26 MB after the dot", 8, at_once=True),
]
ROW_9 = [
    Case(row=9, variant="a command that does not end", at_once=True, closes=True, says=(b"NOO",)),
    letter(b"Subj", "content that drips", 9, at_once=True, closes=True),
]
CASES = [*ROW_1, *ROW_2, *ROW_3, *ROW_4, *ROW_5, *ROW_6, *ROW_7, *ROW_8, *ROW_9]
