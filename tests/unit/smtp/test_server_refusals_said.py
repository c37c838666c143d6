"""A10: each refusal of the door has one form, a code that agrees with its status, and words in both languages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.smtp.reply import STOCK_REPLIES
from gateway.smtp.server.journal_words import in_english, in_french
from tests.unit.smtp.smtp_door_kit import smtp_door

DOOR = Path(__file__).resolve().parents[3] / "gateway" / "smtp"
FILLED = {"name": ["RET", "ENVID", "AUTH", "NOTIFY", "ORCPT"], "who": ["sender", "recipient"], "address": ["<a@b>"]}
FORM = re.compile(r"(2|4|5)\d\d (2|4|5)\.\d{1,3}\.\d{1,3} [A-Z][ -~]{0,400}")


def said(node: ast.expr) -> Iterator[str]:
    """A literal text, with what is put into it by chance or, where few values exist, by each of them."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        texts = [""]
        for part in node.values:
            if isinstance(part, ast.Constant):
                texts = [text + str(part.value) for text in texts]
            else:
                name = ast.unparse(part.value) if isinstance(part, ast.FormattedValue) else ""
                values = {"megabytes(limit)": ["25 MB", "600 bytes"], "address": ["a@b.test"]}.get(name)
                texts = [text + value for text in texts for value in values or FILLED.get(name, ["7"])]
        yield from texts


def refusals() -> list[tuple[int, str, str]]:
    """Code, status and text of every ``Refusal(…)`` in the door's source."""
    found = []
    for path in [*DOOR.glob("server/*.py"), DOOR / "reply.py"]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Refusal" and len(node.args) == 3:
                code, status, text = node.args
                assert isinstance(code, ast.Constant)
                number = str(status.value) if isinstance(status, ast.Constant) else "5.1.7"
                found += [(int(str(code.value)), number, words) for words in said(text)]
    return found


def test_the_source_is_really_read():
    texts = {text for _, _, text in refusals()}
    assert {"Mail loop", "Malformed address", "Relaying not allowed for <a@b.test>"} <= texts
    assert len(texts) >= 30


@pytest.mark.parametrize(("code", "status", "text"), refusals())
def test_a10_each_refusal_is_one_line_with_a_code_that_agrees_and_french_for_the_journal(code, status, text):
    assert FORM.fullmatch(f"{code} {status} {text}")
    assert str(code)[0] == status[0]
    assert in_french(text), text
    assert re.findall(r"\b\d+", in_french(text)) == re.findall(r"\b\d+", in_english(text))


@pytest.mark.parametrize("reply", STOCK_REPLIES.values())
def test_a10_each_reply_of_the_engine_has_the_same_form(reply: str):
    assert FORM.fullmatch(reply)
    assert reply[0] == reply[4]


def test_a10_control_a_text_that_is_not_one_of_ours_has_no_french():
    foreign = "Error: (RuntimeError) disk I/O error"
    assert (in_english(foreign), in_french(foreign)) == ("", "")


async def test_a10_the_journal_says_why_in_both_languages_and_quotes_nobody():
    with capture_logs() as lines:
        async with smtp_door(may_receive=lambda source, address: False) as door, door.client() as client:
            await client.ask("MAIL FROM:<secretariat@ch-exemple.test>")
            reply = await client.ask("RCPT TO:<dupont.marie@gp.test>")
            assert reply == "550 5.7.1 Relaying not allowed for <dupont.marie@gp.test>"
    (line,) = [line for line in lines if line["event"] == "smtp_refused"]
    assert line["why"] == "Relaying not allowed for <…>"
    assert line["pourquoi"] == "ce destinataire n'est pas permis à la source"
    assert "dupont" not in str(lines)
