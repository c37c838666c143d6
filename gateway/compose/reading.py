"""What a document says beside its text that a reader should know: who else got it, and who may not see it."""

from __future__ import annotations

from gateway.compose.text import one_line
from gateway.compose.words import Words
from gateway.document import Document, NamedAddressee, Role, Wishes

_PEOPLE = frozenset({Role.GP, Role.REFERRER, Role.COPY})


def others_named(document: Document) -> bool:
    """Whether the document names more than one professional."""
    return len(named(document)) > 1


def named(document: Document) -> tuple[NamedAddressee, ...]:
    """The professionals whom the document names by a name, each once; never the patient, never a mailbox."""
    found = {
        (one_line(one.family).casefold(), one_line(one.given).casefold()): one
        for one in reversed(document.addressees)
        if one.role in _PEOPLE and one.family.strip()
    }
    return tuple(reversed(found.values()))


def numbered(document: Document) -> tuple[NamedAddressee, ...]:
    """The professionals whom the document names by a national number, each once in each role."""
    found = {
        (one.role, one.rpps or one.adeli): one
        for one in reversed(document.addressees)
        if one.role in _PEOPLE and (one.rpps or one.adeli)
    }
    return tuple(reversed(found.values()))


def addressee_lines(document: Document, words: Words) -> tuple[str, ...]:
    """``NOM Prénom (médecin traitant)`` for each, when there is more than one: who reads it knows that he is one."""
    if not others_named(document):
        return ()
    roles = {Role.GP: words.gp, Role.REFERRER: words.referrer, Role.COPY: words.copy}
    return tuple(f"{one_line(f'{one.family} {one.given}')} ({roles[one.role]})" for one in named(document))


def hidden(wishes: Wishes) -> tuple[str, ...]:
    """Names of the restrictions that the sender asks for (fields of ``Words``)."""
    asked = (
        ("hidden_professionals", wishes.hidden_from_professionals),
        ("hidden_patient", wishes.hidden_from_patient),
        ("hidden_parents", wishes.hidden_from_legal_representatives),
        ("discreet", wishes.secret_connection),
    )
    return tuple(name for name, said in asked if said)


def hidden_lines(wishes: Wishes, words: Words) -> tuple[str, ...]:
    """The restrictions in words."""
    said = {
        "hidden_professionals": words.hidden_professionals,
        "hidden_patient": words.hidden_patient,
        "hidden_parents": words.hidden_parents,
        "discreet": words.discreet,
    }
    return tuple(said[name] for name in hidden(wishes))
