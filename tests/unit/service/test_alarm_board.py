"""An alarm is one line when it opens and one when it is over; figures look back no further than they should."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from structlog.testing import capture_logs

from config.settings import load
from gateway.service.alarms import MEANING, Board, Measure
from gateway.service.alarms.ends import Ends
from gateway.service.alarms.pulse import Pulse, Recent
from gateway.service.alarms.watch import commit_p99
from gateway.service.upkeep.installing import install
from tests.peers.authority import self_signed
from tests.test_docs import codes_in_table, page

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


def waits(seconds: float) -> Measure:
    return Measure(code="letters-wait", value=seconds, limit=900)


def test_one_line_when_an_alarm_opens_and_one_when_it_is_over():
    board = Board()
    with capture_logs() as lines:
        for seconds in (0, 900, 901, 2000, 5000, 0, 0):
            board.take([waits(seconds)])
    assert [(line["event"], line["code"]) for line in lines] == [
        ("alarm", "letters-wait"),
        ("alarm-over", "letters-wait"),
    ]
    assert lines[0]["do"]
    assert board.open == {}


def test_of_several_figures_of_one_code_the_first_bad_one_is_named():
    board = Board()
    days = [Measure(code="certificate-ends", value=value, limit=30, least=True, which=name) for name, value in
            (("smtp", 400), ("mllp", 3), ("courier.operator", 5))]  # fmt: skip
    board.take(days)
    assert board.open["certificate-ends"].which == "mllp"


def test_every_alarm_is_explained_to_the_administrator():
    assert set(MEANING) <= codes_in_table(page("operations.md"))


def test_what_happened_is_forgotten_after_its_window():
    now = [0.0]
    recent = Recent(60, monotonic=lambda: now[0])
    recent.add(2)
    now[0] = 59
    recent.add(3)
    assert (recent.total(), recent.worst()) == (5, 3)
    now[0] = 61
    assert (recent.total(), recent.worst()) == (3, 3)
    now[0] = 200
    assert (recent.total(), recent.worst()) == (0, 0)


def test_of_a_hundred_commits_the_slowest_does_not_count_and_old_ones_neither():
    now = time.monotonic()
    assert commit_p99([(now - 1, 0.001)] * 99 + [(now - 1, 5.0)]) == 0.001
    assert commit_p99([(now - 1, 0.001)] * 98 + [(now - 6, 5.0)] * 2) == 5.0
    assert commit_p99([(now - 600, 5.0)]) == 0.0


async def test_the_pulse_sees_a_loop_that_stood_still():
    pulse = Pulse()
    beating = asyncio.create_task(pulse.beat())
    await asyncio.sleep(0.15)
    time.sleep(0.5)  # noqa: ASYNC251 (the very fault)
    await asyncio.sleep(0.15)
    beating.cancel()
    assert pulse.late.worst() > 0.3


def test_the_ends_of_our_certificates_are_named_by_their_place_in_the_settings_only(tmp_path: Path):
    made = install(tmp_path)
    text = made.settings.read_text(encoding="utf-8")
    text += '[courier.routes."cabinet-dupont.example"]\nhost = "x"\ncertificate = "tls/route.pem"\n'
    made.settings.write_text(text, encoding="utf-8")
    self_signed(tmp_path / "tls" / "route.pem", until=NOW + timedelta(days=5))
    ends = Ends(load(made.settings))
    found = {end.name: end.at for end in ends.certificates()}
    assert set(found) == {"signing", "smtp", "courier.routes.1"}
    assert found["courier.routes.1"] == NOW + timedelta(days=5)


def test_a_certificate_put_in_its_place_is_seen_and_a_missing_one_is_no_fault_here(tmp_path: Path):
    made = install(tmp_path)
    ends, path = Ends(load(made.settings)), tmp_path / "tls" / "gateway.pem"
    self_signed(path, until=NOW + timedelta(days=77))
    assert NOW + timedelta(days=77) in {end.at for end in ends.certificates()}
    path.unlink()
    assert [end.name for end in ends.certificates()] == ["signing"]
    path.write_text("no certificate")
    assert [end.name for end in ends.certificates()] == ["signing"]


@pytest.mark.parametrize("form", [Encoding.PEM, Encoding.DER])
def test_a_revocation_list_ends_with_its_next_update_and_a_folder_with_the_soonest(tmp_path: Path, form: Encoding):
    made = install(tmp_path)
    folder = tmp_path / "crl"
    folder.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    for days in (9, 4):
        crl = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")]))
            .last_update(NOW - timedelta(days=1))
            .next_update(NOW + timedelta(days=days))
            .sign(key, hashes.SHA256())
        )
        (folder / f"{days}.crl").write_bytes(crl.public_bytes(form))
    settings = load(made.settings)
    settings = settings.model_copy(update={"smtp": settings.smtp.model_copy(update={"client_crl": folder})})
    if "client_crl" not in type(settings.smtp).model_fields:
        pytest.skip("no revocation lists in the settings")
    assert [end.at for end in Ends(settings).lists()] == [NOW + timedelta(days=4)]
