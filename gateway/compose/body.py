"""The readable text of a mail, essential first: who, what, out of range, conclusion, results, then the whole letter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.compose.dispatch import Dispatch
from gateway.compose.essential import passages
from gateway.compose.facts import facts
from gateway.compose.history import NOTHING, History
from gateway.compose.losses import Loss, sentences
from gateway.compose.mime import Part
from gateway.compose.subject import reply_address, true_subject
from gateway.compose.table import summary, table
from gateway.compose.text import WIDTH, one_line, paragraphs, wrapped
from gateway.compose.words import Words
from gateway.document import Document

_RULE = "=" * 78

Told = tuple[list[str], ...]
"""The lines of each document, as ``letter_lines`` gives them for the mail and for the HPRIM record."""


def body(dispatch: Dispatch, told: Told, files: tuple[Part, ...], losses: tuple[Loss, ...]) -> str:
    """The whole text part around the documents as ``told``: LF line ends, 78 columns but for a word that is longer."""
    words = dispatch.words
    lines = [*_opening(dispatch)]
    for number, letter in enumerate(told):
        lines += ["", _RULE, "", *letter] if number else letter
    lines += lost_section(losses, dispatch.profile.language, words)
    lines += section(
        words.enclosed, [line for file in files for line in bulleted(f"{file.name} ({_size(file.content)})")]
    )
    lines += ["", *_ending(dispatch)]
    return "\n".join(lines).strip("\n") + "\n"


def introduction(dispatch: Dispatch) -> list[str]:
    """The sender's covering words for this class of reader, with a blank line behind them; often nothing."""
    wishes = dispatch.documents[0].wishes
    words = wishes.body_for_patient if dispatch.for_patient else wishes.body_for_professionals
    return [*paragraphs(words), ""] if words.strip() else []


def letter_lines(document: Document, words: Words, before: History = NOTHING) -> list[str]:
    """One document: its head, then its content; the HPRIM record and the PDF tell the same story."""
    return [*heading(document, words), *content(document, words, before)]


def heading(document: Document, words: Words) -> list[str]:
    """Kind, patient, stay, authors and how to reach them; without a patient only what the mail was called."""
    if document.patient is None:
        return paragraphs(document.title) if document.title.strip() else []
    lines = [piece for line in (title_line(document, words), *notices(document, words)) for piece in wrapped(line)]
    return [*lines, "", *(line for label, values in facts(document, words) for line in _labelled(label, values))]


def notices(document: Document, words: Words) -> list[str]:
    """What stands under the title: the sender's own title, and what this document does to an earlier one."""
    title = one_line(document.title)
    lines = [title] if title and title != kind_label(document, words) else []
    lines += [words.partial_notice] if document.partial else []
    lines += [words.cancels_that.format(one_line(document.cancels))] if document.cancels else []
    return lines + ([words.replaces_that.format(one_line(document.replaces))] if document.replaces else [])


def title_line(document: Document, words: Words) -> str:
    """The kind of document after what a reader must not miss: urgent, replaces, cancels."""
    marks = [words.urgent] if document.urgent else []
    marks += [words.partial] if document.partial else []
    marks += [words.cancels] if document.cancels else [words.replaces] if document.replaces else []
    return " ".join((*marks, kind_label(document, words)))


def content(document: Document, words: Words, before: History = NOTHING) -> list[str]:
    """Out of range, recognised passages, table of results, full text."""
    lines: list[str] = []
    text = paragraphs(document.text) if document.text.strip() else []
    essential = passages(text, words.goes_on)
    marked = summary(document.results, words, before)
    gap = [""] if essential and marked else []
    title = f"{words.essential} {words.excerpts}" if essential else words.essential
    lines += section(title, [*marked, *gap, *essential])
    lines += section(words.results, table(document.results, words, before)) if document.results else []
    if not text:
        read = next((one.text for one in document.attachments if one.text.strip()), "")
        lines += section(words.pdf_words, paragraphs(read)) if read else []
        return lines or (["", words.in_files] if document.patient and document.attachments else [])
    plain = not lines or document.patient is None
    return [*lines, "", *text] if plain else [*lines, *section(words.full_text, text)]


def lost_section(losses: Sequence[Loss], language: str, words: Words) -> list[str]:
    """What the files do not carry, for the reader of this text."""
    return section(words.losses, [piece for said in sentences(losses, language) for piece in bulleted(said)])


def section(title: str, lines: list[str]) -> list[str]:
    """A titled block after a blank line; nothing at all when it is empty."""
    return ["", title, *lines] if lines else []


def bulleted(text: str) -> list[str]:
    """One point of a list, later lines under its first word."""
    return [("- " if index == 0 else "  ") + piece for index, piece in enumerate(wrapped(one_line(text), WIDTH - 2))]


def kind_label(document: Document, words: Words) -> str:
    """What kind of document it is, in the sender's words."""
    return one_line(document.kind.label) or words.document


def _opening(dispatch: Dispatch) -> Iterator[str]:
    if not dispatch.in_mssante:
        # Clients show the neutral outer subject (crypto.md §2): the true one opens the text.
        yield from wrapped(f"{dispatch.words.subject} : {true_subject(dispatch)}")
        yield ""
    yield from introduction(dispatch)


def _ending(dispatch: Dispatch) -> Iterator[str]:
    words = dispatch.words
    if dispatch.for_patient and not dispatch.documents[0].wishes.patient_may_answer:
        yield words.no_answer
        return
    address, stated_is_wrong = reply_address(dispatch)
    if stated_is_wrong:
        yield words.reply_refused
    yield f"{words.answers} : {address or dispatch.profile.sender}"


def _labelled(label: str, values: tuple[str, ...]) -> list[str]:
    """``Label : value``, later values under the first."""
    shown = [one_line(value) for value in values if value.strip()]
    lead = f"{label} : "
    return [
        piece for index, value in enumerate(shown) for piece in wrapped((" " * len(lead) if index else lead) + value)
    ]


def _size(content: bytes) -> str:
    return f"{max(1, round(len(content) / 1024))} Ko"
