"""How long the adapter waits for what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. The server ends a session that has been silent, so each side beats."""

    dial: float = 10.0
    answer: float = 10.0
    heartbeat: float = 10.0
    dead_after: float = 30.0  # without a single byte
    first_pause: float = 0.2  # before the first reconnect
    growth: float = 1.4  # of the pause, with each attempt that fails
    longest_pause: float = 30.0
    settled: float = 10.0  # a session that stood this long starts pauses afresh, if not one before
    refused_again: float = 30.0  # between attempts to attach what was refused for now only

    def pause(self, failures: int) -> float:
        """Before the next attempt to reconnect: some four tenths of what the outage has lasted.

        A platform that is back waits no longer than that for its gateway.
        """
        return float(min(self.longest_pause, self.first_pause * self.growth ** min(failures, 32)))

    def settled_after(self, failures: int) -> float:
        """How long a session must stand so that the next outage starts with the first pause.

        As long as the pause would be: outages in short order do not add up to one long pause, and
        a platform that ends each session at once is still asked ever less often.
        """
        return min(self.settled, self.pause(failures))
