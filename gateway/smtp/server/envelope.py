"""MAIL and RCPT: who may write, to whom, and what they ask to hear back (RFC 5321 §3.3, RFC 3461)."""

# ruff: noqa: N802  aiosmtpd finds verbs and mechanisms by these names

from __future__ import annotations

from gateway.letter import Recipient
from gateway.smtp.reply import Refusal, too_large
from gateway.smtp.server.addresses import check_utf8, parse_path
from gateway.smtp.server.auth import Auth
from gateway.smtp.server.dsn import DsnWishes, take_mail_parameters, take_rcpt_parameters
from gateway.smtp.server.settings import NULL_SENDER

_NOTHING = DsnWishes(rest="")


class EnvelopeVerbs(Auth):
    """aiosmtpd's MAIL and RCPT with a strict address parser and DSN parameters in place of its own."""

    _recipient = False
    wishes = _NOTHING

    async def smtp_MAIL(self, arg: str | None) -> None:
        """As aiosmtpd; the store is asked first whether it could take a letter (promise A6)."""
        self._recipient = False
        await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:
        """As aiosmtpd."""
        self._recipient = True
        await super().smtp_RCPT(arg)

    def _getaddr(self, arg: str) -> tuple[str, str]:
        address, parameters = parse_path(arg, recipient=self._recipient)
        if self._recipient:
            self.wishes = take_rcpt_parameters(parameters)
            check_utf8(address, smtputf8=self.transaction.smtp_utf8)
        else:
            self.wishes = take_mail_parameters(parameters)
            names = {parameter.upper() for parameter in parameters.split()}
            check_utf8(address, smtputf8="SMTPUTF8" in names)
            self._check_size(names)
        return address or NULL_SENDER, self.wishes.rest

    def _check_size(self, names: set[str]) -> None:
        for name in names:
            size = name.removeprefix("SIZE=")
            if size != name and size.isdecimal() and (len(size) > 20 or int(size) > self.limits.max_size):
                raise too_large(self.limits.max_size)

    def begin(self, sender: str) -> str:
        """MAIL: the transaction's sender, whom the source may be (promise E6)."""
        self.door.settings.admit()
        source = self.source
        if source is None or not source.may_write_as(sender):
            raise Refusal(553, "5.7.1", "Sender not allowed for this account")
        self.transaction.mail_from = sender
        self.transaction.ret, self.transaction.envid = self.wishes.ret, self.wishes.envid
        return "250 2.1.0 Sender OK"

    async def add(self, address: str) -> str:
        """RCPT: one more recipient; the same one twice counts once."""
        transaction = self.transaction
        if len(transaction.recipients) >= self.limits.max_recipients:
            raise Refusal(452, "4.5.3", "Too many recipients")
        if self.source is None or not self.door.settings.may_receive(self.source.name, address):
            raise Refusal(550, "5.7.1", f"Relaying not allowed for <{address}>")
        await self.door.settings.asks(self.reverse_path, address)
        local, _, domain = address.rpartition("@")
        recipient = Recipient(address=address, notify=self.wishes.notify, orcpt=self.wishes.orcpt)
        if transaction.recipients.setdefault(f"{local}@{domain.lower()}", recipient) is recipient:
            transaction.rcpt_tos.append(address)
        return "250 2.1.5 Recipient OK"

    @property
    def reverse_path(self) -> str:
        """MAIL FROM as envelopes have it: empty for the null one."""
        sender = str(self.transaction.mail_from)
        return "" if sender == NULL_SENDER else sender
