"""The market around one planning: symbols, prices, rates, and who holds a netting symbol."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson

from apps.common.database import Query
from apps.common.roundtrip import Rows
from apps.copytrading.domain.events import MasterEvent
from apps.copytrading.domain.mapping import Symbol, match
from apps.copytrading.domain.rows import Holder, Market, Quote, Row
from apps.copytrading.services import sql
from apps.copytrading.services.load import Master
from apps.platforms import selectors as platforms
from apps.trading.money import Rates
from apps.trading.orders import Side
from apps.trading.schedule import Schedule

Place = tuple[int, str]  # connection and instrument
_ONE = Decimal(1)

_SYMBOL = """
    SELECT s.instrument_id, s.name, s.folded, s.base, s.quote, s.digits, s.pip_digits, s.lot_units,
           s.min_units, s.step_units, s.max_units, s.tradable, s.schedule::text, s.connection_id,
           q.bid, q.ask, q.at
    FROM platforms_symbol s
    LEFT JOIN platforms_quote q
        ON q.connection_id = s.connection_id AND q.instrument_id = s.instrument_id
"""
_BY_ID = _SYMBOL + "WHERE s.connection_id = %s AND s.instrument_id = ANY(%s)"
_BY_NAME = (
    _SYMBOL + "WHERE s.connection_id = ANY(%s) AND (s.folded = ANY(%s) OR upper(s.name) = ANY(%s))"
)

_PAIRS = """
    SELECT subscription_id, upper(master_symbol), upper(follower_symbol)
    FROM copytrading_symbolpair WHERE subscription_id = ANY(%s) AND upper(master_symbol) = ANY(%s)
"""

# Positions that belong to no copy (a person's, or left to the customer) hold their symbol too.
_HOLDERS = """
    SELECT account_id, instrument_id, subscription_id, side
    FROM copytrading_tradelink WHERE state = 'open' AND account_id = ANY(%(accounts)s)
    UNION
    SELECT account_id, instrument_id, subscription_id, side
    FROM copytrading_pendinglink WHERE closed_at IS NULL AND account_id = ANY(%(accounts)s)
    UNION
    SELECT account_id, instrument_id, subscription_id, '' FROM copytrading_symbolhold
    WHERE account_id = ANY(%(accounts)s)
    UNION
    SELECT p.account_id, p.instrument_id, 0, p.side FROM execution_position p
    WHERE p.closed_at IS NULL AND p.account_id = ANY(%(accounts)s) AND NOT EXISTS (
        SELECT 1 FROM copytrading_tradelink l WHERE l.state = 'open'
        AND l.account_id = p.account_id AND l.instrument_id = p.instrument_id)
"""


def symbols_query(master: Master, events: Iterable[MasterEvent]) -> Query[Rows]:
    """Asks for the master's symbols in these events, with their latest prices."""
    instruments = {event.instrument_id for event in events}
    return Query(_BY_ID, [master.connection_id, list(instruments)], lambda found: found)


def load_market(
    master: Master,
    events: Iterable[MasterEvent],
    rows: Sequence[Row],
    now: datetime,
    symbols: Rows | None = None,
) -> Market:
    """Symbols, prices, rates and netting holders for these events and rows.

    ``symbols`` is the answer to :func:`symbols_query` where that was asked a moment ago.
    """
    connection_ids = {row.connection_id for row in rows}
    known = _Known(now)
    known.take(symbols if symbols is not None else symbols_query(master, events).ask())
    wanted = {
        instrument_id: symbol
        for (connection_id, instrument_id), symbol in known.symbols.items()
        if connection_id == master.connection_id
    }
    pairs = _pairs_of(rows, wanted)
    others = sorted(connection_ids - {master.connection_id})
    if others or pairs:
        folded = [symbol.folded for symbol in wanted.values()]
        names = [symbol.name.upper() for symbol in wanted.values()]
        names += [name for name in pairs.values() if name]
        known.read(_BY_NAME, [sorted({*others, master.connection_id}), folded, names])
    return Market(
        now=now,
        master=master.funds,
        stale_after_s=float(master.settings.stale_account_s),
        master_symbols=wanted,
        symbols=_mapped(master, wanted, others, known),
        rates=LazyRates(sorted({master.connection_id, *connection_ids})),
        in_use=_holders([row.account_id for row in rows if row.netting]),
        pairs=_paired(rows, wanted, pairs, known),
        quotes=known.quotes,
    )


def symbols_of_links(rows: Sequence[Row], now: datetime) -> Mapping[Place, Symbol]:
    """The symbols that the links of these rows hold, by connection and instrument."""
    wanted: dict[int, set[str]] = defaultdict(set)
    for row in rows:
        wanted[row.connection_id].update(link.instrument_id for link in row.links.values())
    known = _Known(now)
    for connection_id, instruments in wanted.items():
        known.read(_BY_ID, [connection_id, sorted(instruments)])
    return known.symbols


class _Known:
    """Symbols and their latest prices as they were read."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self.symbols: dict[Place, Symbol] = {}
        self.quotes: dict[Place, Quote] = {}

    def read(self, statement: str, values: Sequence[Any]) -> None:
        self.take(sql.binary_rows(statement, values))

    def take(self, found: Rows) -> None:
        for v in found:
            place = (v[13], v[0])
            market_open = v[12] == "{}" or _schedule(v[12]).is_open(self._now)
            self.symbols[place] = Symbol(*(*v[:12], market_open))
            if v[14] is not None:
                self.quotes[place] = Quote(v[14], v[15], v[16])

    def of(self, connection_id: int) -> list[Symbol]:
        """The symbols of a connection that were read."""
        return [symbol for (pk, _), symbol in self.symbols.items() if pk == connection_id]


@lru_cache(maxsize=1_000)
def _schedule(text: str) -> Schedule:
    return Schedule.from_json(orjson.loads(text))


class LazyRates:
    """Conversion rates that are read when the first conversion is asked for."""

    def __init__(self, connection_ids: Sequence[int]) -> None:
        self._connection_ids = connection_ids
        self._rates: Rates | None = None

    def rate(self, source: str, target: str) -> Decimal:
        """Units of ``target`` for one of ``source``; NoConversionRate where unknown."""
        if source == target:
            return _ONE
        if self._rates is None:
            self._rates = platforms.rates(self._connection_ids)
        return self._rates.rate(source, target)


def _mapped(
    master: Master, wanted: dict[str, Symbol], others: Sequence[int], known: _Known
) -> dict[Place, Symbol | None]:
    """Each connection's symbol for each of the master's, by name."""
    mapped: dict[Place, Symbol | None] = {
        (master.connection_id, key): symbol if symbol.tradable else None
        for key, symbol in wanted.items()
    }
    for connection_id in others:
        candidates = known.of(connection_id)
        for key, symbol in wanted.items():
            mapped[connection_id, key] = match(symbol.name, symbol.folded, candidates)
    return mapped


def _pairs_of(rows: Sequence[Row], wanted: dict[str, Symbol]) -> dict[tuple[int, str], str]:
    """What subscriptions name themselves, by subscription and the master's symbol."""
    ids = [row.subscription_id for row in rows if row.has_pairs]
    if not ids:
        return {}
    names = [symbol.name.upper() for symbol in wanted.values()]
    return {(row[0], row[1]): row[2] for row in sql.rows(_PAIRS, [ids, names])}


def _paired(
    rows: Sequence[Row],
    wanted: dict[str, Symbol],
    pairs: dict[tuple[int, str], str],
    known: _Known,
) -> dict[tuple[int, str], Symbol | None]:
    if not pairs:
        return {}
    by_name = {(pk, s.name.upper()): s for (pk, _), s in known.symbols.items() if s.tradable}
    paired: dict[tuple[int, str], Symbol | None] = {}
    for row in rows:
        for key, symbol in wanted.items():
            name = pairs.get((row.subscription_id, symbol.name.upper()))
            if name is not None:  # '': said not to be copied
                paired[row.subscription_id, key] = by_name.get((row.connection_id, name))
    return paired


def _holders(
    account_ids: Sequence[int],
) -> dict[tuple[int, str], tuple[Holder, ...]]:
    """Who holds which symbol on netting accounts; no side where nothing is held yet."""
    holders: dict[tuple[int, str], tuple[Holder, ...]] = {}
    if not account_ids:
        return holders
    found = sql.rows(_HOLDERS, {"accounts": list(account_ids)})
    for account_id, instrument_id, subscription_id, side in found:
        key = (account_id, instrument_id)
        held = Side(side) if side else None
        holders[key] = (*holders.get(key, ()), (subscription_id, held))
    return holders
