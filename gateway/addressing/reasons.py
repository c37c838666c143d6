"""Every reason that addressing can give: stable codes, words for the trace; no patient, no mailbox."""

from __future__ import annotations

from gateway.letter import Reason

WORDS = {
    # who is meant
    "role-assumed": "the letter names no GP: this recipient of the envelope counts as the GP",
    "named": "named by the document ({place})",
    "no-addressee": "neither the envelope nor the document says who should get this letter",
    "name-only": "the document ({place}) gives a name without number or mailbox; find the number with "
    "`huitaine directory search`: a name alone never decides",
    "own-code-only": "the document ({place}) gives the sender's own code or a name alone: a name alone never decides; "
    "write code and RPPS into the settings (correspondents of [sources.{source}])",
    "correspondent": "the number comes from the settings (correspondents of [sources.{source}])",
    "not-a-number": "the recipient asks the directory for something that is not an RPPS (11 digits)",
    "not-an-addressee-of-ours": "the recipient is in our own domain but neither <rpps>@rpps.<domain> nor auto@<domain>",
    "bad-mailbox": "this is not a mail address",
    "wrong-key-of-number": "the last digit of the RPPS is not its key: check the number with the sender",
    "wrong-key-of-organisation": "the last digit of the FINESS or SIRET is not its key: check it with the sender",
    "professionals-not-wished": "the sender asked that it not go to professionals (DESTMSSANTEPS = N)",
    "hidden-from-professionals": "the document is masked to professionals (MASQUE_PS = Y)",
    "patient-opposes": "the patient opposes the sending (art. L.1110-4 CSP): a person cancels it, or releases it once "
    "the patient agrees",
    "patient-not-wished": "the sender did not ask that it go to the patient (DESTMSSANTEPAT)",
    "hidden-from-patient": "the document is not visible to the patient yet (INVISIBLE_PATIENT = Y)",
    "hidden-from-legal-representatives": "the document is hidden from legal representatives and the patient may be a "
    "minor",
    "patient-not-qualified": "a patient's mailbox needs a qualified INS with its right key",
    "patient-mismatch": "the patient's mailbox given is not the one of the letter's patient",
    "mailbox-of-a-patient": "the mailbox of this addressee, who is no patient, is a patient's: check it with the "
    "sender",
    "patient-mailbox": "the patient's mailbox follows from the qualified INS",
    # test and production
    "test-identity": "a test identity (INS of OID .10 or .11) has no place in production",
    "real-identity": "a real identity (INS of OID .8 or .9) has no place in test",
    "test-domain": "a test domain is never written to in production",
    "not-a-test-domain": "in test only the domains of gateway.test_domains are written to",
    # which mailbox
    "one-mailbox": "the directory has one personal mailbox for this number",
    "several-mailboxes": "the directory has {count} personal mailboxes for this number",
    "two-names": "the directory has mailboxes of two persons under this number: look which is right, and give that one "
    "a rank (`huitaine directory set`)",
    "sender-mailbox-confirmed": "the sender's choice of mailbox is confirmed by the directory",
    "sender-mailbox-ignored": "the mailbox given by the sender is not in the directory: the number decides",
    "mailbox-of-another": "the mailbox given by the sender belongs to another practitioner in the directory",
    "chosen-by-structure": "chosen: the mailbox of the organisation that the letter names",
    "chosen-by-preference": "chosen: the administrator's order of preference",
    "chosen-by-generic-domain": "chosen: the operator's domain that follows the practitioner",
    "chosen-by-person": "chosen: the mailbox that is bound to no structure",
    "chosen-by-order": "chosen: the first in alphabetical order, nothing else tells them apart",
    "organisation-mailbox": "no personal mailbox: the one mailbox of the practice is used",
    "several-organisations": "no personal mailbox, and several mailboxes of the practice: a person must choose",
    "organisation-of-others": "the mailbox given by the sender is that of an organisation where the directory does not "
    "know this practitioner to work",
    "house-of-one": "no personal mailbox, and the one of the practice is also a practitioner's own: a person must "
    "choose",
    "mailbox-shared": "the directory gives this mailbox to {count} practitioners",
    "services-alone": "no personal mailbox, and the practice has none but those of services that may not open its "
    "letters (directory.post_services): a person must choose",
    "none": "the directory knows this number but no mailbox for it",
    "unknown-number": "the directory does not know this number",
    "gp-not-a-doctor": "the letter names this number or mailbox as the GP's, but in the directory it is no doctor's: "
    "check it with the sender",
    "directory-old": "the national directory is {days} days old: who moved, retired or changed mailbox since is not "
    "known; import a fresh one",
    "refuses-electronic-mail": "the directory says that electronic mail is refused (Dématérialisation = N)",
    "substitute": "absent: the letter goes to the substitute, RPPS {rpps}",
    "absent-without-substitute": "absent and without substitute: the practitioner's own mailbox is used",
    "substitute-unreachable": "the substitute, RPPS {rpps}, cannot be written to: name another, or remove the absence, "
    "with `huitaine directory absence`",
    "absence-loop": "absent, and the substitutes are absent too and lead back to each other",
    "owner-absent": "the owner is absent; the mailbox was given by the sender and is used as it is",
    # may it be written to
    "mailbox-known": "the directory knows this mailbox",
    "mailbox-vouched": "the administrator entered this mailbox",
    "in-white-list": "its domain is in the MSSanté white list",
    "domain-not-in-white-list": "its domain is not in the MSSanté white list",
    "white-list-missing": "there is no MSSanté white list yet; run `huitaine directory whitelist update`",
    "white-list-too-old": "the MSSanté white list is older than directory.white_list_cut_off_days: nobody knows "
    "whether this domain is still in it; run `huitaine directory whitelist update`",
    "mailbox-not-in-directory": "its domain is in MSSanté, but the directory does not know this mailbox: it is new, "
    "misspelt, or on the red list",
    "mailbox-unknown": "neither the directory nor the white list knows this mailbox",
    "allowed-for-source": "this source may write to mailboxes that the directory does not know",
    # what it is made of
    "reads-by-mailbox": "reads {forms}: set for this mailbox (`huitaine directory set`)",
    "reads-by-practitioner": "reads {forms}: set for this practitioner (`huitaine directory set`)",
    "reads-by-domain": "reads {forms}: set for this domain (`huitaine directory set`)",
    "reads-by-settings": "reads {forms}: this domain's in the settings (directory.forms)",
    "reads-by-default": "reads {forms}: the default of the settings, nothing is set for this addressee",
    # how it is protected
    "certificate": "sealed for the addressee's certificate (source: {source})",
    "openpgp": "sealed for the addressee's OpenPGP key (source: {source})",
    "mss-tls": "no key: signature and mutual TLS inside MSSanté, as the policy allows",
    "as-received": "the sender sealed it: it passes unchanged",
    "signed-alone": "the sender signed it without encrypting it, and the policy asks for more than TLS here; hand it "
    "in unsigned, and the gateway signs and encrypts it",
    "key-expired": "a key of this mailbox was passed over: it has expired (source: {source})",
    "key-not-yet-valid": "a key of this mailbox was passed over: it is not valid yet (source: {source})",
    "key-below-floor": "a key of this mailbox was passed over: the policy asks for more here (source: {source})",
    "key-less-trusted": "a key that the domain publishes was passed over: another source has one (source: {source})",
    "certificate-expired": "every key of this mailbox has expired; ask the addressee for the new one",
    "certificate-not-yet-valid": "the certificate of this mailbox is not valid yet",
    "no-key": "no key for this mailbox, and the policy allows nothing less",
    "below-floor": "the addressee's key allows less than the policy asks for this destination",
    # together
    "same-mailbox": "meant more than once: one letter for the highest role",
}


def because(code: str, **facts: object) -> Reason:
    """The reason of that code with its facts filled in."""
    return Reason(code=code, words=WORDS[code].format(**facts))
