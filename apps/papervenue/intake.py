"""What arrives at the venue, on its way to a handler, past limits and faults.

All frames that were read in one turn of the loop are handled together; then the venue commits
once and every session writes once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from apps.openapi_wire import Frame, FrameError, UnknownPayload, messages
from apps.openapi_wire.enums import ErrorCode
from apps.openapi_wire.payloads import CommonPayloadType
from apps.papervenue.engine import Order, Refused
from apps.papervenue.faults import Fault, FaultRule
from apps.papervenue.limits import HISTORY
from apps.papervenue.outbox import Held, Request
from apps.papervenue.requests import HANDLERS
from apps.papervenue.requests.access import BEFORE_APPLICATION
from apps.papervenue.requests.trading import HANDLERS as TRADING

if TYPE_CHECKING:
    from apps.papervenue.session import Session
    from apps.papervenue.venue import Venue

log = logging.getLogger(__name__)
HEARTBEAT = CommonPayloadType.HEARTBEAT_EVENT


class Intake:
    """The queue of frames and the one place where they are worked on."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._outbox = venue.outbox
        self._queue: deque[tuple[Session, Frame]] = deque()
        self._reordered: list[Held] = []
        self.awake = False

    def arrived(self, session: Session, frames: list[Frame]) -> None:
        """Frames that a session has read; they are handled when this turn has read all."""
        self._queue.extend((session, frame) for frame in frames)
        if not self.awake:
            self.awake = True
            asyncio.get_running_loop().call_soon(self.turn)

    def turn(self) -> None:
        """Handle a batch, settle, and come again where more waits."""
        queue = self._queue
        for _ in range(min(len(queue), self._venue.config.batch)):
            session, frame = queue.popleft()
            if not session.closed and frame.payload_type != HEARTBEAT:
                self._take(session, frame)
        self._venue.settle()
        self.awake = bool(queue)
        if queue:
            asyncio.get_running_loop().call_soon(self.turn)

    def _take(self, session: Session, frame: Frame) -> None:
        self._outbox.request = Request(session, frame.client_msg_id, None)
        try:
            message = self._admit(session, frame)
            rule = self._strike(frame, message)
            if rule is None or not self._stopped(rule, session, frame, message):
                self._handle(session, frame, message, rule)
        except Refused as refused:
            self._answer_error(refused, 0)
        finally:
            self._outbox.request = None

    def _strike(self, frame: Frame, message: Any) -> FaultRule | None:
        faults = self._venue.faults
        if not faults:
            return None
        return faults.strike(frame.payload_type, getattr(message, "ctidTraderAccountId", 0))

    def _admit(self, session: Session, frame: Frame) -> Any:
        """The parsed request. Refused: too many, not served, not signed in, or broken."""
        kind = frame.payload_type
        limit = session.history_limit if kind in HISTORY else session.limit
        refusal = limit.refusal(kind, time.monotonic())
        if refusal is not None:
            raise Refused(refusal[0], "too many requests", retry_after=refusal[1])
        if kind not in HANDLERS:
            raise Refused(ErrorCode.UNSUPPORTED_MESSAGE, f"payload type {kind} is not served")
        if not session.application and kind not in BEFORE_APPLICATION:
            raise Refused(ErrorCode.CH_CLIENT_NOT_AUTHENTICATED, "the application is not signed in")
        try:
            return frame.message()
        except (FrameError, UnknownPayload) as error:
            raise Refused(ErrorCode.INVALID_REQUEST, str(error)) from error

    def _handle(self, session: Session, frame: Frame, message: Any, rule: FaultRule | None) -> None:
        request = self._outbox.request = Request(session, frame.client_msg_id, rule)
        try:
            HANDLERS[frame.payload_type](self._venue, session, message)
        except Refused as refused:
            self._refuse(session, frame, message, refused)
        except Exception:  # one broken request must not end the venue for all
            log.exception("a request of type %s failed", frame.payload_type)
            self._answer_error(Refused(ErrorCode.UNKNOWN_ERROR, "the venue failed on it"), 0)
        finally:
            self._outbox.request = None
        if rule is not None:
            self._finish(rule, request, session)
        elif self._reordered:
            self._deliver_reordered()

    def _refuse(self, session: Session, frame: Frame, message: Any, refused: Refused) -> None:
        """Trading is refused by an order error event, everything else by an error answer."""
        account = getattr(message, "ctidTraderAccountId", 0)
        if frame.payload_type not in TRADING or account not in session.accounts:
            self._answer_error(refused, account)
            return
        self._outbox.reply(
            messages.ProtoOAOrderErrorEvent(
                ctidTraderAccountId=account,
                errorCode=refused.code,
                orderId=refused.order_id or None,
                positionId=refused.position_id or None,
                description=refused.description,
            )
        )

    def _answer_error(self, refused: Refused, account: int) -> None:
        self._outbox.reply(
            messages.ProtoOAErrorRes(
                ctidTraderAccountId=account or None,
                errorCode=refused.code,
                description=refused.description,
                retryAfter=refused.retry_after or None,
            )
        )

    def _stopped(self, rule: FaultRule, session: Session, frame: Frame, message: Any) -> bool:
        """Whether a fault keeps a request from being carried out now."""
        match rule.action:
            case Fault.DROP:
                return True
            case Fault.DISCONNECT:
                session.cut()
                return True
            case Fault.DELAY:
                self._after(rule, self._late, session, frame, message)
                return True
            case Fault.REJECT:
                refused = Refused(rule.code, "refused by the fault plan")
                self._refuse(session, frame, message, refused)
                return True
            case _:
                return False

    def _finish(self, rule: FaultRule, request: Request, session: Session) -> None:
        """What a fault does once its request has been carried out."""
        if rule.action is Fault.DELAY_ANSWER:
            self._after(rule, self._deliver, request.held)
        elif rule.action is Fault.REORDER:
            self._reordered += reversed(request.held)
            self._after(rule, self._deliver_reordered)
        elif rule.action is Fault.DISCONNECT_AFTER:
            session.cut_after_commit = True

    def later(self, rule: FaultRule, order: Order) -> None:
        """What becomes of an order that the fault plan filled in part."""
        if rule.action is Fault.PARTIAL_CANCEL:
            self._venue.engine.abandon(order, self._venue.now())
        else:
            self._after(rule, self._complete, order)

    def _complete(self, order: Order) -> None:
        self._venue.engine.complete(order, self._venue.now())

    def _late(self, session: Session, frame: Frame, message: Any) -> None:
        if not session.closed:
            self._handle(session, frame, message, None)

    def _deliver(self, held: list[Held]) -> None:
        for session, frame in held:
            session.send(frame)

    def _deliver_reordered(self) -> None:
        held, self._reordered = self._reordered, []
        self._deliver(held)

    def _after(self, rule: FaultRule, do: Any, *terms: Any) -> None:
        """Do something when the rule's delay is over, and settle what it did."""

        def run() -> None:
            do(*terms)
            self._venue.settle()

        asyncio.get_running_loop().call_later(rule.delay_ms / 1000, run)
