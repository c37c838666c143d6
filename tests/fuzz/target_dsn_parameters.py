"""RFC 3461 parameters of MAIL and RCPT."""

from __future__ import annotations

from gateway.smtp.reply import Refusal
from gateway.smtp.server.dsn import take_mail_parameters, take_rcpt_parameters
from tests.fuzz.target_smtp_address import told

WORDS = (
    b"RET=",
    b"FULL",
    b"HDRS",
    b"ENVID=",
    b"NOTIFY=",
    b"NEVER",
    b"SUCCESS,FAILURE",
    b"ORCPT=rfc822;",
    b"+3D",
    b"AUTH=<>",
)


def seeds() -> list[bytes]:
    return [
        b"RET=HDRS ENVID=QQ+3D1 SIZE=100", b"NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;a+40b@c.test", b"NOTIFY=NEVER",
        b"AUTH=<> BODY=8BITMIME", b"RET=FULL RET=FULL", b"ENVID=" + b"x" * 101,
    ]  # fmt: skip


def run(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    for take in (take_mail_parameters, take_rcpt_parameters):
        try:
            wishes = take(text)
        except Refusal as refusal:
            told(refusal)
            continue
        for value in (wishes.ret, wishes.envid, wishes.orcpt, *wishes.notify):
            if value is not None and not (value.isascii() and value.isprintable() and " " not in value):
                raise AssertionError("a parameter that would break the next hop's command line")
