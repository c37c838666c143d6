"""What authorities said, kept while it holds and a day at most: in memory, and in a folder that outlives the process.

An authority that takes a certificate back does not wait for the next update that it once announced, a year ahead for
many a root: after a day it is asked anew, and its older word counts only where it stays silent.

Everything here is public. What cannot be had is not asked for again at once, so that a dead responder costs its
deadline once and not once a letter.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from threading import Lock

from cryptography import x509

from gateway.crypto.keys import spki
from gateway.crypto.trust.asking import Asking
from gateway.crypto.trust.pointers import crl_urls, ocsp_request, ocsp_urls
from gateway.crypto.trust.policy import Statements
from gateway.crypto.trust.statements import NoStatement, Statement, read_crl, read_ocsp

_REMEMBERED = 1024
_PAUSE = timedelta(minutes=1)
_ANEW = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    url: str
    request: bytes | None
    """``None`` asks for a list."""
    authority: bytes
    """Whose word it is: who names another's list in its certificates cannot make us forget it."""

    @property
    def name(self) -> str:
        kind = "crl" if self.request is None else "ocsp"
        return sha256(b"\0".join((self.url.encode(), self.authority, self.request or b""))).hexdigest() + "." + kind


class StatementCache:
    """The evidence of a gateway; threads may share it."""

    def __init__(self, asking: Asking, *, folder: Path | None, clock: Callable[[], datetime]) -> None:
        """``folder`` is made when first needed; without one everything is asked anew after a start."""
        self._asking, self._folder, self._clock = asking, folder, clock
        self._lock = Lock()
        self._known: OrderedDict[str, Statement] = OrderedDict()
        self._resting: OrderedDict[str, datetime] = OrderedDict()

    def about(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Iterator[Statements]:
        """What its responders answer, then its lists (CR-19), each only asked for when the one before did not do."""
        for question in _questions(certificate, issuer):
            for said in self._said(question):
                yield (
                    Statements(crls=(said.content,)) if question.request is None else Statements(ocsps=(said.content,))
                )

    def _said(self, question: _Question) -> Iterator[Statement]:
        """The newest word, and the one before it when the newest proved nothing: whoever stands between us and an
        authority may answer anything in its name, and must not take its true word away from us.
        """
        at = self._clock()
        before = self._before(question, at)
        is_due = not self._is_resting(question, at) and (before is None or at >= before.heard + _ANEW)
        newest = self._asked(question, at, before) if is_due else None
        if newest is not None:
            self._remember(question, newest)
            self._put(question, newest)
            yield newest  # what follows is only reached by who did not believe it
            self._rest(question)
        if before is not None:
            self._remember(question, before)
            if newest is not None:
                self._put(question, before)
            yield before
        if newest is not None or before is not None:
            self._forget(question)

    def _before(self, question: _Question, at: datetime) -> Statement | None:
        """What is known already, if it still holds."""
        with self._lock:
            known = self._known.get(question.name)
        return known if known is not None and known.holds(at) else self._kept(question, at)

    def _is_resting(self, question: _Question, at: datetime) -> bool:
        with self._lock:
            return at < self._resting.get(question.name, at)

    def _asked(self, question: _Question, at: datetime, before: Statement | None) -> Statement | None:
        """Its answer now, unless it is none, or older than what we know: then it is not asked again at once."""
        with suppress(NoStatement):
            newest = _read(question, self._asking(question.url, question.request), at)
            if before is None or newest.since >= before.since:
                return newest
        self._rest(question)
        return None

    def _rest(self, question: _Question) -> None:
        with self._lock:
            self._resting[question.name] = self._clock() + _PAUSE
            self._resting.move_to_end(question.name)
            if len(self._resting) > _REMEMBERED:
                self._resting.popitem(last=False)

    def _remember(self, question: _Question, said: Statement) -> None:
        with self._lock:
            self._known[question.name] = said
            self._known.move_to_end(question.name)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)

    def _forget(self, question: _Question) -> None:
        """It was signed by nobody we know, or about somebody else: asked anew, but not at once."""
        with self._lock:
            self._known.pop(question.name, None)
        self._rest(question)
        if self._folder is not None:
            (self._folder / question.name).unlink(missing_ok=True)

    def _kept(self, question: _Question, at: datetime) -> Statement | None:
        """What an earlier process put down, if it still holds."""
        if self._folder is None:
            return None
        path = self._folder / question.name
        try:
            heard = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            return replace(_read(question, path.read_bytes(), at), heard=min(heard, at))
        except (OSError, NoStatement):
            return None

    def _put(self, question: _Question, said: Statement) -> None:
        if self._folder is not None:
            with suppress(OSError):  # the folder is a convenience: what was said counts all the same
                _write(self._folder, question.name, said)


def _questions(certificate: x509.Certificate, issuer: x509.Certificate) -> tuple[_Question, ...]:
    request, authority = ocsp_request(certificate, issuer), issuer.subject.public_bytes() + spki(issuer)
    responders = tuple(_Question(url=url, request=request, authority=authority) for url in ocsp_urls(certificate))
    return responders + tuple(_Question(url=url, request=None, authority=authority) for url in crl_urls(certificate))


def _read(question: _Question, content: bytes, at: datetime) -> Statement:
    return read_crl(content, at) if question.request is None else read_ocsp(content, at)


def _write(folder: Path, name: str, said: Statement) -> None:
    """Whole or not at all, whoever writes at the same time; its time is when it was heard."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = folder / f".{name}.{os.getpid()}"
    draft.write_bytes(said.content)
    os.utime(draft, (said.heard.timestamp(),) * 2)
    draft.replace(folder / name)
