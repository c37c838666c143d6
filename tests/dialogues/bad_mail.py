"""Rows 16 to 22 inside a mail that the SMTP door takes: shapes, headers, names, archives and documents of strangers."""

from __future__ import annotations

import io
import struct
import zipfile
from base64 import encodebytes
from pathlib import Path

from tests.dialogues.bad_smtp import FROM, TO
from tests.dialogues.case import Case

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
METADATA, CDA = (VECTORS / "xdm/METADATA.XML").read_bytes(), (VECTORS / "cda/discharge_letter_n1.xml").read_bytes()
_HEAD = (
    b"From: dpi@hospital.test\r\nTo: gp@gp.test\r\nSubject: essai\r\nMessage-ID: <%b@hospital.test>\r\n"
    b"MIME-Version: 1.0\r\n"
)
_IN = "IHE_XDM/SUBSET01/"


def mail(row: int, variant: str, body: bytes, header: bytes = b"", **more: object) -> Case:
    """A mail with this header and body, taken and then looked at."""
    number = b"%d.%d" % (row, abs(hash(variant)) % 10**12)
    content = _HEAD % number + header + body + b"\r\n.\r\n"
    says = (FROM, TO, b"DATA\r\n", content)
    return Case(row=row, variant=variant, says=says, at_once=True, kept=1, **more)  # type: ignore[arg-type]


def enclosing(
    row: int, variant: str, content: bytes, *, name: bytes = b"a.zip", kind: bytes = b"application/zip"
) -> Case:
    """A mail with a line of text and one file."""
    encoded = encodebytes(content).replace(b"\n", b"\r\n")
    body = (
        b"--b\r\nContent-Type: text/plain\r\n\r\nBonjour.\r\n--b\r\nContent-Type: %b\r\n%b"
        b"Content-Transfer-Encoding: base64\r\n\r\n%b--b--\r\n" % (kind, name_header(name), encoded)
    )
    return mail(row, variant, body, b"Content-Type: multipart/mixed; boundary=b\r\n\r\n")


def name_header(name: bytes) -> bytes:
    """Folded where it is long; a name that is a whole header already stays."""
    if name.startswith(b"Content-Disposition"):
        return name
    pieces = [name[at : at + 900] for at in range(0, len(name), 900)]
    if len(pieces) == 1:
        return b'Content-Disposition: attachment; filename="%b"\r\n' % name
    told = b"".join(b";\r\n filename*%d=%b" % (at, piece) for at, piece in enumerate(pieces))
    return b"Content-Disposition: attachment" + told + b"\r\n"


def packed(files: dict[str, bytes]) -> bytes:
    """An archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


GOOD = {f"{_IN}METADATA.XML": METADATA, f"{_IN}DOC0001.XML": CDA}


def overlapping() -> bytes:
    """Two directory entries that lead to the same bytes (as in 42.zip's younger sister)."""
    content = bytearray(packed({**GOOD, f"{_IN}TWICE.XML": CDA}))
    at = content.rfind(b"PK\x01\x02")
    struct.pack_into("<I", content, at + 42, 0)
    return bytes(content)


def encrypted() -> bytes:
    """The flag that says so."""
    content = bytearray(packed(GOOD))
    content[content.rfind(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def wrong_crc() -> bytes:
    """One byte of the document's check sum."""
    content = bytearray(packed(GOOD))
    content[content.rfind(b"PK\x01\x02") + 16] ^= 0xFF
    return bytes(content)


def inside_each_other(levels: int) -> bytes:
    """A zip in a zip in a zip."""
    content = packed(GOOD)
    for _ in range(levels):
        content = packed({**GOOD, f"{_IN}MORE.ZIP": content})
    return content


def document(inside: bytes, prolog: bytes = b"") -> bytes:
    """A CDA that begins otherwise than it should."""
    return (
        b'<?xml version="1.0" encoding="UTF-8"?>'
        + prolog
        + CDA[CDA.index(b"<ClinicalDocument") :].replace(b"<title>", inside + b"<title>", 1)
    )


ENTITIES = b"".join(b'<!ENTITY e%d "%b">' % (at, b"&e%d;" % (at - 1) * 10 if at else b"lol") for at in range(10))
QUADRATIC = b'<!DOCTYPE x [<!ENTITY a "%b">]>' % (b"a" * 6000)
NAMES = {
    "a path upwards": b"../../etc/cron.d/x",
    "a path from the root": b"/etc/passwd",
    "a Windows path": b"C:\\\\x.exe",
    "a name that turns around": b"Content-Disposition: attachment; filename*=utf-8''a%E2%80%AEgpj.exe\r\n",
    "a NUL in the name": b"Content-Disposition: attachment; filename*=utf-8''a%00b.pdf\r\n",
    "line ends in the name": b"Content-Disposition: attachment; filename*=utf-8''a%0D%0ABcc:%20x@evil.test.pdf\r\n",
    "5,000 characters": b"a" * 5000,
    "a device": b"CON",
}
ROW_16 = [
    mail(
        16,
        "1,000 mails in each other",
        b"Content-Type: message/rfc822\r\n\r\n" * 999 + b"x",
        b"Content-Type: message/rfc822\r\n\r\n",
    ),
    mail(
        16,
        "100 multiparts in each other",
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(100))
        + b"\r\nx",
    ),
]
ROW_18 = [
    mail(18, "1,000 brackets in To", b"x", b"To: " + b"(" * 900 + b"\r\n\r\n"),
    mail(
        18,
        "2,000 pieces of a name",
        b"x",
        b"Content-Type: text/plain" + b"".join(b";\r\n name*%d*=a" % n for n in range(2000)) + b"\r\n\r\n",
    ),
    mail(
        18,
        "From, Subject and Content-Type twice",
        b"x",
        b"From: dpi@hospital.test\r\nSubject: b\r\nContent-Type: text/plain\r\nContent-Type: text/html\r\n\r\n",
    ),
]
ROW_19 = [
    mail(
        19,
        "an encoded word that hides a header",
        b"x",
        b"X: y\r\nReply-To: =?utf-8?q?a=0D=0ABcc:_x@evil.test?=\r\nContent-Type: text/plain\r\n\r\n",
    ),
]
ROW_20 = [
    enclosing(20, "200 MB in 200 KB", packed({**GOOD, f"{_IN}BOMB.TXT": bytes(200 << 20)})),
    enclosing(20, "entries that overlap", overlapping()),
    enclosing(20, "65,000 entries", packed({**GOOD, **{f"{_IN}{n}": b"" for n in range(65_000)}})),
    enclosing(20, "a zip in a zip, ten times", inside_each_other(10)),
    enclosing(20, "encrypted", encrypted()),
    enclosing(20, "a wrong check sum", wrong_crc()),
    enclosing(20, "no METADATA.XML", packed({f"{_IN}DOC0001.XML": CDA, "README.TXT": b"IHE_XDM/"})),
    enclosing(20, "a name that leads out", packed({**GOOD, "../../etc/cron.d/x": b"x"})),
]
ROW_21 = [
    enclosing(21, variant, b"%PDF-1.4\n%%EOF\n", name=name, kind=b"application/pdf") for variant, name in NAMES.items()
]
ROW_22 = [
    enclosing(22, variant, content, name=b"a.xml", kind=b"text/xml")
    for variant, content in {
        "a DTD": document(b"", b"<!DOCTYPE ClinicalDocument>"),
        "billion laughs": document(b"<id>&e9;</id>", b"<!DOCTYPE x [" + ENTITIES + b"]>"),
        "13 KB that become 7.5 MB": document(b"<id>" + b"&a;" * 1250 + b"</id>", QUADRATIC),
        "an external entity": document(b"<id>&x;</id>", b'<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        "200,000 levels": document(b"<a>" * 200_000),
        "100,000 attributes": document(b"<a " + b" ".join(b'b%d="1"' % n for n in range(100_000)) + b"/>"),
        "UTF-7": CDA.replace(b"UTF-8", b"UTF-7", 1),
        "cut in the middle": CDA[: len(CDA) // 2],
    }.items()
]
CASES = [*ROW_16, *ROW_18, *ROW_19, *ROW_20, *ROW_21, *ROW_22]
