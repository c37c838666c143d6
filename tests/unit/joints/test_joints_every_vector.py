"""Every vector of every reader goes the whole road but the wire: read, composed, sealed, opened by the GP, read again.

``whole_road.txt`` beside the vectors says what becomes of each; ``HUITAINE_GOLDEN=write`` writes it anew.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.compose import ComposeProfile, Composer
from gateway.crypto.authority import TestAuthority
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.opened import OpenedMail
from gateway.crypto.seal import Sealer
from gateway.document import Document, Reading, Role, Severity
from gateway.errors import UnreadableDocument
from gateway.identifiers import DeliveryId, part_of
from gateway.letter import (
    Addressed,
    AddressedLetter,
    Addressee,
    Form,
    KeptLetter,
    ParsedLetter,
    SealedMail,
    Smime,
)
from gateway.parsers.read import read
from gateway.parsers.split import split_by_patient
from tests.unit.queue.letters import letter

VECTORS = Path(__file__).resolve().parents[2] / "vectors"
TABLE = VECTORS / "whole_road.txt"
ENDINGS = {".eml", ".hl7", ".hpr", ".xml", ".zip"}
PATHS = sorted(
    path
    for folder in ("cda", "hl7v2", "hprim", "mime", "xdm")
    for path in (VECTORS / folder).rglob("*.*")
    if path.suffix in ENDINGS
)
HOSPITAL, GP = "sortie@ch-exemple.mssante.fr", "dr.essai@medecin-essai.mssante.fr"
PROFILE = ComposeProfile(
    sender=HOSPITAL, sender_name="CH Exemple", nil="DEV000000", hospital="CH Exemple", oid="1.2.250.1.999.1"
)
Carry = Callable[[ParsedLetter, frozenset[Form]], OpenedMail]


@pytest.fixture(scope="session")
def carry() -> Carry:
    """Composed for the GP, sealed, and opened with his key: both layers hold, or it is an error."""
    now = datetime.now(UTC).replace(microsecond=0)
    authority = TestAuthority.create("Essai", at=now)
    hospital, gp = authority.issue(address=HOSPITAL), authority.issue(address=GP)
    composer = Composer(profile=PROFILE, clock=lambda: now)
    sealer = Sealer(identity=hospital, openpgp=None, clock=lambda: now)
    keys = OpeningKeys(smime=(gp,))

    def carried(parsed: ParsedLetter, forms: frozenset[Form]) -> OpenedMail:
        to_him = Smime(certificate=gp.certificate.public_bytes(Encoding.DER))
        addressed = Addressed(
            addressee=Addressee(role=Role.GP), mailbox=GP, protection=to_him, forms=forms, in_mssante=True
        )
        whole = AddressedLetter(parsed=parsed, outcomes=(addressed,))
        delivery = DeliveryId("01ESSAIDELIVERY")
        mail = composer.compose(whole, addressed, delivery=delivery, message_id="<essai.1@ch-exemple.mssante.fr>")
        sealed: SealedMail = sealer.seal(mail)
        opened = open_mail(sealed.content, keys, at=now, trust_roots=authority.roots)
        assert [layer.kind for layer in opened.layers] == ["smime-encrypted", "smime-signed"]
        assert opened.layers[1].verified
        return opened

    return carried


def letters(reading: Reading) -> Iterator[ParsedLetter]:
    """One for each patient, as the journey parts them."""
    received = letter(b"invented")
    for n, documents in enumerate(split_by_patient(reading), start=1):
        yield ParsedLetter(
            id=part_of(received.id, n),
            kept=KeptLetter(received=received),
            format=reading.format,
            documents=documents,
            findings=reading.findings,
        )


def results(documents: tuple[Document, ...]) -> Counter[tuple[str, ...]]:
    """What is measured; a title among the results is none."""
    return Counter(
        (found.label, found.value, found.comparator or "", found.unit or "", found.low or "", found.high or "")
        for document in documents
        for found in document.results
        if found.value
    )


def told(path: Path, carry: Carry) -> str:
    """One line of the table."""
    name = path.relative_to(VECTORS).as_posix()
    try:
        reading = read(path.read_bytes(), name=path.name)
    except UnreadableDocument as refused:
        return f"{name}: refused, {refused.findings[0].code}"
    if not reading.accepted:
        first = next(finding for finding in reading.findings if finding.severity is Severity.ERROR)
        return f"{name}: refused, {first.code}"
    if reading.already_sealed:
        return f"{name}: passes as it came"
    moved = [f"moves a stay, {movement.trigger}" for movement in reading.movements]
    return f"{name}: {'; '.join(moved + [_carried(parsed, carry) for parsed in letters(reading)])}"


def _carried(parsed: ParsedLetter, carry: Carry) -> str:
    opened = carry(parsed, frozenset({Form.HPRIM_ATTACHED}))
    files = [part for part in opened.parts if part.name]
    again = [read(part.content, name=part.name) for part in files if part.name.lower().endswith((".hpr", ".hpm"))]
    source, arrived = results(parsed.documents), results(tuple(one for each in again for one in each.documents))
    said = " ".join(part.content.decode() for part in opened.parts if not part.name).split()
    for result in source - arrived if again else source:  # what the file has no place for stands in the text
        assert not [word for field in result for word in field.split() if word not in said], result
    lost = f" ({(source - arrived).total()} in the text)" if again and source != arrived else ""
    kinds = " + ".join(document.kind.loinc or "no kind" for document in parsed.documents)
    names = ", ".join(sorted(Path(part.name).suffix.lower() for part in files)) or "no file"
    return f"{kinds}, {source.total()} results{lost}, {names}"


def test_every_vector_goes_the_whole_road_and_its_table_says_how(carry: Carry) -> None:
    found = "".join(f"{told(path, carry)}\n" for path in PATHS)
    if os.environ.get("HUITAINE_GOLDEN") == "write":
        TABLE.write_text(found)
    assert found == TABLE.read_text()


def test_the_table_has_letters_that_arrive_and_others_that_are_refused() -> None:
    lines = TABLE.read_text().splitlines()
    assert len(lines) == len(PATHS) > 200
    assert sum(": refused, " in line for line in lines) > 20
    assert sum(" results, " in line and ".hpr" in line for line in lines) > 50
