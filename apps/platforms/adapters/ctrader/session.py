"""One TCP or TLS connection: frames, questions and their answers, heartbeats."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

from apps.openapi_wire import (
    Frame,
    FrameDecoder,
    FrameError,
    PayloadType,
    UnknownPayload,
    encode_frame,
    messages,
)
from apps.platforms.adapters.ctrader.answers import OrderAnswers
from apps.platforms.adapters.ctrader.errors import RATE_LIMITED, Throttled, pause_s
from apps.platforms.adapters.ctrader.timing import Timing
from apps.platforms.ports import PlatformError

QUERY_MARK = "?"  # begins the message ids of queries; ids of orders never do

_EVENTS = frozenset(
    int(kind)
    for kind in (
        PayloadType.PROTO_OA_EXECUTION_EVENT,
        PayloadType.PROTO_OA_SPOT_EVENT,
        PayloadType.PROTO_OA_TRAILING_SL_CHANGED_EVENT,
        PayloadType.PROTO_OA_SYMBOL_CHANGED_EVENT,
        PayloadType.PROTO_OA_TRADER_UPDATE_EVENT,
        PayloadType.PROTO_OA_ACCOUNTS_TOKEN_INVALIDATED_EVENT,
        PayloadType.PROTO_OA_ACCOUNT_DISCONNECT_EVENT,
        PayloadType.PROTO_OA_CLIENT_DISCONNECT_EVENT,
    )
)
_HEARTBEAT = encode_frame(messages.ProtoHeartbeatEvent())
_ERRORS = (messages.ProtoOAErrorRes, messages.ProtoErrorRes, messages.ProtoOAOrderErrorEvent)

OnEvents = Callable[["Session", list[Frame], datetime], None]
OnThrottle = Callable[[float], None]
OnLost = Callable[["Session", str], None]


class Reply(NamedTuple):
    """A query's answer and when the bytes that hold it were read."""

    message: Any
    received_at: datetime


class Session(asyncio.Protocol):
    """Lives from connection_made to connection_lost; a new connection is a new session.

    ``on_events`` gets the events of one read of the socket together, with the moment of
    that read. It is called before control returns to the loop and must be short.
    """

    def __init__(
        self, timing: Timing, on_events: OnEvents, on_throttle: OnThrottle, on_lost: OnLost
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._timing = timing
        self._on_events = on_events
        self._on_throttle = on_throttle
        self._on_lost = on_lost
        self._decoder = FrameDecoder()
        self._queries: dict[str, asyncio.Future[Reply]] = {}
        self._numbers = itertools.count(1)
        self._transport: asyncio.Transport | None = None
        self._beat: asyncio.TimerHandle | None = None
        self._heard_at = self._loop.time()
        self._reason = ""
        self.orders = OrderAnswers(self._loop)
        self.opened_at = self._loop.time()

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def write(self, data: bytes) -> None:
        """Hand bytes to the socket; raises ConnectionError when the session is over."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionError(self._reason or "the session is over")
        self._transport.write(data)

    async def ask(self, message: Any, timeout: float | None = None) -> Reply:
        """Write a query and wait for its answer; errors as for the Connector's queries."""
        number = f"{QUERY_MARK}{next(self._numbers)}"
        future: asyncio.Future[Reply] = self._loop.create_future()
        self.write(encode_frame(message, number))
        self._queries[number] = future
        try:
            async with asyncio.timeout(timeout or self._timing.answer):
                reply = await future
        except TimeoutError:
            name = type(message).__name__
            raise ConnectionError(f"the platform did not answer {name} in time") from None
        finally:
            self._queries.pop(number, None)
        if isinstance(reply.message, _ERRORS):
            raise _error(reply.message)
        return reply

    def end(self, reason: str = "closed") -> None:
        """Close once what is written has left."""
        self._reason = self._reason or reason
        if self._transport is not None:
            self._transport.close()

    def drop(self, reason: str) -> None:
        """Close now; what the socket has not taken yet is thrown away."""
        self._reason = self._reason or reason
        if self._transport is not None:
            self._transport.abort()
        self.orders.break_off(self._reason)

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)
        self._schedule_beat()

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._loop.time()
        received_at = datetime.now(UTC)
        try:
            self._take(self._decoder.feed(data), received_at)
        except FrameError as error:
            self.drop(f"the platform sent what is no Open API message: {error}")

    def connection_lost(self, exc: Exception | None) -> None:
        if self._beat is not None:
            self._beat.cancel()
        reason = self._reason or (str(exc) if exc else "the platform closed the connection")
        self._reason = reason
        self.orders.break_off(reason)
        for future in self._queries.values():
            if not future.done():
                future.set_exception(ConnectionError(reason))
        self._on_lost(self, reason)

    def _take(self, frames: list[Frame], received_at: datetime) -> None:
        events: list[Frame] = []
        for frame in frames:
            if frame.client_msg_id:
                query = self._queries.get(frame.client_msg_id)
                if query is not None:
                    _answer(query, frame, received_at)
                elif pause := self.orders.take(frame, received_at):
                    self._on_throttle(pause)
            if frame.payload_type in _EVENTS:
                events.append(frame)
        if events:
            self._on_events(self, events, received_at)

    def _schedule_beat(self) -> None:
        pause = min(self._timing.heartbeat, self._timing.dead_after / 3)
        self._beat = self._loop.call_later(pause, self._beat_now)

    def _beat_now(self) -> None:
        silence = self._loop.time() - self._heard_at
        if silence > self._timing.dead_after:
            self.drop(f"nothing was heard from the platform for {silence:.0f} s")
        elif self.is_open:
            self.write(_HEARTBEAT)
            self._schedule_beat()


def _error(message: Any) -> PlatformError:
    if message.errorCode in RATE_LIMITED:
        return Throttled(message.errorCode, message.description, pause_s(message))
    return PlatformError(message.errorCode, message.description)


def _answer(query: asyncio.Future[Reply], frame: Frame, received_at: datetime) -> None:
    if query.done():
        return
    try:
        query.set_result(Reply(frame.message(), received_at))
    except UnknownPayload as error:
        query.set_exception(PlatformError("UNKNOWN_ANSWER", str(error)))
