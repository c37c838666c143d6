#!/usr/bin/env python3
"""Checks a proof file of Huitaine off-line, without Huitaine: Python 3.11 or later and the `cryptography` package.

    python3 verify_proof.py letter.proof.json --key journal.vkey
    python3 verify_proof.py consistency.json --key journal.vkey --kept old.checkpoint

--key   the journal's public key, a line or a file, as the hospital published it before the dispute
--kept  a checkpoint that you kept yourself: the journal may have grown since, but not changed

Exit 0: all that is printed is proved. Exit 1: something in the file is not so. Source of the rules: docs/evidence.md.
"""

import argparse
import base64
import hashlib
import json
import pathlib
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def check(true: object, wrong: str) -> None:
    if not true:
        raise ValueError(wrong)


def tree_head(note: str, key: str) -> tuple[int, bytes]:
    """Size and root of a checkpoint whose Ed25519 signature is right (C2SP signed-note, tlog-checkpoint)."""
    name, key_id, encoded = key.strip().split("+", 2)
    public = base64.b64decode(encoded, validate=True)
    check(public[:1] == b"\x01" and len(public) == 33, "the key is not an Ed25519 key")
    check(sha(name.encode(), b"\n", public)[:4].hex() == key_id, "the key's id is not the key's")
    text, _, marks = note.rpartition("\n\n")
    origin, size, root = text.split("\n")
    check(origin == name, "the checkpoint is of another journal")
    for line in marks.splitlines():
        dash, signer, mark = line.split(" ")
        signature = base64.b64decode(mark, validate=True)
        if (dash, signer, signature[:4].hex()) == ("\u2014", name, key_id):
            Ed25519PublicKey.from_public_bytes(public[1:]).verify(signature[4:], f"{text}\n".encode())
            check(size == str(int(size)) and int(size) >= 0, "the checkpoint's size is no number")
            head = base64.b64decode(root, validate=True)
            check(len(head) == 32, "the checkpoint's root is no SHA-256")
            return int(size), head
    raise ValueError("no signature of this key")


def climb(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root that an inclusion path leads to (RFC 9162 §2.1.3.2)."""
    check(0 <= index < size, "the entry's number is outside the journal")
    node, last = leaf, size - 1
    for side in path:
        check(last > 0, "the path is too long")
        if index % 2 or index == last:
            node = sha(b"\x01", side, node)
            while index % 2 == 0 and index:
                index, last = index >> 1, last >> 1
        else:
            node = sha(b"\x01", node, side)
        index, last = index >> 1, last >> 1
    check(last == 0, "the path is too short")
    return node


def grown(old: tuple[int, bytes], new: tuple[int, bytes], path: list[bytes]) -> None:
    """That the tree of ``new`` begins with all of ``old`` (RFC 9162 §2.1.4.2)."""
    check(0 < old[0] <= new[0], "the older checkpoint is longer than the newer one: the journal was cut")
    index, last = old[0] - 1, new[0] - 1
    if old[0] == new[0]:
        check(not path and old[1] == new[1], "same size, another root: the journal was rewritten")
        return
    while index % 2:
        index, last = index >> 1, last >> 1
    steps = list(path) if index else [old[1], *path]
    check(bool(steps), "the path is too short")
    first = second = steps[0]
    for side in steps[1:]:
        check(last > 0, "the path is too long")
        if index % 2 or index == last:
            first, second = sha(b"\x01", side, first), sha(b"\x01", side, second)
            while index % 2 == 0 and index:
                index, last = index >> 1, last >> 1
        else:
            second = sha(b"\x01", second, side)
        index, last = index >> 1, last >> 1
    check(last == 0 and first == old[1], "the older checkpoint is not a beginning of this journal: it was rewritten")
    check(second == new[1], "the path does not lead to the newer checkpoint")


def entry(proof: dict[str, Any], letter: str, size: int, root: bytes) -> str:
    """One entry, proved; the line to print."""
    path = [bytes.fromhex(step) for step in proof["path"]]
    words = proof["words"].encode()
    if "salt" in proof:
        salt, fields = bytes.fromhex(proof["salt"]), json.loads(words)
        check(len(salt) == 16, "the salt is not of 16 octets")
        leaf = sha(b"\x00", salt, words)
    else:  # of before the salts: the leaf is over the chained hash
        before, fields = bytes.fromhex(proof["before"]), proof["words"].split("\x1f")
        check(len(before) == 32, "the hash before is no SHA-256")
        leaf = sha(b"\x00", sha(before, words))
    at, kind, whose, delivery, actor, code, said = fields
    check(whose == letter or whose.startswith(f"{letter}-"), f"entry {proof['index']} is about another letter")
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(at))
    told = f"{moment.isoformat()}  {kind}  {code}  {said}  delivery={delivery or '-'} by={actor}"
    check(climb(leaf, proof["index"], size, path) == root, f"entry {proof['index']} is not in the signed journal")
    return f"  entry {proof['index']}: {told}"


def verified(proof: dict[str, Any], key: str, kept: str | None) -> list[str]:
    if proof["format"] == "huitaine-consistency-1":
        old, new = tree_head(proof["old"], key), tree_head(proof["new"], key)
        check(kept is None or tree_head(kept, key) == old, "the older checkpoint is not the one that you kept")
        grown(old, new, [bytes.fromhex(step) for step in proof["path"]])
        return [f"the journal of {new[0]} entries begins with the {old[0]} entries of the older checkpoint"]
    check(proof["format"] == "huitaine-proof-1", "unknown format")
    check(kept is None, "--kept goes with a consistency file")
    size, root = tree_head(proof["checkpoint"], key)
    numbers = [each["index"] for each in proof["entries"]]
    check(bool(numbers) and numbers == sorted(set(numbers)), "the entries are not in order")
    lines = [entry(each, proof["letter"], size, root) for each in proof["entries"]]
    return [f"letter {proof['letter']}: {len(lines)} entries of a signed journal of {size}", *lines]


def given(value: str) -> str:
    return pathlib.Path(value).read_text("utf-8") if pathlib.Path(value).is_file() else value


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--key", type=given, required=True)
    parser.add_argument("--kept", type=given)
    asked = parser.parse_args()
    try:
        lines = verified(json.loads(asked.file.read_text("utf-8")), asked.key, asked.kept)
    except InvalidSignature:
        print("NOT PROVED: the checkpoint's signature is wrong: changed, forged, or of another key")
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError) as error:
        print(f"NOT PROVED: {error if isinstance(error, ValueError) else type(error).__name__}")
    else:
        print("\n".join(["PROVED", *lines]))
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
