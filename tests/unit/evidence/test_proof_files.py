"""A proof file convinces the expert's own program, run as he runs it; twenty that were tampered with do not."""

from __future__ import annotations

import ast
import asyncio
import copy
import io
import json
import subprocess
import sys
import tokenize
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import journal, journal_tree
from gateway.delays import facts
from gateway.errors import JournalRefused
from gateway.journal_note import Checkpoint, opened, signed, verifier_key
from gateway.queue import entries
from gateway.queue.sqlite import open_reader
from gateway.service.journal import event_words, evidence
from tests.unit.evidence import journal_kit
from tests.unit.evidence.journal_kit import LAST, Journal, letter_number
from tests.unit.evidence.test_journal_tree import EXPERT, ROOT

LETTER = letter_number(25)
AT = datetime(2026, 2, 1, tzinfo=UTC)
Proof = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A journal, what was signed over it, and the files made of it."""

    journal: Journal
    key: str
    public: bytes
    notes: list[str]
    proof: Proof
    growth: Proof


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    journal, notes = asyncio.run(journal_kit.signed(tmp_path_factory.mktemp("journal")))
    with journal.store() as (store, checkpoints):
        notes.append(asyncio.run(checkpoints.sign()))
        public, key = checkpoints._vault.public_key(), checkpoints.verifier_key
        heads = [opened(note, public) for note in notes]
        with store.reading() as connection:
            proof = evidence.about_letter(connection, LETTER, heads[2], note=notes[2], key=key, at=AT)
            assert proof is not None
            old = (notes[0], notes[2])
            growth = evidence.about_growth(connection, heads[0], heads[2], notes=old, key=key)
    return Case(journal=journal, key=key, public=public, notes=notes, proof=proof, growth=growth)


def ask(folder: Path, proof: Proof, *more: str) -> tuple[int, str]:
    """The expert's program on this file, with an isolated interpreter that cannot see our code."""
    file = folder / "proof.json"
    file.write_text(json.dumps(proof), encoding="utf-8")
    tool = str(ROOT / "tools" / "verify_proof.py")
    done = subprocess.run(
        [sys.executable, "-I", tool, str(file), *more], capture_output=True, text=True, check=False, cwd=folder
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def ask_here(folder: Path, proof: Proof, *more: str) -> tuple[int, str]:
    """The same program in this process: some thirty are asked."""
    (folder / "proof.json").write_text(json.dumps(proof), encoding="utf-8")
    said = io.StringIO()
    with mock.patch.object(sys, "argv", ["verify_proof.py", str(folder / "proof.json"), *more]), redirect_stdout(said):
        code = EXPERT.main()
    return code, said.getvalue()


def test_the_expert_reads_ten_entries_off_the_file(case: Case, tmp_path: Path):
    code, said = ask(tmp_path, case.proof, "--key", case.key)
    assert code == 0, said
    assert said.startswith(
        f"PROVED\nletter {LETTER}: 10 entries of a signed journal of {LAST}\n  entry 250: 2026-01-15T12:00:00"
    )
    assert "accepted  250 number 250" in said
    assert "held  no-key  number 259" in said


def test_the_key_may_be_a_file(case: Case, tmp_path: Path):
    (tmp_path / "journal.vkey").write_text(f"{case.key}\n")
    assert ask(tmp_path, case.proof, "--key", "journal.vkey")[0] == 0


def test_every_entry_is_explained_in_both_languages(case: Case):
    first, second, *_ = (entry["meaning"] for entry in case.proof["entries"])
    assert first["fr"].startswith("Le serveur suivant a accepté")
    assert "SMTP reply 250" in first["en"]
    assert (second["fr"][:18], second["en"][:20]) == ("L'envoi est retenu", "The delivery is held")


def test_the_program_in_this_process_is_the_one_that_the_expert_runs(case: Case, tmp_path: Path):
    for proof in (case.proof, case.growth, {**case.proof, "format": "another"}):
        assert ask_here(tmp_path, proof, "--key", case.key) == ask(tmp_path, proof, "--key", case.key)


def test_what_a_journal_says_can_print_no_line_of_its_own(case: Case, tmp_path: Path):
    letter = "L\n  entry 1: accepted\x1b[2J"
    words = json.dumps([0, "kept", letter, None, "", "", "said"], separators=(",", ":"))
    leaf = journal_tree.leaf(bytes(16) + words.encode())
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public = key.public_key().public_bytes_raw()
    note = signed(Checkpoint(origin="x", size=1, root=leaf), public, key.sign)
    one = {"index": 0, "salt": "00" * 16, "words": words, "path": []}
    proof = {"format": "huitaine-proof-1", "letter": letter, "checkpoint": note, "entries": [one]}
    code, said = ask_here(tmp_path, proof, "--key", verifier_key("x", public))
    assert (code, said.count("\n"), "\x1b" in said) == (0, 3, False)


def test_the_journal_is_shown_to_have_only_grown(case: Case, tmp_path: Path):
    (tmp_path / "kept").write_text(case.notes[0])
    code, said = ask(tmp_path, case.growth, "--key", case.key, "--kept", "kept")
    assert (code, said) == (
        0,
        "PROVED\nthe journal of 310 entries begins with the 260 entries of the older checkpoint\n",
    )


def tampered(steps: str) -> Callable[[Proof], None]:
    """A change of the file, written as Python on ``p``."""

    def change(p: Proof) -> None:
        exec(steps, {"p": p, "e": p.get("entries"), "sha256": sha256})  # noqa: S102 (our own steps)

    return change


TAMPERED = {
    "other words": "e[0]['words'] = e[0]['words'].replace('number 250', 'number 999')",
    "another moment": "e[0]['words'] = e[0]['words'].replace('[1', '[2', 1)",
    "another salt": "e[1]['salt'] = '00' * 16",
    "salt and words run together": "e[1]['salt'] += '5b'; e[1]['words'] = e[1]['words'][1:]",
    "another place": "e[2]['index'] = 300",
    "a place outside": "e[9]['index'] = 310",
    "a negative place": "e[0]['index'] = -1",
    "an entry twice": "e.insert(1, e[0])",
    "another order": "e.reverse()",
    "no entry": "e.clear()",
    "an entry of another letter": "p['letter'] = '01TESTLETTER00000000000024'",
    "a step of the path": "e[3]['path'][2] = '11' * 32",
    "a shorter path": "e[3]['path'].pop()",
    "a longer path": "e[3]['path'].append('22' * 32)",
    "another root": "l = p['checkpoint'].split('\\n'); l[2] = 'A' * 43 + '='; p['checkpoint'] = '\\n'.join(l)",
    "another size": "p['checkpoint'] = p['checkpoint'].replace('\\n310\\n', '\\n311\\n')",
    "another journal": "p['checkpoint'] = p['checkpoint'].replace('hospital.test', 'hospital.evil')",
    "another signature": "p['checkpoint'] = p['checkpoint'][:-8] + 'AAAAAA=\\n'",
    "no signature": "p['checkpoint'] = p['checkpoint'].split('\\n\\n')[0] + '\\n\\n'",
    "no checkpoint": "del p['checkpoint']",
    "an old form that hides the words": "e[0] = {**e[0], 'before': '00' * 32}; del e[0]['salt']",
    "a place that is a fraction": "e[0]['index'] += 0.5",
    "a place that is a word": "e[0]['index'] = str(e[0]['index'])",
    "a step that is not of 32 octets": "e[3]['path'][0] += '00'",
    "words and a step run together": "e[3]['path'][0], e[3]['path'][1] = e[3]['path'][0][:-2], '00' + e[3]['path'][1]",
    "no path": "e[3]['path'] = []",
    "fields left out": "e[0]['words'] = '[1]'; e[0]['path'] = []",
    "one checkpoint behind another": "p['checkpoint'] = 'hospital.evil\\n310\\nAA==\\n\\n' + p['checkpoint']",
    "another format": "p['format'] = 'huitaine-proof-2'",
    "nonsense": "p['entries'] = 5",
}


@pytest.mark.parametrize("hand", TAMPERED)
def test_a_file_that_was_tampered_with_is_not_proved(case: Case, tmp_path: Path, hand: str):
    proof = copy.deepcopy(case.proof)
    tampered(TAMPERED[hand])(proof)
    assert proof != case.proof
    code, said = ask_here(tmp_path, proof, "--key", case.key)
    assert code == 1, said
    assert said.startswith("NOT PROVED: ")
    assert said.count("\n") == 1


GROWN = {
    "an older one that never was": "p['old'] = p['old'].replace('\\n260\\n', '\\n259\\n')",
    "backwards": "p['old'], p['new'] = p['new'], p['old']",
    "a step of the path": "p['path'][0] = '00' * 32",
    "a shorter path": "p['path'].pop()",
    "a longer path": "p['path'].append('00' * 32)",
    "twice the new one": "p['old'] = p['new']",
    "no path": "p['path'] = []",
    "a step that is not of 32 octets": "p['path'][-1] += '00'",
    "another journal": "p['old'] = p['old'].replace('hospital.test', 'hospital.evil')",
    "a signature of the newer one": "p['old'] = p['old'].split('\\n\\n')[0] + '\\n\\n' + p['new'].split('\\n\\n')[1]",
}


@pytest.mark.parametrize("hand", GROWN)
def test_a_consistency_file_that_was_tampered_with_is_not_proved(case: Case, tmp_path: Path, hand: str):
    growth = copy.deepcopy(case.growth)
    tampered(GROWN[hand])(growth)
    assert growth != case.growth
    assert ask_here(tmp_path, growth, "--key", case.key)[0] == 1


def test_a_checkpoint_that_the_expert_did_not_keep_is_not_his(case: Case, tmp_path: Path):
    (tmp_path / "kept").write_text(case.notes[1])
    assert "not the one that you kept" in ask(tmp_path, case.growth, "--key", case.key, "--kept", "kept")[1]


def test_the_key_in_the_file_is_not_taken_for_the_published_one(case: Case, tmp_path: Path):
    """Who forges all of it can sign it with a key of his own: only the published key tells."""
    forger = journal_kit.empty(tmp_path)
    with forger.store() as (store, checkpoints):
        asyncio.run(journal_kit.write(store, forger.clock, 300))
        note, key, vault = asyncio.run(checkpoints.sign()), checkpoints.verifier_key, checkpoints._vault
        with store.reading() as connection:
            head = opened(note, vault.public_key())
            proof = evidence.about_letter(connection, LETTER, head, note=note, key=key, at=AT)
    assert proof is not None
    assert ask(tmp_path, proof, "--key", key)[0] == 0  # control: with the forger's own key
    assert ask(tmp_path, proof, "--key", case.key) == (1, "NOT PROVED: no signature of this key\n")


def test_a_rewritten_journal_has_no_consistency_proof_with_what_was_kept(case: Case, tmp_path: Path):
    """Rewritten with the keys in hand, and signed anew: whoever kept an older checkpoint finds out."""
    mine = case.journal.copied(tmp_path / "mine")
    mine.sql("UPDATE entry SET code = '250 invented' WHERE seq = 100", "DELETE FROM journal_tile")
    mine.follow()
    leaves = [entries.leaf_of(line) for line in mine.lines()]

    def node(height: int, index: int) -> bytes:
        return journal_tree.peak(leaves[index << height : (index + 1) << height])

    root = journal_tree.root(LAST, node)
    with mine.store() as (_, checkpoints):
        vault = checkpoints._vault
        forged = signed(
            Checkpoint(origin="hospital.test/huitaine/journal", size=LAST, root=root), case.public, vault.sign
        )
    path = [step.hex() for step in journal_tree.consistency(260, LAST, node)]
    code, said = ask(tmp_path, case.growth | {"new": forged, "path": path}, "--key", case.key)
    assert (code, said[:55]) == (1, "NOT PROVED: the older checkpoint is not a beginning of ")


async def test_f3_after_an_erasure_the_journal_is_whole_and_the_proof_of_before_holds(case: Case, tmp_path: Path):
    mine = case.journal.copied(tmp_path / "mine")
    with mine.store() as (store, checkpoints):
        with store._disk.engine.begin() as connection:
            entries.erase(connection, [LETTER], mine.clock())
        later = await checkpoints.sign()
        with store.reading() as connection:
            old, new = opened(case.notes[2], case.public), opened(later, case.public)
            growth = evidence.about_growth(connection, old, new, notes=(case.notes[2], later), key=case.key)
            after = evidence.about_letter(connection, LETTER, new, note=later, key=case.key, at=AT)
    found = mine.audit()
    assert (found.findings, found.erased, found.entries) == ((), 9, LAST + 1)
    assert ask(tmp_path, case.proof, "--key", case.key)[0] == 0
    assert ask(tmp_path, growth, "--key", case.key)[0] == 0
    assert after is not None
    assert [entry["index"] for entry in after["entries"]] == [250]  # what figures are drawn from names nobody
    line, words = mine.lines()[251], case.proof["entries"][1]
    assert (line[3:8], line[9]) == ((None, None, "", "", ""), None)
    assert journal_tree.leaf(bytes.fromhex(words["salt"]) + words["words"].encode()) == line[10]


def test_figures_are_drawn_from_lines_that_are_kept():
    assert facts.KINDS <= journal.FIGURES


def test_a_changed_entry_is_put_into_no_proof(case: Case, tmp_path: Path):
    mine = case.journal.copied(tmp_path / "mine")
    mine.sql("UPDATE entry SET code = '250 invented' WHERE seq = 255")
    engine = open_reader(mine.database)
    head = opened(case.notes[2], case.public)
    with engine.connect() as connection, pytest.raises(JournalRefused):
        evidence.about_letter(connection, LETTER, head, note=case.notes[2], key=case.key, at=AT)
    engine.dispose()


def test_the_tool_imports_nothing_of_ours_and_stays_short():
    text = (ROOT / "tools" / "verify_proof.py").read_text()
    named = {
        alias.name.partition(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in (node.names if isinstance(node, ast.Import) else [ast.alias(node.module or "")])
    }
    assert named - sys.stdlib_module_names == {"cryptography"}
    assert len(code_lines(text)) <= 100  # issue 7: an independent verifier of 100 lines


def code_lines(text: str) -> set[int]:
    """The lines that say something to Python: not blank, no comment, no docstring."""
    silent = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    said = {line for each in tokens if each.type not in silent for line in range(each.start[0], each.end[0] + 1)}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.FunctionDef) and ast.get_docstring(node):
            said -= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return said


def test_every_kind_of_entry_about_a_letter_has_a_meaning():
    found = set()
    for node in ast.walk(ast.parse((ROOT / "gateway" / "journal.py").read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Event":
            given = {word.arg: word.value for word in node.keywords}
            if "letter" in given:
                found |= {each.value for each in ast.walk(given["kind"]) if isinstance(each, ast.Constant)}
    assert {"kept", "accepted", "expired", "receipt"} <= found
    assert found - event_words.MEANINGS.keys() - {None} == set()


def test_a_key_whose_base64_has_a_plus_is_read_as_any_other():
    seeds = [bytes([number] * 32) for number in range(40)]
    keys = [Ed25519PrivateKey.from_private_bytes(seed) for seed in seeds]
    publics = [key.public_key().public_bytes_raw() for key in keys]
    assert any("+" in verifier_key("x", public).split("+", 2)[2] for public in publics)
    head = Checkpoint(origin="x", size=7, root=bytes(32))
    for key, public in zip(keys, publics, strict=True):
        assert EXPERT.tree_head(signed(head, public, key.sign), verifier_key("x", public)) == (7, bytes(32))


def test_the_expert_and_we_read_the_same_checkpoint(case: Case):
    size, root = EXPERT.tree_head(case.notes[0], case.key)
    assert (size, root) == (260, opened(case.notes[0], case.public).root)
