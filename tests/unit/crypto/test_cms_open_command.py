"""`huitaine open` with a key of every kind that CMS is sealed to, as whoever holds it in a file uses it."""

from __future__ import annotations

import json

import pytest
import typer
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from typer.testing import CliRunner

from commands.opening import open_command
from gateway.crypto.keys import OpeningIdentity, load_opening_identity
from gateway.errors import KeyStoreRefused
from gateway.letter import Smime
from tests.unit.crypto.cms_people import Person, person


@pytest.fixture
def run():
    app = typer.Typer()
    app.command("open")(open_command)
    app.command("other")(lambda: None)  # one command alone would have no name
    return lambda *arguments: CliRunner().invoke(app, ["open", *map(str, arguments)])


@pytest.mark.parametrize("kind", ["p384", "x25519", "ml-kem-768", "ml-kem-1024"])
def test_a_letter_opens_with_a_key_of_every_kind(  # noqa: PLR0917 - fixtures
    run, tmp_path, sealer, compose, der_of, gp, authority, kind
):
    reader = person(authority, kind)
    beside = Smime(certificate=der_of(gp), gcm=True)
    mail = sealer.seal(compose(Smime(certificate=der_of(reader), gcm=True, alternatives=(beside,))))
    (tmp_path / "letter.eml").write_bytes(mail.content)
    (tmp_path / "key.pem").write_bytes(reader.pem + b"".join(_pem(each) for each in reader.chain))
    told = json.loads(run(tmp_path / "letter.eml", "--key", tmp_path / "key.pem").output)
    assert [layer["kind"] for layer in told["layers"]] == ["smime-encrypted", "smime-signed"]
    assert told["layers"][0]["intact"] is True
    assert kind.replace("p384", "ecdh") in told["layers"][0]["algorithms"][1]


def test_whoever_is_not_meant_is_told_nothing_more(run, tmp_path, sealer, compose, der_of, gp, authority):
    (tmp_path / "letter.eml").write_bytes(sealer.seal(compose(Smime(certificate=der_of(gp), gcm=True))).content)
    (tmp_path / "key.pem").write_bytes(person(authority, "x25519").pem)
    refused = run(tmp_path / "letter.eml", "--key", tmp_path / "key.pem")
    assert refused.exit_code == 3
    assert "not-decrypted" in refused.output


def test_a_p12_may_hold_an_elliptic_key_for_opening(authority):
    one = person(authority, "p384")
    bundle = pkcs12.serialize_key_and_certificates(
        b"x", one.private_key, one.certificate, one.chain, BestAvailableEncryption(b"secret")
    )
    loaded = load_opening_identity(bundle, b"secret")
    assert loaded.certificate == one.certificate
    assert repr(loaded) == "OpeningIdentity(hidden)"
    assert isinstance(loaded, OpeningIdentity)


def test_a_key_that_only_signs_opens_nothing(authority):
    signer: Person = person(authority, "ed25519")
    with pytest.raises(KeyStoreRefused, match="Key store cannot be opened"):
        load_opening_identity(signer.pem, None)


def _pem(certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)
