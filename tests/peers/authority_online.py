"""An authority whose certificates can be taken back: certomancer serves its lists and its responder on loopback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from gateway.crypto.keys import SigningIdentity

DOMAIN = "hopital-essai.mssante.fr"
LEAVES = {
    # name: (what it points to, further words of its certificate)
    "good": (("crl", "ocsp"), {}),
    "listed-only": (("crl",), {}),
    "responder-only": (("ocsp",), {}),
    "revoked-on-list": (("crl",), {"revoked": True}),
    "revoked-at-responder": (("ocsp",), {"revoked": True}),
    "no-pointers": ((), {}),
    "expired": (("crl", "ocsp"), {"days": (-60, -30)}),
    "server": (("crl", "ocsp"), {"purpose": "server_auth"}),
    "under-revoked": ((), {"issuer": "taken-back"}),
}
"""All of one mailbox, so that only what its name says keeps one from being believed."""


@dataclass(slots=True, kw_only=True)
class OnlineAuthority:
    """A root, what it issued, and a server that says what was taken back."""

    root: x509.Certificate
    identities: Mapping[str, SigningIdentity]
    address: str
    asked: list[str] = field(default_factory=list)
    """Paths that were asked for, in order."""


@contextmanager
def online_authority(folder: Path, *, address: str = f"signer@{DOMAIN}") -> Iterator[OnlineAuthority]:
    """Serve until left, with certificates of ``address``; ``folder`` holds keys, for certomancer reads files."""
    from certomancer.integrations.animator import Animator, AnimatorArchStore
    from certomancer.registry import ArchLabel, CertLabel, CertomancerConfig

    asked: list[str] = []
    with make_server("127.0.0.1", 0, lambda *_: [], handler_class=_Quiet) as server:
        config = _config(f"http://127.0.0.1:{server.server_port}", folder, address)
        arch = CertomancerConfig(config, key_search_dir=str(folder)).get_pki_arch(ArchLabel("essai"))
        animator = Animator(AnimatorArchStore({ArchLabel("essai"): arch}), with_web_ui=False)

        def application(environ: dict[str, Any], start_response: Any) -> Any:
            asked.append(environ["PATH_INFO"])
            return animator(environ, start_response)

        server.set_app(application)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

        def certificate(name: str) -> x509.Certificate:
            return x509.load_der_x509_certificate(arch.get_cert(CertLabel(name)).dump())

        def identity(name: str, issuer: str) -> SigningIdentity:
            key = load_der_private_key((folder / f"{name}.der").read_bytes(), None)
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            return SigningIdentity(certificate=certificate(name), private_key=key, chain=(certificate(issuer),))

        identities = {name: identity(name, more.get("issuer", "issuing")) for name, (_, more) in LEAVES.items()}
        yield OnlineAuthority(root=certificate("root"), identities=identities, address=address, asked=asked)
        server.shutdown()


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""


def _config(prefix: str, folder: Path, address: str) -> dict[str, Any]:
    names = ["root", "issuing", "taken-back", "responder", *LEAVES]
    for name in names:
        key = ec.generate_private_key(ec.SECP256R1())
        (folder / f"{name}.der").write_bytes(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    certs = {name: _leaf(name, points, address, **more) for name, (points, more) in LEAVES.items()}
    return {
        "external-url-prefix": prefix,
        "keysets": {"essai": {"keys": {name: {"path": f"{name}.der"} for name in names}}},
        "pki-architectures": {
            "essai": {
                "keyset": "essai",
                "entity-defaults": {"country-name": "FR", "organization-name": "Essai"},
                "entities": {name: {"common-name": name} for name in names},
                "certs": {
                    "root": _authority("root", "root", ()),
                    "issuing": _authority("issuing", "root", ("crl",)),
                    "taken-back": _authority("taken-back", "root", ("crl",), revoked=True),
                    "responder": _responder(),
                    **certs,
                },
                "services": {
                    "ocsp": {
                        "issuing": {"for-issuer": "issuing", "responder-cert": "responder", "signing-key": "responder"}
                    },
                    "crl-repo": {
                        name: {"for-issuer": name, "signing-key": name, "simulated-update-schedule": "P1D"}
                        for name in ("root", "issuing")
                    },
                },
            }
        },
    }


def _certificate(subject: str, issuer: str, days: tuple[int, int], extensions: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "subject": subject,
        "subject-key": subject,
        "issuer": issuer,
        "authority-key": issuer,
        "validity": {"valid-from": _day(days[0]), "valid-to": _day(days[1])},
        "extensions": extensions,
    }


def _authority(name: str, issuer: str, points: tuple[str, ...], *, revoked: bool = False) -> dict[str, Any]:
    extensions = [
        {"id": "basic_constraints", "critical": True, "value": {"ca": True}},
        _usage("key_cert_sign", "crl_sign"),
        *_pointers(points, issuer),
    ]
    made = _certificate(name, issuer, (-100, 1000), extensions)
    return {**made, **_taken_back(revoked=revoked)}


def _responder() -> dict[str, Any]:
    extensions = [
        _usage("digital_signature"),
        {"id": "extended_key_usage", "critical": True, "value": ["ocsp_signing"]},
        {"id": "ocsp_no_check"},
    ]
    return _certificate("responder", "issuing", (-100, 1000), extensions)


def _leaf(
    name: str,
    points: tuple[str, ...],
    address: str,
    *,
    revoked: bool = False,
    days: tuple[int, int] = (-60, 300),
    purpose: str = "email_protection",
    issuer: str = "issuing",
) -> dict[str, Any]:
    extensions = [
        _usage("digital_signature", "key_agreement"),
        {"id": "extended_key_usage", "value": [purpose]},
        {
            "id": "subject_alt_name",
            "smart-value": {"schema": "general-names", "params": [{"type": "email", "value": address}]},
        },
        *_pointers(points, issuer),
    ]
    return {**_certificate(name, issuer, days, extensions), **_taken_back(revoked=revoked)}


def _usage(*granted: str) -> dict[str, Any]:
    return {
        "id": "key_usage",
        "critical": True,
        "smart-value": {"schema": "key-usage", "params": list(granted)},
    }


def _pointers(points: tuple[str, ...], issuer: str) -> list[dict[str, Any]]:
    """certomancer names its own services only where a certificate's extensions ask for them."""
    lists = {
        "id": "crl_distribution_points",
        "smart-value": {"schema": "crl-dist-url", "params": {"crl-repo-names": [issuer]}},
    }
    responders = {
        "id": "authority_information_access",
        "smart-value": {"schema": "aia-urls", "params": {"ocsp-responder-names": [issuer]}},
    }
    return [each for each, name in ((lists, "crl"), (responders, "ocsp")) if name in points]


def _taken_back(*, revoked: bool) -> dict[str, Any]:
    return {"revocation": {"revoked-since": _day(-10), "reason": "key_compromise"}} if revoked else {}


def _day(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT00:00:00+0000")
