"""Sign, then encrypt: a mail composed for one addressee becomes bytes that only he can open.

Every refusal raises NoProtection with a stable code in ``detail``; there is no path that returns clear text. ``Date:``
and the signing time are the same moment, or clients call the signature invalid (design.md, decision 15).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache

import structlog

from gateway.crypto.addressees import Addressees
from gateway.crypto.certificates import ascii_domain, check_time
from gateway.crypto.cms.enveloped import encrypt_cbc, encrypt_gcm
from gateway.crypto.cms.recipients import CmsRecipient
from gateway.crypto.cms.signed import DetachedSigner
from gateway.crypto.header_protection import with_protected_headers, wrapped
from gateway.crypto.keys import SigningIdentity
from gateway.crypto.openpgp import SealsOpenPgp
from gateway.crypto.wire import CRLF, base64_lines, base64_pieces, check_canonical, fields, prepare
from gateway.errors import NoProtection
from gateway.letter import AsReceived, ComposedMail, MssTls, OpenPgp, Protection, SealedMail, Smime, protection_name

_log = structlog.get_logger(__name__)
_RESERVED = ("date", "mime-version", "received")


class Sealer:
    """The station: holds the gateway's own keys, gives sealed mails. Threads may share it."""

    def __init__(
        self,
        *,
        identity: SigningIdentity,
        openpgp: SealsOpenPgp | None,
        clock: Callable[[], datetime],
        wrapped_domains: Collection[str] = (),
        organisations: Collection[str] = (),
    ) -> None:
        """``wrapped_domains``: whose S/MIME mails hold the whole mail as message/rfc822 (CR-22)."""
        prepare()
        self._identity = identity
        self._signer = DetachedSigner(identity)
        self._openpgp = openpgp
        self._clock = clock
        self._addressees = Addressees(organisations)
        self._wrapped_domains = frozenset(map(ascii_domain, wrapped_domains))

    def __repr__(self) -> str:
        return "Sealer(hidden)"

    def seal(self, mail: ComposedMail) -> SealedMail:
        """The mail as it goes over the wire; NoProtection when the addressee's key or our own may not be used now."""
        at = self._clock().replace(microsecond=0)
        check_canonical(mail.entity)
        outer = tuple(_outer_fields(mail, at))
        head = b"".join(fields(outer))
        protection, body, refused = self._first_usable(mail, outer, at)
        return SealedMail(
            letter=mail.letter,
            delivery=mail.delivery,
            message_id=mail.message_id,
            sender=mail.sender,
            mailbox=mail.mailbox,
            content=b"".join((head, *body)),
            protected_by=protection_name(protection),
            sealed_at=at,
            refused=refused,
            for_organisation=self._addressees.is_organisations(protection),
        )

    def _first_usable(
        self, mail: ComposedMail, outer: Sequence[tuple[str, str]], at: datetime
    ) -> tuple[Protection, tuple[bytes | memoryview, ...], tuple[str, ...]]:
        """What the addressee's first key that may be used gives, and why those before it may not (CR-15).

        The first one's refusal is raised when none may.
        """
        wanted, refusals = mail.protection, list[NoProtection]()
        others = wanted.alternatives if isinstance(wanted, Smime | OpenPgp) else ()
        for candidate in (known := (wanted, *others)):
            try:
                body = self._protected(self._with_header(mail, outer, candidate), candidate, known, at)
                return candidate, body, tuple(each.detail for each in refusals)
            except NoProtection as refusal:
                refusals.append(refusal)
                if others:
                    _log.warning("key-refused", letter_id=mail.letter, delivery_id=mail.delivery, code=refusal.detail)
        raise refusals[0]

    def _with_header(self, mail: ComposedMail, outer: Sequence[tuple[str, str]], candidate: Protection) -> ComposedMail:
        """The mail with its header inside as well, in the form that the addressee's software reads."""
        domain = ascii_domain(mail.mailbox.rpartition("@")[2])
        if domain in self._wrapped_domains and not isinstance(candidate, OpenPgp):
            return wrapped(mail, outer)
        return with_protected_headers(mail, outer)

    def _protected(
        self, mail: ComposedMail, protection: Protection, known: Sequence[Protection], at: datetime
    ) -> tuple[bytes | memoryview, ...]:
        """Content fields and body in pieces, joined once by the caller: copies of 100 KB cost as much as their AES."""
        match protection:
            case Smime(gcm=gcm):
                meant = self._addressees.meant(protection, known, mail.mailbox, at)
                return _enveloped(self._signed(mail.entity, at), meant, gcm=gcm)
            case OpenPgp(key=key, fingerprint=fingerprint):
                return self._openpgp_mime(mail, key, fingerprint, at)
            case MssTls():
                return self._signed(mail.entity, at)
            case AsReceived():
                raise NoProtection("as-received-is-not-sealed")

    def _signed(self, entity: bytes, at: datetime) -> tuple[bytes, ...]:
        """multipart/signed (RFC 8551 §3.5.3) with the entity byte for byte."""
        check_own(self._identity, at)
        signature = base64_lines(self._signer.sign(entity, at))
        boundary = _boundary()
        opening = b"".join((_SIGNED, self._signer.micalg, _WITH_BOUNDARY, boundary, b'"\r\n\r\n--', boundary, CRLF))
        closing = b"".join((b"\r\n--", boundary, CRLF, _SIGNATURE_FIELDS, signature, b"--", boundary, b"--\r\n"))
        return opening, entity, closing

    def _openpgp_mime(self, mail: ComposedMail, key: bytes, fingerprint: str, at: datetime) -> tuple[bytes, ...]:
        """multipart/encrypted, signed and encrypted in one OpenPGP message (RFC 3156 §6.2)."""
        if self._openpgp is None:
            raise NoProtection("no-openpgp-key-of-our-own")
        armor = self._openpgp.seal(mail.entity, key, fingerprint=fingerprint, address=mail.mailbox, at=at)
        boundary = _boundary()
        opening = (
            b'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted";'
            b'\r\n boundary="' + boundary + b'"\r\n\r\n--' + boundary + CRLF
        )
        between = _OPENPGP_VERSION + b"--" + boundary + CRLF + _OPENPGP_FIELDS
        return opening, between, armor, b"--", boundary, b"--\r\n"


_SIGNED = b'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg='
_WITH_BOUNDARY = b';\r\n boundary="'
_SIGNATURE_FIELDS = (
    b'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\n'
    b"Content-Transfer-Encoding: base64\r\n"
    b'Content-Disposition: attachment; filename="smime.p7s"\r\n\r\n'
)
_OPENPGP_VERSION = b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n"
_OPENPGP_FIELDS = (
    b'Content-Type: application/octet-stream; name="encrypted.asc"\r\n'
    b'Content-Disposition: inline; filename="encrypted.asc"\r\n\r\n'
)


def check_own(identity: SigningIdentity, at: datetime) -> None:
    """NoProtection ``own-certificate-…`` when we may not sign at that moment (CR-20)."""
    try:
        check_time(identity.certificate, at)
    except NoProtection as error:
        raise NoProtection(f"own-certificate-{error.detail}") from error


def _enveloped(signed: Sequence[bytes], meant: Sequence[CmsRecipient], *, gcm: bool) -> tuple[bytes | memoryview, ...]:
    """application/pkcs7-mime (RFC 8551 §3.3, §3.4)."""
    der = encrypt_gcm(signed, meant) if gcm else encrypt_cbc(signed, meant)
    kind = b"authEnveloped-data" if gcm else b"enveloped-data"
    return (
        b"Content-Type: application/pkcs7-mime; smime-type=" + kind + b';\r\n name="smime.p7m"\r\n',
        b"Content-Transfer-Encoding: base64\r\n",
        b'Content-Disposition: attachment; filename="smime.p7m"\r\n\r\n',
        *base64_pieces(der),
    )


def _outer_fields(mail: ComposedMail, at: datetime) -> Iterator[tuple[str, str]]:
    """The composer's fields, then what only the sealer may state."""
    named = False
    for name, value in mail.headers:
        lowered = name.lower()
        if lowered in _RESERVED or lowered.startswith("content-"):
            raise NoProtection("header-reserved")
        named = named or lowered == "message-id"
        yield name, value
    if not named:
        yield "Message-ID", f"<{mail.message_id.strip('<>')}>"
    yield "Date", _date(at)
    yield "MIME-Version", "1.0"


@lru_cache(maxsize=1)
def _date(at: datetime) -> str:
    """RFC 5322 §3.3; a busy second seals many letters."""
    return format_datetime(at)


def _boundary() -> bytes:
    """128 random bits: no content can hold it by chance or on purpose; ``=_`` is in no base64 or QP (RFC 2045 §6.7)."""
    return b"=_huitaine_" + secrets.token_hex(16).encode()
