"""What a row of the table is: what is said to a door, and what the gateway may answer (promises.md §2)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

REPLIES = Path(__file__).resolve().parent / "replies.txt"
"""The golden file: ``row | variant | reply``; ``*`` stands for what differs each time (a queue id, a reference)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One variant: ``says`` are sent one after the other, the answer to each but the last must be no refusal."""

    row: int
    variant: str
    says: tuple[bytes, ...] = ()
    door: str = "implicit"
    """``implicit`` and ``starttls`` are the SMTP listeners; ``mllp``, ``mail``, ``imap`` and ``hop`` are told apart."""
    logs_in: bool = True
    at_once: bool = False
    """Only what comes in one packet is this input; else it is sent byte by byte as well."""
    closes: bool = False
    """Whether the gateway ends the connection."""
    answers: int = 1
    """How many replies the last thing said gets; all must be the same."""
    last: bool = False
    """Only the last of these answers is compared."""
    kept: int = 0
    """Letters that it leaves behind."""
    client: str = "127.0.0.1"

    @property
    def name(self) -> str:
        """``1 | \\n.\\n``."""
        return f"{self.row} | {self.variant}"


def golden() -> dict[str, str]:
    """What each variant is answered."""
    lines = [line for line in REPLIES.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return {" | ".join(parts[:2]): parts[2] for parts in (line.split(" | ", 2) for line in lines)}


def like(pattern: str, said: str) -> bool:
    """Whether ``said`` is ``pattern``, where ``*`` stands for anything on the line."""
    pieces = pattern.split("*")
    if len(pieces) == 1:
        return pattern == said
    if not (said.startswith(pieces[0]) and said.endswith(pieces[-1]) and "\n" not in said):
        return False
    at = len(pieces[0])
    for piece in pieces[1:-1]:
        at = said.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return at <= len(said) - len(pieces[-1])
