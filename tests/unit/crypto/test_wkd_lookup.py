"""Web Key Directory: asked at the place where a domain publishes, believed as little as it deserves."""

from __future__ import annotations

import gzip
import json
import socket
from functools import partial

import pytest
import trustme

from commands import keyfind
from directory import Directory
from directory.records import Source
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.crypto.wkd import lookup as lookup_module
from gateway.crypto.wkd.lookup import WebKeyDirectory, is_public, public_addresses
from gateway.crypto.wkd.places import hashed, places, zbase32
from gateway.errors import PeerUnreachable
from tests.peers.web_key_directory import web_key_directory

GP = "Dr.Essai@cabinet.example"
ADVANCED, DIRECT = places(GP)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def published(authority):
    """A server for both of the domain's hosts, on loopback."""
    with web_key_directory(GP, authority) as server:
        yield server


@pytest.fixture(scope="module")
def key():
    return OpenPgpSigner(OpenPgpSigner.generate(f"Docteur Essai <{GP}>")).public_key


# places -------------------------------------------------------------------------------------------------------------


def test_the_name_of_a_key_is_the_one_that_the_draft_gives_as_example():
    assert hashed("Joe.Doe") == hashed("joe.doe") == "iy9q119eutrkn8s1mk4r39qejnbu3n5q"
    advanced, direct = places("Joe.Doe@Example.ORG")
    assert advanced.host + advanced.path == (
        "openpgpkey.example.org/.well-known/openpgpkey/example.org/hu/iy9q119eutrkn8s1mk4r39qejnbu3n5q?l=Joe.Doe"
    )
    assert direct.host + direct.path == (
        "example.org/.well-known/openpgpkey/hu/iy9q119eutrkn8s1mk4r39qejnbu3n5q?l=Joe.Doe"
    )


def test_letters_beyond_ascii_keep_their_case_and_domains_become_ascii():
    assert hashed("É") != hashed("é")
    assert places("a b@santé.example")[1].host == "xn--sant-epa.example"
    assert places("a b@santé.example")[1].path.endswith("?l=a%20b")


def test_zbase32_of_known_octets():
    assert zbase32(b"\x00" * 5) == "y" * 8
    assert zbase32(b"\xff" * 5) == "9" * 8


@pytest.mark.parametrize(
    "wrong", ["", "nobody", "@cabinet.example", "dr@", "dr@" + "x" * 70 + ".example", "dr@☃.example"]
)
def test_what_is_no_address_is_asked_of_nobody(wrong):
    with pytest.raises(ValueError):
        places(wrong)


# the look-up --------------------------------------------------------------------------------------------------------


def test_the_advanced_place_is_asked_first_and_alone(published, key):
    published.publish(key)
    (found,) = published.asking().look_up(GP)
    assert (found.method, found.key) == ("advanced", key)
    assert found.addresses == (GP,)
    assert published.asked == [(ADVANCED.host, ADVANCED.path)]


def test_the_direct_place_counts_when_the_advanced_host_does_not_exist(published, key):
    published.publish(key, place=1)
    (found,) = published.asking(hosts=[DIRECT.host]).look_up(GP)
    assert found.method == "direct"
    published.asked.clear()
    assert published.asking().look_up(GP) == ()  # the advanced host exists: what it lacks is not there
    assert [host for host, _ in published.asked] == [ADVANCED.host]


def test_a_domain_without_any_host_publishes_nothing(published):
    assert published.asking(hosts=()).look_up(GP) == ()


def test_a_key_that_does_not_name_the_mailbox_is_left_out(published, key):
    other = OpenPgpSigner(OpenPgpSigner.generate("<someone@cabinet.example>")).public_key
    published.publish(other + key)
    assert [each.key for each in published.asking().look_up(GP)] == [key]
    published.publish(other)
    assert published.asking().look_up(GP) == ()


@pytest.mark.parametrize(
    ("status", "content"), [(302, b""), (500, b""), (200, b"<html>"), (200, b"x" * ((1 << 20) + 1))]
)
def test_an_answer_that_is_no_key_is_no_answer(published, status, content):
    published.publish(content)
    published.status = status
    with pytest.raises(PeerUnreachable):
        published.asking().look_up(GP)


def test_a_server_that_another_authority_vouches_for_is_not_believed(published, key):
    published.publish(key)
    with pytest.raises(PeerUnreachable):
        published.asking(authority=trustme.CA()).look_up(GP)
    assert published.asked == []


def test_a_server_for_another_name_is_not_believed(published, key):
    elsewhere = "dr@ailleurs.example"
    with pytest.raises(PeerUnreachable):
        published.asking(hosts=[place.host for place in places(elsewhere)]).look_up(elsewhere)
    assert published.asked == []


def test_nobody_there_is_told_as_for_now(published):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        published.port = held.getsockname()[1]
        with pytest.raises(PeerUnreachable):
            published.asking().look_up(GP)


def test_a_server_whose_header_drips_is_given_up_as_a_whole(published, key):
    """Each octet comes in time for its read."""
    published.publish(key)
    published.drips = 0.05
    with pytest.raises(PeerUnreachable) as late:
        published.asking(seconds=0.5).look_up(GP)
    assert late.value.detail == "wkd: too-slow"


def test_control_a_server_whose_header_drips_in_time_is_heard(published, key):
    published.publish(key)
    published.drips = 0
    assert [each.key for each in published.asking().look_up(GP)] == [key]


def test_the_time_that_the_names_took_is_not_given_again(published, key, monkeypatch):
    published.publish(key)
    moments = iter([0.0, 30.0])
    monkeypatch.setattr(lookup_module, "monotonic", lambda: next(moments))
    with pytest.raises(PeerUnreachable) as late:
        published.asking().look_up(GP)
    assert late.value.detail == "wkd: too-slow"


def test_an_answer_that_is_packed_is_not_unpacked(published, key):
    published.publish(gzip.compress(bytes(1 << 24)))
    published.headers["Content-Encoding"] = "gzip"
    with pytest.raises(PeerUnreachable) as refused:
        published.asking().look_up(GP)
    assert refused.value.detail == "wkd: encoded"
    published.publish(key)
    published.headers["Content-Encoding"] = "identity"
    assert [each.key for each in published.asking().look_up(GP)] == [key]
    assert set(published.encodings) == {"identity"}


def test_an_address_of_six_words_is_written_into_the_url_as_it_must_be(authority):
    one = WebKeyDirectory(resolve=lambda _: ("::1",), port=1, seconds=1)
    with pytest.raises(PeerUnreachable):
        one.look_up(GP)


# whom a mailbox may make us ask -------------------------------------------------------------------------------------


def answered(monkeypatch, *addresses):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 443)) for each in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


@pytest.mark.parametrize(
    "address",
    ["::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::1", "::127.0.0.1", "224.0.0.1", "ff0e::1", "fe80::1%lo"],
)
def test_an_address_that_leads_inside_in_another_spelling_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["9.9.9.9", "2620:fe::fe", "64:ff9b::9.9.9.9"])
def test_a_public_address_is_public(address):
    assert is_public(address)


def test_a_public_host_is_asked(monkeypatch):
    answered(monkeypatch, "9.9.9.9", "9.9.9.9")
    assert public_addresses("cabinet.example") == ("9.9.9.9",)


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1"])
def test_a_host_inside_our_network_is_never_asked(monkeypatch, inside):
    answered(monkeypatch, "9.9.9.9", inside)
    with pytest.raises(PeerUnreachable):
        public_addresses("cabinet.example")


def test_no_such_host_and_no_answer_are_two_things(monkeypatch):
    def failing(number):
        def look(*_, **__):
            raise socket.gaierror(number, "?")

        return look

    monkeypatch.setattr(socket, "getaddrinfo", failing(socket.EAI_NONAME))
    assert public_addresses("cabinet.example") == ()
    monkeypatch.setattr(socket, "getaddrinfo", failing(socket.EAI_AGAIN))
    with pytest.raises(PeerUnreachable):
        public_addresses("cabinet.example")


# huitaine keys find -------------------------------------------------------------------------------------------------


@pytest.fixture
def run(place, run_keys, monkeypatch, published):
    """``huitaine keys find``, with the domain's server in the place of the Internet."""
    monkeypatch.setattr(lookup_module, "WebKeyDirectory", published.asking)
    return partial(run_keys, "find")


def test_a_key_that_is_found_is_shown_and_kept_only_when_asked(run, published, key, tmp_path):
    published.publish(key)
    (row,) = json.loads(run(GP, "--format", "json"))
    assert row["method"] == "advanced"
    data = tmp_path / "here" / "data"
    assert Directory.open(data).openpgp_keys(GP) == []
    run(GP, "--add")
    (kept,) = Directory.open(data).openpgp_keys(GP)
    assert kept.source is Source.WKD
    assert kept.fingerprint.lower() == row["fingerprint"]


def test_each_way_of_not_finding_has_its_exit_code(run, published):
    run(GP, code=1)
    run("nobody", code=2)
    published.publish(b"<html>")
    assert "no key" in run(GP, code=4)


def test_a_key_that_cannot_encrypt_is_refused_by_the_directory(run, published, key, monkeypatch):
    published.publish(key)

    def refused(*_, **__):
        raise keyfind.DirectoryError("not-for-encryption", "this OpenPGP key cannot encrypt now (expired or no subkey)")

    monkeypatch.setattr(keyfind, "add_openpgp_key", refused)
    assert "cannot encrypt" in run(GP, "--add", code=3)
