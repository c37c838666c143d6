"""Rows 1 to 16 of the bad inputs that promises.md lists, over raw sockets: each gets the reply it must get (A10)."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.peers.quiet_time import in_quiet_time
from tests.unit.smtp.smtp_door_kit import DPI, FALSE_ENDINGS, LETTER, QUICK, FakeIntake, client_tls, smtp_door

HEAD = b"From: secretariat@ch-exemple.test\r\n\r\n"
SMUGGLED = b"MAIL FROM:<faux@ch-exemple.test>\r\nRCPT TO:<victime@gp.test>\r\nDATA\r\nfaux\r\n"


@pytest.mark.parametrize("ending", FALSE_ENDINGS)
async def test_row_1_a_false_end_of_data_ends_nothing_and_the_letter_is_refused(ending):
    async with smtp_door() as door, door.client() as client:
        reply = await client.letter(HEAD + b"texte" + ending + SMUGGLED)
        what = "a NUL" if b"\0" in ending else "a bare CR or LF"
        assert reply.startswith(f"550 5.6.0 Message has {what} at byte ")
        assert door.intake.kept == []
        assert (await client.letter()).startswith("250 ")  # and the session goes on
        assert [letter.envelope.sender for letter in door.intake.kept] == ["secretariat@ch-exemple.test"]


async def test_row_1_control_a_true_end_is_an_end():
    async with smtp_door() as door, door.client() as client:
        assert (await client.letter(HEAD + b"texte\r\n")).startswith("250 ")


async def test_row_1_the_byte_is_counted_from_one_in_the_content_as_sent():
    async with smtp_door() as door, door.client() as client:
        assert "at byte 3;" in await client.letter(b"ab\ncd\r\n")


@pytest.mark.parametrize("ending", [b"\n.\n", b"\r\r\n.\r\n", b"\n.\r\n"])
def test_row_1_a_sender_who_waits_after_a_false_end_is_told_and_let_go(ending):
    async def work():
        async with smtp_door() as door, door.client() as client:
            await client.begin()
            await client.ask("DATA")
            await client.send(HEAD + b"texte" + ending)
            assert (await client.reply()).startswith("550 5.6.0 Message has a bare CR or LF")
            assert await client.closed()
            assert door.intake.kept == []

    in_quiet_time(work)


@pytest.mark.parametrize("behind", ["MAIL FROM:<x@y.test>\r\n", "NOOP", "EHLO a\r\nAUTH PLAIN AGRwaQ==\r\n"])
async def test_row_2_nothing_may_follow_starttls(behind):
    async with smtp_door() as door, door.client("starttls") as client:
        await client.send(f"STARTTLS\r\n{behind}".encode())
        assert await client.reply() == "501 5.5.1 No command may follow STARTTLS"
        assert await client.closed()


@pytest.mark.parametrize("control", ["\r", "\0", "\x1b", "\x7f", "\x85", "\u2028"])
async def test_row_3_control_characters_in_arguments(control):
    async with smtp_door() as door, door.client() as client:
        said = await client.ask(f"MAIL FROM:<secretariat{control}@ch-exemple.test> SMTPUTF8")
        assert said == "501 5.1.7 Control character in sender address"
        await client.begin()
        assert await client.ask(f"RCPT TO:<a{control}@b.test>") == "501 5.1.3 Control character in recipient address"
        assert await client.ask(f"EHLO a{control}b") == "501 5.5.2 Control character in host name"


async def test_row_3_a_line_feed_makes_two_commands_that_are_both_refused():
    async with smtp_door() as door, door.client() as client:
        await client.send(b"MAIL FROM:<secretariat\n@ch-exemple.test>\r\n")
        assert await client.reply() == "501 5.1.3 Malformed address"
        assert await client.reply() == "500 5.5.2 Command not recognised"


async def test_row_4_eight_bit_addresses_need_smtputf8():
    async with smtp_door() as door, door.client() as client:
        needs = "553 5.6.7 Address needs SMTPUTF8"
        assert await client.ask("MAIL FROM:<rené@ch-exemple.test>") == needs
        await client.begin()
        assert await client.ask("RCPT TO:<rené@gp.test>") == needs
        assert await client.ask("RCPT TO:<a@\u0440harmacie.test>") == needs  # a Cyrillic er
        await client.ask("RSET")
        assert (await client.ask("MAIL FROM:<rené@labo.ch-exemple.test> SMTPUTF8")).startswith("250")
        assert (await client.ask("RCPT TO:<rené@gp.test>")).startswith("250")
        assert await client.ask(b"RCPT TO:<ren\xe9@gp.test>") == "501 5.1.3 Malformed address"


@pytest.mark.parametrize(
    "path",
    [
        "<a b@c>",
        "<@x,@y:a@b>",
        '<"a@b>',
        f"<{'a' * 300}@b.test>",
        "<a@>",
        "<@b>",
        "<a@b",
        "<a@-b.test>",
        "<a..b@c.test>",
    ],
)
async def test_row_5_malformed_addresses(path):
    async with smtp_door() as door, door.client() as client:
        assert await client.ask(f"MAIL FROM:{path}") == "501 5.1.3 Malformed address"
        await client.begin()
        assert await client.ask(f"RCPT TO:{path}") == "501 5.1.3 Malformed address"


@pytest.mark.parametrize("size", [600, 5000, 60_000])
async def test_row_6_a_long_command_line_is_refused(size):
    async with smtp_door() as door, door.client() as client:
        assert await client.ask("NOOP " + "x" * size) == "500 5.5.2 Command line too long"
        assert (await client.letter()).startswith("250")


async def test_row_6_a_line_that_never_ends_closes_at_64_kilobytes():
    async with smtp_door() as door, door.client() as client:
        for _ in range(160):
            await client.send(b"x" * 65536)
        assert await client.reply() in {"500 5.5.2 Command line too long", ""}
        assert await client.closed()


@pytest.mark.parametrize("line", [b"x" * 999, b"." + b"x" * 999])
async def test_row_7_a_line_over_998_octets(line):
    async with smtp_door() as door, door.client() as client:
        assert await client.letter(HEAD + line + b"\r\n") == "554 5.6.0 Line 3 is longer than 998 octets"
        exactly = b"x" * 998 + b"\r\n"
        assert (await client.letter(HEAD + exactly)).startswith("250 ")


async def test_row_7_an_old_sender_may_send_long_lines():
    async with smtp_door(source=replace(DPI, long_lines=True)) as door, door.client() as client:
        assert (await client.letter(HEAD + b"x" * 5000 + b"\r\n")).startswith("250 ")


async def test_row_8_too_large_as_announced_and_as_sent():
    limits = replace(QUICK, max_size=1 << 20)
    async with smtp_door(limits=limits) as door, door.client() as client:
        too_large = "552 5.3.4 Message larger than 1 MB (limit of this gateway)"
        assert await client.ask("MAIL FROM:<secretariat@ch-exemple.test> SIZE=99999999999") == too_large
        assert await client.ask(f"MAIL FROM:<secretariat@ch-exemple.test> SIZE={'9' * 400}") == too_large
        assert await client.letter(HEAD + b"x" * 60 + b"\r\n" * (1 << 20)) == too_large
        assert (await client.letter()).startswith("250 ")


async def test_row_8_far_too_large_ends_the_connection():
    async with smtp_door(limits=replace(QUICK, max_size=1 << 16)) as door, door.client() as client:
        await client.begin()
        await client.ask("DATA")
        for _ in range(8):
            await client.send(b"x" * (1 << 16))
        assert (await client.reply())[:9] in {"552 5.3.4", ""}
        assert await client.closed()


async def test_row_9_a_dripping_sender_is_too_slow():
    limits = replace(QUICK, grace=timedelta(milliseconds=100), bytes_per_second=1_000_000)
    async with smtp_door(limits=limits) as door:
        async with door.client() as client:  # within a command
            await client.send(b"NOO")
            assert await client.reply() == "421 4.4.2 Too slow"
            assert await client.closed()
        async with door.client() as client:  # within content
            await client.begin()
            await client.ask("DATA")
            await client.send(b"x")
            assert await client.reply() == "421 4.4.2 Too slow"
            assert await client.closed()
        assert door.intake.kept == []


async def test_row_9_an_idle_client_is_told_why():
    async with smtp_door(limits=replace(QUICK, idle=timedelta(milliseconds=100))) as door:
        client = await door.connect()
        assert (await client.reply()).startswith("220")
        assert await client.reply() == "421 4.4.2 Idle for too long"
        assert await client.closed()
        await client.close()


SESSION = (
    b"EHLO a\r\nMAIL FROM:<secretariat@ch-exemple.test>\r\nRCPT TO:<a@gp.test>\r\nDATA\r\n" + LETTER + b".\r\nQUIT\r\n"
)


@pytest.mark.parametrize("reset", [True, False])
async def test_row_10_a_connection_lost_at_every_byte_keeps_all_or_nothing(reset):
    async with smtp_door(intake=FakeIntake(remembers=False)) as door:
        for cut in range(0, len(SESSION), 3):
            client = await door.connect()
            await client.send(SESSION[:cut])
            client.writer.transport.abort() if reset else await client.close()
        async with door.client() as client:
            assert (await client.letter()).startswith("250 ")
        assert {letter.content for letter in door.intake.kept} == {LETTER}


@pytest.mark.parametrize("verb", ["NOOP", "RSET", "VRFY x", "HELP", "EHLO a", "HELO a"])
async def test_row_11_junk_ends_in_421(verb):
    async with smtp_door() as door, door.client() as client:
        await client.send(f"{verb}\r\n".encode() * 300)
        replies = [await client.reply() for _ in range(100)]
        assert "421 4.7.0 Too many commands without a letter" in replies
        assert await client.closed()


async def test_row_11_a_letter_makes_up_for_junk():
    async with smtp_door() as door, door.client() as client:
        for _ in range(3):
            for _ in range(60):
                assert (await client.ask("NOOP")).startswith("250")
            assert (await client.letter()).startswith("250")


async def test_row_11_twenty_errors_end_in_421():
    async with smtp_door() as door, door.client() as client:
        replies = [await client.ask(f"FOO{n}") for n in range(20)]
        assert replies == ["500 5.5.2 Command not recognised"] * 19 + ["421 4.7.0 Too many errors"]
        assert await client.closed()


async def test_row_11_after_ten_errors_each_costs_time():
    limits = replace(QUICK, error_delay=timedelta(milliseconds=100))
    async with smtp_door(limits=limits) as door, door.client() as client:
        for _ in range(10):
            await client.ask("FOO")
        before = asyncio.get_running_loop().time()
        await client.ask("FOO")
        assert asyncio.get_running_loop().time() - before >= 0.1


@pytest.mark.parametrize(
    "greeting", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"POST /a HTTP/1.1\r\n", b"\x16\x03\x01\x02\x00\x01"]
)
@pytest.mark.parametrize("listener", ["clear", "starttls"])
async def test_row_11_what_is_not_smtp_is_closed_at_once(listener, greeting):
    async with smtp_door() as door, door.client(listener, ehlo=False) as client:
        await client.send(greeting)
        assert await client.reply() == "500 5.5.1 This is an SMTP port"
        assert await client.closed()


LONG = b64encode(b"x" * 10_000).decode()


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (["AUTH PLAIN @@@"], "501 5.5.2 Cannot decode base64"),
        (["AUTH PLAIN ZHBp"], "501 5.5.2 Cannot read the PLAIN answer"),
        (["AUTH PLAIN " + b64encode(b"other\0dpi\0correct horse").decode()], "501 5.5.2 Cannot read the PLAIN answer"),
        (["AUTH PLAIN", "@@@"], "501 5.5.2 Can't decode base64"),
        (["AUTH PLAIN", "*"], "501 5.7.0 Auth aborted"),
        (["AUTH LOGIN", "*"], "501 5.7.0 Auth aborted"),
        (["AUTH PLAIN " + LONG], "500 5.5.2 Command line too long"),
        (["AUTH PLAIN", LONG], "500 5.5.2 AUTH answer too long"),
        (["AUTH PLAIN AGRwaQB3cm9uZw=="], "535 5.7.8 Authentication credentials invalid"),
        (["AUTH CRAM-MD5"], "504 5.5.4 Unrecognized authentication type"),
        (["AUTH"], "501 5.5.4 AUTH needs a mechanism"),
        (["AUTH PLAIN a b"], "501 5.5.4 Too many values"),
    ],
)
async def test_row_12_authentication_that_cannot_be_read(said, answer):
    async with smtp_door() as door, door.client("tls", ssl=client_tls(), server_hostname="localhost") as client:
        for line in said:
            reply = await client.ask(line)
        assert reply == answer
        assert await client.ask("AUTH PLAIN AGRwaQBjb3JyZWN0IGhvcnNl") == "235 2.7.0 Authentication successful"


async def test_row_12_a_megabyte_of_base64_closes():
    async with smtp_door() as door, door.client("tls", ssl=client_tls(), server_hostname="localhost") as client:
        await client.ask("AUTH PLAIN")
        await client.send(b64encode(b"x" * (1 << 20)))
        assert await client.reply() in {"500 5.5.2 Command line too long", ""}
        assert await client.closed()


async def test_row_12_three_failures_end_the_connection():
    async with smtp_door() as door, door.client("tls", ssl=client_tls(), server_hostname="localhost") as client:
        for wrong in ("AGRwaQBh", "AGRwaQBi"):
            assert (await client.ask(f"AUTH PLAIN {wrong}")).startswith("535 5.7.8")
        assert await client.ask("AUTH PLAIN AGRwaQBj") == "421 4.7.0 Too many failed logins"
        assert await client.closed()


async def test_row_13_the_first_thousand_recipients_are_kept():
    async with smtp_door() as door, door.client() as client:
        await client.begin("a0@gp.test")
        await client.send(b"".join(f"RCPT TO:<a{n}@gp.test>\r\n".encode() for n in range(1, 5000)))
        replies = [await client.reply() for _ in range(1, 5000)]
        assert replies[:999] == ["250 2.1.5 Recipient OK"] * 999
        assert set(replies[999:]) == {"452 4.5.3 Too many recipients"}
        assert (await client.ask("DATA")).startswith("354")
        await client.send(LETTER + b".\r\n")
        assert (await client.reply()).startswith("250 ")
        assert len(door.intake.kept[0].envelope.recipients) == 1000


async def test_row_14_relaying_and_forged_senders():
    def only_ours(source: str, address: str) -> bool:
        return source == "dpi" and address.endswith("@huitaine.test")

    async with smtp_door(may_receive=only_ours) as door, door.client() as client:
        not_allowed = "553 5.7.1 Sender not allowed for this account"
        for forged in ("<x@evil.test>", "<secretariat@evil.test>", "<>", "<a@sub.labo.ch-exemple.test>"):
            assert await client.ask(f"MAIL FROM:{forged}") == not_allowed
        await client.begin()
        assert await client.ask("RCPT TO:<x@evil.test>") == "550 5.7.1 Relaying not allowed for <x@evil.test>"


@pytest.mark.parametrize(
    "header",
    [
        b"From: x@evil.test",
        b"From: secretariat@ch-exemple.test\r\nFrom: x@evil.test",
        b'From: "secretariat@ch-exemple.test" <x@evil.test>',
        b"From: secretariat@ch-exemple.test,\r\n x@evil.test",
        b'From: "x"@evil.test',
        b"FROM : <x@evil.test>",
        b"From: (secretariat@ch-exemple.test) x@evil.test",
        b"From:\r\n x@evil.test",
    ],
)
async def test_row_14_a_forged_header_from(header):
    async with smtp_door() as door, door.client() as client:
        assert await client.letter(header + b"\r\n\r\nx\r\n") == "550 5.7.1 Header From not allowed for this account"
        assert door.intake.kept == []


async def test_row_15_a_mail_loop():
    async with smtp_door(loop_marker="X-Huitaine-Gateway: ch-exemple") as door, door.client() as client:
        assert (await client.letter(b"Received: x\r\n" * 50 + HEAD + b"x\r\n")).startswith("250 ")
        assert await client.letter(b"Received: x\r\n" * 51 + HEAD + b"x\r\n") == "554 5.4.6 Mail loop"
        assert await client.letter(b"X-HUITAINE-Gateway: ch-exemple\r\n" + HEAD + b"x\r\n") == "554 5.4.6 Mail loop"


def nested(levels: int) -> bytes:
    opening = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level) for level in range(levels)
    )
    return b"From: secretariat@ch-exemple.test\r\n" + opening + b"\r\nx\r\n"


def broad(parts: int) -> bytes:
    head = b'From: secretariat@ch-exemple.test\r\nContent-Type: multipart/mixed; boundary="=b"\r\n\r\n'
    return head + b"--=b\r\n\r\nx\r\n" * parts + b"--=b--\r\n"


async def test_row_16_too_many_levels_of_multiparts():
    async with smtp_door() as door, door.client() as client:
        assert await client.letter(nested(1000)) == "554 5.6.0 More than 100 MIME levels"
        assert (await client.letter(nested(100))).startswith("250 ")


async def test_row_17_too_many_parts():
    async with smtp_door() as door, door.client() as client:
        assert await client.letter(broad(1001)) == "554 5.6.0 More than 1,000 MIME parts"
        assert (await client.letter(broad(1000))).startswith("250 ")


async def test_row_18_a_header_over_100_kilobytes():
    async with smtp_door() as door, door.client() as client:
        header = HEAD[:-2] + b"".join(b"X-%05d: y\r\n" % number for number in range(10_000))
        assert await client.letter(header + b"\r\nx\r\n") == "554 5.6.0 Header larger than 100 KB"
        assert await client.letter(header) == "554 5.6.0 Header larger than 100 KB"
