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
    first_pause: float = 0.2  # before the first reconnect; doubles with each that fails
    longest_pause: float = 30.0
    settled_after: float = 10.0  # a session that stood this long starts pauses afresh
    refused_again: float = 30.0  # between attempts to attach what was refused for now only
