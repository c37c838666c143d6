"""The XML white list as ANS signs it: hardened parse, verified signature, and nothing read but the signed bytes."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from directory.errors import DirectoryError
from directory.fold import fold_domain

LARGEST = 64 * 2**20
_LIST = "{https://listeblanche.mssante.fr/schema}"
_CERTIFICATE = "{*}Signature/{*}KeyInfo/{*}X509Data/{*}X509Certificate"
_STRONG = {"RSA_SHA256", "RSA_SHA384", "RSA_SHA512", "ECDSA_SHA256", "ECDSA_SHA384", "ECDSA_SHA512"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """One ``Domaine``: a domain and one certificate name that its operator uses; a domain may have several."""

    name: str
    operator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedList:
    """What the signed bytes say."""

    generated_at: datetime
    domains: tuple[Domain, ...]
    signer: str


def read_signed_list(content: bytes, *, authorities: bytes, common_name: str, now: datetime) -> SignedList:
    """Verify and read a white list.

    ``authorities`` are the PEM certificates of the issuing authorities we pin, ``common_name`` the signer's name: the
    certificate itself changes every three years. Raises :class:`DirectoryError`: ``bad-xml``,
    ``bad-signature``, ``wrong-signer``, ``bad-list``.
    """
    root = _parse(content)
    signer = _signer(root, x509.load_pem_x509_certificates(authorities), common_name)
    signed = _verified(content, signer, now)
    generated = _text(signed, f"{_LIST}DateDeGeneration")
    domains = tuple(_domains(signed))
    if not domains:
        raise DirectoryError("bad-list", "the white list names no domain")
    return SignedList(generated_at=_moment(generated), domains=domains, signer=signer.subject.rfc4514_string())


def _parse(content: bytes) -> etree._Element:
    if len(content) > LARGEST:
        raise DirectoryError("bad-xml", f"larger than {LARGEST >> 20} MiB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DirectoryError("bad-xml", f"not UTF-8 (byte {error.start})") from error
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise DirectoryError("bad-xml", "a document type is not allowed here")
    try:
        return etree.fromstring(content, _parser())
    except etree.XMLSyntaxError as error:
        raise DirectoryError("bad-xml", f"line {error.lineno}: not well-formed XML") from error


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, encoding="utf-8")


def _signer(root: etree._Element, authorities: list[x509.Certificate], common_name: str) -> x509.Certificate:
    """The certificate in the signature, if a pinned authority issued it to the pinned name.

    Not signxml's ``ca_pem_file``: it applies WebPKI rules, which an emailProtection certificate of IGC-Santé and its
    authority need not meet, and takes only a path.
    """
    for element in root.iterfind(_CERTIFICATE):
        try:
            certificate = x509.load_der_x509_certificate(base64.b64decode(element.text or ""))
        except (ValueError, binascii.Error) as error:
            raise DirectoryError("bad-signature", "the signature's certificate cannot be read") from error
        names = [name.value for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        if names == [common_name] and any(_issued(certificate, authority) for authority in authorities):
            return certificate
    raise DirectoryError("wrong-signer", f"not signed by {common_name} under the pinned authority")


def _issued(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
        is_authority = authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return is_authority and (usage.digital_signature or usage.content_commitment)


def _verified(content: bytes, signer: x509.Certificate, now: datetime) -> etree._Element:
    expected = SignatureConfiguration(
        location="./",
        expect_references=1,
        signature_methods=frozenset(method for method in SignatureMethod if method.name in _STRONG),
        digest_algorithms=frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512}),
        verification_time=now,
    )
    try:
        result = XMLVerifier().verify(content, x509_cert=signer, parser=_parser(), expect_config=expected)
    except (SignXMLException, InvalidSignature, ValueError, etree.LxmlError) as error:
        raise DirectoryError("bad-signature", "the white list's signature does not verify") from error
    signed = result.signed_xml if not isinstance(result, list) else None
    if signed is None or signed.tag != f"{_LIST}ListeBlancheMSSante":
        raise DirectoryError("bad-signature", "the signature covers something else than the white list")
    return signed


def _domains(signed: etree._Element) -> list[Domain]:
    found = []
    for element in signed.iterfind(f"{_LIST}ListeDomaines/{_LIST}Domaine"):
        name = fold_domain(_text(element, f"{_LIST}Nom"))
        if name:
            found.append(Domain(name=name, operator=_text(element, f"{_LIST}DNCertificatOperateur")))
    return found


def _text(element: etree._Element, tag: str) -> str:
    return (element.findtext(tag) or "").strip()


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise DirectoryError("bad-list", "DateDeGeneration is not a date") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
