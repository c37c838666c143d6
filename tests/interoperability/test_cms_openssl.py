"""``openssl cms`` opens and verifies what our codec writes, and the other way round: every pair that it knows.

OpenSSL 3.0 knows neither X25519 nor ML-KEM recipients nor Ed25519 signatures in CMS; their proofs are in
tests/unit/crypto/test_cms_envelopes.py and test_cms_negative.py.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.crypto.authority import TestAuthority, certificates_pem
from gateway.crypto.cms.decrypt import decrypt, read_content_info
from gateway.crypto.cms.recipients import CmsRecipient
from gateway.crypto.cms.signed import DetachedSigner
from gateway.crypto.cms.verify import encapsulated, signatures
from gateway.errors import NotOpened
from tests.peers.running import need
from tests.unit.crypto.cms_people import Person, believing, encrypt_cbc, encrypt_gcm, person, pss_person

pytestmark = pytest.mark.peer

TEXT = b"Content-Type: text/plain\r\n\r\nCompte rendu d'essai\r\n"
RECIPIENTS = ("rsa", "p256", "p384", "p521", "brainpool")
SIGNERS = (*RECIPIENTS, "pss", "pss-sha384")
FORMS: dict[str, Callable[..., bytes]] = {"cbc": encrypt_cbc, "gcm": encrypt_gcm}
TABLE = "Sealed forms, by command line"
OURS, THEIRS = "openssl opens or verifies ours", "we open or verify openssl's"


def cells(rows: list[tuple[str, tuple[object, ...]]], column: str) -> list[pytest.param]:
    return [pytest.param(*given, marks=pytest.mark.cell(TABLE, row, column)) for row, given in rows]


# Each size of key with another way to name the recipient: what is told in one place does not depend on the other.
ENVELOPES = [
    (f"{kind.upper()}, AES in {form.upper()}", (kind, form, bits, how))
    for kind in RECIPIENTS
    for form in FORMS
    for bits, how in ((128, ()), (192, ("-keyid",)), (256, ("-stream",)))
]
OAEP = [(f"RSA-OAEP, AES in {form.upper()}", ("rsa-oaep", form, 256, ())) for form in FORMS]
SIGNATURES = [(f"signature, {kind.upper()}", (kind,)) for kind in SIGNERS]


@pytest.fixture(scope="module")
def authority() -> TestAuthority:
    return TestAuthority.create("Essai", at=datetime.now(UTC).replace(microsecond=0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, authority: TestAuthority) -> Path:
    need("openssl")
    folder = tmp_path_factory.mktemp("openssl")
    (folder / "roots.pem").write_bytes(certificates_pem(authority.roots))
    (folder / "chain.pem").write_bytes(certificates_pem((authority.issuer.certificate,)))
    (folder / "content").write_bytes(TEXT)
    return folder


@pytest.fixture(scope="module")
def people(authority: TestAuthority, folder: Path) -> dict[str, Person]:
    made = {kind: person(authority, kind) for kind in RECIPIENTS}
    for kind, digest in (("pss", None), ("pss-sha384", "sha384")):
        made[kind] = pss_person(authority, folder, digest=digest)
        (folder / "pss.pem").rename(folder / f"{kind}.key")  # the form that openssl takes for this certificate
    for kind, one in made.items():
        (folder / f"{kind}.crt").write_bytes(one.crt)
        if kind in RECIPIENTS:
            (folder / f"{kind}.key").write_bytes(one.pem)
    return made


@pytest.fixture
def openssl(folder: Path, people: dict[str, Person]) -> Callable[..., bytes]:
    def run(*arguments: str, content: bytes) -> bytes:
        command = ["openssl", "cms", "-binary", *arguments]
        done = subprocess.run(command, input=content, capture_output=True, cwd=folder, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    return run


@pytest.fixture
def later() -> datetime:
    """openssl dates a certificate from this second."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=30)


def opened(der: bytes, one: Person) -> bytes:
    kind, content = read_content_info(der)
    return decrypt(kind, content, [one]).content


@pytest.mark.parametrize(("kind", "form", "bits", "how"), cells(ENVELOPES + OAEP, OURS))
def test_openssl_opens_every_envelope_of_ours(people, openssl, kind, form, bits, how):
    kind, _, oaep = kind.partition("-")
    meant = CmsRecipient(people[kind].certificate, by_key_id="-keyid" in how)
    sealed = FORMS[form](TEXT, [meant], bits=bits, oaep=bool(oaep))
    whose = ("-inkey", f"{kind}.key", "-recip", f"{kind}.crt")
    assert openssl("-decrypt", "-inform", "DER", *whose, content=sealed) == TEXT


@pytest.mark.parametrize(("kind", "form", "bits", "how"), cells(ENVELOPES, THEIRS))
def test_we_open_every_envelope_of_openssl(people, openssl, kind, form, bits, how):
    cipher = f"-aes-{bits}-{form}"
    sealed = openssl("-encrypt", "-outform", "DER", cipher, *how, "-recip", f"{kind}.crt", content=TEXT)
    assert opened(sealed, people[kind]) == TEXT
    with pytest.raises(NotOpened):
        opened(sealed, people["p256" if kind == "rsa" else "rsa"])


@pytest.mark.parametrize("digest", ["sha1", "sha224", "sha256", "sha384", "sha512"])
def test_we_open_every_oaep_and_key_derivation_of_openssl(people, openssl, digest):
    padded = ("-keyopt", "rsa_padding_mode:oaep", "-keyopt", f"rsa_oaep_md:{digest}")
    for kind, how in (("rsa", padded), ("p256", ("-keyopt", f"ecdh_kdf_md:{digest}"))):
        sealed = openssl("-encrypt", "-outform", "DER", "-aes256", "-recip", f"{kind}.crt", *how, content=TEXT)
        assert opened(sealed, people[kind]) == TEXT


@pytest.mark.parametrize("wrap", ["-aes128-wrap", "-aes192-wrap", "-aes256-wrap"])
def test_we_open_every_key_wrap_of_openssl(people, openssl, wrap):
    sealed = openssl("-encrypt", "-outform", "DER", "-aes256", wrap, "-recip", "p384.crt", content=TEXT)
    assert opened(sealed, people["p384"]) == TEXT


def test_openssl_opens_for_each_of_several_recipients_of_ours(people, openssl):
    sealed = encrypt_gcm(TEXT, [CmsRecipient(people[kind].certificate) for kind in RECIPIENTS])
    for kind in RECIPIENTS:
        whose = ("-inkey", f"{kind}.key", "-recip", f"{kind}.crt")
        assert openssl("-decrypt", "-inform", "DER", *whose, content=sealed) == TEXT


def test_openssl_skips_a_post_quantum_recipient_that_it_does_not_know(authority, people, openssl):
    """CR-13: the classical recipient beside it opens as before."""
    meant = [people["rsa"], person(authority, "ml-kem-768"), person(authority, "ml-kem-1024")]
    sealed = encrypt_cbc(TEXT, [CmsRecipient(one.certificate) for one in meant])
    whose = ("-inkey", "rsa.key", "-recip", "rsa.crt")
    assert openssl("-decrypt", "-inform", "DER", *whose, content=sealed) == TEXT
    assert all(opened(sealed, one) == TEXT for one in meant)


@pytest.mark.parametrize("kind", cells(SIGNATURES, OURS))
@pytest.mark.parametrize("by_key_id", [False, True], ids=["issuer", "key-id"])
def test_openssl_verifies_every_signature_of_ours(people, openssl, later, kind, by_key_id):
    signed = DetachedSigner(people[kind], by_key_id=by_key_id).sign(TEXT, later)
    trusted = ("-CAfile", "roots.pem", "-purpose", "smimesign", "-attime", str(int(later.timestamp())))
    told = ("-verify", "-cades", "-inform", "DER", "-content", "content")
    assert openssl(*told, *trusted, content=signed) == TEXT


@pytest.mark.parametrize("kind", cells(SIGNATURES, THEIRS))
@pytest.mark.parametrize("how", [("-keyid",), ("-nodetach", "-cades")], ids=["key-id", "opaque"])
def test_we_verify_every_signature_of_openssl(authority, people, openssl, later, kind, how):
    padded = ("-keyopt", "rsa_padding_mode:pss") if kind.startswith("pss") else ()
    digest = ("-md", "sha384") if kind in {"p384", "pss-sha384"} else ()
    who = ("-signer", f"{kind}.crt", "-inkey", f"{kind}.key", "-certfile", "chain.pem")
    der = openssl("-sign", "-outform", "DER", *who, *padded, *digest, *how, content=TEXT)
    _, signed = read_content_info(der)
    assert encapsulated(signed) == (TEXT if "-nodetach" in how else None)
    (found,) = signatures(signed, TEXT, at=later, trust=believing(authority.roots, later))
    assert found.why_not == ""
    (changed,) = signatures(signed, TEXT + b" ", at=later, trust=believing(authority.roots, later))
    assert changed.why_not == "content-changed"
