"""CR-16: one certificate of a whole domain counts for its mailboxes where the settings say so, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from config.settings import load
from directory import Directory, DirectoryError, add_certificate
from gateway.crypto.audit.problems import AuditedKey
from gateway.crypto.authority import TestAuthority, certificates_pem
from gateway.crypto.certificates import as_organisations, check_recipient
from gateway.crypto.keys import SigningIdentity
from gateway.crypto.open import open_mail
from gateway.crypto.opened import OpenedMail
from gateway.crypto.reception import Reception
from gateway.crypto.seal import Sealer
from gateway.errors import NoProtection
from gateway.letter import MssTls, Smime
from gateway.moments import utc_now
from gateway.service.alarms import Incidents
from gateway.service.build import _sealer
from gateway.service.receipts.learning import learning
from tests.unit.commands.check_kit import check
from tests.unit.crypto.test_crypto_certificates import _code as code
from tests.unit.crypto.test_crypto_certificates import made

__all__ = ["made"]
DOMAIN = "clinique.example"
GP, COLLEAGUE = f"dr.essai@{DOMAIN}", f"dr.autre@{DOMAIN}"
ELSEWHERE, BELOW = "dr.essai@autre.example", f"dr.essai@sous.{DOMAIN}"
ALLOWED = as_organisations(["Clinique.example"])
MAIL = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])


@pytest.fixture(scope="module")
def clinic(authority: TestAuthority) -> SigningIdentity:
    return authority.issue(address=DOMAIN, kind="organisation", key="p256")


def refusal(certificate: bytes, address: str, at, *, allowed=ALLOWED) -> str:
    with pytest.raises(NoProtection) as refused:
        check_recipient(certificate, address, at, organisations=allowed)
    return refused.value.detail


# Whom a letter may be encrypted to ----------------------------------------------------------------------------------


def test_it_counts_for_every_mailbox_of_the_very_domain_that_the_settings_name(clinic, der_of, now):
    for address in (GP, COLLEAGUE, GP.upper()):
        check_recipient(der_of(clinic), address, now, organisations=ALLOWED)


def test_without_the_setting_it_is_refused_with_a_code_of_its_own(clinic, der_of, now):
    assert code(der_of(clinic), now, GP) == "organisation-not-allowed"
    assert refusal(der_of(clinic), GP, now, allowed=as_organisations(["autre.example"])) == "organisation-not-allowed"


@pytest.mark.parametrize("address", [ELSEWHERE, BELOW, "dr.essai@example", DOMAIN, "@clinique.example"])
def test_another_domain_one_below_and_one_above_are_not_its_own(clinic, der_of, now, address):
    everybody = as_organisations([DOMAIN, f"sous.{DOMAIN}", "autre.example", "example"])
    assert refusal(der_of(clinic), address, now, allowed=everybody) == "address-mismatch"


def test_a_name_with_an_asterisk_is_no_domain(made, now):
    wild = x509.SubjectAlternativeName([x509.DNSName(f"*.{DOMAIN}")])
    below = as_organisations([f"sous.{DOMAIN}", f"*.{DOMAIN}"])
    assert refusal(made(wild, MAIL), BELOW, now, allowed=below) == "address-mismatch"


def test_one_that_names_a_mailbox_or_that_is_a_servers_is_no_organisations(made, authority, der_of, now):
    host, person = x509.DNSName(DOMAIN), x509.RFC822Name(COLLEAGUE)
    assert refusal(made(x509.SubjectAlternativeName([host, person]), MAIL), GP, now) == "address-mismatch"
    assert refusal(made(x509.SubjectAlternativeName([host])), GP, now) == "address-mismatch"
    assert refusal(made(x509.SubjectAlternativeName([host]), MAIL, email=COLLEAGUE), GP, now) == "address-mismatch"
    assert refusal(der_of(authority.issue(address=DOMAIN, kind="server", key="p256")), GP, now) == "wrong-eku"
    check_recipient(made(x509.SubjectAlternativeName([host]), MAIL), GP, now, organisations=ALLOWED)


def test_a_domain_beyond_ascii_is_compared_as_the_dns_has_it(made, now):
    certificate = made(x509.SubjectAlternativeName([x509.DNSName("xn--sant-epa.example")]), MAIL)
    check_recipient(certificate, "a@santé.example", now, organisations=as_organisations(["Santé.example"]))


def test_a_letter_sealed_with_it_says_so_and_one_for_a_mailbox_alone_does_not(
    hospital, clinic, gp, compose, der_of, now
):
    sealer = Sealer(identity=hospital, openpgp=None, clock=lambda: now, organisations=ALLOWED)
    sealed = sealer.seal(compose(Smime(certificate=der_of(clinic)), mailbox=GP))
    assert (sealed.protected_by, sealed.for_organisation) == ("smime-cbc", True)
    assert not sealer.seal(compose(Smime(certificate=der_of(gp)))).for_organisation
    unset = Sealer(identity=hospital, openpgp=None, clock=lambda: now)
    with pytest.raises(NoProtection) as refused:
        unset.seal(compose(Smime(certificate=der_of(clinic)), mailbox=GP))
    assert refused.value.detail == "organisation-not-allowed"


# Who signed ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def opened(clinic, compose, keys, authority, now) -> Callable[..., OpenedMail]:
    def run(sender: str, **reception: object) -> OpenedMail:
        headers = (("From", sender), ("To", "dr.essai@medecin-essai.mssante.fr"), ("Subject", "Essai"))
        content = Sealer(identity=clinic, openpgp=None, clock=lambda: now).seal(compose(MssTls(), headers=headers))
        known = Reception(**reception)
        return open_mail(content.content, keys, at=now, trust_roots=authority.roots, reception=known)

    return run


def why(mail: OpenedMail) -> list[str]:
    return [layer.why_not for layer in mail.layers if layer.verified is not None]


def test_its_signature_counts_for_every_mailbox_there_and_is_remarked(opened):
    mail = opened(COLLEAGUE, organisations=ALLOWED, envelope_sender=GP)
    assert (mail.authenticated, mail.remarks) == (True, ("organisation-signer",))


@pytest.mark.parametrize(
    ("sender", "reception", "refusal"),
    [
        (GP, {}, "organisation-not-allowed"),
        (GP, {"organisations": as_organisations(["autre.example"])}, "organisation-not-allowed"),
        (ELSEWHERE, {"organisations": as_organisations([DOMAIN, "autre.example"])}, "signer-is-not-from"),
        (BELOW, {"organisations": as_organisations([DOMAIN, f"sous.{DOMAIN}"])}, "signer-is-not-from"),
        (GP, {"organisations": ALLOWED, "envelope_sender": ELSEWHERE}, "signer-is-not-sender"),
    ],
)
def test_its_signature_counts_for_nobody_else(opened, sender, reception, refusal):
    mail = opened(sender, **reception)
    assert (mail.authenticated, why(mail)) == (False, [refusal])
    assert "organisation-signer" not in mail.remarks


def test_a_persons_own_signature_is_not_remarked(compose, sealer, keys, authority, now):
    content = sealer.seal(compose(MssTls())).content
    known = Reception(organisations=as_organisations(["hopital-essai.mssante.fr"]))
    mail = open_mail(content, keys, at=now, trust_roots=authority.roots, reception=known)
    assert (mail.authenticated, mail.remarks) == (True, ())


# Where it is kept ---------------------------------------------------------------------------------------------------


def test_the_directory_takes_it_for_mailboxes_of_that_domain_alone(tmp_path: Path, clinic, der_of):
    def refused(mailbox: str, **more: object) -> str:
        with pytest.raises(DirectoryError) as caught:
            add_certificate(tmp_path, mailbox, der_of(clinic), **more)  # type: ignore[arg-type]
        return caught.value.code

    everybody = frozenset({DOMAIN, f"sous.{DOMAIN}", "autre.example"})
    assert refused(GP) == "organisation-not-allowed"
    assert refused(ELSEWHERE, organisations=everybody) == "other-name"
    assert refused(BELOW, organisations=everybody) == "other-name"
    for mailbox in (GP, COLLEAGUE):
        add_certificate(tmp_path, mailbox, der_of(clinic), organisations=ALLOWED)
    assert refused(ELSEWHERE, organisations=everybody, any_name=True) == "key-of-another"
    directory = Directory.open(tmp_path)
    assert directory.keys_of_another(ALLOWED) == ()
    assert len(directory.keys_of_another()) == 1  # nobody allows it any more: one key of two people
    directory.close()


def test_the_audit_knows_whose_it_is():
    allowed = AuditedKey(name=GP, identity="x", domains=frozenset({DOMAIN}))
    assert allowed.names([GP, COLLEAGUE])
    assert not allowed.names([GP, ELSEWHERE])
    assert not AuditedKey(name=GP, identity="x").names([GP])


# As an administrator sets it ----------------------------------------------------------------------------------------


@pytest.fixture
def allow(place: Path) -> Callable[[str], Path]:
    """Writes the setting; gives the file."""

    def write(domains: str) -> Path:
        file = place / "here" / "huitaine.toml"
        file.write_text(file.read_text() + f"\n[crypto]\norganisation_certificates = {domains}\n")
        return file

    return write


def test_a_command_takes_it_and_the_audit_and_the_sealer_agree_once_it_is_set(
    run_keys, place, allow, clinic, compose, der_of
):
    (place / "clinic.pem").write_bytes(certificates_pem((clinic.certificate,)))
    assert "organisation" in run_keys("import", GP, place / "clinic.pem", code=3)
    settings = allow(f'["{DOMAIN}"]')
    for mailbox in (GP, COLLEAGUE):
        run_keys("import", mailbox, place / "clinic.pem")
    assert [row for row in json.loads(run_keys("audit", "--format", "json")) if "@" in row["name"]] == []
    sealer = _sealer(load(settings), utc_now)
    assert sealer.seal(compose(Smime(certificate=der_of(clinic)), mailbox=GP)).for_organisation


def test_control_when_the_setting_goes_the_audit_tells_both(run_keys, place, clinic):
    data = place / "here" / "data"
    for mailbox in (GP, COLLEAGUE):
        add_certificate(data, mailbox, certificates_pem((clinic.certificate,)), organisations=ALLOWED)
    found = [(row["name"], row["problem"]) for row in json.loads(run_keys("audit", "--format", "json", code=1))]
    for problem in ("key-of-another", "organisation-not-allowed"):
        assert {(GP, problem), (COLLEAGUE, problem)} <= set(found)


@pytest.mark.parametrize(("domains", "why_not"), [(f'["{DOMAIN}"]', None), ("[]", "organisation-not-allowed")])
def test_checking_a_mail_judges_its_signer_by_the_setting(place, allow, authority, clinic, compose, domains, why_not):
    file = allow(f'{domains}\nincoming_authorities = "roots.pem"\nincoming_revocation = "off"')
    (file.parent / "roots.pem").write_bytes(certificates_pem(authority.roots))
    mail = compose(MssTls(), headers=(("From", GP), ("To", COLLEAGUE), ("Subject", "Essai")), sender=GP)
    (place / "mail.eml").write_bytes(Sealer(identity=clinic, openpgp=None, clock=utc_now).seal(mail).content)
    said = check(place / "mail.eml", "--format", "json", config=file)
    assert [layer["why_not"] for layer in said.json["layers"]] == [why_not]


@pytest.mark.parametrize(("domains", "learned"), [(f'["{DOMAIN}"]', 1), ("[]", 0)])
def test_it_is_learned_from_a_signed_mail_when_the_setting_allows_it(
    allow, authority, clinic, compose, now, domains, learned
):
    file = allow(f'{domains}\nincoming_authorities = "roots.pem"\nincoming_revocation = "off"')
    (file.parent / "roots.pem").write_bytes(certificates_pem(authority.roots))
    learn = learning(load(file), lambda: now, Incidents())
    ours = "passerelle@hopital-essai.mssante.fr"
    mail = compose(MssTls(), headers=(("From", GP), ("To", ours), ("Subject", "Merci")), sender=GP, mailbox=ours)
    learn.learn(Sealer(identity=clinic, openpgp=None, clock=lambda: now).seal(mail).content)
    directory = Directory.open(file.parent / "data")
    assert len(directory.certificates(GP)) == learned
    directory.close()
