"""The French data types of PAM.fr and of the CI-SIS (DTFR): CX, XCN, XON, EI, XTN, as our identifiers and persons."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.document import Finding, Identifier, NamedAddressee, Professional, Role
from gateway.identifiers import INS_OIDS, Adeli, Rpps, adeli, luhn_is_right, rpps
from gateway.parsers.hl7v2.er7 import Element
from gateway.parsers.remarks import warning

_REGISTER = "1.2.250.1.71.4.2.1"
_NUMBERED = {"RPPS", "IDNPS", "ADELI"}


def authority(element: Element, component: int) -> str:
    """Who assigned an identifier (HD): the OID or FINESS when there is one, else the name of the namespace."""
    return element.get(component, 2) or element.get(component, 1)


def identifier(element: Element, *, qualified: bool = False) -> Identifier:
    """A CX: number, authority, type of table 0203. An INS needs its type and its OID (a billing NIR has only one)."""
    assigned, kind = authority(element, 4), element.get(5)
    ins = kind == "INS" and assigned in INS_OIDS
    return Identifier(value=element.get(1), authority=assigned, type=kind, qualified=qualified and ins)


def entity_id(element: Element) -> str | None:
    """An EI as XDS writes it: ``root^extension`` for ``ext^^root^ISO``, else the first component alone (TXA-12)."""
    extension, root = element.get(1), element.get(3)
    if root and extension:
        return f"{root}^{extension}"
    return root or extension or None


def organisation(element: Element) -> tuple[str, Identifier | None]:
    """An XON: name, and number with its type (FINEG, FINEJ, IDNST, UF, SVR or SRV)."""
    number = element.get(10) or element.get(3)
    found = Identifier(value=number, authority=authority(element, 6), type=element.get(7)) if number else None
    return element.get(1), found


def mail_address(element: Element) -> str:
    """The address of an XTN, wherever the sender put it (``^^X.400^address`` in PRT-15, ``^NET^Internet^address``)."""
    parts = (element.get(component) for component in (4, 3, 1, 2, 5, 6))
    return next((part for part in parts if "@" in part and " " not in part), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An XCN; a number is an RPPS or ADELI only when its type or its authority says so."""

    number: str = field(repr=False)
    type: str = ""
    authority: str = ""
    family: str = field(repr=False, default="")
    given: str = field(repr=False, default="")
    title: str = field(repr=False, default="")

    @property
    def _national(self) -> bool:
        return self.type in _NUMBERED or (not self.type and self.authority == _REGISTER)

    @property
    def rpps(self) -> Rpps | None:
        """The RPPS, also out of an IDNPS, and out of the 12 digits that samples type RPPS."""
        return rpps(self.number) if self._national else None

    @property
    def adeli(self) -> Adeli | None:
        """The older ADELI number."""
        return adeli(self.number) if self._national else None

    @property
    def is_patient(self) -> bool:
        """Whether the number is an INS: the person is the patient, not a professional."""
        return self.type == "INS" or self.authority in INS_OIDS

    @property
    def local_code(self) -> str:
        """The number as sent when it is not a national one."""
        return "" if self.rpps or self.adeli else self.number


def person(element: Element) -> Person:
    """An XCN of any version from 2.3 on."""
    parts = element.parts(13)
    return Person(
        number=parts[0],
        type=parts[12],
        authority=authority(element, 9),
        family=parts[1],
        given=parts[2],
        title=parts[5],
    )


def addressee(found: Person, role: Role, place: str) -> NamedAddressee:
    """That person as somebody who should get the letter."""
    national, older = found.rpps, found.adeli
    return NamedAddressee(
        role=role,
        place=place,
        rpps=national,
        adeli=older,
        family=found.family,
        given=found.given,
        local_code="" if national or older else found.number,
    )


def professional(found: Person, name: str = "", number: Identifier | None = None) -> Professional:
    """That person as somebody who wrote or sent the letter."""
    return Professional(
        rpps=found.rpps,
        adeli=found.adeli,
        family=found.family,
        given=found.given,
        title=found.title,
        organisation=name,
        organisation_id=number,
    )


def check_addressee(one: NamedAddressee) -> tuple[Finding, ...]:
    """Warnings for somebody without a number or address, and for an RPPS whose key is wrong."""
    if one.rpps and not luhn_is_right(one.rpps):
        return (warning("rpps-key-wrong", one.place, "the RPPS has a wrong last digit; check it before sending again"),)
    if one.rpps or one.adeli or one.mailbox or one.organisation_id:
        return ()
    message = "nobody is found by name alone: send the RPPS in XCN-1 with XCN-13 RPPS"
    return (warning("addressee-without-number", one.place, message),)
