"""What a letter is made of and how it is protected, with an example of each: more rows of ``docs/resolver.md``."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from pysequoia import Tsk

from directory import Source, add_certificate, add_openpgp_key, set_forms
from gateway.addressing import Floor
from gateway.letter import Form
from tests.unit.addressing import world
from tests.unit.addressing.outcomes import ONE_BOX, Case, Given, both, envelope, key_for, to_gp
from tests.unit.addressing.world import DAY, NOW, certificate_for

TO_GP = to_gp(rpps=world.ONE)
NO_TLS_ALONE = {"mss_tls_allowed": False}
GCM_ALONE = {"floors": {"medecin.mss.example": Floor.GCM}}


def reading(subject: str, *forms: str) -> Given:
    return lambda folder: set_forms(folder, subject, frozenset(forms))


def certificate(source: Source = Source.ADMINISTRATOR, **when: Any) -> Given:
    return lambda folder: add_certificate(folder, ONE_BOX, certificate_for(ONE_BOX, **when), source=source)


def over() -> Given:
    return certificate(begins=NOW - 9 * DAY, ends=NOW - DAY)


def coming() -> Given:
    return certificate(begins=NOW + DAY, ends=NOW + timedelta(days=300))


def openpgp(source: Source = Source.ADMINISTRATOR) -> Given:
    def given(folder):
        key = bytes(Tsk.generate(f"Dr Un <{ONE_BOX}>").extract_certificate())
        return add_openpgp_key(folder, ONE_BOX, key, source=source)

    return given


def sealed(variant: str):
    return replace(envelope(ONE_BOX), already_sealed=True, format=variant)


MADE_OF = (
    Case(code="reads-by-mailbox", situation="`huitaine directory set MAILBOX reads=pdf`", parsed=TO_GP, to=ONE_BOX,
         given=reading(ONE_BOX, "pdf")),
    Case(code="reads-by-practitioner", situation="`huitaine directory set RPPS reads=hprim-body`", parsed=TO_GP,
         to=ONE_BOX, given=reading(world.ONE, "hprim-body")),
    Case(code="reads-by-domain", situation="`huitaine directory set DOMAIN reads=pdf,xdm`", parsed=TO_GP, to=ONE_BOX,
         given=reading("medecin.mss.example", "pdf", "xdm")),
    Case(code="reads-by-settings", situation="`directory.forms` names his domain", parsed=TO_GP, to=ONE_BOX,
         rules={"forms": {"medecin.mss.example": frozenset({Form.PDF})}}),
    Case(code="reads-by-default", situation="nobody said anything", parsed=TO_GP, to=ONE_BOX),
)  # fmt: skip
PROTECTED = (
    Case(code="certificate", situation="`huitaine directory key add` brought his certificate", parsed=TO_GP, to=ONE_BOX,
         given=key_for(ONE_BOX)),
    Case(code="openpgp", situation="an OpenPGP key, and no certificate", parsed=TO_GP, to=ONE_BOX, given=openpgp()),
    Case(code="mss-tls", situation="no key, inside MSSanté, `directory.mss_tls = true`", parsed=TO_GP, to=ONE_BOX),
    Case(code="as-received", situation="the sender encrypted it for him", parsed=sealed("smime-encrypted"), to=ONE_BOX),
    Case(code="signed-alone", situation="the sender signed it and did not encrypt it, `directory.mss_tls = false`",
         parsed=sealed("smime-signed"), rules=NO_TLS_ALONE),
    Case(code="key-expired", situation="his certificate is over, and the policy allows TLS alone: told", parsed=TO_GP,
         to=ONE_BOX, given=over()),
    Case(code="key-not-yet-valid", situation="two certificates, one of which begins tomorrow: the other serves",
         parsed=TO_GP, to=ONE_BOX, given=both(key_for(ONE_BOX), coming())),
    Case(code="key-below-floor", situation="`floors = \"gcm\"`, and of his two certificates one says that it reads GCM",
         parsed=TO_GP, to=ONE_BOX, given=both(certificate(gcm=True), certificate()), rules=GCM_ALONE),
    Case(code="key-less-trusted", situation="a certificate, and besides an OpenPGP key that his domain publishes (WKD)",
         parsed=TO_GP, to=ONE_BOX, given=both(key_for(ONE_BOX), openpgp(Source.WKD))),
    Case(code="certificate-expired", situation="his certificate is over, `directory.mss_tls = false`", parsed=TO_GP,
         given=over(), rules=NO_TLS_ALONE),
    Case(code="certificate-not-yet-valid", situation="his only one begins tomorrow, `directory.mss_tls = false`",
         parsed=TO_GP, given=coming(), rules=NO_TLS_ALONE),
    Case(code="no-key", situation="no key, `directory.mss_tls = false`", parsed=TO_GP, rules=NO_TLS_ALONE),
    Case(code="below-floor", situation="`floors = \"gcm\"`, and his certificate does not say that it reads GCM",
         parsed=TO_GP, given=key_for(ONE_BOX), rules=GCM_ALONE),
)  # fmt: skip
SEALED = {"What it is made of": MADE_OF, "How it is protected": PROTECTED}
