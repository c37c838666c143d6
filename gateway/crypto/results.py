"""The opened mail as a mail again: one result field a layer on top, forged ones taken out (CR-36, after RFC 8601).

    X-Huitaine-Result: gateway.example; layer=1; kind=smime-encrypted; algorithms="aes256-cbc rsa"; intact=no
    X-Huitaine-Result: gateway.example; layer=2; kind=smime-signed; verified=yes; signer="dr@example.org"

Whoever files mail by these fields must take them from a mail that this gateway wrote, and from nowhere else.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator

from gateway.crypto.header_fields import raw_fields, value_of
from gateway.crypto.mime import Entity, read_entity
from gateway.crypto.opened import Layer, OpenedMail, Part
from gateway.crypto.wire import CRLF, base64_lines

FIELD = "X-Huitaine-Result"
_STRIPPED = {FIELD.lower(), "autocrypt", "hp-outer"}


def is_ours(name: str, raw: bytes, authority: str = "") -> bool:
    """Whether a field claims to be a result of ours: no mail that comes in may bring one.

    ``authority`` is the name under which Authentication-Results would be ours (RFC 8601 §5).
    """
    if name == "authentication-results" and authority:
        # Comments, quotes and case differ from reader to reader: what may be taken for our name is ours.
        return authority.lower() in value_of(raw).partition(";")[0].lower()
    return name == FIELD.lower()


def result_fields(mail: OpenedMail, authority: str) -> tuple[str, ...]:
    """One field a layer from outside inwards, and one for the mail as a whole; each one line of printable ASCII."""
    whole = (
        f"{FIELD}: {authority}; mail; authenticated={_yes(said=mail.authenticated)}; headers={mail.headers.protection}"
    )
    remarks = f'; remarks="{" ".join(mail.remarks)}"' if mail.remarks else ""
    of_layers = (
        f"{FIELD}: {authority}; layer={number}; " + "; ".join(_said(layer))
        for number, layer in enumerate(mail.layers, 1)
    )
    return (*of_layers, whole + remarks)


def as_mail(mail: OpenedMail, authority: str) -> bytes:
    """The opened mail in RFC 5322 form, in clear, as it may be filed; nothing of it was left out but what lies.

    What may have been changed on the way (``malleable``) keeps its text only as text, and everything else as files
    that no client shows by itself: its HTML could send the words away (CR-24).
    """
    results = "".join(line + "\r\n" for line in result_fields(mail, authority)).encode("ascii")
    entity = read_entity(mail.entity)
    kept = b"".join(_ended(raw) for name, raw in mail.headers.fields if not _is_stripped(name, raw, authority))
    return results + kept + (_harmless(mail.parts) if mail.malleable else _body(entity))


def _said(layer: Layer) -> Iterator[str]:
    yield f"kind={layer.kind}"
    if layer.algorithms:
        yield f"algorithms={_quoted(' '.join(layer.algorithms))}"
    if layer.intact is not None:
        yield f"intact={_yes(said=layer.intact)}"
    if layer.verified is not None:
        yield f"verified={_yes(said=layer.verified)}"
        yield from (f"{name}={_quoted(value)}" for name, value in _of_signer(layer) if value)


def _of_signer(layer: Layer) -> Iterable[tuple[str, str]]:
    signed_at = layer.signed_at.isoformat() if layer.signed_at else ""
    return (
        ("why-not", layer.why_not),
        ("signer", layer.signer or ""),
        ("signed-at", signed_at),
        ("revocation", layer.revocation or ""),
    )


def _body(entity: Entity) -> bytes:
    """The entity with what describes it and nothing else of its header: the mail's own fields stand above."""
    described = b"".join(_ended(raw) for name, raw in raw_fields(entity.head) if name.startswith("content-"))
    return (described or _of_words(entity.body)) + b"MIME-Version: 1.0\r\n\r\n" + entity.body


def _of_words(body: bytes) -> bytes:
    """What words beyond ASCII lack that came without a header: nobody says in which letters they are written."""
    if body.isascii():
        return b""
    try:
        body.decode()
    except UnicodeDecodeError:
        charset = b"windows-1252"
    else:
        charset = b"utf-8"
    return b"Content-Type: text/plain; charset=" + charset + b"\r\nContent-Transfer-Encoding: 8bit\r\n"


def _harmless(parts: Iterable[Part]) -> bytes:
    boundary = b"=_huitaine_" + secrets.token_hex(16).encode()
    head = b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="' + boundary + b'"\r\n'
    pieces = [head]
    for number, part in enumerate(parts, 1):
        pieces += (CRLF + b"--" + boundary + CRLF, _fields_of(part, number), base64_lines(part.content))
    return b"".join((*pieces, CRLF, b"--", boundary, b"--\r\n"))


def _fields_of(part: Part, number: int) -> bytes:
    if part.media_type == "text/plain" and not part.name:
        return b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    named = f'Content-Disposition: attachment; filename="part-{number:03d}.bin"\r\n'.encode()
    return b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n" + named + CRLF


def _is_stripped(name: str, raw: bytes, authority: str) -> bool:
    return name in _STRIPPED or is_ours(name, raw, authority)


def _ended(raw: bytes) -> bytes:
    """With CRLF at each line end, whatever the file was saved with; a CR inside a line would begin another field."""
    lines = raw.removesuffix(b"\n").split(b"\n")
    return b"".join(line.rstrip(b"\r").replace(b"\r", b" ") + CRLF for line in lines)


def _yes(*, said: bool) -> str:
    return "yes" if said else "no"


def _quoted(value: str) -> str:
    """A quoted-string that ends where it ends, whatever a stranger's certificate says."""
    plain = "".join(each if each.isascii() and each.isprintable() and each not in '"\\' else "?" for each in value)
    return f'"{plain[:200]}"'
