"""The segments that PAM.fr adds to an ADT: ZBE (the movement), ZFM (PMSI modes), ZFA (the patient's DMP)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from gateway.document import Finding
from gateway.parsers.hl7_time import moment
from gateway.parsers.hl7v2.er7 import Message, Segment
from gateway.parsers.remarks import note, warning

_ACTIONS = frozenset({"INSERT", "UPDATE", "CANCEL"})
_NATURES = frozenset({"", "S", "H", "M", "L", "D", "SM", "SH", "MH", "LD", "HMS", "HMC", "C"})
_EXIT_MODES = frozenset({"", "0", "4", "5", "6", "7", "8", "9"})
_OPPOSED = {"IO": True, "INO": False}
_FLAGS = {"Y": True, "N": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Zbe:
    """ZBE-1 to ZBE-9; empty where the message has none."""

    number: str = field(default="", repr=False)
    start: datetime | None = None
    action: str = ""
    historic: bool | None = None
    original_trigger: str = ""
    unit: str = ""
    care_unit: str = ""
    nature: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Zfa:
    """ZFA-1, ZFA-9 and ZFA-11: whether the patient has a DMP, lets it be fed, and lets it be read."""

    status: str = ""
    opposed: bool | None = None
    consultation: str = ""


def read_zbe(message: Message, findings: list[Finding]) -> Zbe:
    """ZBE, also when a forbidden ZBE-3 pushed all that follows one field on (as in a template of the ANS)."""
    zbe = message.first(b"ZBE")
    pushed = int(zbe.get(4) not in _ACTIONS and zbe.get(5) in _ACTIONS)
    found = Zbe(
        number=zbe.element(1).text,
        start=moment(zbe.get(2)),
        action=zbe.get(4 + pushed),
        historic=_FLAGS.get(zbe.get(5 + pushed)),
        original_trigger=zbe.get(6 + pushed),
        unit=_unit(zbe, 7 + pushed),
        care_unit=_unit(zbe, 8 + pushed),
        nature=zbe.get(9 + pushed),
    )
    if zbe:
        _check_zbe(zbe, found, bool(pushed), findings)
    return found


def _unit(zbe: Segment, number: int) -> str:
    """An XON: its name, else its number."""
    return zbe.get(number, 1) or zbe.get(number, 10)


def _check_zbe(zbe: Segment, found: Zbe, pushed: bool, findings: list[Finding]) -> None:  # noqa: FBT001  # seen once
    if pushed:
        words = "ZBE-4 stands in ZBE-5: the fields are read one further on; correct the order of ZBE"
        findings.append(warning("zbe-shifted", "ZBE-4", words))
    if zbe.get(3):
        words = "PAM.fr forbids the end of a movement in ZBE-3; it is not used"
        findings.append(note("zbe-3-forbidden", "ZBE-3", words))
    if not found.number:
        words = "ZBE-1 is empty: a later correction or cancellation cannot name this movement; number it"
        findings.append(warning("movement-without-number", "ZBE-1", words))
    if found.action not in _ACTIONS:
        words = "ZBE-4 must be INSERT, UPDATE or CANCEL; the event alone decides"
        findings.append(warning("movement-action-unknown", "ZBE-4", words))
    if found.nature not in _NATURES:
        findings.append(note("movement-nature-unknown", "ZBE-9", "ZBE-9 is not in the table of PAM.fr; kept as it is"))


def read_zfm(message: Message, findings: list[Finding]) -> tuple[str, str]:
    """Mode of exit (ZFM-2) and destination (ZFM-4); codes that are none of the PMSI are remarked and kept."""
    zfm = message.first(b"ZFM")
    mode = zfm.get(2)
    if mode not in _EXIT_MODES:
        words = "ZFM-2 is no mode of exit of the PMSI (0, 4 to 9); a death or a transfer cannot be told from it"
        findings.append(warning("exit-mode-unknown", "ZFM-2", words))
    return mode, zfm.get(4)


def read_zfa(message: Message, findings: list[Finding]) -> Zfa:
    """What the patient said about the DMP; it says nothing about secure mail (PAM.fr 2.11 ZFA-9)."""
    zfa = message.first(b"ZFA")
    feeding = zfa.get(9)
    if feeding not in {"", "NA", *_OPPOSED}:
        words = "ZFA-9 must be NA, IO or INO; whether the patient opposes is not known"
        findings.append(warning("dmp-opposition-unknown", "ZFA-9", words))
    return Zfa(status=zfa.get(1), opposed=_OPPOSED.get(feeding), consultation=zfa.get(11))
