"""The labels that readers see, in the two languages of interface.md."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One language; what the sender wrote is never translated."""

    subject: str
    patient: str
    born: str
    used_name: str
    ins: str
    ins_withheld: str
    patient_number: str
    stay: str
    from_to: str
    since: str
    until: str
    visit: str
    file_number: str
    unit: str
    author: str
    validated_by: str
    validated: str
    written: str
    observed: str
    pdf_words: str
    contact: str
    urgent: str
    partial: str
    partial_notice: str
    replaces: str
    cancels: str
    replaces_that: str
    cancels_that: str
    essential: str
    excerpts: str
    goes_on: str
    in_files: str
    out_of_range: str
    results: str
    columns: tuple[str, str, str, str, str]
    legend: str
    legend_computed: str
    not_validated: str
    corrected: str
    withdrawn: str
    full_text: str
    enclosed: str
    answers: str
    no_answer: str
    losses: str
    document: str
    documents: str
    page: str
    reply_refused: str
    flag: str
    status: str
    addressees: str
    gp: str
    referrer: str
    copy: str
    restricted: str
    hidden_professionals: str
    hidden_patient: str
    hidden_parents: str
    discreet: str
    legend_earlier: str


FRENCH = Words(
    subject="Objet",
    patient="Patient",
    born="né(e) le",
    used_name="nom utilisé",
    ins="INS qualifiée",
    ins_withheld="INS non qualifiée, non transmise",
    patient_number="n° patient",
    stay="Séjour",
    from_to="du {} au {}",
    since="depuis le {}",
    until="sortie le {}",
    visit="n° de séjour",
    file_number="n° de dossier",
    unit="service",
    author="Auteur",
    validated_by="Validé par",
    validated="Validé le",
    written="Daté du",
    observed="Prélevé le",
    pdf_words="TEXTE DU PDF (extrait par nous, le fichier joint fait foi)",
    contact="Contact",
    urgent="URGENT",
    partial="PROVISOIRE",
    partial_notice="Document provisoire : l'expéditeur annonce qu'un document définitif suivra.",
    replaces="[Annule et remplace]",
    cancels="[Annulation]",
    replaces_that="Remplace le document envoyé auparavant sous le numéro {}.",
    cancels_that="Le document envoyé auparavant sous le numéro {} est annulé : ne plus en tenir compte.",
    essential="L'ESSENTIEL",
    excerpts="(extraits, le texte complet suit)",
    goes_on="[… suite dans le texte complet]",
    in_files="Le contenu de ce document est dans le fichier joint.",
    out_of_range="Hors des limites",
    results="RÉSULTATS",
    columns=("Analyse", "Résultat", "Unité", "Références", ""),
    legend="L bas, H haut, !! au-delà du seuil d'alerte",
    legend_computed="(L) (H) : comparé par nous aux références, le laboratoire n'a rien signalé",
    not_validated="non validé",
    corrected="corrigé",
    withdrawn="résultat annulé",
    full_text="TEXTE COMPLET",
    enclosed="PIÈCES JOINTES",
    answers="Pour répondre",
    no_answer="Ce message n'attend pas de réponse.",
    losses="CE QUE LES FICHIERS JOINTS NE PORTENT PAS",
    document="Document",
    documents="documents",
    page="page",
    reply_refused="L'adresse de réponse indiquée par l'expéditeur n'est pas une adresse.",
    flag="indicateur",
    status="statut",
    addressees="Adressé à",
    gp="médecin traitant",
    referrer="médecin adresseur",
    copy="copie",
    restricted="Attention",
    hidden_professionals="document masqué aux professionnels de santé à la demande de l'expéditeur",
    hidden_patient="document non visible par le patient à la demande de l'expéditeur",
    hidden_parents="non visible par les représentants légaux du patient",
    discreet="connexion secrète demandée",
    legend_earlier="Colonnes datées : résultats antérieurs du patient contenus dans ce courrier",
)

ENGLISH = Words(
    subject="Subject",
    patient="Patient",
    born="born",
    used_name="used name",
    ins="qualified INS",
    ins_withheld="INS not qualified, withheld",
    patient_number="patient no.",
    stay="Stay",
    from_to="{} to {}",
    since="since {}",
    until="discharged {}",
    visit="visit no.",
    file_number="file no.",
    unit="unit",
    author="Author",
    validated_by="Validated by",
    validated="Validated on",
    written="Dated",
    observed="Observed on",
    pdf_words="TEXT OF THE PDF (extracted by us, the attached file is what counts)",
    contact="Contact",
    urgent="URGENT",
    partial="PRELIMINARY",
    partial_notice="Preliminary document: the sender announces that a final one will follow.",
    replaces="[Annule et remplace]",
    cancels="[Annulation]",
    replaces_that="Replaces the document sent before under the number {}.",
    cancels_that="The document sent before under the number {} is withdrawn: do not act on it any more.",
    essential="ESSENTIAL",
    excerpts="(excerpts, the full text follows)",
    goes_on="[… continued in the full text]",
    in_files="The content of this document is in the attached file.",
    out_of_range="Out of range",
    results="RESULTS",
    columns=("Test", "Result", "Unit", "Range", ""),
    legend="L low, H high, !! beyond the alert limit",
    legend_computed="(L) (H): compared by us with the range, the laboratory flagged nothing",
    not_validated="not validated",
    corrected="corrected",
    withdrawn="result withdrawn",
    full_text="FULL TEXT",
    enclosed="ATTACHED",
    answers="To answer",
    no_answer="No answer to this message is expected.",
    losses="WHAT THE ATTACHED FILES DO NOT CARRY",
    document="Document",
    documents="documents",
    page="page",
    reply_refused="The reply address given by the sender is not an address.",
    flag="flag",
    status="status",
    addressees="Addressed to",
    gp="GP",
    referrer="referring doctor",
    copy="copy",
    restricted="Attention",
    hidden_professionals="document hidden from professionals at the sender's wish",
    hidden_patient="document not visible to the patient at the sender's wish",
    hidden_parents="not visible to the patient's legal representatives",
    discreet="secret connection asked for",
    legend_earlier="Dated columns: earlier results of the patient in this letter",
)


def words_of(language: str) -> Words:
    """French for ``fr*``, else English."""
    return FRENCH if language.lower().startswith("fr") else ENGLISH
