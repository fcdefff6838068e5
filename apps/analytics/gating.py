"""Masters that are beyond a rule take no new followers: judged for all of them together."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import numpy as np

from apps.accounts.selectors import product_config
from apps.analytics.domain.standing import FloatArray
from apps.analytics.master_money import MasterMoney, master_money
from apps.copytrading import api as copying
from apps.copytrading.domain.master_gates import EASED, LARGEST, GateRule, Measured


def gate_masters(*, now: datetime) -> tuple[int, int]:
    """Begin gates for masters beyond a limit of the product, and lift those that have eased.

    Answers how many were begun and lifted; repeating changes nothing. A figure that is not known,
    such as that of an account whose connection is down, leaves a gate as it is.
    """
    money = master_money(now)
    config = product_config()
    standing = copying.standing_gates()
    found: dict[tuple[int, GateRule], Measured] = {}
    for rule, figures in _figures(money).items():
        most = getattr(config, rule.setting)
        with np.errstate(invalid="ignore"):
            near = (figures > float(most * EASED)) & (most > 0)
        stands = np.isin(money.master, [master for master, of in standing if of is rule])
        for place in np.flatnonzero(near | stands).tolist():
            measured = Measured(_decimal(figures[place]), most)
            found[int(money.master[place]), rule] = measured
    return copying.keep_gates(found, now=now)


def _figures(money: MasterMoney) -> dict[GateRule, FloatArray]:
    """Of every rule, as its limit counts: in percent, leverage in times equity."""
    return {
        GateRule.DAILY_LOSS: money.lost * 100,
        GateRule.DRAWDOWN: money.fall * 100,
        GateRule.LEVERAGE: money.leverage,
    }


def _decimal(value: float) -> Decimal | None:
    if np.isnan(value):
        return None
    return LARGEST if np.isinf(value) else Decimal(repr(round(float(value), 4)))
