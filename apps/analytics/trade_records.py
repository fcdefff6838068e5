"""Reading the closed trades of masters' accounts and the sums over them. One query each.

What is summed up is kept up by :mod:`apps.analytics.trades`; nothing here counts trades. Money is
in the account's currency, volumes are lots. Trades of an imported record are not among them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from apps.analytics.domain.behaviour import Habit, Verdict
from apps.analytics.domain.breakdown import Part
from apps.analytics.domain.standing import Figure
from apps.analytics.trade_models import AccountHabits, AccountTrades, TradePart
from apps.analytics.trade_sums import figures_of
from apps.common.database import prepared_rows
from apps.common.kept_queries import KeptQuery
from apps.trading.orders import Side

_FIELDS = """
    r.id, coalesce(y.name, r.instrument_id), coalesce(y.digits, 5), r.side,
    r.units / coalesce(y.lot_units, 1), r.opened_at, r.closed_at, r.open_price, r.close_price,
    r.profit, r.commission, r.swap, r.result
"""
_SYMBOL = """
    JOIN platforms_tradingaccount a ON a.id = r.account_id
    LEFT JOIN platforms_symbol y
        ON y.connection_id = a.connection_id AND y.instrument_id = {instrument}
"""
_TRADES = f"""
SELECT {_FIELDS} FROM analytics_traderecord r {_SYMBOL.format(instrument="r.instrument_id")}
WHERE r.account_id = %(account)s AND r.closed_at <= coalesce(%(until)s, 'infinity'::timestamptz)
  AND (r.closed_at, r.id) < (coalesce(%(before_at)s, 'infinity'::timestamptz), %(before_id)s)
ORDER BY r.closed_at DESC, r.id DESC LIMIT %(limit)s
"""
_CHOSEN = f"""
SELECT {_FIELDS} FROM analytics_traderecord r {_SYMBOL.format(instrument="r.instrument_id")}
WHERE r.id = ANY(%(ids)s)
"""
_PARTS = f"""
SELECT r.kind, coalesce(y.name, r.key), r.trades, r.wins, r.losses, r.result,
       r.units / coalesce(y.lot_units, 1)
FROM analytics_tradepart r {_SYMBOL.format(instrument="r.key AND r.kind = 'symbol'")}
WHERE r.account_id = %(account)s
"""
_LAST_ID = 2**62


@dataclass(frozen=True, slots=True)
class TradeStats:
    """The figures of all closed trades of an account, and their net result."""

    figures: Mapping[str, Figure]
    trades: int
    result: Decimal
    first_at: datetime | None
    last_at: datetime | None


class TradeRow(NamedTuple):
    """A closed trade, ready to be shown."""

    id: int
    symbol: str
    digits: int
    side: str
    lots: Decimal
    opened_at: datetime
    closed_at: datetime
    open_price: Decimal
    close_price: Decimal
    profit: Decimal
    commission: Decimal
    swap: Decimal
    result: Decimal

    @property
    def costs(self) -> Decimal:
        """Commission and swap, negative where they were paid."""
        return self.commission + self.swap

    @property
    def cursor(self) -> str:
        """Names this trade to :func:`closed_trades`, which then goes on after it."""
        return f"{self.closed_at.isoformat()}~{self.id}"


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The trades of an account by symbol (largest gain or loss first), side, weekday and hour.

    ``volume`` of a part is in lots for symbols; in mixed units, which say nothing, elsewhere.
    """

    symbols: Mapping[str, Part]
    sides: Mapping[Side, Part]
    weekdays: Sequence[Part]
    hours: Sequence[Part]


@dataclass(frozen=True, slots=True)
class HabitRow:
    """What was found of one habit in the last trades, with up to three that show it."""

    habit: Habit
    verdict: Verdict
    explanation: str
    numbers: Mapping[str, float]
    examples: Sequence[TradeRow]
    judged_at: datetime


_SUMS = KeptQuery(AccountTrades.objects.all, "account_id = ANY(%s)")
_HABITS = KeptQuery(AccountHabits.objects.all, "account_id = %s")


def trade_stats(account_ids: Collection[int]) -> dict[int, TradeStats]:
    """Figures of the trades of these accounts, of those whose trades are kept."""
    found = _SUMS(list(account_ids))
    return {
        row.account_id: TradeStats(
            figures_of(row), row.trades, row.result, row.first_at, row.last_at
        )
        for row in found
    }


def closed_trades(
    account_id: int, *, limit: int, before: str = "", until: datetime | None = None
) -> list[TradeRow]:
    """Closed trades, newest first, after the one that ``before`` names, closed up to ``until``.

    ValueError for a ``before`` that is none.
    """
    at, _, number = before.partition("~")
    values = {
        "account": account_id,
        "until": until,
        "before_at": datetime.fromisoformat(at) if before else None,
        "before_id": int(number) if before else _LAST_ID,
        "limit": limit,
    }
    return [TradeRow(*row) for row in _rows(_TRADES, values)]


def trade_parts(account_id: int) -> Breakdown:
    """Where an account earns and where it loses; the parts of each kind add up to the whole."""
    kinds: dict[str, dict[str, Part]] = {kind.value: {} for kind in TradePart.Kind}
    for kind, key, *sums in _rows(_PARTS, {"account": account_id}):
        kinds[kind][key] = _plus(kinds[kind].get(key), Part(*sums))
    symbols = sorted(kinds["symbol"].items(), key=lambda item: (-abs(item[1].result), item[0]))
    return Breakdown(
        dict(symbols),
        {side: kinds["side"].get(side.value, Part()) for side in Side},
        [kinds["weekday"].get(str(day), Part()) for day in range(7)],
        [kinds["hour"].get(str(hour), Part()) for hour in range(24)],
    )


def habits_of(account_id: int) -> list[HabitRow]:
    """Findings of an account's habits; none before it was judged. Two queries at most."""
    found = _HABITS(account_id)
    if not found:
        return []
    stored = found[0]
    ids = [one for finding in stored.findings for one in finding["examples"]]
    trades = {row[0]: TradeRow(*row) for row in _rows(_CHOSEN, {"ids": ids})} if ids else {}
    return [
        HabitRow(
            Habit(finding["habit"]),
            Verdict(finding["verdict"]),
            finding["explanation"],
            finding["numbers"],
            [trades[one] for one in finding["examples"] if one in trades],
            stored.judged_at,
        )
        for finding in stored.findings
    ]


def _plus(one: Part | None, other: Part) -> Part:
    """Two instruments may have one name on a platform."""
    if one is None:
        return other
    return Part(
        one.trades + other.trades,
        one.wins + other.wins,
        one.losses + other.losses,
        one.result + other.result,
        one.volume + other.volume,
    )


def _rows(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    return prepared_rows(statement, values)
