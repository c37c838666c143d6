"""The alarm of revocation lists sees what the doors read: every list of a file, every file of a folder as it is now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from config.settings import load
from gateway.service.alarms.ends import Ends
from gateway.service.upkeep.installing import install

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


def revocation_list(days: int) -> bytes:
    """A list whose next update is due in so many days."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    made = x509.CertificateRevocationListBuilder().issuer_name(name)
    made = made.last_update(NOW - timedelta(days=1)).next_update(NOW + timedelta(days=days))
    return made.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(Encoding.PEM)


def watching(folder: Path, client_crl: Path) -> Ends:
    settings = load(install(folder / "here").settings)
    smtp = settings.smtp.model_copy(update={"client_crl": client_crl})
    return Ends(settings.model_copy(update={"smtp": smtp}))


def test_of_several_lists_in_one_file_the_soonest_counts(tmp_path: Path):
    path = tmp_path / "lists.pem"
    path.write_bytes(revocation_list(9) + revocation_list(4))
    assert [end.at for end in watching(tmp_path, path).lists()] == [NOW + timedelta(days=4)]


def test_a_list_written_over_in_its_folder_counts_and_a_folder_in_it_is_passed_by(tmp_path: Path):
    folder = tmp_path / "crl"
    (folder / "old").mkdir(parents=True)
    (folder / "a.pem").write_bytes(revocation_list(9))
    ends = watching(tmp_path, folder)
    assert [end.at for end in ends.lists()] == [NOW + timedelta(days=9)]
    (folder / "a.pem").write_bytes(revocation_list(4) + b"\n")
    assert [end.at for end in ends.lists()] == [NOW + timedelta(days=4)]
