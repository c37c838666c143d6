"""Whether a signer's certificate leads to an anchor: the judgement where no revocation is asked for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.crypto.cms.structures import BAD_BYTES, Asn1

if TYPE_CHECKING:
    from gateway.crypto.cms.verify import Signer


class RootsAlone:
    """Judges by the given anchors, the certificate's own dates and its usage; fetches nothing."""

    def __init__(self, roots: Sequence[x509.Certificate]) -> None:
        self._roots = roots

    def why_not(self, signer: Signer) -> str:
        """Empty, or ``certificate-expired``, ``certificate-not-yet-valid``, ``wrong-usage``, ``untrusted-signer``."""
        certificate = asn1_x509.Certificate.load(signer.certificate)
        if signer.moment > certificate.not_valid_after:
            return "certificate-expired"
        if signer.moment < certificate.not_valid_before:
            return "certificate-not-yet-valid"
        # RFC 8551 §4.4.4: a certificate without the extension may be used for mail.
        if not _for_mail(certificate):
            return "wrong-usage"
        with ThreadPoolExecutor(max_workers=1) as pool:  # a loop of its own, for the caller may be inside one
            return pool.submit(asyncio.run, self._path(signer, certificate)).result()

    async def _path(self, signer: Signer, certificate: Asn1) -> str:
        from pyhanko_certvalidator import (  # noqa: PLC0415 - three quarters of a second, for whoever verifies only
            CertificateValidator,
            ValidationContext,
        )
        from pyhanko_certvalidator.errors import PathError, ValidationError  # noqa: PLC0415

        # It logs each signer it does not trust, by name; our answer says why in a code.
        logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)
        try:
            context = ValidationContext(
                trust_roots=[asn1_x509.Certificate.load(root.public_bytes(Encoding.DER)) for root in self._roots],
                moment=signer.moment,
                best_signature_time=signer.moment,
                allow_fetching=False,
            )
            others = [asn1_x509.Certificate.load(other) for other in signer.others]
            path = CertificateValidator(certificate, intermediate_certs=others, validation_context=context)
            await path.async_validate_path()
        except (*BAD_BYTES, PathError, ValidationError):
            return "untrusted-signer"
        return ""


def _for_mail(certificate: Asn1) -> bool:
    usage, purposes = certificate.key_usage_value, certificate.extended_key_usage_value
    if usage is not None and usage.native.isdisjoint({"digital_signature", "non_repudiation"}):
        return False
    return purposes is None or not {"email_protection", "any_extended_key_usage"}.isdisjoint(purposes.native)
