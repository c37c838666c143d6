"""RFC 3461 parameters of MAIL and RCPT, pure: kept with their case, as aiosmtpd would refuse or upper-case them.

Values stay in xtext, as they came: the courier hands them on unchanged, a DSN that we write decodes them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.smtp.reply import Refusal

_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")
_ORCPT = re.compile(r"[A-Za-z0-9-]+;(?P<address>.+)")
_NOTIFY = frozenset({"SUCCESS", "FAILURE", "DELAY"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DsnWishes:
    """What one command asked for, and what is left of its parameters for aiosmtpd."""

    rest: str
    ret: str | None = None
    envid: str | None = None
    notify: tuple[str, ...] = ()
    orcpt: str | None = None


def take_mail_parameters(parameters: str) -> DsnWishes:
    """RET and ENVID out of MAIL's parameters; ``AUTH=`` (RFC 4954 §5) is allowed and ignored."""
    taken, rest = _take(parameters, frozenset({"RET", "ENVID", "AUTH"}))
    ret = taken.get("RET")
    if ret is not None and ret.upper() not in {"FULL", "HDRS"}:
        raise _bad("RET")
    envid = taken.get("ENVID")
    if envid is not None and not (0 < len(envid) <= 100 and _XTEXT.fullmatch(envid)):
        raise _bad("ENVID")
    return DsnWishes(rest=rest, ret=ret.upper() if ret else None, envid=envid)


def take_rcpt_parameters(parameters: str) -> DsnWishes:
    """NOTIFY and ORCPT out of RCPT's parameters."""
    taken, rest = _take(parameters, frozenset({"NOTIFY", "ORCPT"}))
    notify = tuple(taken["NOTIFY"].upper().split(",")) if "NOTIFY" in taken else ()
    if notify and notify != ("NEVER",) and not (_NOTIFY.issuperset(notify) and len(set(notify)) == len(notify)):
        raise _bad("NOTIFY")
    orcpt = taken.get("ORCPT")
    if orcpt is not None:
        found = _ORCPT.fullmatch(orcpt)
        if not found or len(orcpt) > 500 or not _XTEXT.fullmatch(found["address"]):
            raise _bad("ORCPT")
    return DsnWishes(rest=rest, notify=notify, orcpt=orcpt)


def _bad(name: str) -> Refusal:
    return Refusal(501, "5.5.4", f"Bad {name} parameter")


def _take(parameters: str, names: frozenset[str]) -> tuple[dict[str, str], str]:
    taken: dict[str, str] = {}
    rest = []
    for parameter in parameters.split():
        name, _, value = parameter.partition("=")
        if name.upper() not in names:
            rest.append(parameter)
        elif name.upper() in taken or not value:
            raise _bad(name.upper())
        else:
            taken[name.upper()] = value
    return taken, " ".join(rest)
