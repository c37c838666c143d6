"""What authorities said is asked once, kept until they would say it anew, and forgotten when it proved nothing."""

from __future__ import annotations

import stat
from datetime import timedelta

import pytest
from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import pem
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID as Access

from gateway.crypto.trust import cache as module
from gateway.crypto.trust.cache import StatementCache
from gateway.crypto.trust.pointers import crl_urls, ocsp_request, ocsp_urls
from gateway.crypto.trust.policy import Statements
from gateway.crypto.trust.statements import NoStatement, read_crl, read_ocsp

LIST, RESPONDER = "http://pki.invalid/a.crl", "http://ocsp.invalid/"


class Authorities:
    """Answers by address; what is missing is silent."""

    def __init__(self, answers: dict[str, bytes] | None = None) -> None:
        self.answers = dict(answers or {})
        self.asked: list[str] = []

    def __call__(self, url: str, question: bytes | None = None) -> bytes:
        self.asked.append(url)
        if url not in self.answers:
            raise NoStatement("unreachable")
        return self.answers[url]


@pytest.fixture
def leaf(authority, now):
    """A certificate that names a list and a responder."""
    responder = x509.AccessDescription(Access.OCSP, x509.UniformResourceIdentifier(RESPONDER))
    return _named(authority.issuer, now, [responder], [LIST])


def _named(issuer, now, descriptions, lists, serial=7):
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(issuer.certificate.subject)
        .public_key(issuer.certificate.public_key())
        .serial_number(serial)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
    if descriptions:
        builder = builder.add_extension(x509.AuthorityInformationAccess(descriptions), critical=False)
    points = [x509.DistributionPoint([x509.UniformResourceIdentifier(each)], None, None, None) for each in lists]
    if points:
        builder = builder.add_extension(x509.CRLDistributionPoints(points), critical=False)
    return builder.sign(issuer.private_key, hashes.SHA256())


def _list(issuer, since, until) -> bytes:
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.certificate.subject)
    made = builder.last_update(since).next_update(until).sign(issuer.private_key, hashes.SHA256())
    return made.public_bytes(Encoding.DER)


def _answer(certificate, issuer, since, until=None) -> bytes:
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=certificate,
        issuer=issuer.certificate,
        algorithm=hashes.SHA1(),  # noqa: S303 - how certificates are named
        cert_status=ocsp.OCSPCertStatus.GOOD,
        this_update=since,
        next_update=until,
        revocation_time=None,
        revocation_reason=None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, issuer.certificate)
    return builder.sign(issuer.private_key, hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.fixture
def said(authority, leaf, now):
    """A list and an answer that hold for an hour."""
    hour = timedelta(hours=1)
    return {
        LIST: _list(authority.issuer, now - hour, now + hour),
        RESPONDER: _answer(leaf, authority.issuer, now - hour, now + hour),
    }


@pytest.fixture
def clock(now):
    class Clock:
        at = now

        def __call__(self):
            return self.at

    return Clock()


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("silent", [False, True])
def test_a_list_that_holds_for_months_is_asked_for_again_after_a_day(
    authority, leaf, now, clock, tmp_path, restarted, silent
):
    """Roots announce their next list a year ahead, and take a certificate back the day after."""
    lists = [_list(authority.issuer, since, now + timedelta(days=90)) for since in (now - timedelta(hours=1), now)]
    asking = Authorities({LIST: lists[0]})
    cache = StatementCache(asking, folder=tmp_path / "said", clock=clock)

    def heard() -> bytes:
        return next(cache.about(leaf, authority.issuer.certificate)).crls[0]

    assert heard() == lists[0]
    asking.answers = {} if silent else {LIST: lists[1]}
    clock.at = now + timedelta(hours=23)
    if restarted:
        cache = StatementCache(asking, folder=tmp_path / "said", clock=clock)
    assert heard() == lists[0]
    assert asking.asked.count(LIST) == 1
    clock.at = now + timedelta(hours=25)
    if restarted:
        cache = StatementCache(asking, folder=tmp_path / "said", clock=clock)
    assert [heard(), heard()] == [lists[0] if silent else lists[1]] * 2
    assert asking.asked.count(LIST) == 2


def test_the_responder_is_asked_first_and_only_once(said, leaf, authority, clock):
    asking = Authorities(said)
    cache = StatementCache(asking, folder=None, clock=clock)
    for _ in range(3):
        assert next(cache.about(leaf, authority.issuer.certificate)) == Statements(ocsps=(said[RESPONDER],))
    assert asking.asked == [RESPONDER]


def test_what_proved_nothing_is_forgotten_and_the_list_is_asked(said, leaf, authority, clock, tmp_path):
    asking = Authorities(said)
    cache = StatementCache(asking, folder=tmp_path / "said", clock=clock)
    given = list(cache.about(leaf, authority.issuer.certificate))
    assert given == [Statements(ocsps=(said[RESPONDER],)), Statements(crls=(said[LIST],))]
    assert list((tmp_path / "said").iterdir()) == []
    assert list(cache.about(leaf, authority.issuer.certificate)) == []  # not at once
    clock.at += timedelta(minutes=1)
    assert len(list(cache.about(leaf, authority.issuer.certificate))) == 2
    assert asking.asked == [RESPONDER, LIST] * 2


@pytest.fixture
def kept(authority, leaf, now, clock, tmp_path):
    """A list that was heard two days ago and holds for weeks; what the authority answers now is the test's."""
    older = _list(authority.issuer, now - timedelta(days=1), now + timedelta(days=20))
    asking = Authorities({LIST: older})
    cache = StatementCache(asking, folder=tmp_path / "said", clock=clock)
    assert next(cache.about(leaf, authority.issuer.certificate)) == Statements(crls=(older,))
    clock.at += timedelta(days=2)
    return cache, asking, older


def test_an_answer_that_proved_nothing_does_not_take_the_older_one_away(
    kept, leaf, authority, clock, now, tmp_path, hospital
):
    """Signed by somebody else, as whoever stands in between can write it: lists come over plain HTTP."""
    cache, asking, older = kept
    forged = asking.answers[LIST] = _list(hospital, now + timedelta(days=1), now + timedelta(days=90))
    first, second = Statements(crls=(forged,)), Statements(crls=(older,))
    given = cache.about(leaf, authority.issuer.certificate)
    assert [next(given), next(given)] == [first, second]
    given.close()  # the second was believed
    again = StatementCache(Authorities(), folder=tmp_path / "said", clock=clock)
    for each in (cache, again):
        assert next(each.about(leaf, authority.issuer.certificate)) == second
    assert asking.asked.count(LIST) == 2  # not asked again at once
    clock.at += timedelta(minutes=1)
    asking.answers[LIST] = newer = _list(authority.issuer, now + timedelta(days=2), now + timedelta(days=20))
    assert next(cache.about(leaf, authority.issuer.certificate)) == Statements(crls=(newer,))


@pytest.mark.parametrize("answer", ["junk", "expired", "written before", "refuses"])
def test_an_answer_that_is_none_leaves_the_older_one(kept, answer, leaf, authority, now, clock):
    cache, asking, older = kept
    day = timedelta(days=1)
    answers = {
        "junk": b"<html>",
        "expired": _list(authority.issuer, now, clock.at - day / 2),
        "written before": _list(authority.issuer, now - 2 * day, now + 20 * day),
    }
    asking.answers = {LIST: answers[answer]} if answer in answers else {}
    for _ in range(2):
        assert next(cache.about(leaf, authority.issuer.certificate)) == Statements(crls=(older,))
    assert asking.asked.count(LIST) == 2


def test_control_what_proves_nothing_and_has_no_elder_is_forgotten(kept, leaf, authority, clock):
    cache, asking, _ = kept
    clock.at += timedelta(days=30)  # the older one holds no more
    asking.answers = {}
    assert list(cache.about(leaf, authority.issuer.certificate)) == []


def test_who_names_the_list_of_another_does_not_make_us_forget_it(said, authority, now, clock, hospital, gp):
    asking = Authorities(said)
    cache = StatementCache(asking, folder=None, clock=clock)
    ours, theirs = (_named(each, now, [], [LIST]) for each in (authority.issuer, gp))
    assert next(cache.about(ours, authority.issuer.certificate)) == Statements(crls=(said[LIST],))
    assert len(list(cache.about(theirs, gp.certificate))) == 1  # proved nothing of theirs
    asking.answers = {}
    assert next(cache.about(ours, authority.issuer.certificate)) == Statements(crls=(said[LIST],))


def test_after_its_next_update_a_statement_is_asked_anew(said, leaf, authority, clock, now):
    asking = Authorities(said)
    cache = StatementCache(asking, folder=None, clock=clock)
    next(cache.about(leaf, authority.issuer.certificate))
    clock.at += timedelta(minutes=59)
    next(cache.about(leaf, authority.issuer.certificate))
    assert len(asking.asked) == 1
    clock.at += timedelta(minutes=1)
    asking.answers[RESPONDER] = _answer(leaf, authority.issuer, clock.at, clock.at + timedelta(hours=1))
    assert next(cache.about(leaf, authority.issuer.certificate)).ocsps == (asking.answers[RESPONDER],)
    assert len(asking.asked) == 2


def test_an_answer_that_holds_for_seconds_is_asked_anew_after_them(leaf, authority, clock, now):
    asking = Authorities({RESPONDER: _answer(leaf, authority.issuer, now, now + timedelta(seconds=10))})
    cache = StatementCache(asking, folder=None, clock=clock)
    next(cache.about(leaf, authority.issuer.certificate))
    clock.at += timedelta(seconds=10)
    asking.answers[RESPONDER] = newer = _answer(leaf, authority.issuer, clock.at, clock.at + timedelta(seconds=10))
    assert next(cache.about(leaf, authority.issuer.certificate)).ocsps == (newer,)


def test_a_dead_responder_costs_its_deadline_once_a_minute(leaf, authority, clock):
    asking = Authorities()
    cache = StatementCache(asking, folder=None, clock=clock)
    for _ in range(3):
        assert list(cache.about(leaf, authority.issuer.certificate)) == []
    assert asking.asked == [RESPONDER, LIST]
    clock.at += timedelta(minutes=1)
    assert list(cache.about(leaf, authority.issuer.certificate)) == []
    assert asking.asked == [RESPONDER, LIST] * 2


def test_what_was_said_outlives_the_process_as_long_as_it_holds(said, leaf, authority, clock, tmp_path):
    folder = tmp_path / "data" / "said"
    first = StatementCache(Authorities(said), folder=folder, clock=clock)
    next(first.about(leaf, authority.issuer.certificate))
    (file,) = folder.iterdir()
    assert file.suffix == ".ocsp"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    silent = Authorities()
    again = StatementCache(silent, folder=folder, clock=clock)
    assert next(again.about(leaf, authority.issuer.certificate)).ocsps == (said[RESPONDER],)
    assert silent.asked == []
    clock.at += timedelta(hours=2)
    later = StatementCache(silent, folder=folder, clock=clock)
    assert list(later.about(leaf, authority.issuer.certificate)) == []


def test_a_folder_that_cannot_be_written_keeps_nobody_from_asking(said, leaf, authority, clock, tmp_path):
    (tmp_path / "file").write_text("in the way")
    cache = StatementCache(Authorities(said), folder=tmp_path / "file", clock=clock)
    assert next(cache.about(leaf, authority.issuer.certificate)).ocsps == (said[RESPONDER],)


def test_memory_is_bounded(said, leaf, authority, clock, now, monkeypatch):
    monkeypatch.setattr(module, "_REMEMBERED", 1)
    asking = Authorities(said)
    cache = StatementCache(asking, folder=None, clock=clock)
    responder = x509.AccessDescription(Access.OCSP, x509.UniformResourceIdentifier(RESPONDER))
    other = _named(authority.issuer, now, [responder], [], serial=8)
    for certificate in (leaf, leaf, other, leaf):
        next(cache.about(certificate, authority.issuer.certificate))
    assert len(asking.asked) == 3
    assert len(cache._known) == 1


def test_memory_of_who_is_silent_is_bounded(authority, clock, now, monkeypatch):
    monkeypatch.setattr(module, "_REMEMBERED", 1)
    asking = Authorities()
    cache = StatementCache(asking, folder=None, clock=clock)
    places = ["http://pki.invalid/1", "http://pki.invalid/2"]
    certificate = _named(authority.issuer, now, [], places)
    for _ in range(2):
        assert list(cache.about(certificate, authority.issuer.certificate)) == []
    assert asking.asked == [*places, places[0], places[1]]
    assert len(cache._resting) == 1


# Statements ---------------------------------------------------------------------------------------------------------


def test_a_list_in_pem_is_a_list(authority, now, said):
    armored = pem.armor("X509 CRL", said[LIST])
    assert read_crl(armored, now).content == said[LIST]


@pytest.mark.parametrize(
    "junk", [b"", b"<html>", b"\x30\x00", b"-----BEGIN X509 CRL-----\n*\n-----END X509 CRL-----\n"]
)
def test_junk_is_no_statement(junk, now):
    for read in (read_crl, read_ocsp):
        with pytest.raises(NoStatement):
            read(junk, now)


def test_a_statement_of_yesterday_or_tomorrow_is_none(authority, leaf, now):
    hour = timedelta(hours=1)
    for since, until in ((now - 2 * hour, now - hour), (now + hour, now + 2 * hour)):
        with pytest.raises(NoStatement):
            read_crl(_list(authority.issuer, since, until), now)
        with pytest.raises(NoStatement):
            read_ocsp(_answer(leaf, authority.issuer, since, until), now)
    assert read_crl(_list(authority.issuer, now - hour, now + hour), now).until == now + hour


def test_without_a_next_update_half_an_hour_counts(authority, leaf, now):
    assert read_ocsp(_answer(leaf, authority.issuer, now), now).until == now + timedelta(minutes=30)
    endless = asn1_crl.CertificateList.load(_list(authority.issuer, now, now + timedelta(days=1)))
    del endless["tbs_cert_list"]["next_update"]
    assert read_crl(endless.dump(force=True), now).until == now + timedelta(minutes=30)


def test_a_responder_that_refuses_says_nothing(now):
    busy = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    with pytest.raises(NoStatement, match="ocsp-refused"):
        read_ocsp(busy.public_bytes(Encoding.DER), now)


def test_a_list_whose_time_is_no_time_is_none(authority, now, said, monkeypatch):
    monkeypatch.setattr(asn1_crl.TbsCertList, "__getitem__", lambda *_: type("Void", (), {"native": None}))
    with pytest.raises(NoStatement, match="without-time"):
        read_crl(said[LIST], now)


# Pointers -----------------------------------------------------------------------------------------------------------


def test_only_http_is_asked_and_three_places_at_most(authority, now):
    places = ["ldap://pki.invalid/", "file:///etc/hostname", *(f"http://pki.invalid/{n}" for n in range(5))]
    responders = [
        x509.AccessDescription(Access.OCSP, x509.UniformResourceIdentifier(each)) for each in ["ldap://x/", RESPONDER]
    ]
    issuers = x509.AccessDescription(Access.CA_ISSUERS, x509.UniformResourceIdentifier("http://pki.invalid/ca"))
    odd = x509.AccessDescription(Access.OCSP, x509.DNSName("ocsp.invalid"))
    certificate = _named(authority.issuer, now, [*responders, issuers, odd], places)
    assert crl_urls(certificate) == tuple(places[2:5])
    assert ocsp_urls(certificate) == (RESPONDER,)


def test_a_certificate_without_pointers_or_with_broken_ones_names_none(gp):
    class Broken:
        @property
        def extensions(self):
            raise ValueError

    for certificate in (gp.certificate, Broken()):
        assert crl_urls(certificate) == ocsp_urls(certificate) == ()


def test_the_question_names_the_certificate(leaf, authority):
    asked = asn1_ocsp.OCSPRequest.load(ocsp_request(leaf, authority.issuer.certificate))
    (one,) = asked["tbs_request"]["request_list"]
    assert one["req_cert"]["serial_number"].native == 7
    assert asked["tbs_request"]["request_extensions"].native is None
