"""Equity over time into daily returns, with deposits and withdrawals taken out.

The rule between two samples of equity E1 and E2: r = (E2 + W) ÷ (E1 + D) - 1, where D is what
was deposited between them and W what was withdrawn. Deposits work from the interval's start and
withdrawals until its end, so that the money at work is never less than nothing. A day's return
chains its intervals (time-weighted), so with a sample every minute the size and moment of a
deposit no longer matter. Source: true time-weighted return, as the Global Investment Performance
Standards (GIPS) ask for; the start-and-end rule is one of the conventions they name for days.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apps.analytics.domain.curve import CurvePoint
from apps.analytics.domain.daily import DailySeries
from apps.analytics.domain.standing import BoolArray, FloatArray, IntArray

#: Moments are whole milliseconds since 1970, as platforms give them.
DAY_MS = 86_400_000
#: Any Monday: the days of the week are counted from it.
_MONDAY = 4  # 1970-01-05
#: A change this small is the rounding of floating point, not a result.
_ROUNDING = 1e-12
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class CashFlow:
    """Money that came into an account (positive) or left it (negative), in its currency."""

    at: datetime
    amount: Decimal


class Samples(NamedTuple):
    """Equity of many accounts: rows in order of ``owner``, then of ``at``.

    ``owner`` numbers the accounts from 0, ``at`` is in milliseconds since 1970 UTC.
    """

    owner: IntArray
    at: IntArray
    equity: FloatArray


class Flows(NamedTuple):
    """Deposits (positive) and withdrawals (negative) of many accounts, in any order."""

    owner: IntArray
    at: IntArray
    amount: FloatArray


class DayReturns(NamedTuple):
    """Returns of days, a row for each account and UTC day with a sample.

    ``day`` counts days since 1970-01-01. ``growth`` is 1 + return, NaN where no money was at work.
    """

    owner: IntArray
    day: IntArray
    growth: FloatArray


def milliseconds(at: datetime) -> int:
    """Whole milliseconds since 1970 UTC. ValueError for a time without a zone."""
    if at.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    return (at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // _MILLISECOND


def interval_growth(samples: Samples, flows: Flows) -> FloatArray:
    """1 + return of the interval that ends at each sample, by the rule of this module.

    A flow at the moment of a sample belongs to the interval that ends there: the sample already
    holds it. NaN for an account's first sample, for equity that is not finite, and where no money
    was at work. Flows after an account's last sample wait for the next one; those before its
    first are its starting capital.
    """
    size = len(samples.owner)
    growth = np.full(size, np.nan)
    if size < 2:
        return growth
    deposits, withdrawals = _per_interval(samples, flows)
    before = samples.equity[:-1] + deposits[1:]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        inner = (samples.equity[1:] + withdrawals[1:]) / before
    usable = (np.diff(samples.owner) == 0) & (before > 0) & np.isfinite(inner)
    inner = np.where(np.abs(inner - 1) < _ROUNDING, 1.0, inner)
    growth[1:][usable] = np.maximum(inner[usable], 0.0)
    return growth


def day_returns(samples: Samples, flows: Flows) -> DayReturns:
    """Chain the intervals of each account and UTC day; an interval counts on the day of its end.

    Samples whose equity is not finite are passed over. A day without a sample is missing, and the
    next one with a sample holds the move of both. A day on which all intervals were without money
    has the growth NaN.
    """
    samples = _only(samples, np.isfinite(samples.equity))
    if not len(samples.owner):
        nothing = np.zeros(0, dtype=np.int64)
        return DayReturns(nothing, nothing, np.zeros(0))
    samples = _only(samples, _needed(samples, flows))
    growth = interval_growth(samples, flows)
    day = samples.at // DAY_MS
    new = np.ones(len(day), dtype=np.bool_)
    new[1:] = (np.diff(samples.owner) != 0) | (np.diff(day) != 0)
    starts = np.flatnonzero(new)
    with np.errstate(over="ignore"):
        chained = np.multiply.reduceat(np.where(np.isnan(growth), 1.0, growth), starts)
    known_days = np.logical_or.reduceat(~np.isnan(growth), starts)
    return DayReturns(samples.owner[starts], day[starts], np.where(known_days, chained, np.nan))


def counted(days: IntArray, growth: FloatArray, active: BoolArray) -> BoolArray:
    """Which days count: those with a price change or with trading.

    A day counts where equity ended elsewhere, where ``active`` says that the account traded or
    that prices moved, and from Monday to Friday: an account that stood aside while the markets
    were open earned nothing that day, and leaving the day out would flatter its ratios. What is
    left out are quiet weekends. A day without money at work never counts.
    """
    weekday = (days - _MONDAY) % 7 < 5
    return np.asarray(np.isfinite(growth) & ((growth != 1.0) | active | weekday))


def daily_series(
    curve: Sequence[CurvePoint],
    flows: Iterable[CashFlow] = (),
    *,
    active_days: Collection[date] = (),
    closed_days: Collection[date] = (),
) -> DailySeries:
    """Daily returns of one account from its equity curve, deposits and withdrawals taken out.

    ``active_days``: UTC days on which the account traded or prices moved, so that they count even
    at the weekend. ``closed_days``: holidays on which nothing moved; they count only if equity
    did. The curve may be in any order; of two points of one moment the later in the sequence
    counts.
    """
    points = {milliseconds(point.at): float(point.equity) for point in curve}
    moments = np.array(sorted(points), dtype=np.int64)
    equity = np.array([points[int(at)] for at in moments], dtype=np.float64)
    money = [(milliseconds(flow.at), float(flow.amount)) for flow in flows]
    result = day_returns(
        Samples(np.zeros(len(moments), dtype=np.int64), moments, equity),
        Flows(
            np.zeros(len(money), dtype=np.int64),
            np.array([at for at, _ in money], dtype=np.int64),
            np.array([amount for _, amount in money], dtype=np.float64),
        ),
    )
    days = result.day.astype("datetime64[D]")
    active = np.isin(days, _days(active_days))
    keep = counted(result.day, result.growth, active)
    keep &= ~np.isin(days, _days(closed_days)) | active | (result.growth != 1.0)
    return DailySeries(days[keep], result.growth[keep] - 1)


def _days(days: Collection[date]) -> npt.NDArray[np.datetime64]:
    return np.array(sorted(days), dtype="datetime64[D]")


def _only(samples: Samples, mask: BoolArray) -> Samples:
    return Samples(samples.owner[mask], samples.at[mask], samples.equity[mask])


def _needed(samples: Samples, flows: Flows) -> BoolArray:
    """Samples that end a day or stand beside a flow or beside an empty account.

    Between those the intervals' product is the last equity ÷ the first: without the samples in
    between it is exact, and a day that ends where it began is a day without a return.
    """
    deposits, withdrawals = _per_interval(samples, flows)
    plain = (deposits == 0) & (withdrawals == 0) & (samples.equity > 0)
    plain[1:] &= (samples.equity[:-1] > 0) & (np.diff(samples.owner) == 0)
    plain[0] = False
    same = (np.diff(samples.owner) == 0) & (np.diff(samples.at // DAY_MS) == 0)
    needed = np.ones(len(plain), dtype=np.bool_)
    needed[:-1] = ~(plain[:-1] & plain[1:] & same)
    return needed


def _per_interval(samples: Samples, flows: Flows) -> tuple[FloatArray, FloatArray]:
    """What was deposited and withdrawn (both positive) in the interval that each sample ends."""
    size = len(samples.owner)
    usable = np.isfinite(flows.amount)
    owner, at, amount = (part[usable] for part in flows)
    order = np.lexsort(
        (
            np.repeat([1, 0], [size, len(owner)]),  # a flow stands before a sample of its moment
            np.concatenate([samples.at, at]),
            np.concatenate([samples.owner, owner]),
        )
    )
    is_sample = order < size
    following = np.cumsum(is_sample)[~is_sample]  # the sample after each flow
    flow = order[~is_sample] - size
    inside = following < size
    inside[inside] = samples.owner[following[inside]] == owner[flow[inside]]
    place, money = following[inside], amount[flow[inside]]
    return (
        np.bincount(place, np.maximum(money, 0.0), minlength=size).astype(np.float64),
        np.bincount(place, np.maximum(-money, 0.0), minlength=size).astype(np.float64),
    )
