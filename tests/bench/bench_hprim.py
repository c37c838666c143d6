"""How many HPRIM Médecin files of 60 results one core reads in a second; ``python -m tests.bench.bench_hprim``."""

from __future__ import annotations

import time
from collections.abc import Callable

from gateway.parsers.hprim import read_hprim_medecin
from gateway.parsers.read import read

RESULTS = 60
_HEADER = (
    "IPP0004711", "TESTINI", "AMELIE", "12 RUE DES ESSAIS", "", "99999 VILLE-ESSAI", "14/02/1978", "278029999912310",
    "26D0012345", "12/01/2026", "LABESSAI   labo.essai", "MED0001    camille.exemple", "",
)  # fmt: skip
_END = ("****FIN****", "****FINFICHIER****", "")


def lab_report() -> bytes:
    """What a laboratory sends: the text for people, then sixty results, a title for ten, every fourth in two units.

    One in twenty has a comparator, one in twenty is a word.
    """
    text, block = ["Laboratoire ESSAI - examen du 12/01/2026 08:15"], []
    for number in range(RESULTS):
        if number % 10 == 0:
            text.append(f"CHAPITRE {number // 10}")
            block.append(f"TEX|CHAPITRE {number // 10}")
        value, unit, low, high, flag = f"{number}.4", "mg/L", "12.0", "46.0", "L" if number < 12 else "N"
        kind, more = "N", f"|{number * 10}.05|mmol/L|4.11|5.88" if number % 4 == 0 else ""
        if number % 20 == 7:
            kind, value = "A", "< 5.0"
        if number % 20 == 13:
            kind, value, unit, low, high = "A", "Limpide", "", "", ""
        text.append(f"Analyse numéro {number:<6} {value:>10} {unit:<8} {low} - {high}")
        block.append(f"RES|Analyse numéro {number}|AN{number:03}|{kind}|{value}|{unit}|{low}|{high}|{flag}|F{more}")
    text.append("Validé par : Dr B. FICTIF, biologiste")
    return "\r\n".join((*_HEADER, *text, "****LAB****", *block, *_END)).encode("iso-8859-1")


def per_second(run: Callable[[], object], *, rounds: int = 2000, number: int = 1) -> float:
    """The best of the rounds, in CPU seconds: what the others on this machine take is not ours."""
    best = min(_round(run, number) for _ in range(rounds))
    return number / best


def _round(run: Callable[[], object], number: int) -> float:
    began = time.process_time()
    for _ in range(number):
        run()
    return time.process_time() - began


def figures() -> list[dict[str, object]]:
    """The rows of ``bench/results.json``."""
    content = lab_report()
    reading = read_hprim_medecin(content)
    if len(reading.documents[0].results) != RESULTS + RESULTS // 10 or reading.findings:
        raise SystemExit("the file is not read as it should be")
    rates = {
        "hprim_read_per_s": per_second(lambda: read_hprim_medecin(content)),
        "hprim_detect_and_read_per_s": per_second(lambda: read(content)),
    }
    unit = f"files of {RESULTS} results, {len(content):,} bytes, one core"
    return [
        {"name": name, "ours": round(rate), "peer": None, "peer_name": None, "unit": unit, "ratio": None}
        for name, rate in rates.items()
    ]


if __name__ == "__main__":
    for row in figures():
        print(f"{row['name']}: {row['ours']:,} {row['unit']}")
