"""What planning needs to know, in few queries: two for all subscriptions of a master."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.accounts.selectors import ProductSettings, product_config
from apps.common.database import Query, ask_together, ids_array
from apps.common.roundtrip import Rows
from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.link import Link, LinkState, taken_away
from apps.copytrading.domain.pending import Pending
from apps.copytrading.domain.rows import Decided, Row
from apps.copytrading.domain.volume import Funds
from apps.copytrading.services import sql
from apps.copytrading.services.remembered import Kept, kept_of
from apps.copytrading.services.standing import standing
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

# What moves of a subscription, and the versions of what does not; see :mod:`.remembered`.
_ROWS = """
    SELECT s.id, s.row_version, f.row_version, a.row_version, s.result, st.equity, st.balance,
           round(extract(epoch FROM %s - CASE WHEN st.synced THEN greatest(st.as_of, cs.live_at)
                                              ELSE st.as_of END), 3)::float8,
           coalesce(st.margin_used, 0)
    FROM copytrading_copysubscription s
    JOIN copytrading_copyfollower f ON f.id = s.follower_id
    JOIN platforms_tradingaccount a ON a.id = f.account_id
    LEFT JOIN platforms_accountstate st ON st.account_id = a.id
    LEFT JOIN platforms_connectionstate cs ON cs.connection_id = a.connection_id
    WHERE {which} AND (s.archived_at IS NULL OR s.id IN (
        SELECT l.subscription_id FROM copytrading_tradelink l WHERE {links}))
    ORDER BY s.id
"""
# Links are named by master and position, so that they are found by index however many there were.
_LINKS = """
    l.master_account_id = %s AND l.position_key = ANY(%s)
    AND (l.state IN ('open', 'gone') OR l.state = 'detached' AND l.master_units > 0)
"""
_LINK = f"""
    SELECT l.subscription_id, l.id, l.position_key, l.side, l.symbol, l.instrument_id, l.ratio,
           l.grows, l.master_units, l.target_units, l.held_units, l.stop_loss, l.take_profit,
           l.master_price, l.position_id, p.stop_loss, p.take_profit, l.in_flight,
           l.close_cause, l.opened_event_id, l.last_event_id, l.state, p.units, p.closed_at
    FROM copytrading_tradelink l
    LEFT JOIN execution_position p ON p.account_id = l.account_id
        AND p.position_id = l.position_id AND l.position_id <> ''
    WHERE {_LINKS} AND {{which}}
"""
_PAGE = """ > %s AND {id} <= coalesce((
        SELECT n.id FROM copytrading_copysubscription n
        WHERE n.master_id = %s AND n.archived_at IS NULL AND n.id > %s
        ORDER BY n.id OFFSET %s LIMIT 1), 9223372036854775807)"""
_ROWS_OF_PAGE = _ROWS.format(
    which="s.master_id = %s AND s.id" + _PAGE.format(id="s.id"), links=_LINKS
)
_LINKS_OF_PAGE = _LINK.format(which="l.subscription_id" + _PAGE.format(id="l.subscription_id"))
_ROWS_OF_IDS = _ROWS.format(which="s.id = ANY(%s)", links=_LINKS)
_LINKS_OF_IDS = _LINK.format(which="l.subscription_id = ANY(%s)")

#: So many subscriptions are loaded, planned and sent before the next are even read: fewer at
#: first, so that sending begins early, yet no fewer than many masters have altogether.
FIRST_PAGE, PAGE = 128, 250


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


class Pages:
    """All subscriptions of a master with the links of these positions: a small page, then more.

    A page is asked for by two questions, which may be asked together with others; what they
    find is made into rows by :meth:`rows`.
    """

    def __init__(
        self,
        master: Master,
        position_keys: Sequence[str],
        now: datetime,
        decided: Mapping[int, Mapping[str, Decided]] | None = None,
    ) -> None:
        self._master = master
        self._links = [master.account_id, list(position_keys)]
        self._now = now
        self._decided = _NOTHING_DECIDED if decided is None else decided
        self._size = FIRST_PAGE

    def first(self) -> Asked:
        """Asks for the first page."""
        return self._asked(after=0)

    def following(self, page: Sequence[Row]) -> Asked | None:
        """Asks for the page after this one; None where this is the last."""
        if len(page) < self._size:  # archived ones may make a page longer, never shorter
            return None
        self._size = PAGE
        return self._asked(after=page[-1].subscription_id)

    def rows(self, found: Rows, links: Rows) -> list[Row]:
        """The rows of a page."""
        return _rows(found, links, self._master, self._decided)

    def all(self) -> Iterator[list[Row]]:
        """The pages one after the other, as they stand."""
        asked: Asked | None = self.first()
        while asked is not None and (page := self.rows(*ask_together(*asked))):
            yield standing(page)
            asked = self.following(page)

    def _asked(self, *, after: int) -> Asked:
        master = self._master.master_id
        which = [after, master, after, self._size - 1]
        values = [self._now, master, *which, *self._links]
        return (
            Query(_ROWS_OF_PAGE, values, lambda found: found),
            Query(_LINKS_OF_PAGE, [*self._links, *which], lambda found: found),
        )


Asked = tuple[Query[Rows], Query[Rows]]


def load_rows(
    master: Master, position_keys: Sequence[str], now: datetime, subscription_ids: Sequence[int]
) -> list[Row]:
    """These subscriptions with the links of these positions."""
    of_links, ids = [master.account_id, list(position_keys)], ids_array(subscription_ids)
    found = sql.binary_rows(_ROWS_OF_IDS, [now, ids, *of_links])
    links = sql.binary_rows(_LINKS_OF_IDS, [*of_links, ids])
    return standing(_rows(found, links, master, _NOTHING_DECIDED))


def _rows(
    found: Rows, links: Rows, master: Master, decided: Mapping[int, Mapping[str, Decided]]
) -> list[Row]:
    kept = kept_of([(v[0], v[1:4]) for v in found], master.settings)
    plain = master.hold is None and not master.gates
    rows: list[Row] = []
    for pk, _, _, _, result, equity, balance, age_s, margin_used in found:
        of = kept[pk]
        hold = of.hold if plain else _hold(master, of)
        funds = _funds(of.currency, equity, balance, age_s)
        rows.append(
            Row._make((
                *of.head, hold, *of.body, funds, result, {}, decided.get(pk, _NOTHING), of.rules,
                margin_used, of.leverage, 0, of.revision, of.has_pairs, _NO_PENDING, _NO_TAKING,
            ))
        )  # fmt: skip
    if links:
        _attach(rows, links)
    return rows


def _attach(rows: Sequence[Row], links: Rows) -> None:
    of = {row.subscription_id: row.links for row in rows}
    for v in links:
        mine = of.get(v[0])
        if mine is not None:
            assert isinstance(mine, dict)
            mine[v[2]] = _link(v[1:])


def _hold(master: Master, of: Kept) -> Code | None:
    if master.hold is not None:
        return master.hold
    if of.hold in _STANDS_STILL:
        return of.hold
    gates = master.gates
    if f"platform:{of.platform}" in gates or f"account:{of.head[2]}" in gates:
        return Code.KILL_SWITCH
    return of.hold


_STANDS_STILL = frozenset({Code.STOPPED, Code.PAUSED})
_NOTHING: Mapping[str, Decided] = {}
_NO_PENDING: Mapping[str, Pending] = {}
_NO_TAKING: Mapping[str, Side] = {}
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
