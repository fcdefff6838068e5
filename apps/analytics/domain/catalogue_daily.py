"""Definitions of the figures of daily returns."""

from __future__ import annotations

from apps.analytics.domain.definitions import Definition, Topic, Unit
from apps.analytics.domain.standing import WINDOWS


def _window(days: int) -> Definition:
    return Definition(
        f"return_{days}",
        f"Return, {days} days",
        Topic.RETURN,
        Unit.PERCENT,
        f"Π (1 + r) − 1 over the last {days} calendar days",
        f"What the money at work became in the last {days} days, deposits and withdrawals taken "
        "out. A record that is shorter counts from its start.",
        1,
    )


def _drawdown(days: int) -> Definition:
    return Definition(
        f"drawdown_{days}",
        f"Maximum drawdown, {days} days",
        Topic.RISK,
        Unit.PERCENT,
        f"max (1 − index ÷ highest index so far) within the last {days} calendar days",
        f"The deepest fall from a high within the last {days} days; the window's start counts as "
        "a high.",
        -1,
    )


DAILY: tuple[Definition, ...] = (
    Definition(
        "days",
        "Daily returns",
        Topic.RETURN,
        Unit.COUNT,
        "number of days that count",
        "How much history the figures rest on. Quiet weekends do not count; ratios and the risk "
        "score need 20.",
        1,
    ),
    *(_window(days) for days in WINDOWS),
    Definition(
        "return_all",
        "Return since the start",
        Topic.RETURN,
        Unit.PERCENT,
        "Π (1 + r) − 1 over all days",
        "What the money at work became since the record began, deposits and withdrawals taken out.",
        1,
    ),
    Definition(
        "annual_return",
        "Annual return",
        Topic.RETURN,
        Unit.PERCENT,
        "(1 + return since the start)^(252 ÷ days) − 1",
        "The return since the start as a rate per year of 252 trading days, with compound "
        "interest. A short record makes it large either way.",
        1,
    ),
    Definition(
        "volatility",
        "Volatility",
        Topic.RISK,
        Unit.PERCENT,
        "deviation of daily returns (n − 1) × √252",
        "How far returns swing around their mean in a year. Twice the volatility is about twice "
        "the swing of your money.",
        -1,
    ),
    Definition(
        "sharpe",
        "Sharpe ratio",
        Topic.RISK,
        Unit.NUMBER,
        "(mean of daily returns − risk-free rate of a day) ÷ deviation × √252",
        "Return earned for the swings endured. Above 1 is good, above 2 rarely lasts; it is not "
        "defined where all returns are the same.",
        1,
        source="W. F. Sharpe, The Sharpe Ratio (1994)",
    ),
    Definition(
        "sortino",
        "Sortino ratio",
        Topic.RISK,
        Unit.NUMBER,
        "(mean of daily returns − risk-free rate of a day) ÷ √(Σ min(r − risk-free, 0)² ÷ n) "
        "× √252",
        "Like the Sharpe ratio, but only days that fall short count as risk. Not defined where no "
        "day did.",
        1,
        source="F. A. Sortino and L. N. Price (1994)",
    ),
    Definition(
        "calmar",
        "Calmar ratio",
        Topic.RISK,
        Unit.NUMBER,
        "annual return ÷ maximum drawdown",
        "Return a year for the deepest fall. 1 means that a year earns what the worst fall took. "
        "Not defined where there was no fall.",
        1,
        source="T. W. Young (1991)",
    ),
    Definition(
        "var_95",
        "Value at risk, 95 %",
        Topic.RISK,
        Unit.PERCENT,
        "−(5th percentile of the daily returns of the last 365 days)",
        "On 95 of 100 days no more than this share was lost. It says nothing about how bad the "
        "other five were.",
        -1,
        source="historical simulation, as in empyrical",
    ),
    *(_drawdown(days) for days in WINDOWS),
    Definition(
        "max_drawdown",
        "Maximum drawdown",
        Topic.RISK,
        Unit.PERCENT,
        "max (1 − index ÷ highest index so far)",
        "The deepest fall from a high since the record began. Expect a deeper one some day.",
        -1,
    ),
    Definition(
        "current_drawdown",
        "Drawdown now",
        Topic.RISK,
        Unit.PERCENT,
        "1 − index ÷ highest index so far, on the last day",
        "How far the record stands below its high at present.",
        -1,
    ),
    Definition(
        "recovery_days",
        "Recovery time",
        Topic.RISK,
        Unit.DAYS,
        "calendar days from the lowest day of the maximum drawdown to the day its high is regained",
        "How long it took to make the deepest fall good. 'Not recovered yet' where it still has "
        "not.",
        -1,
    ),
    Definition(
        "longest_drawdown_days",
        "Longest time below a high",
        Topic.RISK,
        Unit.DAYS,
        "most calendar days in a row that ended below an earlier high",
        "The longest wait for a new high, whether the fall was deep or not.",
        -1,
    ),
    Definition(
        "positive_days",
        "Days in profit",
        Topic.RETURN,
        Unit.PERCENT,
        "days with r > 0 ÷ days that count",
        "The share of days that ended in profit.",
        1,
    ),
    Definition(
        "losing_days",
        "Longest run of losing days",
        Topic.RISK,
        Unit.COUNT,
        "most days with r < 0 in a row",
        "How many losing days followed one another at worst. Days that do not count are passed "
        "over.",
        -1,
    ),
    Definition(
        "risk_score",
        "Risk score",
        Topic.RISK,
        Unit.SCORE,
        "min(10, max(1, ⌈10 × max(volatility ÷ 0.60, maximum drawdown of 365 days ÷ 0.50)⌉))",
        "1 is calm, 10 is wild: a year's swings of 60 %, or half the money lost from a high within "
        "a year.",
        -1,
    ),
)
