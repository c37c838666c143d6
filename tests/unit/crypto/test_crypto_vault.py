"""What is at rest: sealed, bound to its place, lost with its key, and found again after a rotation."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.crypto.vault import Vault, create_master_key, open_chunk, seal_chunk
from gateway.errors import KeyStoreRefused


@pytest.fixture
def path(tmp_path):
    create_master_key(tmp_path / "master")
    return tmp_path / "master"


@pytest.fixture
def vault(path):
    return Vault.open(path)


def test_a_letter_comes_back_under_its_unwrapped_key(vault):
    key, wrapped = vault.new_letter_key()
    sealed = seal_chunk(key, "01LETTER", 0, b"clear text")
    assert open_chunk(vault.unwrap(wrapped), "01LETTER", 0, sealed) == b"clear text"
    assert b"clear" not in sealed
    assert key not in wrapped


def test_rows_that_are_swapped_do_not_open(vault):
    key, _ = vault.new_letter_key()
    sealed = seal_chunk(key, "01LETTER", 1, b"clear text")
    assert open_chunk(key, "01LETTER", 1, sealed) == b"clear text"
    for other_key, letter, number in (
        (key, "01LETTER", 0),
        (key, "01OTHER", 1),
        (vault.new_letter_key()[0], "01LETTER", 1),
    ):
        with pytest.raises(KeyStoreRefused):
            open_chunk(other_key, letter, number, sealed)


def test_a_letter_id_that_looks_like_a_number_is_not_another_place():
    key = os.urandom(32)
    sealed = seal_chunk(key, "1LETTER", 1, b"x")
    with pytest.raises(KeyStoreRefused):
        open_chunk(key, "LETTER", 11, sealed)


@given(at=st.integers(0, 60), bit=st.integers(0, 7))
def test_every_flipped_bit_of_a_chunk_is_noticed(at, bit):
    key = b"k" * 32
    sealed = bytearray(seal_chunk(key, "L", 0, b"x" * 33))
    assert len(sealed) == 61
    sealed[at] ^= 1 << bit
    with pytest.raises(KeyStoreRefused):
        open_chunk(key, "L", 0, bytes(sealed))


@pytest.mark.parametrize("size", [0, 1, 12, 27])
def test_a_chunk_cut_short_is_refused(size):
    key = b"k" * 32
    with pytest.raises(KeyStoreRefused):
        open_chunk(key, "L", 0, seal_chunk(key, "L", 0, b"")[:size])


@given(at=st.integers(0, 68), bit=st.integers(0, 7))
def test_every_flipped_bit_of_a_wrapped_key_is_noticed(tmp_path_factory, at, bit):
    folder = tmp_path_factory.mktemp("vault")
    create_master_key(folder / "master")
    vault = Vault.open(folder / "master")
    wrapped = bytearray(vault.new_letter_key()[1])
    assert len(wrapped) == 69
    wrapped[at] ^= 1 << bit
    with pytest.raises(KeyStoreRefused):
        vault.unwrap(bytes(wrapped))


def test_nonces_and_keys_never_repeat(vault):
    keys = {vault.new_letter_key()[0] for _ in range(2000)}
    nonces = {seal_chunk(b"k" * 32, "L", 0, b"")[:12] for _ in range(2000)}
    assert len(keys) == len(nonces) == 2000


def test_another_master_key_opens_nothing(vault, tmp_path):
    create_master_key(tmp_path / "other")
    _, wrapped = vault.new_letter_key()
    with pytest.raises(KeyStoreRefused) as refused:
        Vault.open(tmp_path / "other").unwrap(wrapped)
    assert "put the former file back" in refused.value.detail


def test_after_a_rotation_old_letters_open_and_are_wrapped_anew(path, vault, tmp_path):
    key, wrapped = vault.new_letter_key()
    create_master_key(tmp_path / "new")
    rotated = Vault.open(tmp_path / "new", path)
    assert rotated.unwrap(wrapped) == key
    assert not rotated.is_current(wrapped)
    anew = rotated.rewrap(wrapped)
    assert rotated.is_current(anew)
    assert rotated.rewrap(anew) is anew
    assert Vault.open(tmp_path / "new").unwrap(anew) == key


def test_pseudonyms_are_stable_keyed_and_bound_to_their_purpose(path, vault, tmp_path):
    name = vault.pseudonym("patient", "essai")
    assert name == Vault.open(path).pseudonym("patient", "essai")
    assert len(name) == 32
    assert int(name, 16)
    create_master_key(tmp_path / "new")
    others = {
        vault.pseudonym("visit", "essai"),
        vault.pseudonym("patient", "Essai"),
        vault.pseudonym("patient\0essai", ""),
        Vault.open(tmp_path / "new").pseudonym("patient", "essai"),
    }
    assert name not in others
    assert Vault.open(tmp_path / "new", path).pseudonyms("patient", "essai")[1] == name


def test_the_master_key_is_private_and_never_overwritten(path):
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    with pytest.raises(KeyStoreRefused) as refused:
        create_master_key(path)
    assert "exists already" in refused.value.detail
    assert path.read_bytes() == before


def test_a_missing_short_or_open_master_key_is_one_clear_line(path, tmp_path):
    for change, word in (
        (lambda: path.chmod(0o644), "chmod 600"),
        (lambda: (path.chmod(0o600), path.write_bytes(b"short")), "5"),
        (path.unlink, "missing"),
    ):
        change()
        with pytest.raises(KeyStoreRefused) as refused:
            Vault.open(path)
        assert word in refused.value.detail
        assert str(tmp_path) not in refused.value.detail


def test_a_vault_never_shows(vault):
    assert repr(vault) == "Vault(hidden)"
