"""What planning needs to know, in few queries: one for all subscriptions of a master."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.accounts.selectors import ProductSettings, product_config
from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.events import MasterEvent
from apps.copytrading.domain.link import Link, LinkState, taken_away
from apps.copytrading.domain.mapping import Symbol, match
from apps.copytrading.domain.rows import Decided, Market, Row
from apps.copytrading.domain.volume import EQUITY_MODES, Funds, Sizing, VolumeMode
from apps.copytrading.services import sql
from apps.copytrading.services.link_json import load_link
from apps.platforms import selectors as platforms
from apps.trading.money import Rates
from apps.trading.orders import Side
from apps.trading.quantity import ZERO

_NETTING = "netting"
_SPOT = "spot"

_MASTER = """
    SELECT m.id, m.status, m.enabled, a.connection_id, a.currency, st.equity, st.balance,
           round(extract(epoch FROM %s - CASE WHEN st.synced THEN greatest(st.as_of, cs.live_at)
                                              ELSE st.as_of END), 3)::float8,
           coalesce(cs.clock_offset_ms, 0),
           (SELECT s.id FROM copytrading_copysubscription s
            WHERE s.master_id = m.id AND s.archived_at IS NULL
            ORDER BY s.id OFFSET %s LIMIT 1)
    FROM copytrading_copymaster m
    JOIN platforms_tradingaccount a ON a.id = m.account_id
    LEFT JOIN platforms_accountstate st ON st.account_id = a.id
    LEFT JOIN platforms_connectionstate cs ON cs.connection_id = a.connection_id
    WHERE m.account_id = %s
"""

# The subscription, its account, the account's money, and the link with its position. The links
# are named by master and position, so that they are found by index however many there were.
_ROWS = """
    SELECT s.id, replace(s.uuid::text, '-', ''), f.account_id, a.platform_account_id,
           a.connection_id, a.margin_mode,
           s.status, s.enabled AND f.enabled, s.archived_at IS NOT NULL,
           s.volume_mode, s.risk_multiplier, s.fixed_volume, s.base_equity, s.allocated_capital,
           s.below_minimum = 'round_up', s.min_volume, s.max_volume, s.copy_sl, s.copy_tp,
           s.max_delay_s, s.started_after_event, s.result, a.currency, st.equity, st.balance,
           round(extract(epoch FROM %s - CASE WHEN st.synced THEN greatest(st.as_of, cs.live_at)
                                              ELSE st.as_of END), 3)::float8,
           l.id, l.position_key, l.side, l.symbol, l.instrument_id, l.ratio, l.grows,
           l.master_units, l.target_units, l.held_units, l.stop_loss, l.take_profit,
           l.master_price, l.position_id, p.stop_loss, p.take_profit, l.in_flight,
           l.close_cause, l.opened_event_id, l.last_event_id, l.state, p.units, p.closed_at
    FROM copytrading_copysubscription s
    JOIN copytrading_copyfollower f ON f.id = s.follower_id
    JOIN platforms_tradingaccount a ON a.id = f.account_id
    LEFT JOIN platforms_accountstate st ON st.account_id = a.id
    LEFT JOIN platforms_connectionstate cs ON cs.connection_id = a.connection_id
    LEFT JOIN copytrading_tradelink l ON l.subscription_id = s.id
        AND l.master_account_id = %s AND l.position_key = ANY(%s) AND l.state IN ('open', 'gone')
    LEFT JOIN execution_position p ON p.account_id = l.account_id
        AND p.position_id = l.position_id AND l.position_id <> ''
    WHERE {which} AND (s.archived_at IS NULL OR l.id IS NOT NULL)
    ORDER BY s.id
"""
_ROWS_OF_MASTER = _ROWS.format(which="s.master_id = %s AND s.id > %s AND s.id <= %s")
_ROWS_OF_IDS = _ROWS.format(which="s.id = ANY(%s)")

#: So many subscriptions are loaded, planned and sent before the others are even read.
FIRST_PAGE = 64
_LAST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Master:
    """The master of an account; ``hold`` says why nothing new is opened on its behalf.

    ``first_page_end`` is the id of the subscription that ends the first page, None where all
    fit on it.
    """

    master_id: int
    account_id: int
    connection_id: int
    clock_offset_ms: int
    funds: Funds
    hold: Code | None
    settings: ProductSettings
    first_page_end: int | None


def load_master(account_id: int, now: datetime) -> Master | None:
    """The master on an account, None where there is none."""
    found = sql.rows(_MASTER, [now, FIRST_PAGE - 1, account_id])
    if not found:
        return None
    pk, status, enabled, connection_id, currency, equity, balance, age_s, offset, end = found[0]
    settings = product_config()
    hold = None
    if not settings.copy_trading_enabled:
        hold = Code.MODULE_DISABLED
    elif status != "active" or not enabled:
        hold = Code.MASTER_PAUSED
    funds = _funds(currency, equity, balance, age_s)
    return Master(pk, account_id, connection_id, offset, funds, hold, settings, end)


def load_pages(
    master: Master,
    position_keys: Sequence[str],
    now: datetime,
    decided: Mapping[int, Mapping[str, Decided]],
) -> Iterator[list[Row]]:
    """All subscriptions of a master with the links of these positions: a small page, the rest."""
    end = master.first_page_end
    bounds = [(0, _LAST_ID)] if end is None else [(0, end), (end, _LAST_ID)]
    for after, upto in bounds:
        values = [now, master.account_id, list(position_keys), master.master_id, after, upto]
        yield _load(_ROWS_OF_MASTER, values, master, decided)


def load_rows(
    master: Master, position_keys: Sequence[str], now: datetime, subscription_ids: Sequence[int]
) -> list[Row]:
    """These subscriptions with the links of these positions."""
    values = [now, master.account_id, list(position_keys), list(subscription_ids)]
    return _load(_ROWS_OF_IDS, values, master, _NOTHING_DECIDED)


def _load(
    statement: str,
    values: Sequence[object],
    master: Master,
    decided: Mapping[int, Mapping[str, Decided]],
) -> list[Row]:
    with sql.raw_cursor() as cursor:
        cursor.execute(statement, values, prepare=True)
        found = cursor.fetchall()
    loader = _Loader(master, decided)
    for row in found:
        loader.add(row)
    return _with_floating(loader.rows)


_FLOATING = """
    SELECT l.subscription_id, sum(p.open_result * least(1, l.held_units / nullif(p.units, 0)))
    FROM copytrading_tradelink l
    JOIN execution_position p ON p.account_id = l.account_id AND p.position_id = l.position_id
    WHERE l.subscription_id = ANY(%s) AND l.state = 'open' AND p.closed_at IS NULL
    GROUP BY l.subscription_id
"""


def _with_floating(rows: list[Row]) -> list[Row]:
    """Capital that was allocated moves with the open result of what it holds as well."""
    wanted = [
        row.subscription_id
        for row in rows
        if row.sizing.allocated_capital > 0 and row.sizing.mode in EQUITY_MODES
    ]
    if not wanted:
        return rows
    floating = dict(sql.rows(_FLOATING, [wanted]))
    return [
        row._replace(own_result=row.own_result + floating[row.subscription_id])
        if floating.get(row.subscription_id)
        else row
        for row in rows
    ]


class _Loader:
    """Turns joined rows into one :class:`Row` per subscription."""

    def __init__(self, master: Master, decided: Mapping[int, Mapping[str, Decided]]) -> None:
        self.rows: list[Row] = []
        self._master = master
        self._decided = decided
        self._delays: dict[int, timedelta] = {}
        self._last = 0

    def add(self, v: tuple[Any, ...]) -> None:
        if v[0] != self._last:
            self._last = v[0]
            self.rows.append(self._row(v))
        if v[26] is not None:
            links = self.rows[-1].links
            assert isinstance(links, dict)
            links[v[27]] = _link(v[26:])

    def _row(self, v: tuple[Any, ...]) -> Row:
        return Row(
            v[0],
            v[1],
            v[2],
            v[3],
            v[4],
            v[5] == _NETTING or v[5] == _SPOT,
            self._hold(v[6], v[7], v[8]),
            Sizing(VolumeMode(v[9]), v[10], v[11], v[12], v[13]),
            v[14],
            v[15],
            v[16],
            v[17],
            v[18],
            self._delay(v[19]),
            v[20],
            _funds(v[22], v[23], v[24], v[25]),
            v[21],
            {},
            self._decided.get(v[0], _NOTHING),
        )

    def _hold(self, status: str, enabled: bool, archived: bool) -> Code | None:
        if self._master.hold is not None:
            return self._master.hold
        if archived or status == "disabled":
            return Code.STOPPED
        return Code.PAUSED if status == "paused" or not enabled else None

    def _delay(self, seconds: int) -> timedelta:
        # The strictest holds: a subscription may shorten the product's default, not stretch it.
        found = self._delays.get(seconds)
        if found is None:
            default = self._master.settings.max_delay_s
            found = timedelta(seconds=min(seconds, default) if seconds else default)
            self._delays[seconds] = found
        return found


_NOTHING: Mapping[str, Decided] = {}
_NOTHING_DECIDED: Mapping[int, Mapping[str, Decided]] = {}


def _funds(
    currency: str, equity: Decimal | None, balance: Decimal | None, age_s: float | None
) -> Funds:
    if equity is None or balance is None or age_s is None:
        return Funds(currency, ZERO, ZERO, None)
    return Funds(currency, equity, balance, age_s)


def _link(v: tuple[Any, ...]) -> Link:
    link = Link(
        v[0], v[1], Side(v[2]), v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10], v[11],
        v[12], v[13], v[14], v[15], v[16], v[17], v[18], v[19], LinkState(v[20]),
    )  # fmt: skip
    units, closed_at = v[21], v[22]
    if units is not None and not link.in_flight and link.held > 0:
        # Somebody else may have closed the position, or a part of it, on the platform.
        return taken_away(link, ZERO if closed_at is not None else units)
    return link


def load_market(
    master: Master, events: Iterable[MasterEvent], rows: Sequence[Row], now: datetime
) -> Market:
    """Symbols, rates and netting holders for these events and rows."""
    instruments = {event.instrument_id for event in events}
    master_symbols = _symbols_by_id(master.connection_id, instruments)
    connection_ids = {row.connection_id for row in rows}
    return Market(
        now=now,
        master=master.funds,
        stale_after_s=float(master.settings.stale_account_s),
        master_symbols=master_symbols,
        symbols=_mapped(master, master_symbols, connection_ids),
        rates=LazyRates(sorted({master.connection_id, *connection_ids})),
        in_use=_holders([row.account_id for row in rows if row.netting]),
    )


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


_ONE = Decimal(1)
_SYMBOL = (
    "SELECT instrument_id, name, folded, base, quote, digits, pip_digits, lot_units, min_units, "
    "step_units, max_units, tradable, connection_id FROM platforms_symbol "
)


def _symbols_by_id(connection_id: int, instruments: Iterable[str]) -> dict[str, Symbol]:
    found = sql.rows(
        _SYMBOL + "WHERE connection_id = %s AND instrument_id = ANY(%s)",
        [connection_id, list(instruments)],
    )
    return {values[0]: Symbol(*values[:12]) for values in found}


def _mapped(
    master: Master, wanted: Mapping[str, Symbol], connection_ids: Iterable[int]
) -> dict[tuple[int, str], Symbol | None]:
    """Each connection's symbol for each of the master's."""
    mapped: dict[tuple[int, str], Symbol | None] = {}
    others = [pk for pk in connection_ids if pk != master.connection_id]
    for key, symbol in wanted.items():
        mapped[master.connection_id, key] = symbol if symbol.tradable else None
    if not others:
        return mapped
    found = sql.rows(
        _SYMBOL + "WHERE connection_id = ANY(%s) AND (folded = ANY(%s) OR name = ANY(%s))",
        [others, [s.folded for s in wanted.values()], [s.name for s in wanted.values()]],
    )
    by_connection: dict[int, list[Symbol]] = {}
    for values in found:
        by_connection.setdefault(values[12], []).append(Symbol(*values[:12]))
    for connection_id in others:
        candidates = by_connection.get(connection_id, [])
        for key, symbol in wanted.items():
            mapped[connection_id, key] = match(symbol.name, symbol.folded, candidates)
    return mapped


def _holders(
    account_ids: Sequence[int],
) -> dict[tuple[int, str], tuple[tuple[int, Side], ...]]:
    """Who holds which symbol on netting accounts."""
    holders: dict[tuple[int, str], tuple[tuple[int, Side], ...]] = {}
    if not account_ids:
        return holders
    found = sql.rows(
        "SELECT DISTINCT account_id, instrument_id, subscription_id, side "
        "FROM copytrading_tradelink WHERE state = 'open' AND account_id = ANY(%s)",
        [list(account_ids)],
    )
    for account_id, instrument_id, subscription_id, side in found:
        key = (account_id, instrument_id)
        holders[key] = (*holders.get(key, ()), (subscription_id, Side(side)))
    return holders


def load_decided(event_ids: Sequence[int]) -> dict[int, dict[str, Decided]]:
    """Decisions that an interrupted run committed, by subscription and position."""
    found = sql.rows(
        "SELECT subscription_id, position_key, event_id, link::text FROM copytrading_decision "
        "WHERE event_id = ANY(%s)",
        [list(event_ids)],
    )
    decided: dict[int, dict[str, Decided]] = {}
    for subscription_id, position_key, event_id, link in found:
        decided.setdefault(subscription_id, {})[position_key] = Decided(event_id, load_link(link))
    return decided
