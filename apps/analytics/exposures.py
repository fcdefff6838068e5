"""What a customer's copies hold together: by symbol, by currency, against each other."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from django.db import connection

from apps.accounts.models import User
from apps.analytics.domain.daily import grid
from apps.analytics.domain.portfolio import Holding, by_currency, by_symbol, correlations, hedges
from apps.analytics.records import daily_series
from apps.platforms import selectors as platforms
from apps.trading.errors import NoConversionRate
from apps.trading.money import Rates
from apps.trading.orders import Side
from apps.trading.quantity import ZERO

#: Returns are compared over so many days.
COMPARED_DAYS = 365

# What a link holds for its master, at the price of now; the entry's where there is no quote.
_HOLDINGS = """
SELECT a.connection_id, a.currency, s.master_id, coalesce(nullif(y.folded, ''), l.symbol),
       coalesce(y.base, ''), coalesce(y.quote, ''), l.side, l.held_units,
       coalesce((q.bid + q.ask) / 2, p.price, l.master_price, 0), coalesce(y.lot_units, 1)
FROM copytrading_tradelink l
JOIN copytrading_copysubscription s ON s.id = l.subscription_id
JOIN platforms_tradingaccount a ON a.id = l.account_id
LEFT JOIN platforms_symbol y ON y.connection_id = a.connection_id
     AND y.instrument_id = l.instrument_id
LEFT JOIN platforms_quote q ON q.connection_id = a.connection_id
     AND q.instrument_id = l.instrument_id
LEFT JOIN execution_position p ON p.account_id = l.account_id AND p.position_id = l.position_id
WHERE a.owner_id = %s AND l.state = 'open' AND l.held_units > 0
ORDER BY l.id
"""


class SymbolRow(NamedTuple):
    """Lots bought and sold of one symbol; ``value`` of the net, signed, in ``currency``, None
    where no price leads there. ``masters`` are the net lots by master."""

    symbol: str
    currency: str
    long: Decimal
    short: Decimal
    net: Decimal
    hedged: Decimal
    value: Decimal | None
    masters: dict[int, Decimal]


class CurrencyRow(NamedTuple):
    """Net exposure to a currency or asset, valued in an account's currency."""

    name: str
    value: Decimal


class HedgeRow(NamedTuple):
    """Two masters that hold against each other, and how many lots cancel out."""

    symbol: str
    buyer: int
    seller: int
    lots: Decimal


@dataclass(frozen=True, slots=True)
class ExposureTable:
    """What copies on accounts of one currency hold together; money in ``currency``.

    ``unknown`` are currencies that no price leads from to ``currency``.
    """

    currency: str
    symbols: list[SymbolRow]
    currencies: list[CurrencyRow]
    hedges: list[HedgeRow]
    unknown: list[str]


@dataclass(frozen=True, slots=True)
class MasterCorrelations:
    """Correlation of the daily returns of masters, in the order in which they were asked for.

    None where two share fewer than 20 days, or where one never changed; ``days`` that they share.
    """

    values: list[list[float | None]]
    days: list[list[int]]


class _Held(NamedTuple):
    currency: str
    lot_units: Decimal
    holding: Holding


def exposure_of(user: User) -> list[ExposureTable]:
    """What all copies of a customer hold now, a table for each currency of their accounts.

    Money of different currencies is never added up. The table with most symbols comes first.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HOLDINGS, [user.pk])
        rows = cursor.fetchall()
    held = [
        _Held(currency, lot, Holding(master, symbol, base, quote, Side(side), units, price))
        for _, currency, master, symbol, base, quote, side, units, price, lot in rows
    ]
    rates = platforms.rates(sorted({row[0] for row in rows}))
    tables = [
        _table(currency, [one for one in held if one.currency == currency], rates)
        for currency in sorted({one.currency for one in held})
    ]
    return sorted(tables, key=lambda table: (-len(table.symbols), table.currency))


def _table(currency: str, held: Sequence[_Held], rates: Rates) -> ExposureTable:
    holdings = [one.holding for one in held]
    lots = {one.holding.symbol: one.lot_units for one in held}
    samples = {one.holding.symbol: one.holding for one in held}
    rated = {quote: _rate(rates, quote, currency) for quote in {h.quote for h in holdings}}
    symbols = [
        SymbolRow(
            symbol,
            currency,
            row.long / lots[symbol],
            row.short / lots[symbol],
            row.net / lots[symbol],
            row.hedged / lots[symbol],
            _value(row.net, samples[symbol], rated),
            {master: units / lots[symbol] for master, units in row.masters.items()},
        )
        for symbol, row in by_symbol(holdings).items()
    ]
    known = [one for one in holdings if rated[one.quote] is not None]
    return ExposureTable(
        currency=currency,
        symbols=symbols,
        currencies=[CurrencyRow(*one) for one in by_currency(known, rates, currency).items()],
        hedges=[
            HedgeRow(one.symbol, one.buyer, one.seller, one.units / lots[one.symbol])
            for one in hedges(holdings)
        ],
        unknown=sorted(quote for quote, rate in rated.items() if rate is None),
    )


def _rate(rates: Rates, source: str, target: str) -> Decimal | None:
    try:
        return rates.rate(source, target)
    except NoConversionRate:
        return None


def _value(net: Decimal, sample: Holding, rated: dict[str, Decimal | None]) -> Decimal | None:
    rate = rated[sample.quote]
    return None if rate is None else (net * sample.price * rate if net else ZERO)


def master_correlations(account_ids: Collection[int], *, until: date) -> MasterCorrelations:
    """How alike the daily returns of masters' accounts moved over the last year. One query."""
    ids = list(account_ids)
    found = daily_series(ids, until=until, days=COMPARED_DAYS)
    returns = np.full((len(ids), COMPARED_DAYS), np.nan)
    if found:
        known = grid(list(found.values()), until, COMPARED_DAYS)
        returns[[ids.index(account_id) for account_id in found]] = known
    values, days = correlations(returns)
    return MasterCorrelations(
        [[None if np.isnan(one) else float(one) for one in row] for row in values], days.tolist()
    )
