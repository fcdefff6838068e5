"""Token buckets for a platform's request limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


class TokenBucket:
    """Allows ``rate`` requests a second with bursts up to ``burst``; ``rate`` 0 is unlimited.

    The clock is monotonic seconds and can be replaced for tests.
    """

    __slots__ = ("_clock", "_tokens", "_updated", "burst", "rate")

    def __init__(
        self, rate: float, burst: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rate = rate
        self.burst = burst if burst is not None else rate
        self._clock = clock
        self._tokens = self.burst
        self._updated = clock()

    def take(self, up_to: int) -> int:
        """Take at most ``up_to`` tokens that are there now and say how many were taken."""
        if self.rate <= 0:
            return up_to
        self._refill()
        granted = min(up_to, int(self._tokens))
        self._tokens -= granted
        return granted

    def available(self) -> float:
        """Tokens that are there now; infinity where unlimited."""
        if self.rate <= 0:
            return float("inf")
        self._refill()
        return self._tokens

    def wait_s(self, tokens: int = 1) -> float:
        """Seconds until ``tokens`` tokens are there."""
        if self.rate <= 0:
            return 0.0
        self._refill()
        missing = min(tokens, self.burst) - self._tokens
        return max(0.0, missing / self.rate)

    def drain(self, seconds: float) -> None:
        """The platform said 'too many': nothing for that long."""
        self._refill()
        self._tokens = -self.rate * seconds

    def _refill(self) -> None:
        now = self._clock()
        self._tokens = min(self.burst, self._tokens + (now - self._updated) * self.rate)
        self._updated = now


class Limits:
    """A session's buckets: one for requests of all kinds, a narrower one for history.

    Orders are written by the gateway, which takes their tokens by :meth:`take_orders` in the
    order of priority. Queries wait for a token here and leave ``reserve`` tokens for orders.
    """

    def __init__(self, requests: TokenBucket, history: TokenBucket, reserve: int = 0) -> None:
        self.requests = requests
        self.history = history
        self.reserve = reserve

    def take_orders(self, up_to: int) -> int:
        """Tokens for orders that will be written now."""
        return self.requests.take(up_to)

    async def query(self, *, history: bool = False) -> None:
        """Wait for the turn of one query, after the orders."""
        while history and not self.history.take(1):
            await asyncio.sleep(self.history.wait_s())
        while self.requests.available() < 1 + self.reserve or not self.requests.take(1):
            await asyncio.sleep(max(0.005, self.requests.wait_s(1 + self.reserve)))
