"""DATA: receive in chunks, examine, keep, and only then say yes (design.md, decision 1; promises A1, A7, A8)."""

# ruff: noqa: N802  aiosmtpd finds verbs and mechanisms by these names

from __future__ import annotations

import asyncio

import structlog

from gateway.beside import beside
from gateway.letter import Door, Envelope, ReceivedLetter
from gateway.smtp.reply import Refusal, megabytes, too_large
from gateway.smtp.server.content import examine, replay_key
from gateway.smtp.server.envelope import EnvelopeVerbs
from gateway.smtp.server.scan import DataScan
from gateway.smtp.server.settings import SmtpSource

_CHUNK = 256 << 10
_PATIENCE_WITH_TOO_LARGE = 4
"""So many times the size limit are drained, so that the session stays usable; then the connection ends."""

_BARE_END = "550 5.6.0 Message has a bare CR or LF before its end; lines must end in CRLF"

_log = structlog.get_logger()


class Data(EnvelopeVerbs):
    """The content of a letter, and the answer to it."""

    _committing = False

    async def smtp_DATA(self, arg: str | None) -> None:
        """Replaces aiosmtpd's line loop, 2.2 ms for a letter, by one of chunks, 0.3 ms (traps.md 8)."""
        if await self.check_helo_needed() or await self.check_auth_needed("DATA"):
            return
        if not self.transaction.recipients:
            raise Refusal(503, "5.5.1", "Send RCPT first")
        if arg:
            raise Refusal(501, "5.5.4", "Syntax: DATA")
        self.receiving = True
        self.stop_watching_line()
        try:
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            await self._take(await self._receive())
        except Exception as error:  # noqa: BLE001  the answer must be sent while ``receiving`` still stands
            await self.push(await self.handle_exception(error))
        finally:
            self._end_of_data()

    def _end_of_data(self) -> None:
        self.forget_transaction()
        self.receiving = False
        self.part_after(self.limits.idle.total_seconds())
        if self.door.draining:
            self.farewell("421 4.3.2 Closing")

    async def _receive(self) -> bytes:
        """The content, dots removed; raises ``Refusal`` only after the true end, as RFC 5321 §4.2.5 implies."""
        scan = DataScan(self.limits.max_size)
        held, started = 0, self.loop.time()
        refusal: Exception | None = None
        try:
            while not scan.done:
                chunk = await self._chunk(scan, started)
                scan.feed(chunk)
                refusal = self._excess(scan) or refusal
                try:
                    self.door.hold(scan.held - held)
                    held = scan.held
                except Exception as busy:  # noqa: BLE001  Busy: keep nothing more, but read on to the end
                    refusal = refusal or busy
                    scan.abandon()
        finally:
            self.door.hold(-held)
        self.put_back(scan.rest)
        if refusal is not None:
            raise refusal
        return scan.content()

    async def _chunk(self, scan: DataScan, started: float) -> bytes:
        if scan.looks_ended:
            self.part_after(self.limits.silence.total_seconds(), _BARE_END)
        else:
            self.allow_for(scan.size, started)
        try:
            chunk: bytes = await self._reader.read(_CHUNK)
        except asyncio.CancelledError:
            _log.info("smtp_lost_connection", where="DATA", received=scan.size)
            raise
        if not chunk:
            raise asyncio.IncompleteReadError(b"", None)
        return chunk

    def _excess(self, scan: DataScan) -> Refusal | None:
        if not scan.too_large:
            return None
        if scan.size > _PATIENCE_WITH_TOO_LARGE * self.limits.max_size:
            limit = megabytes(self.limits.max_size)
            self.farewell(f"552 5.3.4 Message larger than {limit} (limit of this gateway)")
        return too_large(self.limits.max_size)

    async def _take(self, content: bytes) -> None:
        source = self.source
        if source is None:
            raise Refusal(530, "5.7.0", "Authentication required")
        sender, marker = self.reverse_path, self.door.settings.loop_marker
        content = await beside(len(content), examine, content, source, self.limits, sender=sender, loop_marker=marker)
        letter = await beside(len(content), self._letter, content, source)
        # aiosmtpd cancels this coroutine when the client goes; what is being committed must be settled (traps.md 2).
        commit = self.loop.create_task(self._keep_and_answer(letter))
        self.door.commits.add(commit)
        commit.add_done_callback(self._settled)
        self.part_after(self.limits.idle.total_seconds(), "421 4.3.0 Storage took too long, try again later")
        self._committing = True
        await asyncio.shield(commit)

    def _letter(self, content: bytes, source: SmtpSource) -> ReceivedLetter:
        transaction, sender = self.transaction, self.reverse_path
        recipients = tuple(transaction.recipients.values())
        return ReceivedLetter(
            id=self.door.ids(),
            door=Door.SMTP,
            source=source.name,
            envelope=Envelope(sender=sender, recipients=recipients, ret=transaction.ret, envid=transaction.envid),
            content=content,
            received_at=self.door.clock(),
            replay_key=replay_key(source.name, sender, list(transaction.recipients), content),
            peer=None if source.peer is None else dict(source.peer),
        )

    async def _keep_and_answer(self, letter: ReceivedLetter) -> None:
        """Keep; then answer or withdraw, with no await between looking whether the client still waits and answering."""
        kept = await self.door.intake.keep(letter)
        if (self.client_gone or self.deaf) and not kept.again:
            withdrawn = await self.door.intake.withdraw(kept.id)
            _log.info("smtp_client_gone", letter_id=kept.id, withdrawn=withdrawn)
            self.farewell("451 4.4.2 Connection half closed before the answer; send again")
            return
        _log.info("smtp_kept", letter_id=kept.id, source=letter.source, size=len(letter.content), again=kept.again)
        self.forgive()
        await self.push(f"250 2.0.0 Queued as {kept.id}")

    def _settled(self, commit: asyncio.Task[None]) -> None:
        self._committing = False
        self.door.commits.discard(commit)
        error = None if commit.cancelled() else commit.exception()
        if error is not None and self.client_gone:
            _log.warning("smtp_not_kept", error=type(error).__name__)

    def eof_received(self) -> bool | None:
        """A client that closes its side during the commit is gone (promise A7): settle, then tell a half-closed one."""
        self.client_gone = True
        if self._committing:
            return not self.encrypted
        return bool(super().eof_received())
