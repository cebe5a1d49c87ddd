"""The sending side: SMTP submission (RFC 5321, RFC 4954) over a plain local socket.

Faults strike the DATA command, as operation "SMTP DATA":

    refuse_before        the connection ends before DATA is answered; nothing is stored
    reset_after          the message is stored, the connection ends before the 250
    status               DATA is answered `status` and `body`, e.g. 451 "4.3.0 Try again later"
    status_after_effect  the message is stored, then answered `status` and `body`
    rate_limit           451 4.7.1, nothing is stored
    unauthorized         530 5.7.0, nothing is stored
    slow                 the message is stored, the 250 comes `delay` seconds later
    half_answer, garbage the message is stored, then answered by what no reply may look like
"""

import asyncio
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from sandbox.fault_rules import FaultBoard, FaultRule
from sandbox.faults import drop_connection
from sandbox.mail.post_office import PostOffice

ACCEPTED = "250 2.0.0 OK: queued"
RATE_LIMITED = "451 4.7.1 Too many messages, try again later"
UNAUTHORIZED = "530 5.7.0 Authentication required"
GARBAGE = "!! not a reply"


class Submission(SMTP):
    """One SMTP connection."""

    def __init__(self, office: PostOffice, board: FaultBoard) -> None:
        """Serve a connection that delivers to `office` and suffers what `board` says."""
        super().__init__(
            _Handler(office),
            hostname="mail.sandbox.invalid",
            enable_SMTPUTF8=True,
            auth_required=True,
            auth_require_tls=False,
            authenticator=_authenticator(office),
        )
        self._board = board
        self.rule: FaultRule | None = None

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - the name is aiosmtpd's
        """Answer DATA, or suffer a fault before it has any effect."""
        self.rule = self._board.take("SMTP DATA")
        fault = self.rule.fault if self.rule else ""
        if fault == "refuse_before":
            drop_connection(self._live_transport(), reset=False)
        elif fault in ("status", "rate_limit", "unauthorized"):
            await self.push(_refusal(self.rule))
        else:
            await super().smtp_DATA(arg)

    async def suffer_after_effect(self) -> str:
        """Return the reply to a stored message, or suffer the fault that DATA drew."""
        if self.rule is None:
            return ACCEPTED
        if self.rule.fault == "reset_after":
            drop_connection(self._live_transport(), reset=True)
        elif self.rule.fault == "slow":
            await asyncio.sleep(self.rule.delay)
        elif self.rule.fault == "status_after_effect":
            return _refusal(self.rule)
        elif self.rule.fault in ("garbage", "half_answer"):
            return GARBAGE
        return ACCEPTED

    def _live_transport(self) -> asyncio.Transport:
        if not isinstance(self.transport, asyncio.Transport):
            raise ConnectionResetError("the client is gone")
        return self.transport


def _refusal(rule: FaultRule | None) -> str:
    if rule is None or rule.fault == "rate_limit":
        return RATE_LIMITED
    if rule.fault == "unauthorized":
        return UNAUTHORIZED
    return f"{rule.answer.status} {rule.answer.body.decode() or '4.3.0 Try again later'}"


class _Handler:
    """What the SMTP server asks at RCPT and at the end of DATA."""

    def __init__(self, office: PostOffice) -> None:
        self._office = office

    async def handle_RCPT(  # noqa: N802 - the hook's name and arguments are aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if rejection := self._office.rejection(address):
            return rejection
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: Submission, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        self._office.accept(envelope.mail_from or "", [str(name) for name in envelope.rcpt_tos], raw)
        return await server.suffer_after_effect()


def _authenticator(office: PostOffice) -> Any:
    def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        known = isinstance(data, LoginPassword) and office.admits(data.login, data.password)
        return AuthResult(success=known, handled=False)

    return authenticate
