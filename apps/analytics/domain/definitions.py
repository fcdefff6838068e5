"""How a figure is described to its readers."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Unit(enum.StrEnum):
    """How a value is to be written. PERCENT values are fractions: 0.05 is written 5 %."""

    PERCENT = "percent"
    NUMBER = "number"
    MULTIPLE = "multiple"
    MONEY = "account currency"
    DAYS = "days"
    HOURS = "hours"
    COUNT = "count"
    SCORE = "1 to 10"


class Topic(enum.StrEnum):
    RETURN = "Return"
    RISK = "Risk"
    TRADES = "Trades"
    EXPOSURE = "Exposure and margin"
    FOLLOWERS = "What followers earned"
    HABITS = "Habits"
    VIEWS = "Curves and tables"


@dataclass(frozen=True, slots=True)
class Definition:
    """One figure. ``better`` is +1 where more is better, -1 where less is, 0 where neither.

    ``source`` names who defined it, where somebody did.
    """

    name: str
    label: str
    topic: Topic
    unit: Unit
    formula: str
    explanation: str
    better: int = 0
    source: str = ""
