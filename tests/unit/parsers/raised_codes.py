"""Every finding code that our source can give, found in its syntax tree: literal, chosen, handed on, made by hand."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from gateway.parsers.hprim.header import _BIRTH_REMARKS

CODE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
KINDS = frozenset({"error", "warning", "note"})
CHOSEN_ELSEWHERE = ("remark", "kind")
"""What readers call one of the three that they were given or took from a table."""
MADE = {"birth-date-": {f"birth-date-{end}" for end in _BIRTH_REMARKS}}
"""Codes put together from two parts, by the part that stands in the source."""


@dataclass(frozen=True, slots=True)
class Raised:
    """A code at a line; ``code`` starts with ``unreadable`` where the source hides it."""

    code: str
    severities: frozenset[str]
    line: int


@dataclass(frozen=True, slots=True)
class Giver:
    """Something called to make a finding: its severities, and which argument is the code."""

    severities: frozenset[str]
    position: int = 0


class Source:
    """One module."""

    def __init__(self, text: str) -> None:
        self.tree = ast.parse(text)
        nodes = list(ast.walk(self.tree))
        self.calls = [node for node in nodes if isinstance(node, ast.Call)]
        self.functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
        self.assignments = [node for node in nodes if isinstance(node, ast.Assign)]

    def raised(self) -> Iterator[Raised]:
        for call in self.calls:
            giver, given = self._given(call)
            if giver is None or given is None or self._hands_on(call, given):
                continue
            codes = constants(given) or self._named(given) or {f"unreadable: {ast.unparse(given)}"}
            whole = {code for part in codes for code in MADE.get(part, {part})}
            yield from (Raised(code, giver.severities, call.lineno) for code in whole)

    def _given(self, call: ast.Call) -> tuple[Giver | None, ast.expr | None]:
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        if name == "Finding":
            return Giver(_severities(call)), _keyword(call, "code")
        giver = self.givers.get(name) or (Giver(kinds) if (kinds := names(call.func) & KINDS) else None)
        given = call.args[giver.position] if giver and len(call.args) > giver.position else None
        return giver, given

    @cached_property
    def givers(self) -> dict[str, Giver]:
        """``error``, ``warning``, ``note``; functions that hand a parameter on as the code; names chosen among them."""
        found = {kind: Giver(frozenset({kind})) for kind in KINDS}
        for assignment in self.assignments:
            for target, value in _pairs(assignment):
                if kinds := names(value) & KINDS:
                    found[target] = Giver(kinds | found.get(target, Giver(frozenset())).severities)
        for name in CHOSEN_ELSEWHERE:
            found.setdefault(name, Giver(KINDS))
        for function in self.functions:
            parameters = [one.arg for one in function.args.args]
            for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
                code = _keyword(call, "code") if names(call.func) == {"Finding"} else (call.args or [None])[0]
                if isinstance(code, ast.Name) and code.id in parameters and names(call.func) & {*KINDS, "Finding"}:
                    kinds = _severities(call) if names(call.func) == {"Finding"} else names(call.func) & KINDS
                    found[function.name] = Giver(kinds, parameters.index(code.id))
        return found

    def _hands_on(self, call: ast.Call, given: ast.expr) -> bool:
        """A function that gives a finding whose code is its own parameter: its callers name the code."""
        return isinstance(given, ast.Name) and given.id in self.parameters_at.get(call, ())

    def _named(self, given: ast.expr) -> set[str]:
        """The codes that a name was given: ``code, place = ("a", "x") if … else ("b", "y")``."""
        values = [value for one in self.assignments for target, value in _pairs(one) if target in names(given)]
        return {text for value in values for text in constants(value) if CODE.fullmatch(text)}

    @cached_property
    def parameters_at(self) -> dict[ast.Call, set[str]]:
        """The parameters of the functions around each call."""
        found: dict[ast.Call, set[str]] = {}
        for function in self.functions:
            for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
                found.setdefault(call, set()).update(one.arg for one in function.args.args)
        return found


def constants(node: ast.AST) -> set[str]:
    return {one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def names(node: ast.AST) -> frozenset[str]:
    return frozenset(one.id for one in ast.walk(node) if isinstance(one, ast.Name))


def _pairs(assignment: ast.Assign) -> Iterator[tuple[str, ast.expr]]:
    """``a, b = (error, "x") if … else (note, "y")`` as well as ``a = error``: every name with the whole value."""
    for target in assignment.targets:
        for one in ast.walk(target):
            if isinstance(one, ast.Name) and not isinstance(assignment.value, ast.Call):
                yield one.id, assignment.value


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((one.value for one in call.keywords if one.arg == name), None)


def _severities(call: ast.Call) -> frozenset[str]:
    given = _keyword(call, "severity")
    attributes = {one.attr.lower() for one in ast.walk(given) if isinstance(one, ast.Attribute)} if given else set()
    return frozenset(attributes & KINDS) or KINDS
