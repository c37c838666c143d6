"""The tree of the journal against RFC 9162, known roots, a slow oracle, and the expert's own program."""

from __future__ import annotations

import importlib.util
import json
from hashlib import sha256
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import journal_tree as tree
from tests.unit.evidence import merkle_oracle as oracle

ROOT = Path(__file__).resolve().parents[3]
VECTORS = json.loads((ROOT / "tests/vectors/evidence/rfc6962-roots.json").read_text())
SIZES = st.integers(1, 70)


def expert() -> ModuleType:
    """``tools/verify_proof.py``, which knows nothing of ours."""
    spec = importlib.util.spec_from_file_location("verify_proof", ROOT / "tools/verify_proof.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EXPERT = expert()


def leaves(size: int) -> list[bytes]:
    return [b"leaf %d" % number for number in range(size)]


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_those_that_certificate_transparency_publishes(size: int):
    some = [bytes.fromhex(leaf) for leaf in VECTORS["leaves"][:size]]
    assert tree.root(size, oracle.node_of(some)).hex() == VECTORS["roots"][size]
    assert oracle.mth(some).hex() == VECTORS["roots"][size]


@given(SIZES)
def test_the_root_is_the_oracle_s(size: int):
    assert tree.root(size, oracle.node_of(leaves(size))) == oracle.mth(leaves(size))


@given(st.data(), SIZES)
def test_an_inclusion_path_is_the_oracle_s_and_convinces_the_expert(data: st.DataObject, size: int):
    some, index = leaves(size), data.draw(st.integers(0, size - 1))
    path = tree.inclusion(index, size, oracle.node_of(some))
    assert path == oracle.path(index, some)
    assert EXPERT.climb(tree.leaf(some[index]), index, size, path) == oracle.mth(some)


@given(st.data(), SIZES)
def test_a_consistency_proof_is_the_oracle_s_and_convinces_the_expert(data: st.DataObject, size: int):
    some, old = leaves(size), data.draw(st.integers(1, size))
    path = tree.consistency(old, size, oracle.node_of(some))
    assert path == oracle.proof(old, some)
    EXPERT.grown((old, oracle.mth(some[:old])), (size, oracle.mth(some)), path)


@given(st.data(), st.integers(2, 70))
def test_no_changed_path_or_place_convinces_the_expert(data: st.DataObject, size: int):
    some, index = leaves(size), data.draw(st.integers(0, size - 1))
    path = tree.inclusion(index, size, oracle.node_of(some))
    wrong = data.draw(st.sampled_from(("step", "shorter", "longer", "place", "leaf")))
    leaf, place = tree.leaf(some[index]), index
    match wrong:
        case "step":
            at = data.draw(st.integers(0, len(path) - 1))
            path[at] = sha256(path[at]).digest()
        case "shorter":
            path = path[:-1]
        case "longer":
            path = [*path, bytes(32)]
        case "place":
            place = data.draw(st.integers(0, size - 1).filter(lambda other: other != index))
        case "leaf":
            leaf = tree.leaf(b"another")
    try:
        reached = EXPERT.climb(leaf, place, size, path)
    except ValueError:
        return
    assert reached != oracle.mth(some)


@given(st.data(), st.integers(2, 70))
def test_no_rewritten_beginning_convinces_the_expert(data: st.DataObject, size: int):
    some, old = leaves(size), data.draw(st.integers(1, size))
    other = list(some)
    other[data.draw(st.integers(0, old - 1))] = b"rewritten"
    path = tree.consistency(old, size, oracle.node_of(other))
    with pytest.raises(ValueError, match=r"rewritten|does not lead"):
        EXPERT.grown((old, oracle.mth(some[:old])), (size, oracle.mth(other)), path)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_there_is_no_path_to_a_leaf_outside_the_tree(index: int, size: int):
    with pytest.raises(ValueError, match="no leaf"):
        tree.inclusion(index, size, oracle.node_of(leaves(3)))


@pytest.mark.parametrize(("old", "new"), [(0, 3), (4, 3)])
def test_there_is_no_proof_from_nothing_or_backwards(old: int, new: int):
    with pytest.raises(ValueError, match="no proof"):
        tree.consistency(old, new, oracle.node_of(leaves(4)))


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=8, max_size=8))
def test_the_peak_of_eight_is_their_subtree(hashes: list[bytes]):
    pairs = [tree.parent(hashes[at], hashes[at + 1]) for at in range(0, 8, 2)]
    assert tree.peak(hashes) == tree.parent(tree.parent(*pairs[:2]), tree.parent(*pairs[2:]))


TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.tuples(st.integers(0, 2**60), TEXT, st.none() | TEXT, st.none() | TEXT, TEXT, TEXT, TEXT))
def test_trap_msgspec_writes_an_entry_as_the_standard_library_does(fields: tuple[str | int | None, ...]):
    """The leaf must be the same for ever, whatever library writes it: the expert has json alone."""
    assert tree.written(fields) == json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
