"""One id from a master's event to the fills of its copies, in the logs of every process.

A trace is told once for each step, with how many orders took it: never a line for each order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

#: Of one step so many traces are told; a burst has more events than anybody reads.
MOST = 50


def told(traces: Iterable[str]) -> list[str]:
    """Distinct traces in their order, at most :data:`MOST`."""
    return list(dict.fromkeys(trace for trace in traces if trace))[:MOST]


def log_steps(log: Any, step: str, orders: Iterable[tuple[str, str]], **fields: Any) -> None:
    """A line for each trace: what its orders came to. ``orders`` are (trace, state)."""
    counted: dict[str, Counter[str]] = {}
    for trace, state in orders:
        if trace:
            counted.setdefault(trace, Counter())[state] += 1
    for trace, states in list(counted.items())[:MOST]:
        log.info(step, trace=trace, **states, **fields)
