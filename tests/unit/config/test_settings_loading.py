"""What an administrator writes in the file or the environment, and the one line he reads when it cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.faces import KeyLookup
from config.settings import SettingsError, load, secret


def written(folder: Path, text: str) -> Path:
    path = folder / "huitaine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, text: str) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load(written(folder, text))
    return str(refused.value).split("\n")


@pytest.mark.parametrize(
    ("text", "key", "near"),
    [
        ("[queue]\nretry_minute = [1]\n", "queue.retry_minute", "queue.retry_minutes"),
        ("[gatway]\nmode = 'test'\n", "gatway", "gateway"),
        ("[sources.dpi]\nsender = ['@a.test']\n", "sources.dpi.sender", "sources.dpi.senders"),
        (
            "[courier.operator]\nhost = 'x'\nserver_nam = 'y'\n",
            "courier.operator.server_nam",
            "courier.operator.server_name",
        ),
        (
            "[courier.routes.'gp.test']\nhost = 'x'\nprt = 25\n",
            "courier.routes.gp.test.prt",
            "courier.routes.gp.test.port",
        ),
        ("[smtp]\nimplicit_tls = 465\n", "smtp.implicit_tls", "smtp.implicit_tls_port"),
        ("[receipts]\nfolders = 'x'\n", "receipts.folders", "receipts.folder"),
    ],
)
def test_an_unknown_key_is_refused_and_the_nearest_known_one_named(tmp_path: Path, text: str, key: str, near: str):
    assert refusal(tmp_path, text) == [f"{key}: unknown key; the nearest known one is {near}"]


def test_every_problem_has_its_own_line(tmp_path: Path):
    lines = refusal(tmp_path, "[queue]\nworker = 3\n[gateway]\nmode = 'live'\nreaders = 0\n")
    assert [line.split(":")[0] for line in lines] == ["gateway.mode", "gateway.readers", "queue.worker"]


def test_a_wrong_value_is_refused_with_its_place(tmp_path: Path):
    (line,) = refusal(tmp_path, "[smtp]\nstarttls_port = 70000\n")
    assert line.startswith("smtp.starttls_port: ")
    assert "65535" in line


def test_what_is_not_toml_is_refused_with_its_line(tmp_path: Path):
    (line,) = refusal(tmp_path, "[gateway]\nmode = test\n")
    assert "not TOML" in line
    assert "line 2" in line


def test_what_is_not_utf_8_is_refused_with_its_byte(tmp_path: Path):
    (tmp_path / "huitaine.toml").write_bytes(b'[gateway]\nhostname = "h\xf4pital"\n')
    with pytest.raises(SettingsError, match="byte 24 is not UTF-8"):
        load(tmp_path / "huitaine.toml")


def test_a_missing_file_says_what_makes_one(tmp_path: Path):
    with pytest.raises(SettingsError, match="huitaine init"):
        load(tmp_path / "none.toml")


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = written(tmp_path, "[smtp]\nstarttls_port = 587\nmax_recipients = 7\n")
    monkeypatch.setenv("HUITAINE__SMTP__STARTTLS_PORT", "2587")
    monkeypatch.setenv("HUITAINE__SOURCES__DPI__SENDERS", '["@a.test"]')
    settings = load(path)
    assert (settings.smtp.starttls_port, settings.smtp.max_recipients) == (2587, 7)
    assert settings.sources["dpi"].senders == ("@a.test",)


def test_an_unknown_key_of_the_environment_is_refused_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HUITAINE__SMTP__STARTTLS_PRT", "2587")
    assert refusal(tmp_path, "") == ["smtp.starttls_prt: unknown key; the nearest known one is smtp.starttls_port"]


def test_an_unknown_section_of_the_environment_is_refused_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HUITAINE__SMTPP__STARTTLS_PORT", "2587")
    (line,) = refusal(tmp_path, "")
    assert "smtpp" in line
    assert "smtp" in line.partition("nearest")[2]


def test_the_environment_variables_of_the_command_itself_are_no_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HUITAINE_LANG", "fr")
    monkeypatch.setenv("HUITAINE_CONFIG", "x")
    assert load(written(tmp_path, "")).gateway.mode == "test"


def test_relative_paths_stand_beside_the_file_wherever_the_command_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    here = tmp_path / "etc"
    here.mkdir()
    text = "[folder]\npath = 'drop'\n[courier.operator]\nhost = 'x'\nca = 'ca.pem'\n"
    path = written(here, text + "[courier.routes.'a.test']\nhost = 'x'\nkey = '/abs/key.pem'\n")
    monkeypatch.chdir(tmp_path)
    settings = load(path.relative_to(tmp_path))
    assert settings.gateway.data == here / "data"
    assert settings.gateway.secrets == here / "secrets"
    assert settings.folder.path == here / "drop"
    assert settings.courier.operator is not None
    assert settings.courier.operator.ca == here / "ca.pem"
    assert settings.courier.routes["a.test"].key == Path("/abs/key.pem")
    assert settings.smtp.certificate is None


def test_a_secret_comes_from_its_file_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    settings = load(written(tmp_path, ""))
    with pytest.raises(SettingsError, match="secret keystore-password: cannot be read"):
        secret(settings, "keystore-password")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "keystore-password").write_bytes(b"pass word\r\n")
    assert secret(settings, "keystore-password") == b"pass word"
    assert "pass word" not in repr(settings)


@pytest.mark.parametrize("line", ["[receipts]\npassword = 'x'\n", "[courier.operator]\nhost = 'h'\npassword = 'x'\n"])
def test_a_password_in_the_file_is_refused(tmp_path: Path, line: str):
    (told,) = refusal(tmp_path, line)
    assert "password: unknown key" in told
    assert told.endswith("password_secret")


def test_settings_cannot_be_changed_once_loaded(tmp_path: Path):
    settings = load(written(tmp_path, ""))
    with pytest.raises(ValueError, match="frozen"):
        settings.gateway.mode = "production"


def test_a_directory_whose_keys_come_first_needs_an_authority_of_its_own():
    with pytest.raises(ValueError, match="authority of that server"):
        KeyLookup(url="ldaps://annuaire.example", authoritative=True)
    assert KeyLookup(url="ldaps://annuaire.example", authoritative=True, ca=Path("ca.pem")).authoritative
