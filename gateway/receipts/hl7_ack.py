"""The answer to a ZAM, pure: MSA-1 says yes or no, and MSA-2 to which message (HL7 v2.6 §2.14.8)."""

from __future__ import annotations

from gateway.receipts.saying import Again, Declined, Said, Taken

_MEANING: dict[bytes, type[Taken | Declined | Again]] = {
    b"AA": Taken,
    b"CA": Taken,
    b"AE": Declined,
    b"CE": Declined,
    b"AR": Again,
    b"CR": Again,
}
"""AR is not about the content (volet Transmission d'un document CDA en HL7 v2): the same may be taken later."""


def read_ack(message: bytes, *, about: str) -> Said:
    """What was said about the message whose MSH-10 is ``about``; the answer to another one is no answer."""
    segments = message.lstrip(b"\r\n").replace(b"\n", b"\r").split(b"\r")
    separator = segments[0][3:4]
    if not segments[0].startswith(b"MSH") or not separator:
        return Again(code="not-hl7")
    msa = next((segment.split(separator) for segment in segments if segment.startswith(b"MSA" + separator)), [])
    if len(msa) < 3:
        return Again(code="no-msa")
    if msa[2].strip() != about.encode():
        return Again(code="other-control-id")
    code = msa[1].strip()
    meaning = _MEANING.get(code)
    return meaning(code=code.decode()) if meaning else Again(code="unknown-ack")
