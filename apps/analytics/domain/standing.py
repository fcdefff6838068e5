"""A figure is a number or the reason why there is none; it is never a misleading number."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
StandingArray = npt.NDArray[np.int8]

#: Below so many daily returns a ratio says more about chance than about the trader.
MINIMUM_DAYS = 20
#: Fewer followers than these say nothing of the next one, and too much of each other.
MINIMUM_FOLLOWERS = 5
#: Trading days of a year, the convention by which daily figures become annual ones.
TRADING_DAYS = 252
#: Calendar days of the windows that figures are given for.
WINDOWS = (7, 30, 90, 365)
#: Value at risk, the risk score's drawdown and the longest window look back so many days.
LOOK_BACK = 365


class Standing(enum.IntEnum):
    """Whether a figure has a value, else why not. Small integers, so that arrays hold it."""

    VALUE = 0
    NO_DATA = 1
    NOT_ENOUGH_HISTORY = 2
    UNDEFINED = 3
    NOT_RECOVERED = 4
    TOO_FEW_FOLLOWERS = 5

    @property
    def label(self) -> str:
        """The words that stand where the number would; '' where there is one."""
        return _LABELS[self]


_LABELS = {
    Standing.VALUE: "",
    Standing.NO_DATA: "No data yet",
    Standing.NOT_ENOUGH_HISTORY: f"Not enough history (fewer than {MINIMUM_DAYS} daily returns)",
    Standing.UNDEFINED: "Not defined, for there is nothing to divide by",
    Standing.NOT_RECOVERED: "Not recovered yet",
    Standing.TOO_FEW_FOLLOWERS: f"Too few followers (fewer than {MINIMUM_FOLLOWERS})",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of one record. ``value`` is None exactly where the standing is not VALUE."""

    value: float | None
    standing: Standing = Standing.VALUE

    def __post_init__(self) -> None:
        if (self.value is None) == (self.standing is Standing.VALUE):
            raise ValueError("a figure has either a value or the reason why it has none")

    def __str__(self) -> str:
        return self.standing.label if self.value is None else f"{self.value:g}"
