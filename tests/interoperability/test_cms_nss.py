"""NSS, as Thunderbird has it, opens and verifies what our codec writes, and the other way round (``cmsutil``).

NSS 3.87 of Debian 12 knows RSA PKCS #1 v1.5 with AES in CBC as envelope, and every signature of RSA and ECDSA: neither
OAEP nor ECDH nor GCM, and of what it does not know it says so.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12

from gateway.crypto.authority import TestAuthority, certificates_pem
from gateway.crypto.cms.decrypt import decrypt, read_content_info
from gateway.crypto.cms.recipients import CmsRecipient
from gateway.crypto.cms.signed import DetachedSigner
from gateway.crypto.cms.verify import signatures
from tests.peers.running import need
from tests.unit.crypto.cms_people import Person, believing, encrypt_cbc, encrypt_gcm, person

pytestmark = pytest.mark.peer

TEXT = b"Content-Type: text/plain\r\n\r\nCompte rendu d'essai\r\n"
SIGNERS = ("rsa", "p256", "p384")
TABLE = "Sealed forms, by command line"
OURS, THEIRS = "NSS opens or verifies ours", "we open or verify NSS's"


def cell(row: str, column: str) -> pytest.MarkDecorator:
    return pytest.mark.cell(TABLE, row, column)


def signers(column: str) -> pytest.MarkDecorator:
    rows = [pytest.param(kind, marks=cell(f"signature, {kind.upper()}", column)) for kind in SIGNERS]
    return pytest.mark.parametrize("kind", rows)


@pytest.fixture(scope="module")
def authority() -> TestAuthority:
    return TestAuthority.create("Essai", at=datetime.now(UTC).replace(microsecond=0))


@pytest.fixture(scope="module")
def people(authority: TestAuthority) -> dict[str, Person]:
    return {kind: person(authority, kind) for kind in SIGNERS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, authority: TestAuthority, people: dict[str, Person]) -> Path:
    """A certificate database that trusts the authority and holds everybody's keys."""
    need("cmsutil", "certutil", "pk12util")
    folder = tmp_path_factory.mktemp("nss")
    _run(folder, "certutil", "-N", "--empty-password")
    for name, trust, certificates in (
        ("root", "CT,C,C", authority.roots),
        ("issuing", ",,", (authority.issuer.certificate,)),
    ):
        (folder / name).write_bytes(certificates_pem(certificates))
        _run(folder, "certutil", "-A", "-n", name, "-t", trust, "-a", "-i", name)
    for kind, one in people.items():
        bundle = pkcs12.serialize_key_and_certificates(
            kind.encode(), one.private_key, one.certificate, None, NoEncryption()
        )
        (folder / kind).write_bytes(bundle)
        _run(folder, "pk12util", "-i", kind, "-W", "")
    (folder / "content").write_bytes(TEXT)
    return folder


@pytest.fixture
def cmsutil(folder: Path) -> Callable[..., bytes]:
    def run(*arguments: str, content: bytes = TEXT) -> bytes:
        (folder / "in").write_bytes(content)
        _run(folder, "cmsutil", *arguments, "-i", "in", "-o", "out")
        return (folder / "out").read_bytes()

    return run


def _run(folder: Path, *command: str) -> None:
    program, *arguments = command
    done = subprocess.run([program, "-d", "sql:.", *arguments], cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


@cell("RSA, AES in CBC", OURS)
@pytest.mark.parametrize("by_key_id", [False, True], ids=["issuer", "key-id"])
@pytest.mark.parametrize("bits", [128, 192, 256])
def test_nss_opens_what_we_seal_to_an_rsa_key(people, cmsutil, bits, by_key_id):
    sealed = encrypt_cbc(TEXT, [CmsRecipient(people["rsa"].certificate, by_key_id=by_key_id)], bits=bits)
    assert cmsutil("-D", content=sealed) == TEXT


@pytest.mark.parametrize("kind", ["x25519", "ml-kem-768"])
def test_nss_opens_nothing_that_is_also_for_a_kind_of_key_it_does_not_know(authority, people, cmsutil, kind):
    """So one mail per addressee, and a post-quantum key only for who is known to read it."""
    both = [people["rsa"], person(authority, kind)]
    with pytest.raises(AssertionError, match="BAD_DER"):
        cmsutil("-D", content=encrypt_cbc(TEXT, [CmsRecipient(one.certificate) for one in both]))
    assert cmsutil("-D", content=encrypt_cbc(TEXT, [CmsRecipient(both[0].certificate)])) == TEXT


def test_nss_says_that_it_does_not_know_gcm(people, cmsutil):
    """design.md, decision 15: why GCM goes to nobody who is not known to read it."""
    with pytest.raises(AssertionError, match="UNRECOGNIZED_OID"):
        cmsutil("-D", content=encrypt_gcm(TEXT, [CmsRecipient(people["rsa"].certificate)], oaep=False))


@cell("RSA, AES in CBC", THEIRS)
def test_we_open_what_nss_seals(people, cmsutil):
    kind, content = read_content_info(cmsutil("-E", "-r", "rsa"))
    assert decrypt(kind, content, [people["rsa"]]).content == TEXT


@signers(OURS)
@pytest.mark.parametrize("by_key_id", [False, True], ids=["issuer", "key-id"])
def test_nss_verifies_what_we_sign(people, cmsutil, kind, by_key_id):
    signed = DetachedSigner(people[kind], by_key_id=by_key_id).sign(TEXT, datetime.now(UTC))
    told = cmsutil("-D", "-c", "content", "-u", "4", "-h", "1", content=signed)
    assert b"signer0.status=GoodSignature" in told
    assert told.endswith(TEXT)


def test_nss_sees_that_the_content_is_another(people, cmsutil, folder: Path):
    signed = DetachedSigner(people["rsa"]).sign(TEXT + b" ", datetime.now(UTC))
    with pytest.raises(AssertionError):
        cmsutil("-D", "-c", "content", "-u", "4", content=signed)


@signers(THEIRS)
@pytest.mark.parametrize("how", [("-T",), ("-P",)], ids=["detached", "opaque"])
def test_we_verify_what_nss_signs(authority, people, cmsutil, kind, how):
    _, signed = read_content_info(cmsutil("-S", "-N", kind, "-H", "SHA384", "-G", *how))
    at = datetime.now(UTC) + timedelta(seconds=5)
    (found,) = signatures(signed, TEXT, at=at, trust=believing(authority.roots, at))
    assert found.why_not == ""
    (changed,) = signatures(signed, TEXT + b" ", at=at, trust=believing(authority.roots, at))
    assert changed.why_not == "content-changed"
