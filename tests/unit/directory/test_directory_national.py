"""A whole country's files: fetched over TLS, odd rows told, and nothing half done when the process is killed."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path

import pytest
import trustme
from typer.testing import CliRunner

from commands.directory import app
from directory import Directory, DirectoryError, import_files
from directory.download import fetched
from tests.unit.directory.annuaire import KEY, mailbox, playing, practitioner
from tests.unit.directory.country import ACTIVITY_HEADER, Country, activity_lines, mailbox_lines
from tests.unit.directory.signing import SIGNER, authority, list_xml, sign, signer_of
from tests.unit.directory.synthetic import MAILBOX_HEADER, activity_line, mailbox_line, rpps_of, write

ROOT = Path(__file__).resolve().parents[3]
RPPS = "99900000001"
STAMPED = "Extraction_Correspondance_MSSante_202603010300.txt"


@contextmanager
def offering(folder: Path, content: bytes, *, cut: int = 0, status: int = 200):
    """An https server that gives one file, whatever is asked; gives its address and its authority."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Content-Disposition", f'attachment; filename="../../{STAMPED}"')
            self.end_headers()
            self.wfile.write(content[: len(content) - cut])

    issuer, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer.issue_cert("127.0.0.1").configure_cert(context)
    issuer.cert_pem.write_to_path(str(folder / "ca.pem"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}/extraction/x", folder / "ca.pem"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def run(tmp_path, monkeypatch):
    def settings(more: str = "") -> None:
        (tmp_path / "huitaine.toml").write_text(f'[gateway]\nmode = "test"\ndata = "data"\n[directory]\n{more}')

    settings()
    monkeypatch.setenv("HUITAINE_CONFIG", str(tmp_path / "huitaine.toml"))
    monkeypatch.setenv("HUITAINE_LANG", "en")
    monkeypatch.setenv("COLUMNS", "200")

    def typed(*words: object):
        return CliRunner().invoke(app, [str(word) for word in words])

    typed.settings = settings
    return typed


def one_box(folder):
    return write(folder / "one.txt", iter([MAILBOX_HEADER, mailbox_line("a@b.example", "8" + RPPS)])).read_bytes()


# --- over the network -----------------------------------------------------------------------------------------------


def test_a_file_is_fetched_and_keeps_the_date_in_its_name(run, tmp_path):
    with offering(tmp_path, one_box(tmp_path)) as (url, ca):
        run.settings(f'national_urls = ["{url}"]\nnational_ca = "{ca}"\n')
        done = run("import", "--format", "json")
        assert done.exit_code == 0, done.output
        named = run("import", url, "--format", "json")
    (row,) = json.loads(done.stdout)
    assert (row["rows"], row["name"], row["published_at"][:10]) == (1, STAMPED, "2026-03-01")
    assert json.loads(named.stdout)[0]["added"] == 0
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["directory.db", "directory.lock"]


@pytest.mark.parametrize(("how", "code"), [({"cut": 10}, "fetch-failed"), ({"status": 500}, "fetch-failed")])
def test_a_download_that_breaks_off_leaves_the_old_directory(tmp_path, how, code):
    import_files(tmp_path, [write(tmp_path / "m.txt", iter([MAILBOX_HEADER, mailbox_line("a@b.example", "8" + RPPS)]))])
    with (
        offering(tmp_path, one_box(tmp_path), **how) as (url, ca),
        pytest.raises(DirectoryError) as caught,
        fetched([url], tmp_path, authorities=ca, tell=lambda _: None),
    ):
        pytest.fail("nothing was whole")
    assert caught.value.code == code
    assert not list(tmp_path.glob(".national-*"))


def test_a_server_of_another_authority_and_plain_http_are_refused(run, tmp_path):
    with offering(tmp_path, one_box(tmp_path)) as (url, _):
        refused = run("import", url)
        assert refused.exit_code == 4
        assert "fetch-failed" in refused.stderr
        assert "not-https" in run("import", url.replace("https", "http")).stderr
    assert run("import").exit_code == 2


def test_what_a_killed_import_had_downloaded_is_swept_a_day_later(run, tmp_path):
    left, new = tmp_path / "data" / ".national-old", tmp_path / "data" / ".national-now"
    for folder in (left, new):
        folder.mkdir(parents=True)
        (folder / "m.txt").write_text("half a file")
    os.utime(left, (0, 0))
    with offering(tmp_path, one_box(tmp_path)) as (url, _):
        run("import", url)
    assert not left.exists()
    assert new.exists()


# --- odd rows -------------------------------------------------------------------------------------------------------


def test_one_number_with_two_names_is_told_and_kept(run, tmp_path):
    lines = [activity_line(f"8{rpps_of(n)}", family="DURAND") for n in range(40)]
    lines += [activity_line("8" + RPPS, family="MARTIN"), activity_line("8" + RPPS, family="Martin-Leroux")]
    lines += [activity_line(f"8{rpps_of(3)}", family="DUPONT", finess="990000001")]
    done = run("import", write(tmp_path / "a.txt", iter([ACTIVITY_HEADER, *lines])), "--rejected", tmp_path / "odd.csv")
    assert done.exit_code == 0, done.output
    assert f"a.txt:44: two-names: 8{rpps_of(3)}: two different names" in done.stderr
    assert done.stderr.count("two-names") == 1
    assert "DUPONT" not in done.stderr
    assert "a.txt,44,two-names" in (tmp_path / "odd.csv").read_text()


def test_a_double_name_and_both_its_halves_are_told_without_a_line(run, tmp_path):
    families = ("DURAND-MARTIN", "MARTIN", "DURAND")
    lines = [activity_line("8" + RPPS, family=family, finess=f"99000000{n}") for n, family in enumerate(families)]
    done = run("import", write(tmp_path / "a.txt", iter([ACTIVITY_HEADER, *lines])))
    assert done.exit_code == 0, done.output
    assert f"two-names: 8{RPPS}: two" in done.stderr


def test_a_mailbox_whose_domain_left_the_white_list_is_told_and_kept(run, tmp_path):
    issuer = authority()
    (tmp_path / "list.xml").write_bytes(sign(list_xml({"b.example": "CN=x"}), signer_of(issuer)))
    (tmp_path / "ca.pem").write_bytes(issuer.pem)
    listed = run("whitelist", "update", tmp_path / "list.xml", "--ca", tmp_path / "ca.pem", "--cn", SIGNER)
    assert listed.exit_code == 0, listed.output
    lines = [mailbox_line("a@b.example", "8" + RPPS), mailbox_line("a@parti.example", f"8{rpps_of(2)}")]
    done = run("import", write(tmp_path / "m.txt", iter([MAILBOX_HEADER, *lines])))
    assert done.exit_code == 0
    why = "its domain is not in the white list; kept, nothing is sent there"
    assert done.stderr == f"not-listed: a@parti.example: {why}\n"


def test_without_a_white_list_nothing_is_said_of_it(run, tmp_path):
    done = run("import", write(tmp_path / "m.txt", iter([MAILBOX_HEADER, mailbox_line("a@b.example", "8" + RPPS)])))
    assert done.stderr == ""


# --- killed ---------------------------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from pathlib import Path
from directory import extraction, import_files
extraction._BLOCK = 8192
def tell(progress):
    if progress.step == sys.argv[3] and (progress.step != "rows" or 50 <= progress.rows < 300):
        os.kill(os.getpid(), signal.SIGKILL)
import_files(Path(sys.argv[1]), [Path(sys.argv[2])], progress=tell, confirm=True)
"""


@pytest.mark.parametrize("step", ["rows", "indexes", "names"])
def test_a_killed_import_leaves_the_old_directory_and_the_next_one_works(tmp_path, step):
    country = Country(300)
    import_files(tmp_path, [write(tmp_path / "m.txt", mailbox_lines(country, 50))])
    more = write(tmp_path / "more.txt", mailbox_lines(country, 300))
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(more), step], cwd=ROOT, check=False)
    assert killed.returncode == -9
    assert (tmp_path / "directory.db.new").exists()
    directory = Directory.open(tmp_path)
    assert directory.status().mailboxes == 50
    assert import_files(tmp_path, [more], confirm=True).published
    assert directory.status().mailboxes == 300
    assert not (tmp_path / "directory.db.new").exists()
    directory.close()


def test_the_same_import_ends_well_when_nobody_kills_it(tmp_path):
    more = write(tmp_path / "more.txt", mailbox_lines(Country(300), 300))
    command = [sys.executable, "-c", KILLED, str(tmp_path), str(more), "never"]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0
    assert Directory.open(tmp_path).status().mailboxes == 300


# --- what the generator promises ------------------------------------------------------------------------------------


def test_the_invented_country_is_the_same_each_time_and_like_the_real_one():
    one, two = Country(9000), Country(9000)
    lines = list(mailbox_lines(one, 1000)) + list(activity_lines(one, 3300))
    assert lines == list(mailbox_lines(two, 1000)) + list(activity_lines(two, 3300))
    assert lines != list(mailbox_lines(Country(9000, seed=9), 1000)) + list(activity_lines(one, 3300))
    people = [one.person(number) for number in range(3000)]
    names = [(person.family, person.given) for person in people]
    assert len(set(names)) < len(names)
    assert any(not person.family.isascii() for person in people)
    assert any("-" in person.given for person in people)
    finess = [one.where(number).finess for number in range(3000)]
    assert {"2A", "2B"} <= {one.place(number).department for number in range(10_000)}
    assert max(finess.count(number) for number in islice(finess, 50)) > 3


# --- the delta as it is typed ---------------------------------------------------------------------------------------


def test_the_delta_is_a_command_with_its_settings(run, tmp_path):
    assert run("delta").exit_code == 2
    yesterday = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y%m%d%H%M")
    boxes = iter([MAILBOX_HEADER, mailbox_line("a@b.example", "8" + RPPS, family="MARTIN")])
    with playing(tmp_path) as annuaire:
        run.settings(f'delta_url = "{annuaire.base}"\nnational_ca = "{annuaire.ca}"\n')
        assert "esante-api-key" in run("delta").stderr
        (tmp_path / "secrets").mkdir()
        (tmp_path / "secrets" / "esante-api-key").write_text(KEY + "\n")
        assert "no-directory" in run("delta").stderr
        assert run("import", write(tmp_path / f"m_{yesterday}.txt", boxes)).exit_code == 0
        annuaire.add(practitioner("003-1", rpps_of(5), "NOUVEAU", mailbox("nouveau@b.example")))
        done = run("delta", "--format", "json")
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)[0]["persons"] == 1
        annuaire.key = "autre"
        refused = run("delta")
    assert (refused.exit_code, "key-refused" in refused.stderr) == (3, True)
    assert KEY not in refused.output
    items = json.loads(run("status", "--format", "json").stdout)
    assert {"delta-file"} <= {row["item"] for row in items}
