"""OpenPGP that we read and never write: clear-signed text, and GnuPG's own packet 20 (CR-14)."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from pathlib import Path

import pysequoia
import pytest
from typer.testing import CliRunner

import cli
from commands.check_sealed import layers
from gateway.crypto.mime import read_entity
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.opened import OpenedMail
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.crypto.openpgp_agent import AgentSecret
from gateway.crypto.openpgp_open import OpenPgpSecret, protection
from gateway.crypto.openpgp_packets import container
from gateway.crypto.payload import clear_signed
from gateway.errors import NotOpened
from tests.unit.crypto.conftest import GP, HOSPITAL
from tests.unit.crypto.gnupgs_packet import packet, rewritten

HEAD = f"From: {HOSPITAL}\r\nTo: {GP}\r\nSubject: Lettre\r\n\r\n".encode()
TEXT = "Bonjour,\r\n\r\n- un tiret\r\nFrom là-bas\r\n\r\nFin  \r\n".encode()
SHOWN = TEXT.replace(b"Fin  ", b"Fin")
"""Blanks at ends of lines are not signed: they are not shown either."""


@pytest.fixture
def opened(keys, authority, now) -> Callable[..., OpenedMail]:
    def run(content: bytes, given: OpeningKeys = keys) -> OpenedMail:
        return open_mail(content, given, at=now, trust_roots=authority.roots)

    return run


# Clear-signed text --------------------------------------------------------------------------------------------------


def signed_by_sequoia(key: bytes, text: bytes = TEXT) -> bytes:
    signer = pysequoia.Tsk.from_bytes(key).signer()
    return bytes(pysequoia.sign(signer, text, mode=pysequoia.SignatureMode.CLEAR))


@pytest.fixture
def signed(hospital_pgp) -> bytes:
    return signed_by_sequoia(hospital_pgp).replace(b"\r\n", b"\n")


def told(mail: OpenedMail) -> list[tuple[str, str]]:
    return [(layer.kind, layer.why_not) for layer in mail.layers]


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_a_text_that_is_clear_signed_is_judged_and_shown_as_it_was_signed(signed, opened, ends):
    message = signed.replace(b"\n", ends)
    for content in (HEAD + message, HEAD + ends + message + ends * 2, message):
        mail = opened(content)
        assert [layer.kind for layer in mail.layers] == ["openpgp-signed"]
        assert [part.content for part in mail.parts] == [SHOWN]
        assert mail.remarks == ()
    mail = opened(HEAD + message)
    assert told(mail) == [("openpgp-signed", "")]
    assert (mail.authenticated, mail.layers[0].signer) == (True, HOSPITAL)


@pytest.mark.peer
def test_what_gpg_signs_in_clear_holds(gpg, opened, keys):
    gpg("--quick-gen-key", f"Hopital <{HOSPITAL}>", "future-default", "default", "1y")
    public = gpg("--export", HOSPITAL)
    known = OpeningKeys(smime=keys.smime, correspondents=(public,))
    for text in (TEXT, TEXT.replace(b"\r\n", b"\n"), b"Sans fin de ligne", b"--\n-\n--- x\n", b"\n\n", b"x\t\t \n"):
        mail = opened(HEAD + gpg("--clear-sign", content=text), known)
        assert told(mail) == [("openpgp-signed", "")]
        shown = b"\r\n".join(line.rstrip(b" \t\r") for line in text.removesuffix(b"\n").split(b"\n"))
        assert [part.content for part in mail.parts] == [shown]


@pytest.mark.parametrize(
    ("before", "after", "why_not"),
    [
        (b"Bonjour", b"Bonsoir", "content-changed"),
        (b"\n\n- - un", b"\n\n\n- - un", "content-changed"),
        (b"- - un tiret", b"un tiret", "content-changed"),
        (b"Fin", b"Fin ", ""),  # blanks at the end of a line are nobody's word
    ],
)
def test_a_changed_word_is_told_and_the_text_is_shown_all_the_same(signed, opened, before, after, why_not):
    mail = opened(HEAD + signed.replace(before, after, 1))
    assert told(mail) == [("openpgp-signed", why_not)]
    assert mail.authenticated is not bool(why_not)
    assert len(mail.parts) == 1


def test_a_stranger_and_another_sender_are_told(opened, hospital_pgp):
    stranger = OpenPgpSigner.generate(f"Autre <{HOSPITAL}>")
    assert told(opened(HEAD + signed_by_sequoia(stranger))) == [("openpgp-signed", "unknown-signer")]
    posing = HEAD.replace(HOSPITAL.encode(), b"autre@hopital-essai.mssante.fr")
    assert told(opened(posing + signed_by_sequoia(hospital_pgp))) == [("openpgp-signed", "signer-is-not-from")]


BEGIN = b"-----BEGIN PGP SIGNED MESSAGE-----\n"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: b"Words of somebody else\n" + text,
        lambda text: text + b"\nWords of somebody else\n",
        lambda text: text + text,
        lambda text: text.replace(BEGIN, BEGIN + b"Words of: somebody else\n"),
        lambda text: text.replace(b"Hash: SHA512\n\n", b"Hash: SHA512 Words of somebody else!\n\n"),
        lambda text: text.replace(b"Hash: SHA512\n\n", b"Hash: SHA512\n \t\n"),
        lambda text: text.replace(b"- - un", b"-un"),
        lambda text: text.replace(b"Bonjour", b"Words\rBonjour"),
        lambda text: text.replace(b"-----BEGIN PGP SIGNATURE", b"-----BEGIN PGP SIGNATUR"),
    ],
)
def test_words_that_nobody_signed_never_count_and_that_is_told(signed, opened, change):
    mail = opened(HEAD + change(signed))
    assert (mail.layers, mail.authenticated) == ((), False)
    assert mail.remarks == ("sealed-part-among-others",)


def test_a_clear_signed_part_among_others_stays_as_it_is(signed, opened):
    head = b'Content-Type: multipart/mixed; boundary="m"\r\n\r\n--m\r\n\r\n'
    fields = HEAD.removesuffix(b"\r\n")
    mail = opened(fields + head + signed + b"\r\n--m\r\nContent-Type: text/html\r\n\r\n<img>\r\n--m--\r\n")
    assert (mail.layers, mail.remarks) == ((), ("sealed-part-among-others",))
    html = read_entity(b"Content-Type: text/html\r\n\r\n" + signed)
    assert clear_signed(html) is None


def test_a_signature_inside_what_was_encrypted_as_words_is_judged_too(signed, opened, gp_pgp):
    recipient = pysequoia.Cert.from_bytes(OpenPgpSigner(gp_pgp).public_key)
    mail = opened(HEAD + bytes(pysequoia.encrypt(signed, recipients=[recipient])))
    assert told(mail) == [("openpgp-encrypted", ""), ("openpgp-signed", "")]
    assert [part.content for part in mail.parts] == [SHOWN]


# GnuPG's packet 20 --------------------------------------------------------------------------------------------------


@pytest.fixture
def home(gpg) -> Path:
    gpg("--quick-gen-key", f"Essai <{GP}>", "future-default", "default", "1y")
    return Path(gpg("--version").decode().split("Home: ")[1].splitlines()[0])


@pytest.fixture
def sealed(gpg, home) -> Callable[..., bytes]:
    """A message in packet 20 to the key of ``home``; several pieces long."""

    def run(content: bytes = b"Bonjour\r\n" * 2000, *, packets: bytes = b"") -> bytes:
        usual = gpg("--trust-model", "always", "--cipher-algo", "AES256", "--recipient", GP, "--encrypt", content=b"x")
        return rewritten(usual, gpg, packets or packet(11, b"b" + bytes(5) + content))

    return run


def mime(message: bytes) -> bytes:
    kind = b'Content-Type: multipart/encrypted; boundary="b"; protocol="application/pgp-encrypted"\r\n\r\n--b\r\n'
    version = b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b\r\n"
    armor = pysequoia.armor(message, pysequoia.ArmorKind.Message).encode()
    return HEAD[:-2] + kind + version + b"Content-Type: application/octet-stream\r\n\r\n" + armor + b"\r\n--b--\r\n"


@pytest.mark.peer
def test_gpg_opens_what_is_in_its_own_packet(home, sealed, opened):
    mail = opened(mime(sealed()), OpeningKeys(openpgp=(AgentSecret(home),)))
    assert [(layer.kind, layer.algorithms) for layer in mail.layers] == [("openpgp-encrypted", ("gnupg-aead",))]
    assert mail.parts[0].content == b"Bonjour\r\n" * 2000
    assert not mail.authenticated


@pytest.mark.peer
def test_gpg_2_2_calls_a_broken_packet_of_its_own_good_and_we_do_not(home, sealed, opened):
    """DECRYPTION_OKAY and GOODMDC stand in its status: only its exit tells (CR-05)."""
    message, given = sealed(), OpeningKeys(openpgp=(AgentSecret(home),))
    start = message.index(b"\xd4\xff") + 6
    flips = [*range(start, start + 5), start + 18, start + 19, start + 4115, start + 4120, -40, -33, -32, -17, -16, -1]
    broken = [_flipped(message, at) for at in flips]
    # The last tag is cut off, or a whole piece with it; the lengths say nothing of it.
    broken += [_shorter(message, start, 16), _shorter(message, start, 16 + 16 + 1740)]
    for one in broken:
        with pytest.raises(NotOpened) as refused:
            opened(mime(one), given)
        assert refused.value.detail == "not-decrypted"


def _flipped(message: bytes, at: int) -> bytes:
    changed = bytearray(message)
    changed[at] ^= 1
    return bytes(changed)


def _shorter(message: bytes, start: int, cut: int) -> bytes:
    return message[: start - 6] + packet(20, message[start:-cut])


@pytest.mark.peer
def test_who_signed_inside_gpgs_packet_is_judged_when_he_is_known(gpg, home, sealed, opened):
    inside = gpg("--compress-algo", "none", "--sign", content=b"Bonjour\r\n")
    message = mime(sealed(packets=inside)).replace(HOSPITAL.encode(), GP.encode())
    known = OpeningKeys(openpgp=(AgentSecret(home),), correspondents=(gpg("--export", GP),))
    assert told(opened(message, known)) == [("openpgp-encrypted", ""), ("openpgp-signed", "")]
    stranger = OpenPgpSigner.generate(f"Autre <{HOSPITAL}>")
    signer = pysequoia.Tsk.from_bytes(stranger).signer()
    unknown = bytes(pysequoia.sign(signer, b"Bonjour", mode=pysequoia.SignatureMode.INLINE, armor=False))
    with pytest.raises(NotOpened):
        opened(mime(sealed(packets=unknown)), known)


@pytest.mark.peer
def test_without_gpg_it_is_told_what_it_is(gpg, home, sealed, opened, gp_pgp):
    message, own = mime(sealed()), OpenPgpSecret(gpg("--export-secret-keys", GP))
    for secrets, code in (
        ((own,), "gnupg-aead"),
        ((own, OpenPgpSecret(gp_pgp)), "gnupg-aead"),
        ((), "not-decrypted"),
    ):
        with pytest.raises(NotOpened) as refused:
            opened(message, OpeningKeys(openpgp=secrets))
        assert refused.value.detail == code
    assert opened(message, OpeningKeys(openpgp=(own, AgentSecret(home)))).parts
    assert [layer["algorithms"] for layer in layers(message)] == [["gnupg-aead"]]


@pytest.mark.peer
def test_huitaine_open_says_so_and_opens_it_with_a_gnupg_home(gpg, home, sealed, tmp_path):
    (path := tmp_path / "mail.eml").write_bytes(mime(sealed(b"Bonjour\r\n")))
    (key := tmp_path / "key.asc").write_bytes(gpg("--armor", "--export-secret-keys", GP))
    alone = CliRunner().invoke(cli.app, ["open", str(path), "--key", str(key)])
    assert alone.exit_code == 3
    assert "(gnupg-aead)" in alone.output
    done = CliRunner().invoke(cli.app, ["open", str(path), "--key", str(home)])
    assert json.loads(done.stdout)["layers"][0]["algorithms"] == ["gnupg-aead"]


# The outside of packets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (packet(1, b"x") + packet(3, b"y" * 300) + packet(18, b"\x02z"), (18, 2)),
        (b"\xc1\x01x" + b"\xc1\xc0\x08" + b"x" * 200 + b"\xd4\xe9\x01", (20, 1)),  # pieces: RFC 9580 §4.2.1.4
        (b"\x84\x01x" + b"\x85\x00\x01x" + b"\x86\x00\x00\x00\x01x" + b"\xa3\x08", (8, 8)),  # the older format
        (b"", (0, 0)),
        (b"\xd4", (0, 0)),
        (b"Bonjour", (0, 0)),
        (packet(1, b"x") * 3, (0, 0)),
        (b"\xc1\xff\xff\xff\xff\xff", (0, 0)),
        (b"-----BEGIN PGP MESSAGE-----\n\nA\n", (0, 0)),
    ],
)
def test_packets_are_told_by_their_headers(message, found):
    assert container(message) == found


def test_what_protects_a_message_is_read_without_inflating_it():
    """PySequoia's PacketPile would write these 8 MiB out."""
    squeezed = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = packet(8, b"\x01" + squeezed.compress(packet(11, b"b" + bytes(8 << 20))) + squeezed.flush())
    assert container(bomb) == (8, 1)
    assert protection(bomb) == ()


def test_armor_is_read_with_fields_and_any_line_ends(gp_pgp):
    recipient = pysequoia.Cert.from_bytes(OpenPgpSigner(gp_pgp).public_key)
    armor = bytes(pysequoia.encrypt(b"x" * 500, recipients=[recipient]))
    for one in (armor, armor.replace(b"\n", b"\r\n"), b"Before\n" + armor, armor.replace(b"\n", b"\nComment: x\n", 1)):
        assert protection(one) in {("seipdv1",), ("seipdv2",)}
