"""What `huitaine open` found out of order, in words: the codes never change, these may."""

from __future__ import annotations

from commands.output import say

_WORDS = {
    "no-signed-attributes": ("a bare signature that says nothing of when and what", "signature nue, sans attributs"),
    "weak-digest": ("signed with a digest that can be forged", "signé avec une empreinte qui se falsifie"),
    "weak-signature": ("an authority's signature can be forged", "la signature d'une autorité se falsifie"),
    "weak-key": ("the signer's key is too short", "la clé du signataire est trop courte"),
    "signer-certificate-missing": ("the signer's certificate is not in the mail", "le certificat du signataire manque"),
    "content-changed": ("not what was signed", "ce n'est pas ce qui a été signé"),
    "signed-in-the-future": ("signed later than it arrived", "signé plus tard que reçu"),
    "certificate-expired": ("the certificate was over when it signed", "certificat expiré à la signature"),
    "certificate-not-yet-valid": ("the certificate had not begun when it signed", "certificat pas encore valable"),
    "certificate-revoked": ("its authority took the certificate back", "certificat révoqué par son autorité"),
    "revocation-unknown": (
        "no authority answered whether a certificate was taken back",
        "aucune autorité n'a dit si un certificat est révoqué",
    ),
    "wrong-usage": ("the certificate is not for signing mail", "ce certificat ne signe pas de courriel"),
    "untrusted-signer": (
        "no authority that is believed here vouches for it",
        "aucune autorité reconnue ne le garantit",
    ),
    "malformed": ("the signature cannot be read", "signature illisible"),
    "unknown-signer": ("signed with a key that is not at hand (--sender)", "clé inconnue (--sender)"),
    "signer-is-not-from": (
        "the signer is not whom the mail says it is from",
        "le signataire n'est pas l'expéditeur affiché",
    ),
    "signer-is-not-sender": (
        "the signer did not hand the mail in",
        "le signataire n'est pas celui qui a remis le courriel",
    ),
    "not-addressed-to-us": (
        "the signed words are to somebody else: passed on in secret, or a blind copy",
        "le texte signé s'adresse à quelqu'un d'autre : transmis en secret, ou copie cachée",
    ),
    "sealed-part-among-others": (
        "a sealed part beside others was left closed: opened there, the others could send it away",
        "une partie scellée parmi d'autres reste fermée : ouverte ici, les autres pourraient l'emporter",
    ),
    "malleable": (
        "encrypted but vouched for by nobody: words may have been changed",
        "chiffré mais garanti par personne : des mots ont pu changer",
    ),
    "archive-cipher": (
        "sealed with triple DES: others may have read and changed it; file it sealed anew, never answer it so",
        "scellé en triple DES : d'autres ont pu le lire et le changer ; à resceller, n'y répondez jamais ainsi",
    ),
    "outer-headers-differ": ("the outer header was changed on the way", "l'en-tête extérieur a changé en route"),
    "reply-to-elsewhere": ("an answer would go to another domain", "une réponse irait vers un autre domaine"),
    "name-of-another": (
        "the author's name is written as somebody else's address",
        "le nom de l'auteur est écrit comme l'adresse de quelqu'un d'autre",
    ),
    "sender-differs": ("Sender names somebody else than From", "Sender nomme quelqu'un d'autre que From"),
    "return-path-differs": ("somebody else than From handed it in", "remis par quelqu'un d'autre que From"),
    "organisation-not-allowed": (
        "signed with a whole domain's certificate, and crypto.organisation_certificates does not name the domain",
        "signé avec le certificat d'un domaine entier, que crypto.organisation_certificates ne nomme pas",
    ),
    "organisation-signer": (
        "signed for a whole domain: any mailbox there could have signed so",
        "signé au nom d'un domaine entier : chacune de ses boîtes pourrait signer ainsi",
    ),
    "forged-result": (
        "it came with a result that only we may write",
        "arrivé avec un résultat que nous seuls écrivons",
    ),
}


def meaning(code: str) -> str:
    """A sentence for the code, or the code."""
    return say(*_WORDS[code]) if code in _WORDS else code
