"""What a mail shows, leaf by leaf: the right alternative, mails inside the mail, files of a winmail.dat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.document import Finding
from gateway.parsers.mime_parts import Part
from gateway.parsers.mime_sealed import sealed_as
from gateway.parsers.remarks import error, warning

_RENDERINGS = {"text/plain", "text/html"}
_FORWARDED = (("From", "De"), ("Date", "Date"), ("Subject", "Objet"))
"""The fields a client shows above a mail inside a mail, in French as all that is written into a letter."""

_ELSEWHERE = "message/external-body"
_PIECE = "message/partial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """Text or a file, decoded; ``findings`` is what taking it out of its part showed."""

    place: str
    content_type: str
    content: bytes = field(repr=False)
    name: str = field(repr=False, default="")
    charset: str = ""
    attached: bool = False
    flowed: bool = False
    delsp: bool = False
    findings: tuple[Finding, ...] = ()

    @property
    def is_words(self) -> bool:
        """Whether it is meant to be read as text of the mail, not saved as a file."""
        return self.content_type in _RENDERINGS and not self.attached and not self.name


def leaves_of(mail: Part, whole: bytes) -> Iterator[Leaf]:
    """The leaves to read, in order; ``whole`` are the bytes that ``mail`` was taken apart from."""
    for part in _shown(mail):
        if part.children:
            yield from _forwarded(part, whole)
        else:
            yield _leaf(part)


def piece_of(mail: Part) -> Finding | None:
    """The refusal of a mail that is one of several pieces (RFC 2046 §5.2.2): half a letter is never passed on."""
    if any(part.content_type == _PIECE for part in mail.walk()):
        message = "the mail is one piece of several (message/partial): send it whole"
        return error("mime-partial", "Content-Type", message)
    return None


def _shown(part: Part) -> Iterator[Part]:
    """Of alternatives the plain text, else the HTML, and whatever is no rendering of the text."""
    if not part.children or part.span != (0, 0):
        yield part
        return
    shown = [leaf for child in part.children for leaf in _shown(child)]
    if part.content_type == "multipart/alternative":
        plains = [leaf for leaf in shown if leaf.content_type == "text/plain" and leaf.disposition != "attachment"]
        written = any(leaf.content()[0].strip() for leaf in plains)
        dropped = "text/html" if written else "text/plain"
        shown = [leaf for leaf in shown if leaf.content_type != dropped or leaf.disposition == "attachment"]
    yield from shown


def _leaf(part: Part) -> Leaf:
    content, findings = part.content()
    if part.content_type == _ELSEWHERE:
        message = "a file of the mail is elsewhere (message/external-body); it is not fetched: attach it"
        findings = (*findings, warning("media-elsewhere", f"part {part.path}", message))
        content = b""
    return Leaf(
        place=f"part {part.path}",
        content_type=part.content_type,
        content=content,
        name=part.name,
        charset=part.charset,
        attached=part.disposition == "attachment",
        flowed=part.parameter("format") == "flowed",
        delsp=part.parameter("delsp") == "yes",
        findings=findings,
    )


def _forwarded(part: Part, whole: bytes) -> Iterator[Leaf]:
    """A mail inside the mail as its reader sees it; one that is sealed stays a file, or its signature would break."""
    inner, place = part.children[0], f"part {part.path}"
    if sealed_as(inner) is not None:
        content, name = whole[slice(*part.span)], part.name or "message.eml"
        yield Leaf(place=place, content_type="message/rfc822", content=content, name=name, attached=True)
        return
    said = [f"{french} : {value}" for field_name, french in _FORWARDED if (value := inner.header(field_name.lower()))]
    if said:
        yield Leaf(place=place, content_type="text/plain", content="\n".join(said).encode(), charset="utf-8")
    yield from leaves_of(inner, whole)
