"""Requests that were written and not answered yet."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from apps.openapi_wire import Frame, PayloadType
from apps.openapi_wire.enums import ExecutionType
from apps.platforms.adapters.ctrader.errors import RATE_LIMITED, is_retryable, pause_s
from apps.platforms.ports import Answer, SubmitResult

_EXECUTION = int(PayloadType.PROTO_OA_EXECUTION_EVENT)
_REFUSALS = frozenset({int(ExecutionType.ORDER_REJECTED), int(ExecutionType.ORDER_CANCEL_REJECTED)})


class OrderAnswers:
    """Futures of written orders by client order id, with one timer for all deadlines.

    An order is accepted with the first execution event that carries its id, whichever that
    is, unless it says that the order or its cancellation was refused.
    """

    __slots__ = ("_deadlines", "_due", "_loop", "_timer", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[str, asyncio.Future[SubmitResult]] = {}
        self._deadlines: deque[tuple[float, list[str]]] = deque()
        self._timer: asyncio.Handle | None = None
        self._due = 0.0  # when the timer strikes; a handle of uvloop does not always know

    def __contains__(self, client_order_id: str) -> bool:
        return client_order_id in self._waiting

    def expect(self, client_order_id: str, future: asyncio.Future[SubmitResult]) -> bool:
        """Wait for this answer; False when one with the same id is waited for already."""
        return self._waiting.setdefault(client_order_id, future) is future

    def give_until(self, deadline: float, client_order_ids: list[str]) -> None:
        """On the loop's clock; what is not answered by then is UNKNOWN."""
        self._deadlines.append((deadline, client_order_ids))
        if self._timer is None or deadline < self._due:
            self._schedule()

    def take(self, frame: Frame, received_at: datetime) -> float:
        """Let ``frame`` answer the order that waits for it, if one does.

        Answers the seconds for which the platform wants no more orders, nearly always 0.
        """
        future = self._waiting.pop(frame.client_msg_id, None)
        if future is None:
            return 0.0
        message = frame.message()
        if frame.payload_type == _EXECUTION and message.executionType not in _REFUSALS:
            result = SubmitResult(
                frame.client_msg_id,
                Answer.ACCEPTED,
                platform_order_id=str(message.order.orderId) if message.order.orderId else "",
                answered_at=received_at,
            )
        else:
            result = _refusal(frame.client_msg_id, message, received_at)
        if not future.done():
            future.set_result(result)
        return pause_s(message) if result.code in RATE_LIMITED else 0.0

    def break_off(self, reason: str) -> None:
        """The session ended: nobody knows of those that are still waiting."""
        self._resolve(list(self._waiting), "SESSION_LOST", reason)
        self._deadlines.clear()
        self._schedule()

    def _sweep(self) -> None:
        now = self._loop.time()
        late = [entry for entry in self._deadlines if entry[0] <= now]
        self._deadlines = deque(entry for entry in self._deadlines if entry[0] > now)
        for _, ids in late:
            self._resolve(ids, "NO_ANSWER", "the platform did not answer in time")
        self._schedule()

    def _schedule(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._deadlines:
            self._due = min(at for at, _ in self._deadlines)
            self._timer = self._loop.call_at(self._due, self._sweep)

    def _resolve(self, ids: Iterable[str], code: str, message: str) -> None:
        for client_order_id in ids:
            future = self._waiting.pop(client_order_id, None)
            if future is not None and not future.done():
                future.set_result(
                    SubmitResult(client_order_id, Answer.UNKNOWN, code=code, message=message)
                )


def _refusal(client_order_id: str, message: Any, received_at: datetime) -> SubmitResult:
    code = message.errorCode or "ORDER_REJECTED"
    return SubmitResult(
        client_order_id,
        Answer.REJECTED,
        code=code,
        message=getattr(message, "description", ""),
        retryable=is_retryable(code),
        answered_at=received_at,
    )
