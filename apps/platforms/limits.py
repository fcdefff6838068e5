"""A platform's request limits, counted here so that the platform need not refuse."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

# A little more than the second in which platforms count: two requests that left more than
# a second apart can arrive closer together.
WINDOW_S = 1.02
#: For so long the busiest window is remembered, for those who look.
BUSIEST_S = 60.0


class TokenBucket:
    """Grants at most ``rate`` tokens in any window of :data:`WINDOW_S`; ``rate`` 0: unlimited.

    A window, not a leaking bucket: a bucket that starts full lets twice its rate pass within
    its first second, which the platform refuses. The clock is monotonic seconds and can be
    replaced for tests.
    """

    __slots__ = (
        "_blocked_until",
        "_busiest",
        "_busiest_at",
        "_clock",
        "_granted",
        "_in_window",
        "rate",
    )

    def __init__(self, rate: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self._clock = clock
        self._granted: deque[tuple[float, int]] = deque()
        self._in_window = 0
        self._blocked_until = 0.0
        self._busiest, self._busiest_at = 0, 0.0

    def busiest(self) -> int:
        """Most tokens that were taken in one window within the last minute; unlimited: 0."""
        if self._clock() - self._busiest_at > BUSIEST_S:
            self._busiest = 0
        return self._busiest

    def take(self, up_to: int) -> int:
        """Take at most ``up_to`` tokens that are there now and say how many were taken."""
        if self.rate <= 0:
            return up_to
        now = self._clock()
        granted = min(up_to, self._free(now))
        if granted > 0:
            self._granted.append((now, granted))
            self._in_window += granted
            if self._in_window >= self.busiest():
                self._busiest, self._busiest_at = self._in_window, now
        return granted

    def available(self) -> float:
        """Tokens that are there now; infinity where unlimited."""
        return float("inf") if self.rate <= 0 else self._free(self._clock())

    def wait_s(self, tokens: int = 1) -> float:
        """Seconds until ``tokens`` tokens (at most ``rate``) are there."""
        if self.rate <= 0:
            return 0.0
        now = self._clock()
        missing = min(tokens, self.rate) - self._free(now)
        ready = self._blocked_until
        if missing > 0:
            for at, count in self._granted:
                missing -= count
                ready = max(ready, at + WINDOW_S)
                if missing <= 0:
                    break
        return max(0.0, ready - now)

    def leave(self, taken_at: float) -> None:
        """What was taken since ``taken_at`` leaves only now, so its window begins now."""
        late = 0
        while self._granted and self._granted[-1][0] >= taken_at:
            late += self._granted.pop()[1]
        if late:
            self._granted.append((self._clock(), late))

    def give_back(self, count: int, taken_at: float) -> None:
        """``count`` tokens of those taken since ``taken_at`` were not used after all."""
        for index, (at, taken) in enumerate(self._granted):
            if at >= taken_at and count > 0:
                unused = min(count, taken)
                self._granted[index] = (at, taken - unused)
                self._in_window -= unused
                count -= unused

    def now(self) -> float:
        """The bucket's clock."""
        return self._clock()

    def drain(self, seconds: float) -> None:
        """The platform said 'too many': nothing for that long."""
        self._blocked_until = max(self._blocked_until, self._clock() + seconds)

    def _free(self, now: float) -> int:
        while self._granted and self._granted[0][0] <= now - WINDOW_S:
            self._in_window -= self._granted.popleft()[1]
        return 0 if now < self._blocked_until else self.rate - self._in_window


class Limits:
    """A session's buckets: one for requests of all kinds, a narrower one for history.

    Orders are written by the gateway, which takes their tokens by :meth:`take_orders` in the
    order of priority. Queries wait here for their turn, first come first served, and leave
    ``reserve`` tokens for orders.
    """

    def __init__(self, requests: TokenBucket, history: TokenBucket, reserve: int = 0) -> None:
        self.requests = requests
        self.history = history
        self.reserve = reserve
        self._taken_at = 0.0
        self._query_turn = asyncio.Lock()
        self._history_turn = asyncio.Lock()

    @classmethod
    def per_second(cls, requests: int, history: int) -> Limits:
        """Limits by rate; 0 is unlimited. A fifth of the requests is kept for orders."""
        return cls(TokenBucket(requests), TokenBucket(history), reserve=requests // 5)

    def take_orders(self, up_to: int) -> int:
        """Tokens for orders that will be written next; say so by :meth:`orders_leave`."""
        self._taken_at = self.requests.now()
        return self.requests.take(up_to)

    def orders_leave(self) -> None:
        """The orders whose tokens were taken last are written now.

        Between the two lies a commit. Had it taken long, and did the window count from the
        taking, the next orders could reach the platform within the same second.
        """
        self.requests.leave(self._taken_at)

    def orders_stay(self, count: int) -> None:
        """So many of the orders whose tokens were taken last are not written; others may be."""
        if count > 0:
            self.requests.give_back(count, self._taken_at)

    async def query(self, *, history: bool = False) -> None:
        """Wait for the turn of one query, after the orders."""
        if history:
            async with self._history_turn:
                while not self.history.take(1):
                    await asyncio.sleep(self.history.wait_s() or 0.001)
        if self.requests.rate <= 0:
            return
        async with self._query_turn:
            while self.requests.available() < 1 + self.reserve or not self.requests.take(1):
                await asyncio.sleep(self.requests.wait_s(1 + self.reserve) or 0.001)
