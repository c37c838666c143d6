"""The reasons of ``reasons.py`` in French, for whoever asked for French: same codes, same facts."""

from __future__ import annotations

FRENCH = {
    # who is meant
    "role-assumed": "la lettre ne nomme pas de médecin traitant : ce destinataire de l'enveloppe en tient lieu",
    "named": "nommé par le document ({place})",
    "no-addressee": "ni l'enveloppe ni le document ne disent à qui va cette lettre",
    "name-only": "le document ({place}) donne un nom sans numéro ni boîte ; cherchez le numéro avec "
    "`huitaine directory search` : un nom seul ne décide jamais",
    "own-code-only": "le document ({place}) ne donne que le code propre à l'expéditeur ou un nom : un nom seul ne "
    "décide jamais ; écrivez ce code et le RPPS dans la configuration (correspondents de [sources.{source}])",
    "correspondent": "le numéro vient de la configuration (correspondents de [sources.{source}])",
    "not-a-number": "le destinataire interroge l'annuaire avec autre chose qu'un RPPS (11 chiffres)",
    "not-an-addressee-of-ours": "le destinataire est dans notre domaine mais n'est ni <rpps>@rpps.<domaine> ni "
    "auto@<domaine>",
    "bad-mailbox": "ce n'est pas une adresse de courrier",
    "wrong-key-of-number": "le dernier chiffre du RPPS n'est pas sa clé : vérifiez le numéro avec l'expéditeur",
    "wrong-key-of-organisation": "le dernier chiffre du FINESS ou du SIRET n'est pas sa clé : vérifiez le numéro avec "
    "l'expéditeur",
    "professionals-not-wished": "l'expéditeur demande qu'elle n'aille pas aux professionnels (DESTMSSANTEPS = N)",
    "hidden-from-professionals": "le document est masqué aux professionnels (MASQUE_PS = Y)",
    "patient-opposes": "le patient s'oppose à l'envoi (art. L.1110-4 CSP) : une personne l'annule, ou le relance une "
    "fois le patient d'accord",
    "patient-not-wished": "l'expéditeur n'a pas demandé qu'elle aille au patient (DESTMSSANTEPAT)",
    "hidden-from-patient": "le document n'est pas encore visible du patient (INVISIBLE_PATIENT = Y)",
    "hidden-from-legal-representatives": "le document est caché aux représentants légaux et le patient est peut-être "
    "mineur",
    "patient-not-qualified": "la boîte d'un patient demande un INS qualifié, avec sa clé juste",
    "patient-mismatch": "la boîte de patient donnée n'est pas celle du patient de la lettre",
    "mailbox-of-a-patient": "la boîte de ce destinataire, qui n'est pas patient, est celle d'un patient : à vérifier "
    "avec l'expéditeur",
    "patient-mailbox": "la boîte du patient découle de son INS qualifié",
    # test and production
    "test-identity": "une identité de test (INS d'OID .10 ou .11) n'a pas sa place en production",
    "real-identity": "une identité réelle (INS d'OID .8 ou .9) n'a pas sa place en test",
    "test-domain": "on n'écrit jamais à un domaine de test en production",
    "not-a-test-domain": "en test on n'écrit qu'aux domaines de gateway.test_domains",
    # which mailbox
    "one-mailbox": "l'annuaire a une boîte personnelle pour ce numéro",
    "several-mailboxes": "l'annuaire a {count} boîtes personnelles pour ce numéro",
    "two-names": "l'annuaire a sous ce numéro les boîtes de deux personnes : voyez laquelle est la bonne et donnez-lui "
    "un rang (`huitaine directory set`)",
    "sender-mailbox-confirmed": "l'annuaire confirme la boîte choisie par l'expéditeur",
    "sender-mailbox-ignored": "la boîte donnée par l'expéditeur n'est pas dans l'annuaire : le numéro décide",
    "mailbox-of-another": "dans l'annuaire, la boîte donnée par l'expéditeur est celle d'un autre praticien",
    "chosen-by-structure": "choisie : la boîte de la structure que la lettre nomme",
    "chosen-by-preference": "choisie : l'ordre de préférence de l'administrateur",
    "chosen-by-generic-domain": "choisie : le domaine d'opérateur qui suit le praticien",
    "chosen-by-person": "choisie : la boîte qui n'est liée à aucune structure",
    "chosen-by-order": "choisie : la première par ordre alphabétique, rien d'autre ne les distingue",
    "organisation-mailbox": "pas de boîte personnelle : la seule boîte du cabinet est prise",
    "several-organisations": "pas de boîte personnelle et plusieurs boîtes du cabinet : une personne doit choisir",
    "organisation-of-others": "la boîte donnée par l'expéditeur est celle d'une structure où l'annuaire ne connaît pas "
    "d'activité à ce praticien",
    "house-of-one": "pas de boîte personnelle, et celle du cabinet est aussi celle d'un praticien : une personne doit "
    "choisir",
    "mailbox-shared": "l'annuaire donne cette boîte à {count} praticiens",
    "services-alone": "pas de boîte personnelle, et le cabinet n'a que celles de services qui n'ouvrent pas forcément "
    "son courrier (directory.post_services) : une personne doit choisir",
    "none": "l'annuaire connaît ce numéro mais n'a aucune boîte pour lui",
    "unknown-number": "l'annuaire ne connaît pas ce numéro",
    "gp-not-a-doctor": "la lettre donne ce numéro ou cette boîte pour ceux du médecin traitant, mais dans l'annuaire "
    "ce ne sont pas ceux d'un médecin : vérifiez-le avec l'expéditeur",
    "directory-old": "l'annuaire national a {days} jours : départs et changements de boîte depuis lors sont inconnus ; "
    "importez le nouveau",
    "refuses-electronic-mail": "l'annuaire dit que le courrier électronique est refusé (Dématérialisation = N)",
    "substitute": "absent : la lettre va au remplaçant, RPPS {rpps}",
    "absent-without-substitute": "absent et sans remplaçant : la boîte du praticien est prise",
    "substitute-unreachable": "on ne peut écrire au remplaçant, RPPS {rpps} : nommez-en un autre, ou ôtez l'absence, "
    "avec `huitaine directory absence`",
    "absence-loop": "absent, et les remplaçants sont absents aussi et renvoient l'un à l'autre",
    "owner-absent": "le titulaire est absent ; la boîte donnée par l'expéditeur est prise telle quelle",
    # may it be written to
    "mailbox-known": "l'annuaire connaît cette boîte",
    "mailbox-vouched": "l'administrateur a saisi cette boîte",
    "in-white-list": "son domaine est dans la liste blanche MSSanté",
    "domain-not-in-white-list": "son domaine n'est pas dans la liste blanche MSSanté",
    "white-list-missing": "pas encore de liste blanche MSSanté ; lancez `huitaine directory whitelist update`",
    "white-list-too-old": "la liste blanche MSSanté a plus de directory.white_list_cut_off_days jours : nul ne sait si "
    "ce domaine y est encore ; lancez `huitaine directory whitelist update`",
    "mailbox-not-in-directory": "son domaine est dans MSSanté, mais l'annuaire ne connaît pas cette boîte : elle est "
    "nouvelle, mal écrite ou en liste rouge",
    "mailbox-unknown": "ni l'annuaire ni la liste blanche ne connaissent cette boîte",
    "allowed-for-source": "cette source peut écrire à des boîtes que l'annuaire ne connaît pas",
    # what it is made of
    "reads-by-mailbox": "lit {forms} : réglé pour cette boîte (`huitaine directory set`)",
    "reads-by-practitioner": "lit {forms} : réglé pour ce praticien (`huitaine directory set`)",
    "reads-by-domain": "lit {forms} : réglé pour ce domaine (`huitaine directory set`)",
    "reads-by-settings": "lit {forms} : ce que la configuration dit de ce domaine (directory.forms)",
    "reads-by-default": "lit {forms} : valeur par défaut de la configuration, rien n'est réglé pour ce destinataire",
    # how it is protected
    "certificate": "chiffrée pour le certificat du destinataire (source : {source})",
    "openpgp": "chiffrée pour la clé OpenPGP du destinataire (source : {source})",
    "mss-tls": "pas de clé : signature et TLS mutuel dans MSSanté, comme la règle le permet",
    "as-received": "l'expéditeur l'a déjà chiffrée : elle passe inchangée",
    "signed-alone": "l'expéditeur l'a signée sans la chiffrer, et la règle demande ici plus que TLS ; remettez-la sans "
    "signature : la passerelle signera et chiffrera",
    "key-expired": "une clé de cette boîte n'est pas prise : elle est périmée (source : {source})",
    "key-not-yet-valid": "une clé de cette boîte n'est pas prise : pas encore valable (source : {source})",
    "key-below-floor": "une clé de cette boîte n'est pas prise : la règle demande plus ici (source : {source})",
    "key-less-trusted": "la clé que publie le domaine n'est pas prise : une autre source en a une (source : {source})",
    "certificate-expired": "chaque clé de cette boîte a expiré ; demandez la nouvelle au destinataire",
    "certificate-not-yet-valid": "le certificat de cette boîte n'est pas encore valable",
    "no-key": "pas de clé pour cette boîte, et la règle ne permet rien de moins",
    "below-floor": "la clé du destinataire permet moins que ce que la règle demande pour cette destination",
    # together
    "same-mailbox": "nommé plusieurs fois : une seule lettre, pour le rôle le plus élevé",
}
