"""The white list: only what a pinned authority signed, never an older one, and names compared as parsed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory import Directory, DirectoryError, Operator, signedlist, update_white_list
from tests.unit.directory.signing import NOW, SIGNER, Authority, authority, list_xml, sign, signer_of

OPERATOR = "CN=mss.operateur.example,OU=1990000001,O=OPERATEUR D'ESSAI,ST=Paris (75),C=FR"
LIST = {"medecin.mss.example": OPERATOR, "apicrypt.example": OPERATOR}


@pytest.fixture(scope="module")
def issuer() -> Authority:
    return authority()


@pytest.fixture(scope="module")
def signer(issuer) -> Authority:
    return signer_of(issuer)


def update(folder, content, issuer, *, name=SIGNER, now=NOW):
    return update_white_list(folder, content, authorities=issuer.pem, common_name=name, clock=lambda: now)


def refused(folder, content, issuer, **more):
    with pytest.raises(DirectoryError) as caught:
        update(folder, content, issuer, **more)
    assert "\n" not in str(caught.value)
    return caught.value.code


def test_a_signed_list_is_taken(tmp_path, issuer, signer):
    report = update(tmp_path, sign(list_xml(LIST), signer), issuer)
    assert (report.domains, report.added, report.removed, report.generated_at) == (2, 2, 0, NOW)
    white_list = Directory.open(tmp_path).white_list
    assert white_list.contains("Medecin.MSS.example.")
    assert white_list.contains("apicrypt.example")
    assert not white_list.contains("mss.example")
    assert not white_list.contains("autre.medecin.mss.example")
    assert (white_list.generated_at, white_list.fetched_at, white_list.domains) == (NOW, NOW, 2)


def test_a_newer_list_replaces_it_for_readers_that_are_open(tmp_path, issuer, signer):
    update(tmp_path, sign(list_xml(LIST), signer), issuer)
    white_list = Directory.open(tmp_path).white_list
    assert white_list.contains("apicrypt.example")
    newer = list_xml({"medecin.mss.example": OPERATOR, "neuf.example": OPERATOR}, NOW + timedelta(hours=1))
    report = update(tmp_path, sign(newer, signer), issuer, now=NOW + timedelta(hours=2))
    assert (report.added, report.removed) == (1, 1)
    assert not white_list.contains("apicrypt.example")
    assert white_list.contains("neuf.example")


def test_going_back_in_time_is_refused_and_the_good_list_stays(tmp_path, issuer, signer):
    update(tmp_path, sign(list_xml(LIST), signer), issuer)
    older = sign(list_xml({"x.example": OPERATOR}, NOW - timedelta(seconds=1)), signer)
    assert refused(tmp_path, older, issuer) == "back-in-time"
    assert Directory.open(tmp_path).white_list.contains("apicrypt.example")


def test_the_same_list_again_only_renews_its_date(tmp_path, issuer, signer):
    content = sign(list_xml(LIST), signer)
    update(tmp_path, content, issuer)
    assert update(tmp_path, content, issuer, now=NOW + timedelta(hours=3)).added == 0
    assert Directory.open(tmp_path).white_list.fetched_at == NOW + timedelta(hours=3)


def test_a_list_from_the_future_is_refused(tmp_path, issuer, signer):
    future = sign(list_xml(LIST, NOW + timedelta(days=1)), signer)
    assert refused(tmp_path, future, issuer) == "from-the-future"


# --- the signature --------------------------------------------------------------------------------------------------


def _changed(content, signer):
    return content.replace(b"apicrypt.example", b"pirate99.example")


def _another_list_beside(content, signer):
    """Signature wrapping: the signed list is moved inside a root of the attacker's own."""
    forged = list_xml({"pirate.example": OPERATOR}).removesuffix(b"</ListeBlancheMSSante>")
    return forged + content.split(b"?>")[-1] + b"</ListeBlancheMSSante>"


def _signature_cut(content, signer):
    return content[: content.index(b"<ds:Signature")] + b"</ListeBlancheMSSante>"


@pytest.mark.parametrize(
    ("attack", "code"),
    [(_changed, "bad-signature"), (_another_list_beside, "wrong-signer"), (_signature_cut, "wrong-signer")],
)
def test_a_list_that_was_touched_is_refused(tmp_path, issuer, signer, attack, code):
    content = sign(list_xml(LIST), signer)
    assert refused(tmp_path, attack(content, signer), issuer) == code
    assert not Directory.open(tmp_path).white_list.loaded
    update(tmp_path, content, issuer)  # the same list untouched is taken


def test_a_wrapped_list_with_its_signature_on_top_is_refused(tmp_path, issuer, signer):
    content = sign(list_xml(LIST), signer).split(b"?>")[-1]
    begin, end = content.index(b"<ds:Signature"), content.index(b"</ds:Signature>") + len(b"</ds:Signature>")
    forged = list_xml({"pirate.example": OPERATOR}).replace(b"</ListeBlancheMSSante>", content[begin:end])
    inner = content[:begin] + content[end:]
    assert refused(tmp_path, forged + inner + b"</ListeBlancheMSSante>", issuer) == "bad-signature"


def test_the_reduced_public_list_whose_signature_was_broken_is_refused(tmp_path, samples):
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding
    from lxml import etree

    content = (samples / "mss" / "liste-blanche-reduite.xml").read_bytes()
    text = etree.fromstring(content).findtext(".//{*}X509Certificate")
    import base64

    signer = x509.load_der_x509_certificate(base64.b64decode(text)).public_bytes(Encoding.PEM)
    with pytest.raises(DirectoryError) as caught:
        update_white_list(tmp_path, content, authorities=signer, common_name="alb.mssante.fr", clock=lambda: NOW)
    assert caught.value.code == "wrong-signer"  # its own certificate is not its authority


def test_another_name_under_the_right_authority_is_refused(tmp_path, issuer):
    other = signer_of(issuer, "autre.example")
    assert refused(tmp_path, sign(list_xml(LIST), other), issuer) == "wrong-signer"
    assert update(tmp_path, sign(list_xml(LIST), other), issuer, name="autre.example")


def test_the_right_name_under_another_authority_is_refused(tmp_path, issuer):
    other = authority("AC PIRATE")
    assert refused(tmp_path, sign(list_xml(LIST), signer_of(other)), issuer) == "wrong-signer"


def test_an_authority_of_the_same_name_with_another_key_is_refused(tmp_path, issuer):
    from cryptography.hazmat.primitives.asymmetric import rsa

    pirate = Authority(issuer.certificate, rsa.generate_private_key(65537, 2048))
    assert refused(tmp_path, sign(list_xml(LIST), signer_of(pirate)), issuer) == "wrong-signer"


def test_an_expired_signer_is_refused(tmp_path, issuer):
    content = sign(list_xml(LIST), signer_of(issuer, until=NOW - timedelta(days=1)))
    assert refused(tmp_path, content, issuer) == "bad-signature"


def test_signxml_would_refuse_the_mail_certificate_of_the_true_signer_but_we_do_not(tmp_path, issuer, signer):
    """The trap that ``read_signed_list`` goes around: WebPKI rules of ``ca_pem_file``."""
    import signxml
    from signxml.exceptions import SignXMLException

    content = sign(list_xml(LIST), signer)
    path = tmp_path / "ca.pem"
    path.write_bytes(issuer.pem)
    with pytest.raises(SignXMLException):
        signxml.XMLVerifier().verify(content, ca_pem_file=str(path))
    assert update(tmp_path, content, issuer).domains == 2


# --- the XML --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<a>",
        b"\xff\xfe<\x00a\x00/\x00>\x00",
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    ],
)
def test_xml_that_is_broken_or_brings_a_document_type_is_refused(tmp_path, issuer, content):
    assert refused(tmp_path, content, issuer) == "bad-xml"


def test_a_signed_list_without_domain_is_refused(tmp_path, issuer, signer):
    assert refused(tmp_path, sign(list_xml({}), signer), issuer) == "bad-list"


def test_a_signed_list_without_a_date_is_refused(tmp_path, issuer, signer):
    content = list_xml(LIST).replace(b"2026-03-02T12:00:00Z", b"hier")
    assert refused(tmp_path, sign(content, signer), issuer) == "bad-list"


def test_a_list_larger_than_any_true_one_is_refused(tmp_path, issuer, monkeypatch):
    monkeypatch.setattr(signedlist, "LARGEST", 10)
    assert refused(tmp_path, b"<ListeBlancheMSSante/>", issuer) == "bad-xml"


def test_a_certificate_in_the_signature_that_is_no_certificate_is_refused(tmp_path, issuer, signer):
    content = sign(list_xml(LIST), signer)
    begin, end = content.index(b"<ds:X509Certificate>"), content.index(b"</ds:X509Certificate>")
    assert refused(tmp_path, content[:begin] + b"<ds:X509Certificate>AAAA" + content[end:], issuer) == "bad-signature"


# --- operators ------------------------------------------------------------------------------------------------------

SAME = Operator(cn="mss.hopital.example", units=frozenset({"1990000001"}))


@pytest.mark.parametrize(
    "name",
    [
        "CN=mss.hopital.example,OU=1990000001,O=HOPITAL,ST=Paris (75),C=FR",
        "C=FR, O=HOPITAL, OU=1990000001, CN=MSS.Hopital.example",
        'CN=mss.hopital.example,OU=1990000001,O="C H U  DE  LIMOGES, SITE 2",C=FR',
        'CN=mss.hopital.example,OU=1990000001,O=CENTRE HOSPITALIER "FRANCK-JOLY",L=Guyane,C=FR',
        "CN=mss.hopital.example\u00a0,OU= 1990000001 ,O=X",
        "CN=mss.hopital.example,OU=1990000001,O=A\\, B,C=FR",
    ],
)
def test_the_same_operator_is_recognised_however_its_name_is_written(name):
    assert Operator.of_name(name) == SAME


@pytest.mark.parametrize(
    "name",
    [
        "CN=mss.hopital.example,OU=1990000002",
        "CN=pirate.example,OU=1990000001",
        'CN=pirate.example,O="x,CN=mss.hopital.example,OU=1990000001"',
        "O=x",
        "",
    ],
)
def test_another_operator_is_not(name):
    assert Operator.of_name(name) != SAME


def test_the_operators_of_a_domain_are_all_its_certificates_names(tmp_path, issuer, signer):
    xml = list_xml({"a.example": OPERATOR}).replace(
        b"</ListeDomaines>",
        b"<Domaine><Nom>A.example</Nom><DNCertificatOperateur>CN=bus.example</DNCertificatOperateur></Domaine>"
        b"<Domaine><Nom></Nom></Domaine></ListeDomaines>",
    )
    report = update(tmp_path, sign(xml, signer), issuer)
    assert report.domains == 1
    operators = Directory.open(tmp_path).white_list.operators("a.EXAMPLE")
    assert {operator.cn for operator in operators} == {"mss.operateur.example", "bus.example"}


def test_everybody_is_each_operator_of_the_list_and_a_newer_list_is_seen(tmp_path, issuer, signer):
    white_list = Directory.open(tmp_path).white_list
    assert white_list.everybody() == frozenset()
    update(tmp_path, sign(list_xml({"a.example": OPERATOR, "b.example": "CN=bus.example", "c": "O=x"}), signer), issuer)
    assert {operator.cn for operator in white_list.everybody()} == {"mss.operateur.example", "bus.example"}
    update(tmp_path, sign(list_xml({"b.example": "CN=bus.example"}), signer), issuer)
    assert {operator.cn for operator in white_list.everybody()} == {"bus.example"}


def test_a_peers_certificate_is_compared_by_the_same_rule(signer):
    from cryptography.hazmat.primitives.serialization import Encoding

    der = signer.certificate.public_bytes(Encoding.DER)
    assert Operator.of_certificate(der) == Operator.of_name(f"CN={SIGNER.upper()}")


@given(st.text(alphabet='CNOU=,"\\x \u00a0', max_size=40))
def test_any_text_is_an_operator_or_none(text):
    operator = Operator.of_name(text)
    assert operator is None or operator.cn


def test_a_certificate_with_two_common_names_is_nobodys(signer):
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.oid import NameOID

    names = [x509.NameAttribute(NameOID.COMMON_NAME, name) for name in ("a.example", "b.example")]
    builder = x509.CertificateBuilder(subject_name=x509.Name(names), issuer_name=x509.Name(names))
    builder = builder.public_key(signer.key.public_key()).serial_number(1)
    builder = builder.not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1))
    assert Operator.of_certificate(builder.sign(signer.key, SHA256()).public_bytes(Encoding.DER)) is None
