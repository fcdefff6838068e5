"""The platform's clock against ours, seen through messages that it has just stamped."""

from __future__ import annotations

WINDOW_MS = 120_000


class ClockOffset:
    """Platform clock minus ours, in milliseconds.

    A message that the platform stamps and sends at once arrives later by the way it took,
    never earlier. So of all observations ``stamp - received`` the largest is nearest to the
    truth; it is kept over two windows, so that a clock that is set right is noticed.
    """

    __slots__ = ("_best", "_previous", "_window_start")

    def __init__(self) -> None:
        self._best: int | None = None
        self._previous: int | None = None
        self._window_start = 0

    def observe(self, stamp_ms: int, received_ms: int) -> None:
        if received_ms - self._window_start > WINDOW_MS:
            self._previous, self._best = self._best, None
            self._window_start = received_ms
        offset = stamp_ms - received_ms
        if self._best is None or offset > self._best:
            self._best = offset

    @property
    def value_ms(self) -> int:
        """0 until something was observed."""
        known = [value for value in (self._best, self._previous) if value is not None]
        return max(known, default=0)
