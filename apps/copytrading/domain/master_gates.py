"""The rules beyond which a master takes no new followers, in words and numbers."""

from __future__ import annotations

import enum
from decimal import Decimal
from typing import NamedTuple

#: A gate is lifted when the figure is back at so much of the limit, so that one that hovers
#: about the limit does not open and close all the time.
EASED = Decimal("0.9")
#: Larger figures are shown as this; an account without equity has no finite leverage.
LARGEST = Decimal(1_000_000)


class GateRule(enum.StrEnum):
    """What is limited; in percent, leverage in times the equity."""

    DAILY_LOSS = "daily_loss"
    DRAWDOWN = "drawdown"
    LEVERAGE = "leverage"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()

    @property
    def setting(self) -> str:
        """The product default that holds the limit."""
        return f"gate_{self.value}"


class Measured(NamedTuple):
    """A figure beside its limit; 0 is no limit, a figure of None is not known."""

    value: Decimal | None
    most: Decimal


def is_beyond(measured: Measured, *, stands: bool) -> bool:
    """Whether a gate holds: from above the limit until the figure has eased.

    ``stands`` says whether it holds already. What is not known leaves it as it is.
    """
    if not measured.most:
        return False
    if measured.value is None:
        return stands
    return measured.value > (measured.most * EASED if stands else measured.most)


def shown(rule: GateRule, value: Decimal) -> str:
    """A figure with its unit."""
    number = f"{min(value, LARGEST):,.1f}"
    return f"{number} times its equity" if rule is GateRule.LEVERAGE else f"{number} %"


def reason(rule: GateRule, value: Decimal, most: Decimal) -> str:
    """Why a master takes no new followers, in a sentence."""
    now, limit = shown(rule, value), shown(rule, most)
    return {
        GateRule.DAILY_LOSS: f"It has lost {now} today; above {limit} it takes no new followers.",
        GateRule.DRAWDOWN: (
            f"It is {now} below its high; above {limit} it takes no new followers."
        ),
        GateRule.LEVERAGE: (
            f"Its open positions are worth {now}; above {limit} it takes no new followers."
        ),
    }[rule]


def eased(rule: GateRule, measured: Measured) -> str:
    """Why a gate is lifted, in a sentence."""
    if not measured.most:
        return "The rule was switched off."
    if measured.value is None:
        return "It is no longer a master."
    now = shown(rule, max(measured.value, Decimal(0)))
    return {
        GateRule.DAILY_LOSS: f"It has lost {now} today, which is within the limit again.",
        GateRule.DRAWDOWN: f"It is {now} below its high, which is within the limit again.",
        GateRule.LEVERAGE: f"Its open positions are worth {now}, which is within the limit again.",
    }[rule]
