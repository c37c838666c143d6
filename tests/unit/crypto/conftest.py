"""An invented authority and a few people, made once: RSA keys take a while."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import typer
from cryptography.hazmat.primitives.serialization import Encoding
from typer.testing import CliRunner

from commands import keys as keys_command
from commands.opening import open_command
from gateway.crypto.authority import TestAuthority, certificates_pem, to_pem
from gateway.crypto.keys import SigningIdentity
from gateway.crypto.open import OpeningKeys
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.crypto.openpgp_open import OpenPgpSecret
from gateway.crypto.seal import Sealer
from gateway.identifiers import DeliveryId, LetterId
from gateway.letter import ComposedMail, Protection
from gateway.service.upkeep.installing import install
from tests.peers.authority_online import OnlineAuthority, online_authority
from tests.peers.running import need

HOSPITAL = "sortie.chirurgie@hopital-essai.mssante.fr"
GP = "dr.essai@medecin-essai.mssante.fr"
ENTITY = (
    b'Content-Type: multipart/mixed; boundary="inner"\r\n\r\n'
    b"--inner\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"Compte rendu d'essai, patient invent=C3=A9. \r\nLigne finale sans fin\r\n"
    b'--inner\r\nContent-Type: application/pdf; name="lettre.pdf"\r\nContent-Transfer-Encoding: base64\r\n'
    b'Content-Disposition: attachment; filename="lettre.pdf"\r\n\r\nJVBERi0xLjQK\r\n--inner--\r\n'
)


@pytest.fixture
def now() -> datetime:
    """The moment of this test: what OpenSSL signs meanwhile lies in no future, however long the session takes."""
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="session")
def authority() -> TestAuthority:
    return TestAuthority.create("Essai", at=datetime.now(UTC).replace(microsecond=0))


@pytest.fixture(scope="session")
def online(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnlineAuthority]:
    """Another authority, whose lists and responder answer on loopback."""
    with online_authority(tmp_path_factory.mktemp("online")) as served:
        yield served


@pytest.fixture(scope="session")
def hospital(authority: TestAuthority) -> SigningIdentity:
    return authority.issue(address=HOSPITAL)


@pytest.fixture(scope="session")
def gp(authority: TestAuthority) -> SigningIdentity:
    return authority.issue(address=GP)


@pytest.fixture(scope="session")
def gp_ec(authority: TestAuthority) -> SigningIdentity:
    return authority.issue(address=GP, key="p256")


@pytest.fixture(scope="session")
def hospital_ec(authority: TestAuthority) -> SigningIdentity:
    return authority.issue(address=HOSPITAL, key="p256")


@pytest.fixture(scope="session")
def hospital_pgp() -> bytes:
    return OpenPgpSigner.generate(f"Hopital d'essai <{HOSPITAL}>")


@pytest.fixture(scope="session")
def gp_pgp() -> bytes:
    return OpenPgpSigner.generate(f"Docteur Essai <{GP}>")


@pytest.fixture
def sealer(hospital: SigningIdentity, hospital_pgp: bytes, now: datetime) -> Sealer:
    return Sealer(identity=hospital, openpgp=OpenPgpSigner(hospital_pgp), clock=lambda: now)


@pytest.fixture
def keys(gp: SigningIdentity, gp_ec: SigningIdentity, gp_pgp: bytes, hospital_pgp: bytes) -> OpeningKeys:
    return OpeningKeys(
        smime=(gp, gp_ec),
        openpgp=(OpenPgpSecret(gp_pgp),),
        correspondents=(OpenPgpSigner(hospital_pgp).public_key,),
    )


@pytest.fixture
def compose() -> Callable[..., ComposedMail]:
    def composed(protection: Protection, entity: bytes = ENTITY, **changes: object) -> ComposedMail:
        fields: dict[str, object] = {
            "letter": LetterId("01ESSAI"),
            "delivery": DeliveryId("01ESSAIDELIVERY"),
            "message_id": "<01ESSAI@hopital-essai.mssante.fr>",
            "sender": HOSPITAL,
            "mailbox": GP,
            "headers": (("From", HOSPITAL), ("To", GP), ("Subject", "Lettre de sortie")),
            "entity": entity,
            "protection": protection,
        }
        return ComposedMail(**{**fields, **changes})  # type: ignore[arg-type]

    return composed


@pytest.fixture
def entity() -> bytes:
    return ENTITY


def der(identity: SigningIdentity) -> bytes:
    return identity.certificate.public_bytes(Encoding.DER)


@pytest.fixture
def der_of() -> Callable[[SigningIdentity], bytes]:
    return der


@pytest.fixture
def openssl(
    tmp_path: Path, authority: TestAuthority, gp: SigningIdentity, gp_ec: SigningIdentity, hospital: SigningIdentity
) -> Callable[..., bytes]:
    """``openssl cms …`` in a folder that holds the people's keys; gives its output, or fails with its words."""
    need("openssl")
    for name, identity in (("gp", gp), ("gp_ec", gp_ec), ("hospital", hospital)):
        (tmp_path / f"{name}.pem").write_bytes(to_pem(identity, None))
        (tmp_path / f"{name}.crt").write_bytes(certificates_pem((identity.certificate,)))
    (tmp_path / "chain.pem").write_bytes(certificates_pem((authority.issuer.certificate,)))
    (tmp_path / "roots.pem").write_bytes(certificates_pem(authority.roots))

    def run(*arguments: str, content: bytes) -> bytes:
        done = subprocess.run(
            ["openssl", "cms", *arguments], input=content, capture_output=True, cwd=tmp_path, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    return run


@pytest.fixture
def gpg() -> Iterator[Callable[..., bytes]]:
    """gpg with a home of its own; the path is short because the agent's socket must fit in 107 bytes."""
    need("gpg", "gpgconf")
    with tempfile.TemporaryDirectory(prefix="hgpg") as home:
        Path(home).chmod(0o700)
        base = ["gpg", "--homedir", home, "--batch", "--yes", "--pinentry-mode", "loopback", "--passphrase", ""]

        def run(*arguments: str, content: bytes = b"", status: bool = False) -> bytes:
            extra = ["--status-fd", "2"] if status else []
            done = subprocess.run([*base, *extra, *arguments], input=content, capture_output=True, check=False)
            assert done.returncode == 0, done.stderr.decode()
            return done.stderr if status else done.stdout

        yield run
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False, capture_output=True)


@pytest.fixture
def past(now: datetime) -> Callable[[int], datetime]:
    return lambda days: now - timedelta(days=days)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an installation in ``here``, told of to commands; they speak English."""
    monkeypatch.setenv("HUITAINE_LANG", "en")
    made = install(tmp_path / "here", domain="hopital-essai.mssante.fr")
    monkeypatch.setenv("HUITAINE_CONFIG", str(made.settings))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def command() -> Callable[..., str]:
    """``huitaine keys`` and ``huitaine open`` as typed; gives what is written, and ends with the code that is told."""
    app = typer.Typer()
    app.add_typer(keys_command.app, name="keys")
    app.command("open")(open_command)

    def invoke(*arguments: object, code: int = 0) -> str:
        result = CliRunner().invoke(app, [str(each) for each in arguments])
        assert result.exit_code == code, result.output
        return result.output

    return invoke


@pytest.fixture
def run_keys(command: Callable[..., str]) -> Callable[..., str]:
    """The same for ``huitaine keys``."""
    return partial(command, "keys")
