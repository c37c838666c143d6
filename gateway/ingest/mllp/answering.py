"""One HL7 message in, one acknowledgement out: kept and read before it is AA."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

import structlog

from gateway.beside import beside
from gateway.document import Finding, Severity
from gateway.errors import Busy, HuitaineError, UnreadableDocument
from gateway.identifiers import LetterId
from gateway.ingest.ack import Answer, Complaint, acknowledge, complaints_of
from gateway.ingest.intake import Clock, Ids, Intake, is_ours
from gateway.ingest.mllp.framing import Frame
from gateway.ingest.mllp.settings import MllpDoorSettings, MllpListener, MllpSource
from gateway.ingest.msh import DEFAULT, Msh, read_msh
from gateway.letter import Door, Envelope, ReceivedLetter, Recipient

_log = structlog.get_logger()


class Answering:
    """Knows sources and intake, and no socket."""

    def __init__(self, settings: MllpDoorSettings, intake: Intake, clock: Clock, ids: Ids) -> None:
        self._settings = settings
        self._intake = intake
        self._clock = clock
        self._ids = ids

    async def answer(self, frame: Frame, listener: MllpListener, certificate: Mapping[str, Any] | None) -> bytes:
        """The acknowledgement; never raises: what is our fault is AR (decision 12)."""
        request = read_msh(frame.content) or DEFAULT
        letter = self._ids()
        at = self._clock()
        try:
            self._refuse_unfit(frame, request)
            source = self._source(request, listener, certificate)
            return await self._taken(request, await self._letter(frame.content, request, source, letter, at))
        except UnreadableDocument as error:
            _log.info("mllp_refused", letter_id=letter, codes=[finding.code for finding in error.findings])
            return acknowledge(request, Answer.CORRECT, letter=letter, at=at, complaints=complaints_of(error.findings))
        except HuitaineError as error:
            _log.warning("mllp_not_taken", letter_id=letter, status=error.status, detail=error.detail)
            if error.permanent and not is_ours(error):
                return _refused(request, error, letter=letter, at=at)
            words = "Internal fault, send again later" if error.permanent else error.words
            return _again(request, words, letter=letter, at=at, code=_temporary(error.status))
        except Exception as error:  # noqa: BLE001  one message's fault must not end the others (promise A4)
            _log.error("mllp_fault", letter_id=letter, error=type(error).__name__)
            return _again(request, "Internal fault, send again later", letter=letter, at=at, code="4.3.0")

    async def _taken(self, request: Msh, letter: ReceivedLetter) -> bytes:
        kept = await self._intake.keep_and_read(letter)
        if kept.answer:
            _log.info("mllp_taken", letter_id=kept.id, source=letter.source, again=True)
            return kept.answer
        answer = acknowledge(request, Answer.TAKEN, letter=kept.id, at=kept.received.received_at)
        await self._record(kept.id, answer)
        _log.info("mllp_taken", letter_id=kept.id, source=letter.source, again=kept.again, size=len(letter.content))
        return answer

    async def _record(self, letter: LetterId, answer: bytes) -> None:
        try:
            await self._intake.record_answer(letter, answer)
        except Exception as error:  # noqa: BLE001  the letter is safe, and the same answer can be made again
            _log.warning("mllp_answer_not_recorded", letter_id=letter, error=type(error).__name__)

    async def _letter(
        self, content: bytes, request: Msh, source: MllpSource, letter: LetterId, at: datetime
    ) -> ReceivedLetter:
        return ReceivedLetter(
            id=letter,
            door=Door.MLLP,
            source=source.name,
            envelope=Envelope(sender=source.report_to, recipients=(Recipient(address=self._settings.recipient),)),
            content=content,
            received_at=at,
            replay_key=await beside(len(content), replay_key, source.name, request.field(10), content),
        )

    def _source(self, request: Msh, listener: MllpListener, certificate: Mapping[str, Any] | None) -> MllpSource:
        """By certificate, else by MSH-3 and MSH-4, else the listener's.

        A source with applications has no others; one with certificate names is nobody's who shows none of them (E4).
        Once names are listed, a certificate that stands for nobody opens no other way either.
        """
        names = names_of(certificate) if certificate else frozenset()
        sources = self._settings.sources
        shown = [source for source in sources if source.certificate_names & names]
        named = [source for source in shown or sources if request.application in source.applications]
        open_to_any = [source for source in shown if not source.applications]
        found = (
            named[:1] or open_to_any or [source for source in sources if not shown and source.name == listener.source]
        )
        if len(found) != 1 or (found[0].applications and not named):
            raise UnreadableDocument((_finding("MSH-3", "unknown-application", _UNKNOWN_APPLICATION),))
        unlisted = bool(names) and any(source.certificate_names for source in sources)
        if not shown and (found[0].certificate_names or unlisted):
            raise UnreadableDocument((_finding("MSH-3", "unknown-certificate", _UNKNOWN_CERTIFICATE),))
        return found[0]

    def _refuse_unfit(self, frame: Frame, request: Msh) -> None:
        if frame.too_large:
            words = f"message larger than {self._settings.limits.max_size >> 20} MB, the limit of this gateway"
            raise UnreadableDocument((_finding("MSH", "too-large", words),))
        if frame.crowded:
            raise Busy("no room for a block of this size")
        if request is DEFAULT:
            words = "there is no MSH segment with five separators at the start; send one whole HL7 v2 message"
            raise UnreadableDocument((_finding("MSH", "no-msh", words),))
        if not request.field(10):
            words = "MSH-10 is empty; give each message its own control id"
            raise UnreadableDocument((_finding("MSH-10", "no-control-id", words),))


_UNKNOWN_APPLICATION = "MSH-3 and MSH-4 are not known to this gateway; have the application added to its settings"

_UNKNOWN_CERTIFICATE = "this application has to show its own client certificate; connect with it by TLS"


def names_of(certificate: Mapping[str, Any]) -> frozenset[str]:  # Any: what ssl.getpeercert() returns
    """``commonName=…``, ``DNS:…``, ``email:…`` of a verified certificate, as settings write them."""
    names = {f"{kind}:{value}" for kind, value in certificate.get("subjectAltName", ())}
    for part in certificate.get("subject", ()):
        names.update(f"{key}={value}" for key, value in part)
    return frozenset(names)


def replay_key(source: str, control_id: bytes, content: bytes) -> bytes:
    """The same MSH-10 with the same bytes is the same letter; with other bytes it is a new one."""
    digest = sha256(b"mllp")
    for part in (source.encode(), control_id):
        digest.update(len(part).to_bytes(4, "big") + part)
    digest.update(content)
    return digest.digest()


def _finding(place: str, code: str, words: str) -> Finding:
    return Finding(severity=Severity.ERROR, place=place, code=code, message=words)


def _refused(request: Msh, error: HuitaineError, *, letter: str, at: datetime) -> bytes:
    complaint = Complaint(condition="199", code=error.status, words=error.words)
    return acknowledge(request, Answer.CORRECT, letter=letter, at=at, complaints=(complaint,))


def _again(request: Msh, words: str, *, letter: str, at: datetime, code: str) -> bytes:
    """AR; the reference is the end of the letter's id, which the journal has whole."""
    complaint = Complaint(condition="207", code=code, words=f"{words} (reference {letter[-8:]})")
    return acknowledge(request, Answer.AGAIN, letter=letter, at=at, complaints=(complaint,))


def _temporary(status: str) -> str:
    return status if status.startswith("4") else "4.3.0"
