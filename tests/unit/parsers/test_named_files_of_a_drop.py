"""A file that HPRIM Santé names is taken out of the same mail, and out of nowhere else (hprim.md §2.3, FIC)."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP

import pytest

from gateway.document import Reading
from gateway.parsers.read import read

PDF = b"%PDF-1.4 essai\n%%EOF\n"
H = r"H|~^\&|M1|secret|LABO1~LABORATOIRE||ORU|||GP1~CABINET||P|H2.4~C|202601121115"
P = "P|1|IPP1||S1|TESTINI~AMELIE|NAISSANCE|19780214|F"
OBR = "OBR|1|~N1|~N1|NFS~NUMERATION|R||202601120815||||||||||99900000001~EXEMPLE&PAUL~R||||||202601121105|||F"
L = "L|1||1|6"


def sante(file: str = "cr.pdf", patient: str = P) -> bytes:
    obx = f"OBX|1|FIC|CRMFICPDF~Compte rendu||LABO~{file}~PDF||||||F"
    result = "OBX|2|NM|HB~Hémoglobine||11.4|g/dL|12-16||||F"
    return f"{H}\r{patient}\r{OBR}\r{obx}\r{result}\r{L}\r".encode("latin-1")


def mail(*files: tuple[str, bytes]) -> Reading:
    message = EmailMessage(policy=SMTP)
    message["From"], message["Date"] = "labo@ch-essai.example", "Thu, 15 Jan 2026 10:30:00 +0100"
    for name, content in files:
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return read(bytes(message), expect_mail=True)


def codes(reading: Reading) -> set[str]:
    return {finding.code for finding in reading.findings}


@pytest.mark.parametrize("order", [1, -1])
def test_the_file_that_came_in_the_same_mail_is_the_documents_once(order: int) -> None:
    reading = mail(*(("lab.hpr", sante()), ("CR.PDF", PDF))[::order])
    (document,) = reading.documents
    assert [(file.name, file.content) for file in document.attachments] == [("CR.PDF", PDF)]
    assert "sante-file-elsewhere" not in codes(reading)


def test_a_file_that_did_not_come_along_is_told_and_never_fetched() -> None:
    reading = mail(("lab.hpr", sante("/etc/hostname")), ("cr.pdf", PDF))
    assert "sante-file-elsewhere" in codes(reading)
    assert [file.name for file in reading.documents[0].attachments] == ["cr.pdf"]


def test_each_patient_gets_the_file_that_his_own_results_name() -> None:
    other = P.replace("TESTINI", "FICTIF").replace("NAISSANCE", "FICTIF").replace("IPP1", "IPP2")
    files = ("a.pdf", PDF), ("b.pdf", PDF + b"\n")
    reading = mail(("a.hpr", sante("a.pdf")), ("b.hpr", sante("b.pdf", other)), *files)
    assert reading.accepted
    assert [[file.name for file in one.attachments] for one in reading.documents] == [["a.pdf"], ["b.pdf"]]


def test_a_file_that_two_patients_name_is_nobodys() -> None:
    other = P.replace("TESTINI", "FICTIF").replace("NAISSANCE", "FICTIF").replace("IPP1", "IPP2")
    reading = mail(("a.hpr", sante()), ("b.hpr", sante(patient=other)), ("cr.pdf", PDF))
    assert not reading.accepted
    assert "attachments-whose" in codes(reading)


def test_the_results_of_another_patient_are_no_file_of_this_one() -> None:
    other = P.replace("TESTINI", "FICTIF").replace("NAISSANCE", "FICTIF").replace("IPP1", "IPP2")
    reading = mail(("a.hpr", sante("b.hpr")), ("b.hpr", sante("absent.pdf", other)))
    assert all(not document.attachments for document in reading.documents)
    assert "sante-file-elsewhere" in codes(reading)
