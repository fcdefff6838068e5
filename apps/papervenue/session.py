"""One session of a client with the venue."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, cast

from apps.openapi_wire import FrameDecoder, FrameError, encode_frame, messages
from apps.papervenue.limits import RateLimit

if TYPE_CHECKING:
    from apps.papervenue.venue import Venue

MAX_UNSENT_BYTES = 64 * 1024 * 1024
"""A client that lets this much pile up does not read any more."""


class Session(asyncio.Protocol):
    """Reads frames for the venue and writes what the venue collected for it."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._decoder = FrameDecoder()
        self._transport: asyncio.Transport | None = None
        self._out: list[bytes] = []
        self._heard = self._sent = time.monotonic()
        self.closed = False
        self.cut_after_commit = False
        self.application = False
        self.accounts: set[int] = set()
        self.spots: dict[int, set[int]] = {}
        self.stamped: set[tuple[int, int]] = set()
        self.limit = RateLimit(venue.config.rate_limit)
        self.history_limit = RateLimit(venue.config.history_rate_limit)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by class
        self._venue.sessions.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._venue.gone(self)

    def data_received(self, data: bytes) -> None:
        self._heard = time.monotonic()
        try:
            frames = self._decoder.feed(data)
        except FrameError as error:
            self.end(f"the session is ended: {error}")
            return
        if frames:
            self._venue.intake.arrived(self, frames)

    @property
    def dirty(self) -> bool:
        """Whether something waits to be written, or to be cut."""
        return bool(self._out) or self.cut_after_commit

    def send(self, frame: bytes) -> None:
        """Collect a frame; it leaves with the next flush."""
        self._out.append(frame)

    def flush(self) -> None:
        if self.cut_after_commit:
            self.cut()
        elif self._transport is not None and not self.closed:
            out, self._out = self._out, []
            self._transport.write(b"".join(out))
            self._sent = time.monotonic()
            if self._transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
                self.cut()

    def keep_alive(self, now_s: float) -> None:
        """Send a heartbeat where nothing was sent; end a session that has gone silent."""
        config = self._venue.config
        if now_s - self._heard > config.silence_s:
            self.end("no heartbeat was received")
        elif now_s - self._sent >= config.heartbeat_s:
            self.send(encode_frame(messages.ProtoHeartbeatEvent()))

    def end(self, reason: str) -> None:
        """Say why, then close."""
        self.send(encode_frame(messages.ProtoOAClientDisconnectEvent(reason=reason)))
        self.flush()
        self.closed = True
        if self._transport is not None:
            self._transport.close()

    def cut(self) -> None:
        """Close at once, without a word; what was not written yet is lost."""
        self.closed = True
        self._out = []
        self.cut_after_commit = False
        if self._transport is not None:
            self._transport.abort()
