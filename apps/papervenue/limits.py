"""The venue's rate limits: so many requests in any second, on one connection."""

from __future__ import annotations

from collections import deque

from apps.openapi_wire.enums import ErrorCode
from apps.openapi_wire.payloads import PayloadType

HISTORY = frozenset(
    {
        PayloadType.PROTO_OA_DEAL_LIST_REQ,
        PayloadType.PROTO_OA_DEAL_LIST_BY_POSITION_ID_REQ,
        PayloadType.PROTO_OA_ORDER_LIST_REQ,
        PayloadType.PROTO_OA_ORDER_LIST_BY_POSITION_ID_REQ,
        PayloadType.PROTO_OA_CASH_FLOW_HISTORY_LIST_REQ,
    }
)
BLOCK_S = 1


class RateLimit:
    """Sliding window of one second.

    A client that goes on at twice the rate is blocked for the payload type altogether and
    told how long.
    """

    __slots__ = ("_blocked", "_limit", "_refused", "_taken")

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._taken: deque[float] = deque()
        self._refused: deque[float] = deque()
        self._blocked: dict[int, float] = {}

    def refusal(self, payload_type: int, now_s: float) -> tuple[ErrorCode, int] | None:
        """Why a request is refused now, with the seconds to wait where it is blocked."""
        if self._limit is None:
            return None
        if now_s < self._blocked.get(payload_type, 0.0):
            return ErrorCode.BLOCKED_PAYLOAD_TYPE, BLOCK_S
        for window in (self._taken, self._refused):
            while window and window[0] <= now_s - 1:
                window.popleft()
        if len(self._taken) < self._limit:
            self._taken.append(now_s)
            return None
        self._refused.append(now_s)
        if len(self._refused) > self._limit:
            self._blocked[payload_type] = now_s + BLOCK_S
            return ErrorCode.BLOCKED_PAYLOAD_TYPE, BLOCK_S
        return ErrorCode.REQUEST_FREQUENCY_EXCEEDED, 0
