"""What `huitaine directory set` says an addressee reads is what is in the mail that is composed for him."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import pytest
from typer.testing import CliRunner

import cli
from directory import Directory
from gateway.addressing import Addressing, AddressingPolicy
from gateway.addressing.policy import Unknown
from gateway.compose import ComposeProfile, Composer
from gateway.identifiers import DeliveryId
from gateway.letter import Addressed, KeptLetter, ParsedLetter
from gateway.parsers.read import read
from tests.unit.directory.test_directory_local import make, named
from tests.unit.queue.letters import letter

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
VECTOR = Path(__file__).resolve().parents[2] / "vectors/hl7v2/oru_r01_microbiology.hl7"
BOX, RPPS = "gp@cabinet.example", "99900000001"
PROFILE = ComposeProfile(
    sender="app@ch.example", sender_name="CH", nil="DEV000000", hospital="CH", oid="1.2.250.1.999.1"
)


@pytest.fixture
def say(tmp_path, monkeypatch):
    (tmp_path / "huitaine.toml").write_text('[gateway]\ndata = "data"\n')
    monkeypatch.setenv("HUITAINE_CONFIG", str(tmp_path / "huitaine.toml"))
    certificate = tmp_path / "gp.der"
    certificate.write_bytes(make(None, *named(BOX), until=NOW.replace(year=2036)))

    def said(*words: str) -> None:
        done = CliRunner().invoke(cli.application(words), list(words))
        assert done.exit_code == 0, done.output

    said("directory", "set", BOX, f"rpps={RPPS}")
    said("directory", "key", "add", BOX, str(certificate))
    return said


def composed(folder: Path) -> tuple[list[str], list[str]]:
    """The files of the mail, and the codes of the trace."""
    content = VECTOR.read_bytes()
    reading = read(content, name=VECTOR.name)
    kept = KeptLetter(received=letter(content, to=BOX))
    parsed = ParsedLetter(id=kept.id, kept=kept, format=reading.format, documents=reading.documents)
    directory = Directory.open(folder / "data")
    policy = AddressingPolicy(
        our_domain="ch.example",
        white_list_required=False,
        unknown_mailboxes={"dpi": Unknown.ALLOW},
        test_domains=frozenset({"cabinet.example"}),
    )
    addressing = Addressing(directory=directory, policy=policy, clock=lambda: NOW)
    whole = addressing.address(parsed)
    (addressed,) = (one for one in whole.outcomes if isinstance(one, Addressed) and one.mailbox == BOX)
    mail = Composer(profile=PROFILE, clock=lambda: NOW).compose(
        whole, addressed, delivery=DeliveryId("01ESSAI"), message_id="<1@ch.example>"
    )
    directory.close()
    names = [part.get_filename() or "" for part in message_from_bytes(mail.entity).walk()]
    endings = {name.rpartition(".")[2] for name in names if name} - {"hl7"}  # the original always goes along
    return sorted(endings), [one.code for one in addressed.reasons]


@pytest.mark.parametrize(
    ("subject", "code"),
    [(BOX, "reads-by-mailbox"), (RPPS, "reads-by-practitioner"), ("cabinet.example", "reads-by-domain")],
)
@pytest.mark.parametrize(
    ("reads", "files"), [("pdf", ["pdf"]), ("hprim-attached", ["hpr"]), ("pdf,xdm", ["pdf", "zip"]), ("text", [])]
)
def test_the_mail_holds_what_was_set_and_the_trace_says_for_whom(say, tmp_path, subject, code, reads, files):
    say("directory", "set", subject, f"reads={reads}")
    found, codes = composed(tmp_path)
    assert found == files
    assert code in codes


def test_control_without_a_word_it_holds_the_default(say, tmp_path):
    found, codes = composed(tmp_path)
    assert found == ["hpr", "pdf"]
    assert "reads-by-default" in codes
