"""A report's words in French and English; codes never translate (interface.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.delays.figures import NO_LETTER, SMALL, UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One language."""

    language: str
    heads: Mapping[str, str]
    groups: Mapping[str, str]
    legs: Mapping[str, str]
    apart: Mapping[str, str]
    remarks: Mapping[str, str]
    proofs: Mapping[str, str]
    charts: Mapping[str, tuple[str, str]]
    page: Mapping[str, str]
    verdicts: Mapping[str, str]
    policies: Mapping[str, str]
    weekdays: tuple[str, ...]
    day: str
    days_since: str
    eight_days: str
    references: Mapping[str, str] = field(default_factory=dict)

    def percent(self, share: float | None, digits: int = 0) -> str:
        """``48 %`` in French, ``48%`` in English; a dash for nothing."""
        if share is None:
            return "–"
        if self.language == "fr":
            return f"{share:.{digits}%}".replace(".", ",").replace("%", "\u202f%")
        return f"{share:.{digits}%}"

    def reference(self, label: str) -> str:
        """A published figure's label."""
        return self.references.get(label, label)

    def group(self, name: str) -> str:
        """A group's name, unless it is one that we made up."""
        return self.groups.get(name, name)

    def duration(self, seconds: int | None) -> str:
        """Two units at most: ``3 d 4 h``, ``2 h 05``, ``7 min``."""
        if seconds is None:
            return "–"
        days, rest = divmod(seconds, 86_400)
        hours, rest = divmod(rest, 3_600)
        minutes, rest = divmod(rest, 60)
        if days >= 10:
            return f"{days} {self.day}"
        if days:
            return f"{days} {self.day} {hours} h"
        if hours:
            return f"{hours} h {minutes:02}"
        return f"{minutes} min" if minutes else f"{rest} s"


def words(*, french: bool) -> Words:
    """The reader's."""
    return FRENCH if french else ENGLISH


FRENCH = Words(
    language="fr",
    heads={
        "service": "Service",
        "hospital": "Établissement",
        "kind": "Type",
        "month": "Mois",
        "stays": "Séjours",
        "in_time": "À temps",
        "late": "Tard",
        "never_sent": "Jamais",
        "pending": "En cours",
        "share": "Part",
        "median": "Médiane",
        "p90": "p90",
        "leg": "Étape",
        "total": "Ensemble",
    },
    groups={UNKNOWN: "non précisé", NO_LETTER: "sans lettre", SMALL: "petits effectifs", "total": "Ensemble"},
    legs={
        "discharge_to_written": "sortie → validée",
        "written_to_received": "validée → déposée",
        "received_to_sealed": "déposée → chiffrée",
        "sealed_to_sent": "chiffrée → partie",
        "received_to_sent": "déposée → partie",
        "sent_to_delivered": "partie → remise",
        "delivered_to_read": "remise → lue",
        "read_to_integrated": "lue → intégrée",
    },
    apart={
        "death": "décès",
        "transfer": "transfert",
        "cancelled": "sortie annulée",
        "opposition": "opposition",
        "no_gp": "sans médecin traitant",
    },
    remarks={
        "letter_only": "séjours connus par leur seule lettre (sans ADT) : sortie telle que la lettre la date",
        "by_identity": "lettres rattachées par identité et date",
        "conflicts": "séjours aux heures de sortie contradictoires (huitaine delays conflicts)",
        "unmatched_letters": "lettres sans séjour correspondant",
        "undated_letters": "lettres sans séjour ni date de sortie",
        "posted": "lettres postées sur papier, comptées comme pas parties",
        "urgent": "lettres que leur expéditeur dit urgentes",
        "urgent_in_time": "d'entre elles dans leur délai",
    },
    proofs={"sent": "pas encore partie", "delivered": "pas encore remise (reçue)", "read": "pas encore lue"},
    charts={
        "months": ("Part à temps par mois de sortie", "En pointillé, les points de repère publiés (délai de 8 jours)."),
        "waiting": (
            "Lettres pas encore reçues",
            (
                "Sur 100 séjours, combien attendent encore, tant de jours après la sortie. Sans accusé, la lettre"
                " compte comme pas reçue. Deux courbes qui se suivent de près se couvrent. (Kaplan-Meier)"
            ),
        ),
        "legs": (
            "Durée de chaque étape",
            (
                "Trait plein : une lettre sur deux est plus rapide (médiane) ; pointillé : neuf sur dix (p90). "
                "Chaque graduation vaut bien plus que la précédente. Validée : signée par le médecin ; déposée : "
                "confiée à cette passerelle ; partie : prise par la messagerie du destinataire ; remise : dans sa"
                " boîte ; lue : ouverte par lui."
            ),
        ),
        "heat": (
            "Part à temps par service et jour de sortie",
            "Un point : moins de cinq séjours jugés. Les services qui ont le plus de séjours.",
        ),
    },
    page={
        "title": "Délais des lettres de sortie",
        "results_title": "Délais des résultats de laboratoire",
        "period": "sorties du {start} au {end}",
        "rule": "Règle",
        "made": "Établi le",
        "share": "partis à temps",
        "stays": "séjours",
        "late": "partis en retard",
        "never_sent": "jamais partis, délai passé",
        "pending": "en cours",
        "median": "délai médian",
        "by": "Par",
        "legs": "Étapes",
        "apart": "Comptés à part",
        "remarks": "À savoir",
        "references": "Points de repère",
        "few": "moins de 5",
        "shared": "Version à diffuser : rien n'y est dit de moins de cinq séjours.",
        "denominator": "La part à temps compte les séjours dont la lettre est partie ou dont le délai est passé, "
        "lettres jamais écrites comprises ; les séjours en cours et ceux comptés à part n'y sont pas.",
        "nothing": "Aucun séjour dans cette période, ou trop peu pour être diffusés.",
        "none": "rien",
        "urgent": "(urgente)",
        "posted": "(postée)",
    },
    verdicts={"in_time": "à temps", "late": "en retard", "never_sent": "jamais partie", "pending": "en cours"},
    policies={
        "8-days": "8 jours calendaires (art. R.1112-1 CSP, jusqu'au 31/12/2016)",
        "same-day": "le jour même (art. R.1112-1-2 CSP, depuis le 01/01/2017)",
        "same-working-day": "le jour même ; après la fermeture, le week-end et les jours fériés, le jour ouvré suivant",
        "lab-results": "délai du laboratoire (l'art. D.6211-3 CSP n'en fixe pas en heures)",
    },
    weekdays=("lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."),
    day="j",
    days_since="jours depuis la sortie",
    eight_days="8 jours",
    references={"AP-HP 2006, 34 hospitals": "AP-HP 2006, 34 hôpitaux", "HAS target": "cible HAS"},
)
ENGLISH = Words(
    language="en",
    heads={
        "service": "Service",
        "hospital": "Hospital",
        "kind": "Kind",
        "month": "Month",
        "stays": "Stays",
        "in_time": "In time",
        "late": "Late",
        "never_sent": "Never",
        "pending": "Pending",
        "share": "Share",
        "median": "Median",
        "p90": "p90",
        "leg": "Leg",
        "total": "All",
    },
    groups={UNKNOWN: "not stated", NO_LETTER: "no letter", SMALL: "small groups", "total": "All"},
    legs={
        "discharge_to_written": "discharge → validated",
        "written_to_received": "validated → received",
        "received_to_sealed": "received → sealed",
        "sealed_to_sent": "sealed → sent",
        "received_to_sent": "received → sent",
        "sent_to_delivered": "sent → delivered",
        "delivered_to_read": "delivered → read",
        "read_to_integrated": "read → integrated",
    },
    apart={
        "death": "death",
        "transfer": "transfer",
        "cancelled": "discharge cancelled",
        "opposition": "opposition",
        "no_gp": "no GP",
    },
    remarks={
        "letter_only": "stays known by their letter alone (no ADT): discharge as the letter dates it",
        "by_identity": "letters tied by identity and date",
        "conflicts": "stays with contradictory discharge times (huitaine delays conflicts)",
        "unmatched_letters": "letters that fit no stay",
        "undated_letters": "letters without stay or discharge date",
        "posted": "letters posted on paper, counted as not sent",
        "urgent": "letters that their sender marked urgent",
        "urgent_in_time": "of those within their limit",
    },
    proofs={"sent": "not yet sent", "delivered": "not yet delivered (received)", "read": "not yet read"},
    charts={
        "months": ("Share in time by month of discharge", "Dashed: published reference points (limit of 8 days)."),
        "waiting": (
            "Letters not yet received",
            (
                "Of 100 stays, how many still wait, so many days after discharge. Without a receipt a letter "
                "counts as not received. Where two curves run close together, one hides the other. (Kaplan-Meier)"
            ),
        ),
        "legs": (
            "How long each leg takes",
            (
                "Solid line: one letter in two is faster (median); dashed: nine in ten (p90). Each mark of the "
                "scale is far more than the one before. Validated: signed by the doctor; received: handed to this"
                " gateway; sent: taken by the addressee's mail system; delivered: in the mailbox; read: opened "
                "there."
            ),
        ),
        "heat": (
            "Share in time by service and weekday of discharge",
            "A dot: fewer than five judged stays. The services with the most stays.",
        ),
    },
    page={
        "title": "Delays of discharge letters",
        "results_title": "Delays of laboratory results",
        "period": "discharges from {start} to {end}",
        "rule": "Rule",
        "made": "Made on",
        "share": "sent in time",
        "stays": "stays",
        "late": "sent late",
        "never_sent": "never sent, deadline passed",
        "pending": "pending",
        "median": "median delay",
        "by": "By",
        "legs": "Legs",
        "apart": "Counted apart",
        "remarks": "To know",
        "references": "Reference points",
        "few": "fewer than 5",
        "shared": "To be shared: nothing is told of fewer than five stays.",
        "denominator": "The share in time counts stays whose letter has left or whose deadline has passed, letters "
        "never written included; pending stays and those counted apart are not in it.",
        "nothing": "No stays in this period, or too few to be shared.",
        "none": "none",
        "urgent": "(urgent)",
        "posted": "(posted)",
    },
    verdicts={"in_time": "in time", "late": "late", "never_sent": "never sent", "pending": "pending"},
    policies={
        "8-days": "8 calendar days (art. R.1112-1 CSP, until 31/12/2016)",
        "same-day": "the same day (art. R.1112-1-2 CSP, since 01/01/2017)",
        "same-working-day": "the same day; after hours, at weekends and on public holidays the next working day",
        "lab-results": "the laboratory's own limit (art. D.6211-3 CSP sets none in hours)",
    },
    weekdays=("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    day="d",
    days_since="days since discharge",
    eight_days="8 days",
)
