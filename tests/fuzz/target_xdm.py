"""IHE XDM archives: a zip of strangers (row 20)."""

from __future__ import annotations

import io
import zipfile

from gateway.parsers.xdm import read_xdm
from tests.fuzz.target import read_or_refused, vectors

WORDS = (
    b"PK\x03\x04",
    b"PK\x01\x02",
    b"PK\x05\x06",
    b"PK\x06\x07",
    b"IHE_XDM/SUBSET01/METADATA.XML",
    b"../",
    b"\xff\xff",
)


def seeds() -> list[bytes]:
    metadata, document = vectors("xdm/METADATA.XML")[0], vectors("cda/*.xml")[0]
    ways = (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED)
    return [*vectors("xdm/*.zip"), *(packed(metadata, document, how) for how in ways)]


def packed(metadata: bytes, document: bytes, how: int) -> bytes:
    """An archive as a hospital's software makes it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for name, content in (("INDEX.HTM", b"x"), ("METADATA.XML", metadata), ("DOC0001.XML", document)):
            archive.writestr(zipfile.ZipInfo(f"IHE_XDM/SUBSET01/{name}"), content, how)
    return out.getvalue()


def run(data: bytes) -> None:
    read_or_refused(read_xdm, data)
