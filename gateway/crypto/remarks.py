"""What a reader should be told of an opened mail beside the verdict on each layer; pure, stable codes.

sealed-part-among-others   an encrypted or signed part, or OpenPGP text, stands beside others: it was left (CR-23)
malleable                  encrypted without a check and vouched for by nobody: words may have been changed (CR-24)
archive-cipher             sealed with triple DES, which others may break, and opened because a person asked (CR-12)
outer-headers-differ       what stands outside is not what the sender left there
reply-to-elsewhere         answers would leave the sender's domain, or MSSanté (KIM A_23422)
sender-differs             Sender names somebody else than From
name-of-another            the name beside the author's address is an address itself, and not his: clients show it
return-path-differs        somebody else handed it in: a relay, or a forger
revocation-unknown         no authority answered whether a signer's certificate was taken back
organisation-signer        a signature that counts is by a whole domain's certificate: any mailbox there could sign so
forged-result              it came with a result field of our name, which was taken out (CR-36)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gateway.crypto.certificates import same_address
from gateway.crypto.cms.decrypt import TRIPLE_DES
from gateway.crypto.header_fields import display_names, unfolded, value_of
from gateway.crypto.mime import PKCS7, Entity
from gateway.crypto.opened import Headers, OpenedMail
from gateway.crypto.payload import begins_inline
from gateway.crypto.peeled import Fields, Peeled
from gateway.crypto.results import is_ours

_SEALED = {*PKCS7, "multipart/signed", "multipart/encrypted", "application/pgp-encrypted"}
_AN_ADDRESS = re.compile(r"[^\s<>()\",;:@]+@[^\s<>()\",;:@]+")
_SHOWN = 1000
"""Characters of a name that anybody sees: looking for an address takes the square of their number."""
_COMPARED = ("from", "to", "cc", "reply-to", "date", "subject")


def remarks(mail: OpenedMail, peeled: Peeled, parts: Sequence[Entity]) -> tuple[str, ...]:
    """The codes that hold, in the order above."""
    return tuple(_codes(mail, peeled, parts))


def _codes(mail: OpenedMail, peeled: Peeled, parts: Sequence[Entity]) -> Iterator[str]:
    outer = peeled.shown[0].fields
    if any(_is_left_closed(part, parts) for part in parts):
        yield "sealed-part-among-others"
    if mail.malleable:
        yield "malleable"
    if any(TRIPLE_DES in layer.algorithms for layer in mail.layers):
        yield "archive-cipher"
    if _outer_differs(peeled):
        yield "outer-headers-differ"
    yield from _of_senders(mail.headers, outer)
    if any(layer.revocation == "unknown" for layer in mail.layers):
        yield "revocation-unknown"
    if any(layer.verified and taken.domains for layer, taken in zip(mail.layers, peeled.taken, strict=True)):
        yield "organisation-signer"
    if any(is_ours(name, raw) for shown in peeled.shown for name, raw in shown.fields):
        yield "forged-result"


def _is_left_closed(part: Entity, parts: Sequence[Entity]) -> bool:
    """A sealed part among others; or OpenPGP text, which was opened already where it stood alone."""
    if part.media_type == "text/plain":
        return begins_inline(part.content())
    return len(parts) > 1 and part.media_type in _SEALED


def _of_senders(headers: Headers, outer: Fields) -> Iterator[str]:
    author = next(iter(headers.addresses("from")), "")
    if not all(_same_space(author, one) for one in headers.addresses("reply-to")):
        yield "reply-to-elsewhere"
    if not all(same_address(author, one) for one in headers.addresses("sender")):
        yield "sender-differs"
    if _poses(headers, author):
        yield "name-of-another"
    returned = next((value_of(raw).strip("<> ") for name, raw in outer if name == "return-path"), "")
    if returned and not same_address(author, returned):
        yield "return-path-differs"


def _poses(headers: Headers, author: str) -> bool:
    shown = (name for field, raw in headers.fields if field == "from" for name in display_names(unfolded(raw)))
    return any(not same_address(author, each) for name in shown for each in _AN_ADDRESS.findall(name[:_SHOWN]))


def _same_space(author: str, other: str) -> bool:
    one, two = (address.rpartition("@")[2].lower() for address in (author, other))
    return one == two or (one.endswith(".mssante.fr") and two.endswith(".mssante.fr"))


def _outer_differs(peeled: Peeled) -> bool:
    """Whether a field outside is neither what the sender says he left there nor what he wrote inside."""
    protected = peeled.protected
    if protected is None:
        return False
    left = dict(protected.outside)
    inside = {name: value_of(raw) for name, raw in protected.inside}
    for name, raw in peeled.shown[0].fields:
        if name not in _COMPARED or (not protected.tells_outside and name == "subject"):
            continue  # the older form hides the subject without saying so
        said = left.get(name) if protected.tells_outside else inside.get(name, value_of(raw))
        if said != value_of(raw):
            return True
    return False
