"""What composing one letter costs, in microseconds of CPU; run as ``python tests/bench/bench_compose.py``."""

from __future__ import annotations

import os
import sys
import time
import timeit
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gateway.compose import ComposeProfile, Composer
from gateway.document import Attachment, Document, Kind, Original, Patient, Professional, Result, Role
from gateway.identifiers import DeliveryId, LetterId
from gateway.letter import (
    Addressed,
    AddressedLetter,
    Addressee,
    Door,
    Envelope,
    Form,
    KeptLetter,
    MssTls,
    ParsedLetter,
    ReceivedLetter,
)

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
PDF = b"%PDF-1.4\n" + os.urandom(61440)
PARAGRAPH = "Votre patiente a été hospitalisée pour une pneumopathie franche lobaire aiguë, d'évolution favorable. " * 3
PATIENT = Patient(family="TESTINI", given="Amélie", birth_date="1978-02-14", sex="F", birth_place="63220")
CDA_TAIL = b"</text></nonXMLBody></component></ClinicalDocument>"
CDA_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><ClinicalDocument xmlns="urn:hl7-org:v3"><id root="1.2.3"/>'
    '<code code="11490-0" displayName="Lettre de liaison" codeSystem="2.16.840.1.113883.6.1"/>'
    '<title>Lettre</title><effectiveTime value="20260113100000+0100"/><component><nonXMLBody>'
    '<text mediaType="application/pdf" representation="B64">'
)


def letter(*, results: int = 0, pdf: bool = True, cda: bool = False) -> Document:
    """A discharge letter or a lab report of the usual size."""
    content = b"MSH|^~\\&|" + os.urandom(10).hex().encode()
    if cda:
        content = CDA_HEAD.encode() + PDF.hex()[:85000].encode() + CDA_TAIL
    return Document(
        kind=Kind(loinc="11490-0", label="Lettre de liaison à la sortie d'un établissement de soins"),
        original=Original(format="cda" if cda else "hl7v2", content=content),
        patient=PATIENT,
        author=Professional(family="INVENTE", given="Claire", title="Dr", organisation="Médecine A"),
        written_at=NOW,
        text=f"Cher Confrère,\n\n{PARAGRAPH}\n\nConclusion : évolution favorable.\n\nConfraternellement\n",
        results=tuple(
            Result(label=f"Analyse {n}", code=str(n), value="11.4", unit="g/dL", low="12.0", high="16.0", flag="L")
            for n in range(results)
        ),
        attachments=(Attachment(name="a.pdf", media_type="application/pdf", content=PDF),) if pdf else (),
    )


def main() -> None:
    """One line per kind of letter: the best and the middle of many rounds."""
    cases = [
        ("discharge letter, 60 KB PDF, mail of 85 KB", letter(), {Form.PDF}),
        ("the same with an HPRIM record attached", letter(), {Form.PDF, Form.HPRIM_ATTACHED}),
        ("lab report, 40 results, HPRIM body", letter(results=40, pdf=False), {Form.HPRIM_BODY}),
        ("lab report, 40 results, text and HPRIM", letter(results=40, pdf=False), {Form.HPRIM_ATTACHED}),
        ("CDA of 85 KB in IHE_XDM.zip with its PDF", letter(cda=True), {Form.XDM, Form.PDF}),
        ("CDA N1 made around the PDF, in IHE_XDM.zip", letter(), {Form.XDM, Form.PDF}),
        ("lab report, 40 results, page printed", letter(results=40, pdf=False), {Form.PDF}),
    ]
    for name, document, forms in cases:
        run = _run(document, frozenset(forms))
        size = len(run().entity)
        number = max(1, int(0.05 / timeit.timeit(run, number=1)))
        rounds = sorted(
            seconds / number for seconds in timeit.repeat(run, timer=time.process_time, number=number, repeat=15)
        )
        print(f"{rounds[0] * 1e6:8.0f} µs best {rounds[7] * 1e6:8.0f} µs median {size / 1024:7.0f} KB  {name}")


def _run(document: Document, forms: frozenset[Form]):
    profile = ComposeProfile(sender="app@ch.mssante.fr", sender_name="CH", nil="DEV000000", hospital="CH")
    received = ReceivedLetter(
        id=LetterId("01KF0000000000000000000000"),
        door=Door.MLLP,
        source="bench",
        envelope=Envelope(),
        content=b"",
        received_at=NOW,
    )
    parsed = ParsedLetter(id=received.id, kept=KeptLetter(received=received), format="hl7v2", documents=(document,))
    addressed = Addressed(
        addressee=Addressee(role=Role.GP),
        mailbox="camille.exemple@test-ci-sis.mssante.fr",
        protection=MssTls(),
        forms=forms,
        in_mssante=True,
    )
    composer = Composer(profile=profile, clock=lambda: NOW)
    whole = AddressedLetter(parsed=parsed, outcomes=(addressed,))
    delivery = DeliveryId("01KF0000000000000000000001")
    return lambda: composer.compose(whole, addressed, delivery=delivery, message_id="<1@ch.mssante.fr>")


if __name__ == "__main__":
    main()
