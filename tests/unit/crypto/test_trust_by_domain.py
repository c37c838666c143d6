"""Anchors by domain (CR-18): who has authorities of its own is believed under no other, nor is anybody else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from typer.testing import CliRunner

import cli
from config.settings import Settings, SettingsError, load
from directory import Directory
from gateway.crypto.authority import TestAuthority, certificates_pem, to_pem
from gateway.crypto.keys import SigningIdentity
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.reception import Reception
from gateway.crypto.seal import Sealer
from gateway.crypto.trust.domains import judge_mailboxes, named_domains
from gateway.crypto.trust.path import Verdict
from gateway.crypto.trust.policy import Trust
from gateway.errors import NoProtection, SettingsRefused
from gateway.letter import MssTls, Smime
from gateway.moments import utc_now
from gateway.service.alarms import Incidents
from gateway.service.from_settings.trusting import by_domain, vetting
from gateway.service.receipts.learning import learning
from gateway.service.upkeep.installing import install
from tests.unit.commands.check_kit import check

OWN, OTHER, BELOW = "gcs.example", "autre.example", "sous.gcs.example"
TABLE = f'domain_authorities = {{ "{OWN}" = "own.pem" }}\n'
GENERAL = 'outgoing_authorities = "general.pem"\nincoming_authorities = "general.pem"\n'
RULES = 'outgoing_revocation = "off"\nincoming_revocation = "off"\n'


@pytest.fixture(scope="module")
def general() -> TestAuthority:
    return TestAuthority.create("Generale")


@pytest.fixture(scope="module")
def own() -> TestAuthority:
    return TestAuthority.create("Propre")


@pytest.fixture
def people(general: TestAuthority, own: TestAuthority) -> Callable[[str, str], SigningIdentity]:
    def issue(authority: str, domain: str) -> SigningIdentity:
        return {"general": general, "own": own}[authority].issue(address=f"dr.essai@{domain}", key="p256")

    return issue


@pytest.fixture
def installed(tmp_path: Path, general: TestAuthority, own: TestAuthority, monkeypatch) -> Callable[[str], Settings]:
    """An installation that believes the general authority in general, the other for one domain."""
    folder = tmp_path / "here"
    install(folder, domain="hopital-essai.mssante.fr")
    (folder / "general.pem").write_bytes(certificates_pem((*general.roots, general.issuer.certificate)))
    (folder / "own.pem").write_bytes(certificates_pem((*own.roots, own.issuer.certificate)))
    file = folder / "huitaine.toml"
    monkeypatch.setenv("HUITAINE_CONFIG", str(file))
    start = file.read_text()

    def run(lines: str) -> Settings:
        file.write_text(f"{start}\n[crypto]\n{RULES}{lines}")
        return load(file)

    return run


# The rule -----------------------------------------------------------------------------------------------------------

CASES = [
    ("general", OTHER, ""),
    ("own", OWN, ""),
    ("general", OWN, "untrusted"),  # the general authority for a domain that has its own
    ("own", OTHER, "untrusted"),  # the domain's authority for somebody else
    ("general", BELOW, ""),  # by the exact name
    ("own", BELOW, "untrusted"),
    ("general", "GCS.Example", "untrusted"),
    ("own", "GCS.Example", ""),
]


@pytest.mark.parametrize(("authority", "domain", "code"), CASES)
def test_each_authority_vouches_for_its_own_domains_alone(people, general, own, authority, domain, code):
    trust = Trust(anchors=general.roots, by_domain={OWN: Trust(anchors=own.roots)})
    who, now = people(authority, domain), utc_now()
    assert judge_mailboxes(who.certificate, who.chain, trust, valid_at=now, known_at=now).why_not == code


@pytest.mark.parametrize("addresses", [("a@autre.example", "a@gcs.example"), ("a@gcs.example", "a@autre.example")])
def test_who_has_mailboxes_in_two_domains_must_hold_for_both(general, own, addresses):
    """No authority vouches for an address of the other's by adding one of its own."""
    for authority in (general, own):
        certificate, now = naming(authority, *addresses), utc_now()
        trust = Trust(anchors=general.roots, by_domain={OWN: Trust(anchors=own.roots)})
        above = (authority.issuer.certificate,)
        assert judge_mailboxes(certificate, above, trust, valid_at=now, known_at=now).why_not == "untrusted"
        both = Trust(anchors=authority.roots, by_domain={OWN: Trust(anchors=authority.roots)})
        assert judge_mailboxes(certificate, above, both, valid_at=now, known_at=now).why_not == ""


def test_others_that_are_believed_unasked_are_not_in_a_domain_with_authorities(people, own):
    trust = Trust(by_domain={OWN: Trust(anchors=own.roots)}, believes_others=True)
    now = utc_now()
    for authority, domain, code in (("general", OTHER, ""), ("own", OWN, ""), ("general", OWN, "untrusted")):
        who = people(authority, domain)
        assert judge_mailboxes(who.certificate, who.chain, trust, valid_at=now, known_at=now).why_not == code


def test_a_certificate_that_names_no_mailbox_is_under_the_general_ones(general, own):
    trust, now = Trust(anchors=general.roots, by_domain={OWN: Trust(anchors=own.roots)}), utc_now()
    for authority, code in ((general, ""), (own, "untrusted")):
        nobody, above = naming(authority), (authority.issuer.certificate,)
        assert judge_mailboxes(nobody, above, trust, valid_at=now, known_at=now).why_not == code


def test_the_root_dot_and_unicode_hide_no_domain(own):
    assert named_domains(naming(own, "a@gcs.example.")) == {OWN}
    assert named_domains(naming(own, "a@xn--sant-epa.example")) == {"xn--sant-epa.example"}


@pytest.mark.parametrize("names", [(OWN,), ("GCS.example",), (f"a@{OTHER}", OWN), (OTHER, OWN)])
def test_a_certificate_of_the_whole_domain_is_under_its_authorities_too(general, own, names):
    trust, now = Trust(anchors=general.roots, by_domain={OWN: Trust(anchors=own.roots)}), utc_now()
    above = (general.issuer.certificate,)
    for given, code in ((names, "untrusted"), ((OTHER,), "")):
        found = judge_mailboxes(naming(general, *given), above, trust, valid_at=now, known_at=now)
        assert found.why_not == code


def test_a_certificate_whose_names_cannot_be_read_is_unreadable(own):
    class Broken:
        @property
        def extensions(self) -> x509.Extensions:
            raise ValueError

    trust, now = Trust(by_domain={OWN: Trust(anchors=own.roots)}), utc_now()
    found = judge_mailboxes(Broken(), (), trust, valid_at=now, known_at=now)  # type: ignore[arg-type]
    assert found == Verdict(why_not="unreadable")


def naming(authority: TestAuthority, *given: str) -> x509.Certificate:
    """A certificate of mailboxes and whole domains."""
    issuer, start = authority.issuer, authority.issuer.certificate.not_valid_before_utc
    builder = (
        x509.CertificateBuilder(
            issuer_name=issuer.certificate.subject,
            subject_name=x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Essai")]),
            public_key=issuer.certificate.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=start,
            not_valid_after=issuer.certificate.not_valid_after_utc,
        )
    )  # fmt: skip
    if given:
        kinds = [x509.RFC822Name(each) if "@" in each else x509.DNSName(each) for each in given]
        names = x509.SubjectAlternativeName(kinds)
        builder = builder.add_extension(names, critical=False)
    return builder.sign(issuer.private_key, hashes.SHA256())


# Addressees, as the settings say ------------------------------------------------------------------------------------


def step(who: SigningIdentity) -> SimpleNamespace:
    letter = SimpleNamespace(parsed=SimpleNamespace(id="01LETTER"))
    wanted = Smime(certificate=who.certificate.public_bytes(Encoding.DER))
    return SimpleNamespace(letter=letter, delivery="01DELIVERY", addressed=SimpleNamespace(protection=wanted))


@pytest.mark.parametrize(
    ("lines", "authority", "domain", "refused"),
    [
        (GENERAL + TABLE, "general", OTHER, False),
        (GENERAL + TABLE, "own", OWN, False),
        (GENERAL + TABLE, "general", OWN, True),
        (GENERAL + TABLE, "own", OTHER, True),
        (GENERAL, "general", OWN, False),  # the same without the table
        (TABLE, "general", OTHER, False),  # whoever put it into the directory vouches for it
        (TABLE, "own", OWN, False),
        (TABLE, "general", OWN, True),
    ],
)
async def test_an_addressees_certificate_leads_to_his_own_domains_authority(
    installed, people, lines, authority, domain, refused
):
    vet, wanted = vetting(installed(lines), utc_now), step(people(authority, domain))
    if not refused:
        assert (await vet(wanted)).protection == wanted.addressed.protection
        return
    with pytest.raises(NoProtection) as told:
        await vet(wanted)
    assert told.value.detail == "untrusted-certificate"


def test_a_file_that_cannot_be_read_and_a_name_that_stands_twice_keep_it_from_starting(installed, tmp_path):
    twice = installed(f'domain_authorities = {{ "{OWN}" = "own.pem", "GCS.example" = "own.pem" }}\n')
    with pytest.raises(SettingsRefused) as refused:
        by_domain(twice)
    assert refused.value.detail == "crypto.domain_authorities: a domain stands there twice"
    (tmp_path / "here" / "own.pem").write_text("nothing")
    settings = installed(TABLE)
    for start in (vetting, lambda here, clock: learning(here, clock, Incidents())):
        with pytest.raises(SettingsRefused) as refused:
            start(settings, utc_now)
        assert refused.value.detail.startswith("crypto.domain_authorities.gcs.example: ")
    with pytest.raises(SettingsError, match=r"crypto\.domain_authorities"):
        installed('domain_authorities = { "dr@gcs.example" = "own.pem" }\n')


# Signers, as the settings say ---------------------------------------------------------------------------------------


def signed(who: SigningIdentity, compose, domain: str) -> bytes:
    address = f"dr.essai@{domain}"
    headers = (("From", address), ("To", "passerelle@hopital-essai.mssante.fr"), ("Subject", "Essai"))
    mail = compose(MssTls(), sender=address, mailbox="passerelle@hopital-essai.mssante.fr", headers=headers)
    return Sealer(identity=who, openpgp=None, clock=utc_now).seal(mail).content


WHO = [
    ("general", OTHER, ""),
    ("own", OWN, ""),
    ("general", OWN, "untrusted-signer"),
    ("own", OTHER, "untrusted-signer"),
]


@pytest.mark.parametrize(("authority", "domain", "code"), WHO)
def test_a_signer_is_believed_under_his_own_domains_authority(
    installed, people, general, compose, authority, domain, code
):
    content = signed(people(authority, domain), compose, domain)
    known = Reception(by_domain=by_domain(installed(GENERAL + TABLE)))
    opened = open_mail(content, OpeningKeys(), at=utc_now(), trust_roots=general.roots, reception=known)
    assert [layer.why_not for layer in opened.layers] == [code]
    assert opened.authenticated is not bool(code)


@pytest.fixture
def layers(installed, tmp_path, general) -> Callable[[str, bytes], list[dict[str, object]]]:
    """What ``huitaine open`` or ``huitaine check`` tells of a mail."""
    installed(GENERAL + TABLE)
    (tmp_path / "key.pem").write_bytes(to_pem(general.issue(address=f"gp@{OTHER}", key="p256"), None))

    def run(command: str, content: bytes) -> list[dict[str, object]]:
        (path := tmp_path / "mail.eml").write_bytes(content)
        if command == "check":
            told = check(path, "--format", "json", config=tmp_path / "here" / "huitaine.toml").json
        else:
            asked = ["open", str(path), "--key", str(tmp_path / "key.pem")]
            told = json.loads(CliRunner().invoke(cli.app, asked).stdout)
        return told["layers"]

    return run


@pytest.mark.parametrize("command", ["open", "check"])
def test_the_commands_believe_as_the_settings_say(layers, people, compose, command):
    found = [layers(command, signed(people(by, domain), compose, domain)) for by, domain, _ in WHO[1:3]]
    assert [[each["why_not"] or "" for each in one] for one in found] == [[code] for *_, code in WHO[1:3]]


@pytest.mark.parametrize(("lines", "authority", "learned"), [(TABLE, "own", True), (TABLE, "general", False)])
def test_authorities_of_a_domain_alone_are_enough_to_learn_from_its_mail(
    installed, people, compose, tmp_path, lines, authority, learned
):
    settings = installed(lines)
    hears = learning(settings, utc_now, Incidents())
    assert hears is not None
    hears.learn(signed(people(authority, OWN), compose, OWN))  # type: ignore[attr-defined]
    known = Directory.open(settings.gateway.data).certificates(f"dr.essai@{OWN}")
    assert bool(known) is learned
