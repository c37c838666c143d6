"""What an audit of the journal found, in a sentence; the codes are those of ``gateway.queue.auditing.Wrong``."""

from __future__ import annotations

from commands.output import say
from gateway.queue.auditing import Finding, Wrong

_WORDS = {
    Wrong.CHANGED: ("line {seq} was changed", "la ligne {seq} a été modifiée"),
    Wrong.REMOVED: (
        "lines between {after} and {seq} were removed",
        "des lignes entre {after} et {seq} ont été supprimées",
    ),
    Wrong.BROKEN: (
        "line {seq} does not follow line {after}: one of them was changed, put in, or what stood between them removed",
        "la ligne {seq} ne suit pas la ligne {after} : l'une a été modifiée ou ajoutée, ou leur suite supprimée",
    ),
    Wrong.INSERTED: ("line {seq} was put in", "la ligne {seq} a été ajoutée"),
    Wrong.MOVED: ("line {seq} stood elsewhere", "la ligne {seq} était à une autre place"),
    Wrong.BLANKED: (
        "the words of line {seq} were taken away without an erasure that the journal tells of",
        "le texte de la ligne {seq} a été retiré sans effacement inscrit au journal",
    ),
    Wrong.END: (
        "the end is not the one that was sealed with the gateway's key",
        "la fin n'est pas celle qui a été scellée avec la clé de la passerelle",
    ),
    Wrong.TREE: (
        "lines {after} to {seq} are not those over which the tree was built",
        "les lignes {after} à {seq} ne sont pas celles sur lesquelles l'arbre a été construit",
    ),
    Wrong.CHECKPOINT: (
        "lines after {after}, up to {seq}, are not those that the checkpoint of {number} entries signed",
        "les lignes après {after}, jusqu'à {seq}, ne sont pas celles du point de contrôle de {number} lignes",
    ),
    Wrong.FORGED: (
        "the checkpoint of {number} entries is not the gateway's, or was changed",
        "le point de contrôle de {number} lignes n'est pas de la passerelle, ou a été modifié",
    ),
}
_CUT = ("missing at the end: {number}", "il en manque à la fin : {number}")
_LONG = ("more lines than were sealed: {number}", "plus de lignes que ce qui a été scellé : {number}")
_SHORT = (
    "the checkpoint of {number} entries covers more lines than there are: those after {after} are missing",
    "le point de contrôle de {number} lignes en couvre plus qu'il n'y en a : celles après {after} manquent",
)


def told(finding: Finding) -> str:
    """The sentence, in the reader's language."""
    if finding.code is Wrong.CUT:
        words = _CUT if finding.number > 0 else _LONG
    elif finding.code is Wrong.CHECKPOINT and not finding.seq:
        words = _SHORT
    else:
        words = _WORDS[finding.code]
    facts = {"seq": finding.seq, "after": finding.after, "number": abs(finding.number)}
    english, french = (each.format(**facts) for each in words)
    return say(f"journal: {english}", f"journal : {french}")
