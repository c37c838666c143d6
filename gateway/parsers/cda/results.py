"""Laboratory results of a CDA of level 3: chapters, batteries and observations as lines of one report.

CI-SIS, volet CR-BIO (1.2.250.1.213.1.1.1.55) on IHE PaLM XD-LAB. Other entries of a letter (problems, treatments) are
told by its narrative and are no results.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from lxml import etree

from gateway.document import Finding, Result
from gateway.errors import UnreadableDocument
from gateway.parsers.cda.agreement import Narrative
from gateway.parsers.cda.elements import V3, attribute, child, children, words
from gateway.parsers.cda.observation import in_words, named, result_of, status_of
from gateway.parsers.cda.references import References
from gateway.parsers.cda.values import label_of
from gateway.parsers.kinds import COPY_SECTION, LABORATORY_REPORT
from gateway.parsers.remarks import error, warning

_LABORATORY_ENTRY = "1.3.6.1.4.1.19376.1.3.1"
_COMMENT = "48767-8"
_MOST_RESULTS = 5_000
_MAX_NESTING = 40
_LONGEST_COMMENT = 10_000
_CONTRADICTED = "Attention : le texte du document ne porte pas cette valeur, s'y reporter."


@dataclass(slots=True, kw_only=True)
class _Report:
    """What is gathered while the body is walked."""

    references: References
    whole: bool
    """Every entry counts, not only those that say they are a laboratory's."""
    narrative: Narrative = field(default_factory=lambda: Narrative(None))
    results: list[Result] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    observations: int = 0

    def place(self) -> str:
        """Which observation of the document it is, counted as they are read."""
        self.observations += 1
        return f"observation[{self.observations}]"

    def add(self, result: Result) -> int:
        """The position of the new line; raises ``UnreadableDocument`` past what any report holds."""
        if len(self.results) >= _MOST_RESULTS:
            message = f"CDA refused: more than {_MOST_RESULTS:,} results; send the report in several documents"
            raise UnreadableDocument((error("too-many-results", "structuredBody", message),))
        self.results.append(result)
        return len(self.results) - 1


def results_of(root: etree._Element) -> tuple[tuple[Result, ...], tuple[Finding, ...]]:
    """The results in reading order, each chapter and battery as a title line before its own, and what is doubtful.

    A number in an entry that its narrative does not have is a warning, and the result says so in its comment.
    Raises ``UnreadableDocument`` for more results or levels than a report has.
    """
    body = child(root, "component", "structuredBody")
    if body is None or body.find(f".//{V3}entry") is None:
        return (), ()
    kind = attribute(root, "code", "code")
    report = _Report(references=References(root), whole=kind == LABORATORY_REPORT)
    for component in children(body, "component"):
        _section(child(component, "section"), report, 0)
    return tuple(report.results), tuple(report.findings)


def _section(section: etree._Element | None, report: _Report, depth: int) -> None:
    if section is None or attribute(section, "code", "code") == COPY_SECTION:
        return
    _bounded(depth)
    start = len(report.results)
    report.narrative = Narrative(child(section, "text"))
    for entry in children(section, "entry"):
        if report.whole or _is_laboratory(entry):
            for statement in _statements(entry):
                _statement(statement, report, status="", depth=depth)
    for component in children(section, "component"):
        _section(child(component, "section"), report, depth + 1)
    title = words(section, "title") or label_of(child(section, "code"))
    if len(report.results) == start or not title:
        return
    if _is_title(report.results[start]) and report.results[start].label.casefold() == title.casefold():
        del report.results[start]
    report.results.insert(start, Result(label=title, code=attribute(section, "code", "code")))


def _is_title(result: Result) -> bool:
    return not (result.value or result.comment or result.status)


def _is_laboratory(entry: etree._Element) -> bool:
    return any(one.get("root") == _LABORATORY_ENTRY for one in children(entry, "templateId"))


def _statements(holder: etree._Element) -> Iterator[etree._Element]:
    """The acts, organizers and observations directly inside an entry, component or entryRelationship."""
    return holder.iterchildren(V3 + "act", V3 + "organizer", V3 + "observation")


def _statement(element: etree._Element, report: _Report, *, status: str, depth: int) -> None:
    """One statement with all below; what was not done, only planned or wished for is no result."""
    _bounded(depth)
    if element.get("moodCode", "EVN") != "EVN" or element.get("nullFlavor"):
        return
    if element.tag == V3 + "observation":
        _observation(element, report, status=status, depth=depth)
        return
    status = status_of(element, status)
    if element.tag == V3 + "organizer":
        _battery(element, report, status=status, depth=depth)
        return
    said = [report.references.words(child(element, "text"))] if _is_comment(element) else _remarks(element, report)
    _inside(element, report, status=status, depth=depth)
    if comment := _joined(said):
        report.add(Result(label="Commentaire", comment=comment))


def _battery(organizer: etree._Element, report: _Report, *, status: str, depth: int) -> None:
    """A title with the specimen and the remarks on the whole, then its results; nothing when it has none."""
    title = named(organizer, report.references)
    specimen = label_of(child(organizer, "specimen", "specimenRole", "specimenPlayingEntity", "code"))
    taken = f"Prélèvement : {specimen}" if specimen and title.label else ""
    comment = _joined([taken, *_remarks(organizer, report)])
    at = report.add(replace(title, label=title.label or specimen or "Résultats", comment=comment))
    _inside(organizer, report, status=status, depth=depth)
    if len(report.results) == at + 1 and not comment:
        report.results.pop()


def _observation(observation: etree._Element, report: _Report, *, status: str, depth: int) -> None:
    place = report.place()
    if child(observation, "value") is None and any(True for _ in _nested(observation, "COMP")):
        at = report.add(named(observation, report.references))
    else:
        result, findings = result_of(observation, report.references, inherited=status, place=place)
        at = report.add(_agreed(result, observation, report, place))
        report.findings.extend(findings)
    earlier = [_earlier(one, report) for one in _nested(observation, "REFR")]
    said = (report.results[at].comment, *_remarks(observation, report), *earlier)
    report.results[at] = replace(report.results[at], comment=_joined(said))
    inner = report.results[at].status or status
    for one in _nested(observation, "COMP"):
        _statement(one, report, status=inner, depth=depth + 1)


def _nested(observation: etree._Element, kind: str) -> Iterator[etree._Element]:
    """Observations and batteries inside an observation, by how they are related to it."""
    for relation in children(observation, "entryRelationship"):
        if relation.get("typeCode") == kind:
            yield from (one for one in _statements(relation) if not _is_comment(one))


def _inside(element: etree._Element, report: _Report, *, status: str, depth: int) -> None:
    for name in ("entryRelationship", "component"):
        for relation in children(element, name):
            for one in _statements(relation):
                if not _is_comment(one):
                    _statement(one, report, status=status, depth=depth + 1)


def _earlier(observation: etree._Element, report: _Report) -> str:
    """An earlier result beside the present one: a remark with its date, never a line that could be taken for it."""
    result, _ = result_of(observation, report.references, inherited="", place="")
    at = f" du {result.observed_at:%d/%m/%Y}" if result.observed_at else ""
    return f"Antérieur{at} : {in_words(result)}" if result.value else ""


def _is_comment(element: etree._Element) -> bool:
    return element.tag == V3 + "act" and attribute(element, "code", "code") == _COMMENT


def _remarks(element: etree._Element, report: _Report) -> list[str]:
    """What annotation acts say about a battery or a result (IHE PCC 6.3.4.6)."""
    relations = (relation for name in ("entryRelationship", "component") for relation in children(element, name))
    acts = (act for relation in relations for act in children(relation, "act") if _is_comment(act))
    return [said for act in acts if (said := report.references.words(child(act, "text")))]


def _agreed(result: Result, observation: etree._Element, report: _Report, place: str) -> Result:
    """The result, with a remark that a doctor sees when the narrative of its section says something else."""
    row = report.references.row(child(observation, "code", "originalText"))
    row = row if row is not None else report.references.row(child(observation, "text"))
    if not report.narrative.contradicts(result, row):
        return result
    message = "the entry and the narrative of its section do not have the same value: correct the document"
    report.findings.append(
        warning("entry-contradicts-narrative", place, message, f"{result.label}: {in_words(result)}")
    )
    return replace(result, comment=_joined((result.comment, _CONTRADICTED)))


def _joined(parts: list[str] | tuple[str, ...]) -> str:
    text = "\n".join(filter(None, parts))
    return text if len(text) <= _LONGEST_COMMENT else "Commentaire long : voir le texte du document."


def _bounded(depth: int) -> None:
    if depth > _MAX_NESTING:
        message = f"CDA refused: its entries nest more than {_MAX_NESTING} levels deep; send it as a PDF"
        raise UnreadableDocument((error("entries-too-deep", "structuredBody", message),))
