"""The gap of every copy to its master, kept up trade by trade.

A trade of a master that has ended leaves an outcome for each of its copies. Outcomes are taken
up in the order of their ids, some time after they were written, so that none is passed over that
is committed late; each makes one row for its copy, and settled rows are added to the copy's sum
once. What a page shows beside the sum is bounded: what the master holds now, and what is not
taken up yet.

Rates are those of the minute in which a trade is taken up, since older ones are not kept.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from operator import add
from typing import NamedTuple

from django.db import connection, transaction

from apps.analytics.domain.attribution import Cause, Gap, booked, exactly, stored
from apps.analytics.gap_facts import Place, load_facts
from apps.analytics.gap_models import SubscriptionGap, TradeGap
from apps.analytics.gap_trades import GapTrade, trades_of
from apps.analytics.models import RollUp

#: Outcomes are taken up so long after they were written.
SETTLED = timedelta(seconds=20)
#: Outcomes that are read at once, and places that are worked on at once.
_AT_ONCE = 20_000
_PLACES = 1_000
#: One takes up at a time: two would add the same trade twice.
_LOCK = 7_115_003

_OUTCOMES = """
SELECT id, subscription_id, position_key, event_kind, final_at FROM copytrading_outcome
WHERE id > %s ORDER BY id LIMIT %s
"""
_MONEY = ("expected", "actual", *(cause.value for cause in Cause))
_SUMS = ("trades", "copied", *_MONEY)
_ADD = f"""
INSERT INTO analytics_subscriptiongap AS old (subscription_id, {", ".join(_SUMS)})
SELECT * FROM unnest(%s::bigint[], %s::int[], %s::int[]{", %s::numeric[]" * len(_MONEY)})
ON CONFLICT (subscription_id) DO UPDATE
SET {", ".join(f"{name} = old.{name} + excluded.{name}" for name in _SUMS)}
"""
_ENDS = frozenset({"closed", "reversed"})


def take_up_gaps(*, now: datetime, seconds: float = 5.0) -> int:
    """Take up the trades that have ended since the last time; answers how many rows were written.

    What does not fit into ``seconds`` is left to the next run.
    """
    deadline = time.monotonic() + seconds
    written = 0
    while time.monotonic() < deadline:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            state = RollUp.objects.get_or_create()[0]
            places, mark = _next(state.gaps_to, now)
            if mark == state.gaps_to:
                break
            for start in range(0, len(places), _PLACES):
                written += _store(places[start : start + _PLACES], now)
            RollUp.objects.filter(pk=state.pk).update(gaps_to=mark)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        rows = TradeGap.objects.filter(settled=False).order_by("id")[:_PLACES]
        again = {Place(row.subscription_id, row.position_key) for row in rows}
        return written + _store(sorted(again), now)


def _next(mark: int, now: datetime) -> tuple[list[Place], int]:
    """Places where a master's trade has ended, and up to which outcome was read."""
    places: dict[Place, None] = {}
    with connection.cursor() as cursor:
        cursor.execute(_OUTCOMES, [mark, _AT_ONCE])
        for pk, subscription_id, position_key, kind, final_at in cursor.fetchall():
            if final_at > now - SETTLED:
                break
            mark = pk
            if kind in _ENDS:
                places[Place(subscription_id, position_key)] = None
    return list(places), mark


def _store(places: Sequence[Place], now: datetime) -> int:
    """Write the ended rounds of these places; those that are settled are left as they are."""
    if not places:
        return 0
    facts = load_facts(places)
    return store_ended([trade for place in places for trade in trades_of(facts, place)], now)


def store_ended(found: Iterable[GapTrade], now: datetime) -> int:
    """Write those of the trades that have ended; in the caller's transaction."""
    trades = [trade for trade in found if trade.ended_at]
    done = _settled(trades)
    rows = [
        _row(trade, trade.over, now)
        for trade in trades
        if (trade.place.subscription_id, trade.round_key) not in done
    ]
    TradeGap.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["subscription_id", "round_key"],
        update_fields=["link_id", "code", "ended_at", "settled", "expected", "actual", *Cause],
    )
    _add(row for row in rows if row.settled)
    return len(rows)


def _settled(trades: Iterable[GapTrade]) -> set[tuple[int, str]]:
    found = TradeGap.objects.filter(
        settled=True,
        subscription_id__in={trade.place.subscription_id for trade in trades},
        round_key__in={trade.round_key for trade in trades},
    )
    return set(found.values_list("subscription_id", "round_key"))


def _row(trade: GapTrade, settled: bool, now: datetime) -> TradeGap:
    gap = stored(exactly(trade.pair))
    return TradeGap(
        subscription_id=trade.place.subscription_id,
        master_account_id=trade.master_account_id,
        position_key=trade.place.position_key,
        round_key=trade.round_key,
        link_id=trade.link_id,
        code=trade.code,
        symbol=trade.symbol,
        side=trade.pair.master.side,
        opened_at=trade.opened_at,
        ended_at=trade.ended_at or now,
        settled=settled,
        expected=gap.expected,
        actual=gap.actual,
        **{cause.value: amount for cause, amount in gap.parts.items()},
    )


def _add(rows: Iterable[TradeGap]) -> None:
    """Add settled rows to the sums of their copies: one statement, whatever their number."""
    sums: dict[int, list[Decimal | int]] = {}
    for row in rows:
        more = [1, int(row.link_id is not None), *(getattr(row, name) for name in _MONEY)]
        known = sums.get(row.subscription_id)
        sums[row.subscription_id] = more if known is None else list(map(add, known, more))
    if not sums:
        return
    columns: list[list[Decimal | int]] = [list(sums)]
    columns += [list(column) for column in zip(*sums.values(), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_ADD, columns)


class SkipReason(NamedTuple):
    """Why trades were not copied, how many, and what they would have brought."""

    code: str
    trades: int
    amount: Decimal


class GapRow(NamedTuple):
    """One trade with its gap, in the follower's account currency."""

    symbol: str
    side: str
    code: str
    link_id: int | None
    ended_at: datetime | None
    expected: Decimal
    actual: Decimal

    @property
    def gap(self) -> Decimal:
        return self.actual - self.expected


@dataclass(frozen=True, slots=True)
class CopyGap:
    """The gap of a copy since it began, in ``currency``, with what is open at prices of now.

    ``trades`` are the master's, ``copied`` those of them that were copied; ``reasons`` tell of
    the ended ones that were not, ``largest`` are the trades with the widest gaps.
    """

    currency: str
    gap: Gap
    trades: int
    copied: int
    open: int
    reasons: list[SkipReason]
    largest: list[GapRow]


_LIVE_PLACES = """
SELECT position_key FROM copytrading_tradelink WHERE subscription_id = %(copy)s AND state = 'open'
UNION
SELECT position_id FROM execution_position WHERE account_id = %(master)s AND closed_at IS NULL
UNION
SELECT position_key FROM analytics_tradegap WHERE subscription_id = %(copy)s AND NOT settled
UNION
(SELECT position_key FROM copytrading_tradelink WHERE subscription_id = %(copy)s
 ORDER BY id DESC LIMIT 20)
"""
_REASONS = """
SELECT code, count(*), sum(skipped + late_start) FROM analytics_tradegap
WHERE subscription_id = %s AND link_id IS NULL AND settled GROUP BY code
ORDER BY abs(sum(skipped + late_start)) DESC, code
"""
_LARGEST = """
SELECT symbol, side, code, link_id, ended_at, expected, actual FROM analytics_tradegap
WHERE subscription_id = %s AND settled ORDER BY abs(actual - expected) DESC, id LIMIT %s
"""


def gap_of_copy(
    subscription_id: int,
    *,
    master_account_id: int,
    currency: str,
    result: Decimal,
    largest: int = 8,
) -> CopyGap:
    """The gap of one copy whose ``result`` so far (realised, open and released) is known.

    What no trade explains of the result is in the residual, so that the parts add up to it. The
    number of queries, and of what they read beside the copy's own trades, does not depend on how
    much was traded.
    """
    total = SubscriptionGap.objects.filter(pk=subscription_id).first()
    total = total or SubscriptionGap(subscription_id=subscription_id)
    values = {"copy": subscription_id, "master": master_account_id}
    with connection.cursor() as cursor:
        cursor.execute(_LIVE_PLACES, values)
        places = [Place(subscription_id, key) for (key,) in cursor.fetchall()]
        cursor.execute(_REASONS, [subscription_id])
        reasons = [SkipReason(*row) for row in cursor.fetchall()]
        cursor.execute(_LARGEST, [subscription_id, largest])
        widest = [GapRow(*row) for row in cursor.fetchall()]
    live = _not_settled(places)
    gaps = [_sum_of(total), *(exactly(trade.pair) for trade in live)]
    known = sum((gap.actual for gap in gaps), Decimal(0))
    rest = dict.fromkeys(Cause, Decimal(0)) | {Cause.RESIDUAL: result - known}
    gaps.append(Gap(Decimal(0), result - known, rest))
    widest += [_live_row(trade) for trade in live]
    widest.sort(key=lambda row: -abs(row.gap))
    return CopyGap(
        currency=currency,
        gap=booked(gaps, currency),
        trades=total.trades + len(live),
        copied=total.copied + sum(trade.link_id is not None for trade in live),
        open=sum(not trade.over for trade in live),
        reasons=reasons,
        largest=widest[:largest],
    )


def _not_settled(places: Collection[Place]) -> list[GapTrade]:
    if not places:
        return []
    facts = load_facts(places)
    trades = [trade for place in places for trade in trades_of(facts, place)]
    done = _settled(trades)
    return [t for t in trades if (t.place.subscription_id, t.round_key) not in done]


def _sum_of(row: SubscriptionGap) -> Gap:
    return Gap(row.expected, row.actual, {cause: getattr(row, cause) for cause in Cause})


def _live_row(trade: GapTrade) -> GapRow:
    gap = exactly(trade.pair)
    return GapRow(
        trade.symbol,
        trade.pair.master.side,
        trade.code,
        trade.link_id,
        trade.ended_at,
        gap.expected,
        gap.actual,
    )
