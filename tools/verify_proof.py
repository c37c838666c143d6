#!/usr/bin/env python3
"""Checks a proof file of Huitaine off-line, without Huitaine: Python 3.11 or later and the `cryptography` package.

    python3 -I verify_proof.py letter.proof.json --key journal.vkey
    python3 -I verify_proof.py consistency.json --key journal.vkey --kept old.checkpoint

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

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def check(true: object, wrong: str) -> None:
    if not true:
        raise ValueError(wrong)


def octets(text: str, number: int) -> bytes:
    check(len(found := bytes.fromhex(text)) == number, f"a value is not of {number} octets")
    return found


def tree_head(note: str, key: str) -> tuple[int, bytes]:
    """Size and root of a checkpoint whose Ed25519 signature is right (C2SP signed-note, tlog-checkpoint)."""
    name, key_id, encoded = key.strip().split("+", 2)
    public = base64.b64decode(encoded, validate=True)
    check(public[:1] == b"\x01" and len(public) == 33, "the key is not an Ed25519 key")
    check(sha(name.encode(), b"\n", public)[:4].hex() == key_id, "the key's id is not the key's")
    text, _, marks = note.rpartition("\n\n")
    origin, size, root = text.split("\n")
    check(origin == name, "the checkpoint is of another journal")
    for dash, signer, mark in (line.split(" ") for line in marks.splitlines()):
        signature = base64.b64decode(mark, validate=True)
        if (dash, signer, signature[:4].hex()) == ("\u2014", name, key_id):
            Ed25519PublicKey.from_public_bytes(public[1:]).verify(signature[4:], f"{text}\n".encode())
            check(size == str(int(size)) and int(size) >= 0, "the checkpoint's size is no number")
            return int(size), octets(base64.b64decode(root, validate=True).hex(), 32)
    raise ValueError("no signature of this key")


def split(size: int, path: list[bytes]) -> tuple[int, bytes]:
    """How many leaves the left half of a tree has, and the step of the path that is at its top, the last one."""
    check(path and size > 1, "the path is too short or too long")
    return 1 << (size - 1).bit_length() - 1, path.pop()


def climb(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root of the tree in which ``leaf`` has this path (RFC 9162 §2.1.3.1)."""
    check(type(index) is int and 0 <= index < size, "the entry's number is outside the journal")
    if size == 1 and not path:
        return leaf
    left, side = split(size, path)
    if index < left:
        return sha(b"\x01", climb(leaf, index, left, path), side)
    return sha(b"\x01", side, climb(leaf, index - left, size - left, path))


def both(old: int, new: int, path: list[bytes], known: bytes | None) -> tuple[bytes, bytes]:
    """The roots over the first ``old`` and over all ``new`` leaves (RFC 9162 §2.1.4.1); ``known``: of all the old."""
    if old == new:
        check(len(path) == (known is None), "the path is too short or too long")
        return (known or path[0],) * 2
    left, side = split(new, path)
    if old <= left:
        first, second = both(old, left, path, known)
        return first, sha(b"\x01", second, side)
    first, second = both(old - left, new - left, path, None)
    return sha(b"\x01", side, first), sha(b"\x01", side, second)


def grown(old: tuple[int, bytes], new: tuple[int, bytes], path: list[bytes]) -> None:
    """That the tree of ``new`` begins with all of ``old``."""
    check(0 < old[0] <= new[0], "the older checkpoint is longer than the newer one: the journal was cut")
    is_so = both(old[0], new[0], path, old[1]) == (old[1], new[1])
    check(is_so, "the older checkpoint is not a beginning of this journal: it was rewritten, or the path is wrong")


def entry(proof: dict, letter: str, size: int, root: bytes) -> str:
    """One entry, proved; the line to print."""
    number, words = proof["index"], proof["words"].encode()
    if "salt" in proof:
        leaf, fields = sha(b"\x00", octets(proof["salt"], 16), words), json.loads(words)
    else:  # of before the salts: the leaf is over the chained hash
        leaf, fields = sha(b"\x00", sha(octets(proof["before"], 32), words)), proof["words"].split("\x1f")
    at, kind, whose, delivery, actor, code, said = fields
    check(whose == letter or whose.startswith(f"{letter}-"), f"entry {number} is about another letter")
    path = [octets(step, 32) for step in proof["path"]]
    check(climb(leaf, number, size, path) == root, f"entry {number} is not in the signed journal")
    moment = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(at))).isoformat()
    return f"  entry {number}: {moment}  {kind}  {code}  {said}  delivery={delivery or '-'} by={actor}"


def verified(proof: dict, key: str, kept: str | None) -> list[str]:
    if proof["format"] == "huitaine-consistency-1":
        old, new = tree_head(proof["old"], key), tree_head(proof["new"], key)
        check(kept is None or tree_head(kept, key) == old, "the older checkpoint is not the one that you kept")
        grown(old, new, [octets(step, 32) for step in proof["path"]])
        return [f"the journal of {new[0]} entries begins with the {old[0]} entries of the older checkpoint"]
    check(proof["format"] == "huitaine-proof-1", "unknown format")
    check(kept is None, "--kept goes with a consistency file")
    size, root = tree_head(proof["checkpoint"], key)
    numbers = [each["index"] for each in proof["entries"]]
    check(numbers and numbers == sorted(set(numbers)), "the entries are not in order")
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
        lines = ["PROVED", *verified(json.loads(asked.file.read_bytes()), asked.key, asked.kept)]
    except InvalidSignature:
        lines = ["NOT PROVED: the checkpoint's signature is wrong: changed, forged, or of another key"]
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError, OSError) as error:
        lines = [f"NOT PROVED: {error if isinstance(error, ValueError) else type(error).__name__}"]
    # what a journal's words do to a terminal, or a line that they begin, is nobody's proof
    print(*("".join(sign if sign.isprintable() else "?" for sign in line) for line in lines), sep="\n")
    return 0 if lines[0] == "PROVED" else 1


if __name__ == "__main__":
    sys.exit(main())
