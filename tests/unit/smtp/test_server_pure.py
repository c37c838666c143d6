"""The pure parts of the SMTP door: end of data, content, addresses, DSN parameters."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import NoProtection, PeerUnreachable
from gateway.smtp.reply import Refusal, reply_for
from gateway.smtp.server import LineEnds, SmtpLimits
from gateway.smtp.server.addresses import parse_path
from gateway.smtp.server.content import examine, header_block, replay_key
from gateway.smtp.server.dsn import take_mail_parameters, take_rcpt_parameters
from gateway.smtp.server.mime_shape import _has_more_boundaries
from gateway.smtp.server.scan import DataScan
from tests.unit.smtp.smtp_door_kit import DPI, LETTER

LIMITS = SmtpLimits()
pieces = st.lists(
    st.sampled_from([b"\r\n", b".", b"\r", b"\n", b"a", b"\0", b"texte", b"\r\n.", b"\r\n.."]), max_size=40
)


def scanned(octets: bytes, sizes: list[int], limit: int = 1 << 20) -> DataScan:
    scan = DataScan(limit)
    at = 0
    while at < len(octets) and not scan.done:
        step = sizes[at % len(sizes)] if sizes else len(octets)
        scan.feed(octets[at : at + step])
        at += step
    scan.rest += octets[at:]
    return scan


@given(content=pieces.map(b"".join), sizes=st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_content_with_line_ends_of_its_own_comes_back_however_it_is_cut(content, sizes):
    lines = content.replace(b"\r", b"").replace(b"\n", b"\r\n") + b"\r\n"
    stuffed = (b"\r\n" + lines).replace(b"\r\n.", b"\r\n..")[2:]
    scan = scanned(stuffed + b".\r\nQUIT\r\n", sizes)
    assert (scan.done, scan.content(), scan.rest) == (True, lines, b"QUIT\r\n")


@given(octets=pieces.map(b"".join), sizes=st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_any_octets_end_at_the_same_place_however_they_are_cut(octets, sizes):
    whole, cut = scanned(octets, []), scanned(octets, sizes)
    assert (whole.done, whole.rest if whole.done else b"") == (cut.done, cut.rest if cut.done else b"")
    if whole.done:
        assert whole.content() == cut.content()


@given(octets=pieces.map(b"".join), sizes=st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_the_end_is_found_where_nothing_is_kept(octets, sizes):
    dropping, keeping = scanned(octets, sizes, limit=3), scanned(octets, sizes)
    assert dropping.done == keeping.done
    assert dropping.held <= 3 + 9 + 8


@given(sizes=st.lists(st.integers(1, 300), min_size=1, max_size=5), many=st.integers(0, 700))
def test_the_end_is_found_behind_any_number_of_dots_and_dashes(sizes, many):
    lines = b"a.b" * many + b"\r\n" + b".\r\n" * (many // 3) + b"--x\r\n" * many
    stuffed = (b"\r\n" + lines).replace(b"\r\n.", b"\r\n..")[2:]
    scan = scanned(stuffed + b".\r\n.\r\n", sizes)
    assert (scan.done, scan.content(), scan.rest) == (True, lines, b".\r\n")


@pytest.mark.parametrize("dots", [0, 199, 200, 201, 1000])
def test_a_false_end_behind_many_dots_is_still_none(dots):
    scan = scanned(b"a." * dots + b"\r\r\n.\r\nMAIL FROM:<x@y>\r\n.\r\nQUIT\r\n", [])
    assert scan.rest == b"QUIT\r\n"


@given(count=st.integers(0, 30), dashes=st.integers(0, 600), most=st.integers(0, 30))
def test_boundary_lines_are_counted_the_same_however_many_dashes_there_are(count, dashes, most):
    content = b"-" * dashes + b"\r\n--b" * count
    assert _has_more_boundaries(content, most) == (content.count(b"\r\n--") > most)


def test_a_lone_dot_right_away_is_an_empty_letter():
    scan = scanned(b".\r\n", [])
    assert (scan.done, scan.content(), scan.size) == (True, b"", 0)


@given(content=pieces.map(b"".join))
def test_what_passes_has_strict_line_ends_and_is_unchanged(content):
    try:
        passed = examine(content, DPI, LIMITS)
    except Refusal as refusal:
        assert refusal.reply.code == 550  # noqa: PT017  both outcomes are right
    else:
        assert passed == content
        assert not {0, 10, 13}.intersection(passed.replace(b"\r\n", b""))


def test_a_source_that_may_is_normalised_and_signed_content_never():
    lenient = replace(DPI, line_ends=LineEnds.NORMALISE)
    assert examine(b"a\nb\rc\r\nd\n", lenient, LIMITS) == b"a\r\nb\r\nc\r\nd\r\n"
    for sealed in (b"Content-Type: Multipart/Signed", b"Content-Type: application/pkcs7-mime", b"DKIM-Signature: v=1"):
        with pytest.raises(Refusal, match="bare CR or LF"):
            examine(sealed + b"\n\nx\n", lenient, LIMITS)
    with pytest.raises(Refusal, match="bare CR or LF"):
        examine(b"a\nb\r\n", DPI, LIMITS)


def test_the_header_ends_at_the_first_empty_line():
    assert header_block(b"A: b\r\n\r\nc") == b"A: b\r\n"
    assert header_block(b"A: b\r\n") == b"A: b\r\n"
    assert header_block(b"\r\nA: b\r\n\r\n") == b""


def test_every_part_of_a_letter_counts_in_its_replay_key():
    key = replay_key("dpi", "a@b", ["c@d", "e@f"], LETTER)
    assert key == replay_key("dpi", "a@b", ["e@f", "c@d"], LETTER)
    others = {
        replay_key("autre", "a@b", ["c@d", "e@f"], LETTER),
        replay_key("dpi", "x@b", ["c@d", "e@f"], LETTER),
        replay_key("dpi", "a@b", ["c@d"], LETTER),
        replay_key("dpi", "a@b", ["c@de@f"], LETTER),
        replay_key("dpi", "a@b", ["c@d", "e@f"], LETTER.replace(b"<1@", b"<2@")),
        replay_key("dpi", "a@b", ["c@d", "e@f"], LETTER.replace(b"essai", b"autre")),
        replay_key("dpi", "a@b", ["c@d", "e@f"], LETTER + b"x"),
        key,
    }
    assert len(others) == 8


@pytest.mark.parametrize(
    ("path", "address", "parameters"),
    [
        ("<a@b.test>", "a@b.test", ""),
        ("<a@b.test> SIZE=1 BODY=8BITMIME", "a@b.test", "SIZE=1 BODY=8BITMIME"),
        ("a@b.test", "a@b.test", ""),
        ("a@b.test SIZE=1", "a@b.test", "SIZE=1"),
        ("<>", "", ""),
        ('<"a b>c\\""@d.test>', '"a b>c\\""@d.test', ""),
        ("<o'neil+x@b.test>", "o'neil+x@b.test", ""),
        ("<99900000001@rpps.huitaine.test>", "99900000001@rpps.huitaine.test", ""),
        ("<a@[192.0.2.1]>", "a@[192.0.2.1]", ""),
        ("<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]", ""),
        ("<rené@hôpital.test>", "rené@hôpital.test", ""),
        (f"<{'a' * 64}@b.test>", "a" * 64 + "@b.test", ""),
    ],
)
def test_well_formed_paths(path, address, parameters):
    assert parse_path(path, recipient=False) == (address, parameters)


@pytest.mark.parametrize(
    "path",
    [
        "", " ", "<", ">", "<>x", "<a>", "<a@b@c>", "<a@b>c", "<<a@b>>", "<a@b.>", "<a@.b>", "<.a@b>", "<a.@b>",
        "<a@b_c>", "<a@[1.2.3]>", "<a@[300.1.1.1]>", "<a@[IPv6:x]>", "<a@[1.2.3.4>", f"<{'a' * 65}@b>",
        f"<a@{'b' * 64}.test>", f"<a@{'.'.join(['b' * 60] * 5)}>", "<a,b@c>", "<a;b@c>", "<a:b@c>", "<a(b)@c>",
        "<a\\b@c>", "<a@b c>", "<postmaster>", "<a@b>SIZE=1", "a b@c", "\ud800@b", "<a\u202e@b.test>", "<a@b\u3002.>",
    ],
)  # fmt: skip
def test_malformed_paths(path):
    with pytest.raises(Refusal, match="501"):
        parse_path(path, recipient=True)


@given(text=st.text(max_size=60))
def test_any_text_is_a_path_or_a_refusal_and_what_passes_is_one_line(text):
    try:
        address, _ = parse_path(f"<{text}>", recipient=False)
    except Refusal as refusal:
        assert refusal.reply.code == 501  # noqa: PT017  both outcomes are right
    else:
        assert address.isprintable()
        assert not address or "@" in address


def test_dsn_wishes_keep_their_case_and_leave_the_rest():
    mail = take_mail_parameters("SIZE=10 ret=hdrs ENVID=Lettre+2B12 SMTPUTF8 AUTH=<>")
    assert (mail.rest, mail.ret, mail.envid) == ("SIZE=10 SMTPUTF8", "HDRS", "Lettre+2B12")
    rcpt = take_rcpt_parameters("NOTIFY=success,Delay orcpt=rfc822;Dr.A+2BB@GP.test X=y")
    assert (rcpt.rest, rcpt.notify, rcpt.orcpt) == ("X=y", ("SUCCESS", "DELAY"), "rfc822;Dr.A+2BB@GP.test")
    assert take_rcpt_parameters("NOTIFY=never").notify == ("NEVER",)
    assert take_rcpt_parameters("").notify == ()


@pytest.mark.parametrize(
    "parameters",
    ["NOTIFY", "NOTIFY=", "NOTIFY=x", "NOTIFY=NEVER,NEVER", "NOTIFY=DELAY,DELAY", "ORCPT=a", "ORCPT=rfc822;",
     "ORCPT=rfc822;a+2", "ORCPT=rfc822;a=b", f"ORCPT=rfc822;{'a' * 500}", "NOTIFY=DELAY NOTIFY=DELAY"],
)  # fmt: skip
def test_bad_dsn_parameters_of_rcpt(parameters):
    with pytest.raises(Refusal, match=r"501 5\.5\.4"):
        take_rcpt_parameters(parameters)


async def test_dsn_wishes_reach_the_letter_per_recipient():
    from tests.unit.smtp.smtp_door_kit import smtp_door

    async with smtp_door() as door, door.client() as client:
        await client.ask("MAIL FROM:<secretariat@ch-exemple.test> RET=FULL ENVID=Env1")
        await client.ask("RCPT TO:<A@gp.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Dr.A@GP.test")
        await client.ask("RCPT TO:<b@gp.test>")
        await client.ask("RCPT TO:<b@GP.test> NOTIFY=NEVER")  # the same mailbox again
        await client.ask("DATA")
        await client.send(LETTER + b".\r\n")
        await client.reply()
        envelope = door.intake.kept[0].envelope
        assert (envelope.ret, envelope.envid) == ("FULL", "Env1")
        first, second = envelope.recipients
        assert (first.address, first.notify, first.orcpt) == (
            "A@gp.test", ("SUCCESS", "FAILURE"), "rfc822;Dr.A@GP.test",
        )  # fmt: skip
        assert (second.address, second.notify, second.orcpt) == ("b@gp.test", (), None)
        assert (await client.letter()).startswith("250")
        assert door.intake.kept[1].envelope.ret is None  # nothing of the first is left


def test_the_code_follows_the_status():
    assert str(reply_for(PeerUnreachable("x"))) == "451 4.4.1 Next hop does not answer"
    assert str(reply_for(NoProtection())) == "550 5.7.5 No way to protect the letter for this addressee"
    assert str(reply_for(NoProtection(status="5.9.9"))).startswith("554 5.9.9 ")
