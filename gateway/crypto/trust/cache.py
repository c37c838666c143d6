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

    @property
    def name(self) -> str:
        kind = "crl" if self.request is None else "ocsp"
        return sha256(b"\0".join((self.url.encode(), self.request or b""))).hexdigest() + "." + kind


class StatementCache:
    """The evidence of a gateway; threads may share it."""

    def __init__(self, asking: Asking, *, folder: Path | None, clock: Callable[[], datetime]) -> None:
        """``folder`` is made when first needed; without one everything is asked anew after a start."""
        self._asking, self._folder, self._clock = asking, folder, clock
        self._lock = Lock()
        self._known: OrderedDict[str, Statement] = OrderedDict()
        self._resting: dict[str, datetime] = {}

    def about(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Iterator[Statements]:
        """What its responders answer, then its lists (CR-19), each only asked for when the one before did not do."""
        for question in _questions(certificate, issuer):
            with suppress(NoStatement):
                said = self._said(question).content
                yield Statements(crls=(said,)) if question.request is None else Statements(ocsps=(said,))
                self._forget(question)

    def _forget(self, question: _Question) -> None:
        """It was signed by nobody we know, or about somebody else: asked anew, but not at once."""
        with self._lock:
            self._known.pop(question.name, None)
            self._resting[question.name] = self._clock() + _PAUSE
        if self._folder is not None:
            (self._folder / question.name).unlink(missing_ok=True)

    def _said(self, question: _Question) -> Statement:
        at = self._clock()
        with self._lock:
            known = self._known.get(question.name)
            is_resting = at < self._resting.get(question.name, at)
        before = known if known is not None and known.holds(at) else self._kept(question, at)
        if before is not None and (is_resting or at < before.heard + _ANEW):
            return self._remember(question, before)
        if is_resting:
            raise NoStatement("resting")
        try:
            return self._remember(question, self._asked(question, at), is_new=True)
        except NoStatement:
            with self._lock:
                self._resting[question.name] = at + _PAUSE
            if before is None:
                raise
            return self._remember(question, before)

    def _remember(self, question: _Question, said: Statement, *, is_new: bool = False) -> Statement:
        with self._lock:
            if is_new:
                self._resting.pop(question.name, None)
            self._known[question.name] = said
            self._known.move_to_end(question.name)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return said

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

    def _asked(self, question: _Question, at: datetime) -> Statement:
        said = _read(question, self._asking(question.url, question.request), at)
        if self._folder is not None:
            with suppress(OSError):  # the folder is a convenience: what was said counts all the same
                _put(self._folder, question.name, said)
        return said


def _questions(certificate: x509.Certificate, issuer: x509.Certificate) -> tuple[_Question, ...]:
    request = ocsp_request(certificate, issuer)
    responders = tuple(_Question(url=url, request=request) for url in ocsp_urls(certificate))
    return responders + tuple(_Question(url=url, request=None) for url in crl_urls(certificate))


def _read(question: _Question, content: bytes, at: datetime) -> Statement:
    return read_crl(content, at) if question.request is None else read_ocsp(content, at)


def _put(folder: Path, name: str, said: Statement) -> None:
    """Whole or not at all, whoever writes at the same time; its time is when it was heard."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = folder / f".{name}.{os.getpid()}"
    draft.write_bytes(said.content)
    os.utime(draft, (said.heard.timestamp(),) * 2)
    draft.replace(folder / name)
