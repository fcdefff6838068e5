"""What is unusual about how a master trades: the kinds of alarms, in words and numbers.

What is found is a :class:`Found`: a sentence, and the numbers and trades that show it. The
calculations stand in :mod:`apps.analytics.domain.unusual`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

#: An alarm is cleared when its measure is back at so much of the threshold.
EASED = 0.9


class AlarmKind(enum.StrEnum):
    """Stable values, stored with every alarm."""

    DRAWDOWN = "drawdown"
    SIZE_GROWTH = "size_growth"
    AVERAGING_DOWN = "averaging_down"
    LEVERAGE = "leverage"
    SILENCE = "silence"

    @property
    def label(self) -> str:
        return _LABELS[self]

    @property
    def setting(self) -> str:
        """The product default that holds the threshold."""
        return f"alarm_{self.value}"

    @property
    def meaning(self) -> str:
        """Why it matters to those who follow, in a sentence."""
        return _MEANINGS[self]


_LABELS = {
    AlarmKind.DRAWDOWN: "Drawdown beyond its history",
    AlarmKind.SIZE_GROWTH: "Larger after losses",
    AlarmKind.AVERAGING_DOWN: "Averaging down",
    AlarmKind.LEVERAGE: "Sudden leverage",
    AlarmKind.SILENCE: "Silence",
}
_MEANINGS = {
    AlarmKind.DRAWDOWN: (
        "Its past no longer says how deep it can fall; followers chose it by a smaller risk."
    ),
    AlarmKind.SIZE_GROWTH: (
        "Losses are being won back with size: a few in a row cost more than many wins earned."
    ),
    AlarmKind.AVERAGING_DOWN: (
        "A losing position is being enlarged; if the price does not come back, the loss grows "
        "faster with every step, in every copy."
    ),
    AlarmKind.LEVERAGE: (
        "It risks more than its followers know it for; their margin follows in proportion."
    ),
    AlarmKind.SILENCE: (
        "It may have stopped, or its connection is broken; followers pay for a strategy that "
        "does nothing, and open positions may be unattended."
    ),
}


class Number(NamedTuple):
    """One number of the evidence, ready to be shown."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Found:
    """What is unusual: ``measure`` is what the threshold is compared with.

    ``trades`` are plain values: symbol, side, lots, price, at, result and what each shows.
    """

    measure: float
    text: str
    numbers: Sequence[Number] = ()
    trades: Sequence[Mapping[str, Any]] = ()

    def evidence(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "numbers": [list(number) for number in self.numbers],
            "trades": [dict(trade) for trade in self.trades],
        }


def holds(measure: float, threshold: float, *, stands: bool) -> bool:
    """Whether an alarm holds: from the threshold on until its measure has eased."""
    return threshold > 0 and measure >= (threshold * EASED if stands else threshold)
