"""An ORU of 40 results from bytes to a complete Document, against hl7apy and python-hl7 doing the same reading.

``python -m tests.bench.bench_hl7``, in CPU time.
The peers split the message and read, as text, every field that our reader reads; they build no document of it, judge
nothing and settle no charset, so the ratios say less than what it would cost to use them.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from typing import Any

import hl7
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message

from gateway.parsers.hl7v2 import read_hl7v2

RESULTS = 40
_ROUNDS = 10
_RPPS = "^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^RPPS"
_IDS = "IPP-0042^^^CH-ESSAI&999900004&M^PI~278027590000164^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS"
_NAMES = "TESTINI^AMELIE^AMELIE ROSE^^^^L~ESSAI^AMELIE^^^^^D"
_HOME = "3 Rue de l'Essai^^PARIS^^75000^FRA^H~^^^^^^BDL^^75056"
_HEAD = (
    "MSH|^~\\&|SIL|LABO-ESSAI|P|CH-ESSAI|20260116084500||ORU^R01^ORU_R01|RES000077|T|2.5|||||FRA|UNICODE UTF-8",
    f"PID|1||{_IDS}||{_NAMES}||19780214|F|||{_HOME}|||||||N26000042^^^CH-ESSAI&999900004&M^AN||||||||||||||VALI",
    f"PV1|1|O|CONS-1||||ATTEND1^INTERNE^Ines|99900000037^RENVOI^René{_RPPS}|||||||||||V26000042",
    f"ORC|RE||||||||||20260115|99900000011^MODELE^Paul{_RPPS}",
    f"OBR|1||ECH-1|NFS^Numération^L|||20260116070000|||||||||99900000011^MODELE^Paul{_RPPS}||||||20260116083000||HM|F",
)
READ = {
    "MSH": ((4, 1, 1), (7, 1, 1), (9, 1, 1), (9, 2, 1), (10, 1, 1), (11, 1, 1), (12, 1, 1), (18, 1, 1), (21, 2, 1)),
    "PID": (
        *((3, part, 1) for part in (1, 5)),
        *((3, 4, 1), (3, 4, 2), (7, 1, 1), (8, 1, 1), (18, 1, 1), (23, 1, 1), (32, 1, 1)),
        *((5, part, 1) for part in (1, 2, 7)),
        *((11, part, 1) for part in (1, 2, 3, 5, 6, 7, 9)),
    ),
    "PV1": (
        *((2, 1, 1), (3, 1, 1), (3, 4, 1), (19, 1, 1), (44, 1, 1), (45, 1, 1)),
        *((number, *part) for number in (7, 8) for part in ((1, 1), (2, 1), (3, 1), (6, 1), (9, 1), (9, 2), (13, 1))),
    ),
    "ORC": tuple((12, *part) for part in ((1, 1), (2, 1), (3, 1), (6, 1), (9, 1), (9, 2), (13, 1))),
    "OBR": (
        *((number, 1, 1) for number in (2, 3, 5, 7, 14, 22, 24, 25, 26, 29)),
        *((4, 1, 1), (4, 2, 1), (27, 6, 1), (32, 1, 2), (32, 1, 3)),
        *((number, *part) for number in (16, 28) for part in ((1, 1), (2, 1), (3, 1), (6, 1), (9, 1), (9, 2), (13, 1))),
    ),
    "OBX": (
        *((number, 1, 1) for number in (2, 4, 5, 7, 8, 11, 14, 17)),
        *((3, 1, 1), (3, 2, 1), (3, 5, 1), (6, 1, 1), (6, 2, 1)),
    ),
}
"""Field, component, sub-component, by segment: what ends in the Document, or decides it."""


def oru(results: int = RESULTS) -> bytes:
    """What a laboratory sends: a panel whose names are accented, a third of its values out of range."""
    lines = [
        f"OBX|{number}|NM|{700 + number}-8^Hémoglobine {number}^LN^HB{number}^Hb^L||{number}.4|g/dL^^UCUM|12.0-16.0"
        f"|{'' if number % 3 else 'L'}|||F|||20260116083000||LABO^Laboratoire"
        for number in range(1, results + 1)
    ]
    return "".join(f"{line}\r" for line in (*_HEAD, *lines)).encode()


def by_hl7apy(content: bytes) -> list[str]:
    """Every field of :data:`READ` by hl7apy, called as its documentation does (tolerant, groups found)."""
    message = parse_message(content.decode(), validation_level=VALIDATION_LEVEL.TOLERANT)
    found: list[str] = []
    for segment in _segments_of_hl7apy(message):
        for number, component, sub in READ[segment.name]:
            fields = getattr(segment, f"{segment.name}_{number}".lower())
            found.extend(_of_hl7apy(field, component, sub) for field in fields)
    return [text for text in found if text]


def _segments_of_hl7apy(node: Any) -> Iterator[Any]:
    for child in node.children:
        if child.classname == "Group":
            yield from _segments_of_hl7apy(child)
        else:
            yield child


def _of_hl7apy(at: Any, component: int, sub: int) -> str:
    for number in (component, sub):
        children = at.children
        found = next((one for one in children if one.name and one.name.endswith(f"_{number}")), None)
        if found is None and (number > 1 or not children or "_" in (children[0].name or "")):
            return ""
        at = found or children[0]
    return str(at.to_er7())


def by_python_hl7(content: bytes) -> list[str]:
    """Every field of :data:`READ` by python-hl7, indexing its containers directly."""
    message = hl7.parse(content.decode())
    found = []
    for segment in message:
        for number, component, sub in READ[str(segment[0])]:
            for repetition in segment[number] if number < len(segment) else ():
                text = _of_python_hl7(repetition, component, sub)
                found.append(message.unescape(text) if "\\" in text else text)
    return [text for text in found if text]


def _of_python_hl7(at: Any, component: int, sub: int) -> str:
    for number in (component, sub):
        if isinstance(at, str):
            return at if number == 1 else ""
        if number > len(at):
            return ""
        at = at[number - 1]
    return str(at)


def seconds(run: Callable[[], object], times: int) -> float:
    """CPU time of one run."""
    began = time.process_time()
    for _ in range(times):
        run()
    return (time.process_time() - began) / times


def figures(rounds: int = _ROUNDS) -> list[dict[str, object]]:
    """The rows of ``bench/results.json``: how many messages a second, and how often the peer's rate that is.

    The contenders take short turns, and the best turn of each counts: what others on this machine take is not theirs.
    """
    content = oru()
    if not by_hl7apy(content) == by_python_hl7(content) or len(read_hl7v2(content).documents[0].results) != RESULTS + 1:
        raise SystemExit("the contenders do not read the same")
    gc.collect()
    gc.freeze()
    ours: list[float] = []
    theirs: dict[str, list[float]] = {"hl7apy": [], "python_hl7": []}
    for _ in range(rounds):
        for _ in range(8):
            ours.append(seconds(lambda: read_hl7v2(content), 10))
            theirs["python_hl7"].append(seconds(lambda: by_python_hl7(content), 2))
        theirs["hl7apy"].append(seconds(lambda: by_hl7apy(content), 1))
    gc.unfreeze()
    return [_row(f"hl7_read_vs_{name}", min(ours), min(peer), name) for name, peer in theirs.items()]


def _row(name: str, ours: float, peer: float, peer_name: str) -> dict[str, object]:
    return {
        "name": name,
        "ours": round(1 / ours),
        "peer": round(1 / peer, 1),
        "peer_name": f"{peer_name.replace('_', '-')}, splitting and reading the same fields",
        "unit": f"ORU of {RESULTS} OBX/s, one core",
        "ratio": round(peer / ours, 1),
    }


if __name__ == "__main__":
    for row in figures():
        print(f"{row['name']}: {row['ours']} against {row['peer']} {row['unit']}, ratio {row['ratio']}")
