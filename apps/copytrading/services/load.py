"""What planning needs to know, in few queries: one for all subscriptions of a master."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.accounts.selectors import ProductSettings, product_config
from apps.common.database import Query, Rows
from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.link import Link, LinkState, taken_away
from apps.copytrading.domain.rows import Decided, Row
from apps.copytrading.domain.volume import Funds
from apps.copytrading.services import sql
from apps.copytrading.services.standing import standing
from apps.copytrading.services.terms import Sized, Terms, sized_of, terms_of
from apps.trading.orders import Side
from apps.trading.quantity import ZERO

_MASTER = """
    SELECT m.id, m.status, m.enabled, a.connection_id, a.currency, st.equity, st.balance,
           round(extract(epoch FROM %s - CASE WHEN st.synced THEN greatest(st.as_of, cs.live_at)
                                              ELSE st.as_of END), 3)::float8,
           coalesce(cs.clock_offset_ms, 0),
           ARRAY(SELECT scope || ':' || key FROM execution_gate
                 WHERE scope IN ('global', 'platform', 'account'))
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
           a.connection_id, a.margin_mode IN ('netting', 'spot'),
           s.status, s.enabled AND f.enabled, s.archived_at IS NOT NULL,
           concat_ws('|', s.volume_mode, s.risk_multiplier, s.fixed_volume,
                     coalesce(s.base_equity::text, ''), s.allocated_capital, s.below_minimum,
                     s.min_volume, s.max_volume, s.copy_sl, s.copy_tp),
           concat_ws('|', s.copy_partial_close, s.copy_pending_orders, s.reverse_direction,
                     s.copy_mode, s.max_positions, f.max_positions, s.max_delay_s, f.max_delay_s,
                     s.min_equity, f.min_equity, s.max_slippage, f.max_slippage,
                     s.min_margin_level, f.min_margin_level, s.loss_limit, f.loss_limit,
                     s.symbols_mode, s.symbols),
           s.started_after_event, s.result, a.currency, st.equity, st.balance,
           round(extract(epoch FROM %s - CASE WHEN st.synced THEN greatest(st.as_of, cs.live_at)
                                              ELSE st.as_of END), 3)::float8,
           a.platform, a.leverage, coalesce(st.margin_used, 0), s.revision, s.has_pairs,
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
        AND l.master_account_id = %s AND l.position_key = ANY(%s)
        AND (l.state IN ('open', 'gone') OR l.state = 'detached' AND l.master_units > 0)
    LEFT JOIN execution_position p ON p.account_id = l.account_id
        AND p.position_id = l.position_id AND l.position_id <> ''
    WHERE {which} AND (s.archived_at IS NULL OR l.id IS NOT NULL)
    ORDER BY s.id
"""
_PAGE_OF_MASTER = _ROWS.format(
    which="""s.master_id = %s AND s.id > %s AND s.id <= coalesce((
        SELECT n.id FROM copytrading_copysubscription n
        WHERE n.master_id = %s AND n.archived_at IS NULL AND n.id > %s
        ORDER BY n.id OFFSET %s LIMIT 1), 9223372036854775807)"""
)
_ROWS_OF_IDS = _ROWS.format(which="s.id = ANY(%s)")

#: So many subscriptions are loaded, planned and sent before the next are even read: few at
#: first, so that sending begins early.
FIRST_PAGE, PAGE = 64, 1000


@dataclass(frozen=True, slots=True)
class Master:
    """The master of an account; ``hold`` says why nothing new is opened on its behalf."""

    master_id: int
    account_id: int
    connection_id: int
    clock_offset_ms: int
    funds: Funds
    hold: Code | None
    settings: ProductSettings
    gates: frozenset[str] = frozenset()  # of kill switches: 'platform:ctrader', 'account:7'


def load_master(account_id: int, now: datetime) -> Master | None:
    """The master on an account, None where there is none."""
    return master_query(account_id, now).ask()


def master_query(account_id: int, now: datetime) -> Query[Master | None]:
    """Asks for :func:`load_master`."""
    return Query(_MASTER, [now, account_id], lambda found: _master(account_id, found))


def _master(account_id: int, found: Rows) -> Master | None:
    if not found:
        return None
    pk, status, enabled, connection_id, currency, equity, balance, age_s, offset, shut = found[0]
    gates = frozenset(shut)
    settings = product_config()
    hold = None
    if not settings.copy_trading_enabled:
        hold = Code.MODULE_DISABLED
    elif "global:" in gates:
        hold = Code.KILL_SWITCH
    elif status != "active" or not enabled:
        hold = Code.MASTER_PAUSED
    funds = _funds(currency, equity, balance, age_s)
    return Master(pk, account_id, connection_id, offset, funds, hold, settings, gates)


def load_pages(
    master: Master,
    position_keys: Sequence[str],
    now: datetime,
    decided: Mapping[int, Mapping[str, Decided]],
) -> Iterator[list[Row]]:
    """All subscriptions of a master with the links of these positions: a small page, then more."""
    first = first_page_query(master, position_keys, now, decided).ask()
    yield from pages_from(first, master, position_keys, now, decided)


def first_page_query(
    master: Master,
    position_keys: Sequence[str],
    now: datetime,
    decided: Mapping[int, Mapping[str, Decided]],
) -> Query[list[Row]]:
    """Asks for the first page of :func:`load_pages`, with which :func:`pages_from` goes on."""
    return _page_query(master, position_keys, now, decided, after=0, size=FIRST_PAGE)


def pages_from(
    first: list[Row],
    master: Master,
    position_keys: Sequence[str],
    now: datetime,
    decided: Mapping[int, Mapping[str, Decided]],
) -> Iterator[list[Row]]:
    """The pages of :func:`load_pages`, of which the first is there already."""
    page, size = first, FIRST_PAGE
    while page:
        yield standing(page)
        if len(page) < size:  # archived ones may make a page longer, never shorter
            return
        after, size = page[-1].subscription_id, PAGE
        page = _page_query(master, position_keys, now, decided, after=after, size=size).ask()


def _page_query(
    master: Master,
    position_keys: Sequence[str],
    now: datetime,
    decided: Mapping[int, Mapping[str, Decided]],
    *,
    after: int,
    size: int,
) -> Query[list[Row]]:
    which = [master.master_id, after, master.master_id, after, size - 1]
    values = [now, master.account_id, list(position_keys), *which]
    return Query(_PAGE_OF_MASTER, values, lambda found: _rows(found, master, decided))


def load_rows(
    master: Master, position_keys: Sequence[str], now: datetime, subscription_ids: Sequence[int]
) -> list[Row]:
    """These subscriptions with the links of these positions."""
    values = [now, master.account_id, list(position_keys), list(subscription_ids)]
    return standing(_rows(sql.binary_rows(_ROWS_OF_IDS, values), master, _NOTHING_DECIDED))


def _rows(found: Rows, master: Master, decided: Mapping[int, Mapping[str, Decided]]) -> list[Row]:
    loader = _Loader(master, decided)
    for row in found:
        loader.add(row)
    return loader.rows


class _Loader:
    """Turns joined rows into one :class:`Row` per subscription."""

    def __init__(self, master: Master, decided: Mapping[int, Mapping[str, Decided]]) -> None:
        self.rows: list[Row] = []
        self._master = master
        self._decided = decided
        self._last = 0
        # Texts are compared instead of what they mean: thousands of copies share a few.
        self._terms: dict[str, Terms] = {}
        self._sizes: dict[str, Sized] = {}

    def add(self, v: tuple[Any, ...]) -> None:
        if v[0] != self._last:
            self._last = v[0]
            self.rows.append(self._row(v))
        if v[_LINK] is not None:
            links = self.rows[-1].links
            assert isinstance(links, dict)
            links[v[_LINK + 1]] = _link(v[_LINK:])

    def _row(self, v: tuple[Any, ...]) -> Row:
        (
            pk, key, account_id, platform_account, connection_id, netting, status, enabled,
            archived, sizing, terms, started_after, result, currency, equity, balance, age_s,
            platform, leverage, margin_used, revision, has_pairs,
        ) = v[:_LINK]  # fmt: skip
        size = self._sizes.get(sizing)
        if size is None:
            size = self._sizes[sizing] = sized_of(sizing)
        term = self._terms.get(terms)
        if term is None:
            term = self._terms[terms] = terms_of(terms, self._master.settings)
        hold = self._hold(status, enabled, archived) or self._killed(account_id, platform)
        if hold is None and term.closes_only:
            hold = Code.CLOSES_ONLY
        funds = _funds(currency, equity, balance, age_s)
        decided = self._decided.get(pk, _NOTHING)
        return Row(
            pk, key, account_id, platform_account, connection_id, netting, hold, *size,
            term.max_delay, started_after, funds, result, {}, decided, term.rules,
            margin_used, leverage, 0, revision, has_pairs,
        )  # fmt: skip

    def _hold(self, status: str, enabled: bool, archived: bool) -> Code | None:
        if self._master.hold is not None:
            return self._master.hold
        if archived or status == "disabled":
            return Code.STOPPED
        return Code.PAUSED if status == "paused" or not enabled else None

    def _killed(self, account_id: int, platform: str) -> Code | None:
        gates = self._master.gates
        if gates and (f"platform:{platform}" in gates or f"account:{account_id}" in gates):
            return Code.KILL_SWITCH
        return None


#: Where the columns of the link begin.
_LINK = 22
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
        v[0], v[1], _SIDES[v[2]], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10], v[11],
        v[12], v[13], v[14], v[15], v[16], v[17], v[18], v[19], _STATES[v[20]],
    )  # fmt: skip
    units, closed_at = v[21], v[22]
    if units is not None and not link.in_flight and link.held > 0:
        # Somebody else may have closed the position, or a part of it, on the platform.
        return taken_away(link, ZERO if closed_at is not None else units)
    return link


_SIDES = {side.value: side for side in Side}
_STATES = {state.value: state for state in LinkState}
