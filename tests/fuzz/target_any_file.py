"""Whatever is dropped into the folder door, under whatever name: the first line of the input is the name."""

from __future__ import annotations

from gateway.document import Reading
from gateway.parsers.read import read
from tests.fuzz.target import read_or_refused, vectors

WORDS = (b".hpr\n", b".xml\n", b".zip\n", b".eml\n", b"../../etc/x\n", b"\x00", b"\xff\xfe", b"<?xml", b"%PDF-", b"PK")


def seeds() -> list[bytes]:
    names = (b"a.hpr\n", b"..\\b.xml\n", b"c.zip\n", b"CON\n", b"\xe2\x80\xaegpj.exe\n")
    contents = (*vectors("hprim/*.hpr"), *vectors("cda/*.xml"), *vectors("hl7v2/adt*.hl7"), b"%PDF-1.4\n%%EOF")
    return [name + content for name in names[:2] for content in contents] + [name + b"x" for name in names]


def run(data: bytes) -> None:
    read_or_refused(_as_file, data)


def _as_file(data: bytes) -> Reading:
    name, _, content = data.partition(b"\n")
    return read(content, name=name.decode("utf-8", "surrogateescape"))
