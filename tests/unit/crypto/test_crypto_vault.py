"""What is at rest: sealed, bound to its place, lost with its key, and found again after a rotation."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.crypto.ring import KeyRing
from gateway.crypto.vault import Vault, create_master_key, open_chunk, seal_chunk
from gateway.errors import KeyStoreRefused
from gateway.wrapped_key import WrappedKey


@pytest.fixture
def path(tmp_path):
    create_master_key(tmp_path / "master")
    return tmp_path / "master"


def ring(path, *others, keys=None, tenants=None):
    """A ring of one key for each purpose, or of those given."""
    made = KeyRing(Vault.open(path, *others), tenants)
    made.hold(keys or [made.new_key("tenant"), made.new_key("pseudonyms"), made.new_key("journal")])
    return made


def retired(key):
    return WrappedKey(id=key.id, purpose=key.purpose, name=key.name, wrapped=key.wrapped, current=False)


@pytest.fixture
def vault(path):
    return ring(path)


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
    vault = ring(folder / "master")
    wrapped = bytearray(vault.new_letter_key()[1])
    assert len(wrapped) == 69
    wrapped[at] ^= 1 << bit
    with pytest.raises(KeyStoreRefused):
        vault.unwrap(bytes(wrapped))


def test_nonces_and_keys_never_repeat(vault):
    keys = {vault.new_letter_key()[0] for _ in range(2000)}
    nonces = {seal_chunk(b"k" * 32, "L", 0, b"")[:12] for _ in range(2000)}
    assert len(keys) == len(nonces) == 2000


def test_another_master_key_opens_nothing(vault, path, tmp_path):
    create_master_key(tmp_path / "other")
    keys = [vault.new_key("tenant")]
    KeyRing(Vault.open(path)).hold(keys)
    with pytest.raises(KeyStoreRefused) as refused:
        KeyRing(Vault.open(tmp_path / "other")).hold(keys)
    assert "put the former file back" in refused.value.detail


def test_after_a_masters_rotation_nothing_but_the_wrapping_is_new(vault, path, tmp_path):
    keys = [vault.new_key("tenant"), vault.new_key("pseudonyms"), vault.new_key("journal")]
    vault.hold(keys)
    key, wrapped = vault.new_letter_key()
    before = (vault.pseudonym("visit", "7"), vault.vouch(b"end"))
    create_master_key(tmp_path / "new")
    rotated = ring(tmp_path / "new", path, keys=keys)
    rotated.vault.use(Vault.open(tmp_path / "new").current)
    anew = [
        WrappedKey(id=each.id, purpose=each.purpose, name=each.name, wrapped=rotated.under_current_master(each))
        for each in keys
    ]
    alone = ring(tmp_path / "new", keys=anew)
    assert alone.unwrap(wrapped) == key
    assert (alone.pseudonym("visit", "7"), alone.vouch(b"end")) == before
    with pytest.raises(KeyStoreRefused):
        ring(path, keys=anew)


def test_a_tenants_new_key_wraps_and_its_former_one_still_opens(vault):
    first, second = vault.new_key("tenant"), vault.new_key("tenant")
    vault.hold([first])
    key, wrapped = vault.new_letter_key()
    vault.hold([retired(first), second])
    anew = vault.rewrap(wrapped)
    assert anew != wrapped
    assert vault.unwrap(anew) == vault.unwrap(wrapped) == key
    assert vault.rewrap(anew) is anew
    vault.hold([second])
    assert vault.unwrap(anew) == key
    with pytest.raises(KeyStoreRefused, match="cannot be opened") as refused:
        vault.unwrap(wrapped)
    assert "destroyed" in refused.value.detail


def test_each_tenant_has_a_key_of_its_own(path):
    here = ring(path, tenants={"lab": "clinic"})
    keys = [here.new_key("tenant"), here.new_key("tenant", "clinic")]
    here.hold(keys)
    ours, theirs = here.new_letter_key("dpi")[1], here.new_letter_key("lab")[1]
    assert here.another_letter_key(theirs)[1][:9] == theirs[:9] != ours[:9]
    here.hold(keys[:1])
    here.unwrap(ours)
    with pytest.raises(KeyStoreRefused):
        here.unwrap(theirs)
    with pytest.raises(KeyStoreRefused):
        here.new_letter_key("lab")


@pytest.mark.parametrize("change", [{"id": "00" * 8}, {"purpose": "journal"}, {"name": "other"}])
def test_a_stored_key_opens_at_its_own_place_alone(vault, change):
    key = vault.new_key("tenant", "clinic")
    fields = {name: getattr(key, name) for name in ("id", "purpose", "name", "wrapped")}
    vault.hold([WrappedKey(**fields)])
    with pytest.raises(KeyStoreRefused):
        vault.hold([WrappedKey(**(fields | change))])


def test_a_letter_of_version_0_1_is_given_to_its_sources_tenant(path):
    here = ring(path, tenants={"lab": "clinic"})
    here.hold([here.new_key("tenant"), here.new_key("tenant", "clinic")])
    wrapped = here.vault.wrap(b"k" * 32)
    anew = here.rewrap(wrapped, "lab")
    assert here.unwrap(anew) == here.unwrap(wrapped) == b"k" * 32
    assert anew[:9] == here.new_letter_key("lab")[1][:9]


def test_pseudonyms_are_stable_keyed_and_bound_to_their_purpose(path, vault):
    keys = [vault.new_key("pseudonyms")]
    vault.hold(keys)
    name = vault.pseudonym("patient", "essai")
    assert name == ring(path, keys=keys).pseudonym("patient", "essai")
    assert len(name) == 32
    assert int(name, 16)
    others = {
        vault.pseudonym("visit", "essai"),
        vault.pseudonym("patient", "Essai"),
        vault.pseudonym("patient\0essai", ""),
        ring(path).pseudonym("patient", "essai"),
    }
    assert name not in others


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
    assert repr(vault) == "KeyRing(hidden)"
    assert repr(vault.vault) == "Vault(hidden)"
